package dev.dalang.pci;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** Saves and restores the configuration space of one function. */
final class ConfigurationSnapshots {
    private static final String TYPE = "pci-configuration";
    private static final int VERSION = 1;
    private static final String STATE = "state";

    private ConfigurationSnapshots() {}

    static Snapshot save(
            boolean bridge, RegisterFile file, BarTable bars, CapabilityList capabilities) {
        int[] registers = file.copy();
        ByteBuffer bytes =
                ByteBuffer.allocate(registers.length * Integer.BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN);
        for (int register = 0; register < registers.length; register++) {
            // Live bits are saved by what they live in, if at all.
            bytes.putInt(registers[register] & ~capabilities.liveBits(register));
        }
        return Snapshot.builder(TYPE, VERSION)
                .put("bridge", bridge)
                .put("registers", bytes.array())
                .put("sizing", bars.sizing())
                .put("bars", describe(bars))
                .put(
                        "capabilities",
                        capabilities.entries().stream()
                                .map(ConfigurationSnapshots::describeWithState)
                                .toList())
                .build();
    }

    static void restore(
            Snapshot snapshot,
            boolean bridge,
            RegisterFile file,
            BarTable bars,
            CapabilityList capabilities) {
        snapshot.expect(TYPE, VERSION);
        if (snapshot.getBoolean("bridge") != bridge) {
            throw new SnapshotException(
                    TYPE + ": expected a header of type " + (bridge ? 1 : 0) + ", got the other");
        }
        if (!snapshot.getList("bars").equals(describe(bars))) {
            throw new SnapshotException(
                    TYPE
                            + ": expected BARs "
                            + describe(bars)
                            + ", got "
                            + snapshot.getList("bars"));
        }
        int[] registers = registers(snapshot, file.registers());
        int sizing = snapshot.getInt("sizing", 0, 0xffff);
        checkHeader(registers, bridge, file, bars);
        List<Snapshot> states = states(snapshot, registers, capabilities);

        int[] before = file.copy();
        int sizingBefore = bars.sizing();
        file.replace(registers);
        bars.sizing(sizing);
        try {
            restoreAll(suspendables(capabilities), states);
        } catch (RuntimeException refused) {
            file.replace(before);
            bars.sizing(sizingBefore);
            throw refused;
        } finally {
            capabilities.mergeAll();
        }
    }

    /** The live parts with state, in the order of their capabilities. */
    static List<Suspendable> suspendables(CapabilityList capabilities) {
        List<Suspendable> parts = new ArrayList<>();
        for (CapabilityList.Entry entry : capabilities.entries()) {
            if (entry.config() instanceof Suspendable part) {
                parts.add(part);
            }
        }
        return parts;
    }

    private static void restoreAll(List<Suspendable> parts, List<Snapshot> states) {
        List<Snapshot> before = parts.stream().map(Suspendable::snapshot).toList();
        int done = 0;
        try {
            for (; done < parts.size(); done++) {
                parts.get(done).restore(states.get(done));
            }
        } catch (RuntimeException refused) {
            while (--done >= 0) {
                try {
                    parts.get(done).restore(before.get(done));
                } catch (RuntimeException lost) {
                    refused.addSuppressed(lost);
                }
            }
            throw refused;
        }
    }

    private static int[] registers(Snapshot snapshot, int count) {
        byte[] bytes = snapshot.getBytes("registers", count * Integer.BYTES);
        if (bytes.length != count * Integer.BYTES) {
            throw new SnapshotException(
                    TYPE
                            + ".registers: expected "
                            + count * Integer.BYTES
                            + " bytes, got "
                            + bytes.length);
        }
        int[] registers = new int[count];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(registers);
        return registers;
    }

    /** What tells which function this is, and what its BARs are, is not for a snapshot to say. */
    private static void checkHeader(
            int[] registers, boolean bridge, RegisterFile file, BarTable bars) {
        same(PciRegisters.REG_ID, -1, registers, file);
        same(PciRegisters.REG_HEADER_TYPE, 0x007f_0000, registers, file);
        same(PciRegisters.REG_CAPABILITIES, 0xff, registers, file);
        int status = PciRegisters.PCI_STATUS_CAP_LIST << 16;
        same(PciRegisters.REG_COMMAND, status, registers, file);
        if (bridge) {
            for (int register = PciRegisters.REG_BUS_NUMBERS;
                    register <= PciRegisters.REG_PREFETCHABLE_LIMIT_HIGH;
                    register++) {
                same(register, file.readOnly(register), registers, file);
            }
        } else {
            same(PciRegisters.REG_SUBSYSTEM, -1, registers, file);
        }
        for (int register = 0; register <= PciRegisters.REG_INTERRUPT; register++) {
            if (bars.isBar(register)) {
                same(register, file.readOnly(register), registers, file);
            }
        }
    }

    private static List<Snapshot> states(
            Snapshot snapshot, int[] registers, CapabilityList capabilities) {
        List<CapabilityList.Entry> entries = capabilities.entries();
        List<Snapshot> saved = snapshot.getList("capabilities", entries.size());
        List<Snapshot> states = new ArrayList<>();
        for (int i = 0; i < entries.size(); i++) {
            CapabilityList.Entry entry = entries.get(i);
            Snapshot one = saved.get(i);
            PciCapabilityHandle handle = entry.handle();
            expect(one, "id", handle.id());
            expect(one, "offset", handle.offset());
            expect(one, "registers", handle.registers());
            boolean stateful = entry.config() instanceof Suspendable;
            if (one.has(STATE) != stateful) {
                throw new SnapshotException(
                        TYPE
                                + ": expected capability 0x"
                                + Integer.toHexString(handle.id())
                                + (stateful ? " with" : " without")
                                + " a state");
            }
            if (stateful) {
                states.add(one.getSnapshot(STATE));
            }
            capabilities.checkHeader(entry, registers[handle.register()]);
        }
        return states;
    }

    private static List<Snapshot> describe(BarTable bars) {
        return bars.list().stream()
                .map(
                        bar ->
                                Snapshot.builder("pci-bar", VERSION)
                                        .put("index", bar.index())
                                        .put("type", bar.type().name())
                                        .put("size", bar.size())
                                        .put("prefetchable", bar.prefetchable())
                                        .build())
                .toList();
    }

    private static Snapshot describeWithState(CapabilityList.Entry entry) {
        PciCapabilityHandle handle = entry.handle();
        Snapshot.Builder one =
                Snapshot.builder("pci-capability", VERSION)
                        .put("id", handle.id())
                        .put("offset", handle.offset())
                        .put("registers", handle.registers());
        if (entry.config() instanceof Suspendable part) {
            one.put(STATE, part.snapshot());
        }
        return one.build();
    }

    private static void expect(Snapshot one, String name, int expected) {
        one.expect("pci-capability", VERSION);
        one.getInt(name, expected, expected);
    }

    private static void same(int register, int mask, int[] registers, RegisterFile file) {
        int expected = file.get(register) & mask;
        int got = registers[register] & mask;
        if (got != expected) {
            throw new SnapshotException(
                    TYPE
                            + ".registers: expected 0x"
                            + Integer.toHexString(expected)
                            + " in bits 0x"
                            + Integer.toHexString(mask)
                            + " of register "
                            + register
                            + ", got 0x"
                            + Integer.toHexString(got));
        }
    }
}
