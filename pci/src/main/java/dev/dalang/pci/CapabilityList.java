package dev.dalang.pci;

import dev.dalang.bus.snapshot.SnapshotException;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;

/**
 * The two lists of capabilities of one function, and the live parts behind their registers.
 *
 * <p>No lock is held while a live part is called, so that it may push a change while it holds its
 * own. A push may come between reading a value and storing it: the bits that it brought are newer,
 * and stay. Guests' writes come one at a time, so that there is one such reading at a time.
 */
final class CapabilityList {
    static final int FIRST = 0x40;
    static final int FIRST_EXTENDED = PciRegisters.PCI_CFG_SPACE_SIZE;

    /** One capability, with its live part if it has one. */
    record Entry(PciCapabilityHandle handle, boolean extended, @Nullable PciCapConfig config) {}

    /** A register that has live bits or takes writes. */
    private static final class LiveRegister {
        final PciCapConfig config;
        final int number;
        final int readMask;

        /** The bits that were pushed since the value now being taken over was read. */
        int pushed;

        LiveRegister(PciCapConfig config, int number) {
            this.config = config;
            this.number = number;
            this.readMask = config.readMask(number);
        }
    }

    private final String device;
    private final RegisterFile file;
    private final @Nullable LiveRegister[] live;
    private final boolean[] occupied;
    private final List<Entry> entries = new ArrayList<>();

    CapabilityList(String device, RegisterFile file) {
        this.device = device;
        this.file = file;
        this.live = new LiveRegister[file.registers()];
        this.occupied = new boolean[file.registers()];
    }

    List<Entry> entries() {
        return Collections.unmodifiableList(entries);
    }

    /** Takes a register out of what capabilities may use. */
    void reserve(int register) {
        if (occupied[register]) {
            throw new PciException(
                    PciException.Kind.OVERLAP, device, "register " + register + " is in use");
        }
        occupied[register] = true;
    }

    PciCapabilityHandle add(
            PciCapability capability, boolean extended, @Nullable PciCapConfig config) {
        String name =
                (extended ? "extended capability 0x" : "capability 0x")
                        + Integer.toHexString(capability.id());
        int[] image = capability.image();
        int[] writable = capability.writableMask();
        int[] clear = capability.writeOneToClearMask();
        check(name, capability, extended, image, writable, clear);
        int parts = config == null ? 0 : config.registers();
        if (parts < 0 || parts > image.length) {
            throw error(name + ": its live part has " + parts + " registers of " + image.length);
        }
        Entry previous = lastOf(extended);
        int offset =
                previous == null
                        ? extended ? FIRST_EXTENDED : FIRST
                        : previous.handle().offset() + previous.handle().registers() * 4;
        int end = offset + image.length * Integer.BYTES;
        int limit = extended ? file.registers() * 4 : PciRegisters.PCI_CFG_SPACE_SIZE;
        if (end > limit) {
            throw error(
                    name
                            + " of "
                            + image.length * Integer.BYTES
                            + " bytes does not fit at 0x"
                            + Integer.toHexString(offset)
                            + ": the space ends at 0x"
                            + Integer.toHexString(limit));
        }
        var handle = new PciCapabilityHandle(capability.id(), offset, image.length);
        for (int k = 0; k < image.length; k++) {
            if (occupied[handle.register() + k]) {
                throw error(
                        name
                                + " at 0x"
                                + Integer.toHexString(offset)
                                + " runs into register "
                                + (handle.register() + k)
                                + ", which is in use");
            }
        }
        LiveRegister[] parted = new LiveRegister[parts];
        for (int k = 0; k < parts; k++) {
            parted[k] = new LiveRegister(Objects.requireNonNull(config), k);
        }

        // From here on nothing fails.
        int first = handle.register();
        for (int k = 0; k < image.length; k++) {
            file.define(first + k, -1, image[k], writable[k], clear[k]);
            occupied[first + k] = true;
        }
        if (extended) {
            int header = capability.id() | capability.version() << 16;
            file.define(first, -1, header, 0, 0);
            if (previous != null) {
                file.define(previous.handle().register(), 0xfff0_0000, offset << 20, 0, 0);
            }
        } else {
            file.define(first, 0xffff, capability.id(), 0, 0);
            int status = PciRegisters.PCI_STATUS_CAP_LIST << 16;
            file.define(PciRegisters.REG_COMMAND, status, status, 0, 0);
            if (previous == null) {
                file.define(PciRegisters.REG_CAPABILITIES, 0xff, offset, 0, 0);
            } else {
                file.define(previous.handle().register(), 0xff00, offset << 8, 0, 0);
            }
        }
        entries.add(new Entry(handle, extended, config));
        for (int k = 0; k < parts; k++) {
            live[first + k] = parted[k];
            merge(first + k);
        }
        if (config != null) {
            config.setCapMapping((k, value, mask) -> push(handle, k, value, mask));
        }
        return handle;
    }

    /** A register's value with its live bits. */
    int overlay(int register, int stored) {
        LiveRegister part = live[register];
        return part == null
                ? stored
                : stored & ~part.readMask | part.config.readRegister(part.number) & part.readMask;
    }

    /** The bits of a register that a live part supplies. */
    int liveBits(int register) {
        LiveRegister part = live[register];
        return part == null ? 0 : part.readMask;
    }

    /** Passes a guest's write to the live part, if there is one, and takes over what it made. */
    PciCapStatus write(int register, int offset, int size, int value) {
        LiveRegister part = live[register];
        if (part == null) {
            return PciCapStatus.NONE;
        }
        PciCapStatus status = part.config.writeRegister(part.number, offset, size, value);
        for (Entry entry : entries) {
            // A write to one register of a capability may change the others, too.
            if (entry.handle().contains(register)) {
                mergeAll(entry);
            }
        }
        return status;
    }

    /** Takes over all live bits. */
    void mergeAll() {
        entries.forEach(this::mergeAll);
    }

    /** Checks that a saved register holds the header of the capability that lies there. */
    void checkHeader(Entry entry, int saved) {
        int register = entry.handle().register();
        int mask = (entry.extended() ? -1 : 0xffff) & ~liveBits(register);
        if (((saved ^ file.get(register)) & mask) != 0) {
            throw new SnapshotException(
                    "pci-configuration.registers: expected 0x"
                            + Integer.toHexString(file.get(register) & mask)
                            + " at the head of a capability at 0x"
                            + Integer.toHexString(entry.handle().offset())
                            + ", got 0x"
                            + Integer.toHexString(saved & mask));
        }
    }

    void reset() {
        for (Entry entry : entries) {
            if (entry.config() != null) {
                entry.config().reset();
            }
        }
        mergeAll();
    }

    private void mergeAll(Entry entry) {
        int first = entry.handle().register();
        int parts = entry.config() == null ? 0 : entry.config().registers();
        for (int register = first; register < first + parts; register++) {
            merge(register);
        }
    }

    private void merge(int register) {
        LiveRegister part = live[register];
        if (part == null || part.readMask == 0 || part.config.hasReadEffects(part.number)) {
            return;
        }
        synchronized (file) {
            part.pushed = 0;
        }
        int value = part.config.readRegister(part.number);
        synchronized (file) {
            file.set(register, part.readMask & ~part.pushed, value);
        }
    }

    private void push(PciCapabilityHandle handle, int number, int value, int mask) {
        int register = handle.register() + Objects.checkIndex(number, handle.registers());
        synchronized (file) {
            LiveRegister part = live[register];
            if (part != null) {
                part.pushed |= mask;
            }
            file.set(register, mask, value);
        }
    }

    private @Nullable Entry lastOf(boolean extended) {
        Entry last = null;
        for (Entry entry : entries) {
            last = entry.extended() == extended ? entry : last;
        }
        return last;
    }

    private void check(
            String name,
            PciCapability capability,
            boolean extended,
            int[] image,
            int[] writable,
            int[] clear) {
        if (image.length == 0) {
            throw error(name + " is empty");
        }
        if (capability.id() < (extended ? 1 : 0) || capability.id() > (extended ? 0xffff : 0xff)) {
            throw error(name + ": expected an id of " + (extended ? "1..0xffff" : "0..0xff"));
        }
        if (extended && (capability.version() < 1 || capability.version() > 0xf)) {
            throw error(name + ": expected a version of 1..15, got " + capability.version());
        }
        if (writable.length != image.length || clear.length != image.length) {
            throw error(
                    name
                            + ": expected masks for "
                            + image.length
                            + " registers, got "
                            + writable.length
                            + " and "
                            + clear.length);
        }
        int header = extended ? -1 : 0xffff;
        if (((writable[0] | clear[0]) & header) != 0) {
            throw error(name + ": a guest must not write id and pointer");
        }
        for (int k = 0; k < image.length; k++) {
            int both = writable[k] & clear[k];
            if (both != 0) {
                throw error(
                        name
                                + ": bits 0x"
                                + Integer.toHexString(both)
                                + " of register "
                                + k
                                + " are both writable and write-one-to-clear");
            }
        }
    }

    private PciException error(String what) {
        return new PciException(PciException.Kind.CAPABILITY, device, what);
    }
}
