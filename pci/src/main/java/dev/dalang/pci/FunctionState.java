package dev.dalang.pci;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** What of a function outlives a suspend: registers, capabilities, wire, shared page, device. */
final class FunctionState {
    private static final String TYPE = "pci-function";
    private static final int VERSION = 1;

    /** Registers of a shared page, as harts that trap see them. */
    static final class SharedRegisters {
        private static final VarHandle HANDLE =
                ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

        private SharedRegisters() {}

        static int get(int register, MemorySegment page) {
            return (int) HANDLE.getOpaque(page, 4L * register);
        }

        static void set(int register, MemorySegment page, int value) {
            HANDLE.setOpaque(page, 4L * register, value);
        }
    }

    private final PciFunction function;
    private final FunctionParts parts;

    FunctionState(PciFunction function, FunctionParts parts) {
        this.function = function;
        this.parts = parts;
    }

    void sleep() {
        function.device().sleep();
        parts.intx.sleep();
        parts.configuration.sleep();
    }

    void wake() {
        parts.configuration.wake();
        parts.intx.wake();
        function.device().wake();
    }

    Snapshot snapshot() {
        Snapshot.Builder builder =
                Snapshot.builder(TYPE, VERSION)
                        .put("configuration", parts.configuration.snapshot())
                        .put("intx", parts.intx.snapshot())
                        .put("faults", function.faults().snapshot())
                        .put("device", function.device().snapshot());
        function.sharedPage()
                .ifPresent(page -> builder.put("page", page.toArray(ValueLayout.JAVA_BYTE)));
        return builder.build();
    }

    void restore(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        Snapshot configuration = snapshot.getSnapshot("configuration");
        Snapshot intx = snapshot.getSnapshot("intx");
        Snapshot faults = snapshot.getSnapshot("faults");
        Snapshot device = snapshot.getSnapshot("device");
        byte[] page = {};
        if (function.sharedPage().isPresent()) {
            page = snapshot.getBytes("page", PciVirtualConfigMmio.PAGE_BYTES);
            if (page.length != PciVirtualConfigMmio.PAGE_BYTES) {
                throw new SnapshotException(
                        TYPE + ".page: expected 4096 bytes, got " + page.length);
            }
        }
        Snapshot before = snapshot();
        try {
            parts.configuration.restore(configuration);
            parts.intx.restore(intx);
            function.faults().restore(faults);
            function.device().restore(device);
        } catch (RuntimeException | StackOverflowError | AssertionError refused) {
            SnapshotException told = told(refused);
            rollBack(before, told);
            throw told;
        }
        settle(page);
    }

    private void settle(byte[] page) {
        function.sharedPage()
                .ifPresent(
                        segment ->
                                MemorySegment.copy(
                                        page, 0, segment, ValueLayout.JAVA_BYTE, 0, page.length));
        parts.intx.disable(parts.configuration.hasCommand(PciRegisters.PCI_COMMAND_INTX_DISABLE));
        parts.addressChanged();
    }

    /**
     * Goes back to a state of before, after what was told. A device that cannot go back stays as it
     * is, which is told beside; all that is ours goes back.
     */
    void rollBack(Snapshot before, SnapshotException told) {
        parts.configuration.restore(before.getSnapshot("configuration"));
        parts.intx.restore(before.getSnapshot("intx"));
        function.faults().restore(before.getSnapshot("faults"));
        rollBackDevice(before.getSnapshot("device"), told);
        settle(
                function.sharedPage().isPresent()
                        ? before.getBytes("page", PciVirtualConfigMmio.PAGE_BYTES)
                        : new byte[0]);
    }

    private SnapshotException told(Throwable refused) {
        if (refused instanceof SnapshotException told) {
            return told;
        }
        SnapshotException told =
                new SnapshotException(
                        function.id() + ": its device cannot be restored: " + refused);
        told.addSuppressed(refused);
        return told;
    }

    private void rollBackDevice(Snapshot device, SnapshotException told) {
        try {
            function.device().restore(device);
        } catch (RuntimeException | StackOverflowError | AssertionError again) {
            if (again != told) {
                var beside =
                        new SnapshotException(
                                function.id() + ": its device did not go back: " + again);
                beside.addSuppressed(again);
                told.addSuppressed(beside);
            }
        }
    }
}
