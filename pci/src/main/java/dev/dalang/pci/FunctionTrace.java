package dev.dalang.pci;

import static dev.dalang.pci.PciRegisters.PCI_CAP_ID_EXP;
import static dev.dalang.pci.PciRegisters.PCI_CAP_ID_MSI;
import static dev.dalang.pci.PciRegisters.PCI_CAP_ID_MSIX;
import static dev.dalang.pci.PciRegisters.PCI_CAP_ID_PM;
import static dev.dalang.pci.PciRegisters.PCI_CAP_ID_VNDR;

import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.bus.trace.DeviceTrace;

import org.jspecify.annotations.Nullable;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** What a function that is traced tells beside its accesses on the bus. */
final class FunctionTrace {
    private static final String[] HEADER = {
        "VENDOR_ID", "COMMAND", "CLASS_REVISION", "CACHE_LINE_SIZE", "BAR0", "BAR1"
    };
    private static final String[] ENDPOINT = {
        "BAR2",
        "BAR3",
        "BAR4",
        "BAR5",
        "CARDBUS_CIS",
        "SUBSYSTEM",
        "ROM",
        "CAPABILITIES",
        "reserved",
        "INTERRUPT"
    };
    private static final String[] BRIDGE = {
        "BUS_NUMBERS", "IO_WINDOW", "MEMORY_WINDOW", "PREFETCHABLE_WINDOW",
        "PREFETCHABLE_BASE_HIGH", "PREFETCHABLE_LIMIT_HIGH", "IO_WINDOW_HIGH", "CAPABILITIES",
        "ROM", "INTERRUPT"
    };
    private static final Map<Integer, String> CAPABILITIES =
            Map.of(
                    PCI_CAP_ID_PM, "PM",
                    PCI_CAP_ID_MSI, "MSI",
                    PCI_CAP_ID_VNDR, "vendor",
                    PCI_CAP_ID_EXP, "PCIe",
                    PCI_CAP_ID_MSIX, "MSI-X");
    private static final String[] ENTRY = {"address", "address high", "data", "control"};

    private final DeviceTrace trace;
    private final PciDeviceSpec spec;
    private final MsixArea msix;

    private FunctionTrace(DeviceTrace trace, PciDeviceSpec spec) {
        this.trace = trace;
        this.spec = spec;
        this.msix = MsixArea.of(spec);
    }

    /** The trace of a function; null if it is not traced. */
    static @Nullable FunctionTrace of(PciFunction function, PciDeviceSpec spec) {
        return function.bus()
                .root()
                .io()
                .tracer()
                .trace(function)
                .map(trace -> new FunctionTrace(trace, spec))
                .orElse(null);
    }

    // ---------------------------------------------------------------- accesses

    void configurationRead(PciFunction function, int register, int value) {
        trace.read(configuration(function, register * 4), 4, value & 0xffff_ffffL);
    }

    void configurationWrite(PciFunction function, int register, int offset, int size, int value) {
        long kept = size < 4 ? value & (1L << 8 * size) - 1 : value & 0xffff_ffffL;
        trace.write(configuration(function, register * 4 + offset), size, kept);
    }

    private static String configuration(PciFunction function, int offset) {
        return "config 0x%x %s".formatted(offset, name(function, offset)).stripTrailing();
    }

    private static String name(PciFunction function, int offset) {
        int register = offset >> 2;
        if (register < HEADER.length) {
            return HEADER[register];
        }
        if (offset < CapabilityList.FIRST) {
            return (function.isBridge() ? BRIDGE : ENDPOINT)[register - HEADER.length];
        }
        for (PciCapabilityHandle capability : function.configuration().capabilities()) {
            if (capability.contains(register)) {
                String known =
                        offset < CapabilityList.FIRST_EXTENDED
                                ? CAPABILITIES.get(capability.id())
                                : null;
                return "%s+0x%x"
                        .formatted(
                                known == null
                                        ? "capability 0x" + Integer.toHexString(capability.id())
                                        : known,
                                offset - capability.offset());
            }
        }
        return "";
    }

    /** Names a register behind a BAR. */
    String bar(int bar, long offset) {
        String place = (bar == PciBar.ROM ? "ROM" : "BAR" + bar) + "+0x" + Long.toHexString(offset);
        if (msix.isTable(bar, offset)) {
            long at = offset - msix.table();
            return "%s MSI-X[%d] %s".formatted(place, at / 16, ENTRY[(int) at / 4 & 3]);
        }
        if (msix.isPending(bar, offset)) {
            return place + " MSI-X pending";
        }
        return spec.registerName(bar, offset).map(name -> place + " " + name).orElse(place);
    }

    // ---------------------------------------------------------------- DMA

    void transfer(boolean toMemory, long address, long bytes, String outcome) {
        trace.event(
                () ->
                        "DMA, %d bytes %s memory at 0x%x%s"
                                .formatted(bytes, toMemory ? "to" : "from", address, outcome));
    }

    // ---------------------------------------------------------------- interrupts

    PciInterrupts around(PciInterrupts interrupts) {
        return new PciInterrupts() {
            @Override
            public boolean triggerMessage(int vector) {
                trace.event(() -> "interrupt, vector " + vector);
                return interrupts.triggerMessage(vector);
            }

            @Override
            public void raise() {
                trace.event(() -> "interrupt, raise");
                interrupts.raise();
            }

            @Override
            public void lower() {
                trace.event(() -> "interrupt, lower");
                interrupts.lower();
            }

            @Override
            public boolean isMessageSignalled() {
                return interrupts.isMessageSignalled();
            }

            @Override
            public int vectors() {
                return interrupts.vectors();
            }
        };
    }

    MsiRouter around(MsiRouter router) {
        return new ForwardingRouter(router) {
            private final Map<Integer, MsiMessage> messages = new ConcurrentHashMap<>();

            @Override
            public void route(MsiSource source, int handle, MsiMessage message) {
                super.route(source, handle, message);
                messages.put(handle, message);
            }

            @Override
            public void release(int handle) {
                messages.remove(handle);
                super.release(handle);
            }

            @Override
            public boolean signal(int handle) {
                MsiMessage message = messages.get(handle);
                boolean taken = super.signal(handle);
                if (message != null) {
                    trace.event(
                            () ->
                                    "message 0x%x to 0x%x%s"
                                            .formatted(
                                                    message.data(),
                                                    message.address(),
                                                    taken ? "" : ", which nobody took"));
                }
                return taken;
            }
        };
    }
}
