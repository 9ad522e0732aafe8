package dev.dalang.bench.vfiouser;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.linux.HostIoException;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.pci.PciDma;
import dev.dalang.pci.PciHost;
import dev.dalang.remote.VfioUserServer;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/**
 * The device of the comparison: a page of registers, and an engine that moves bytes between the
 * client's memory and a buffer while a write of its command register waits. The device on
 * libvfio-user (bench/vfio-user/server.c) does the same.
 */
final class Device implements PciDevice {
    static final int BAR_BYTES = 0x1000;
    static final int MOST_BYTES = 1 << 20;

    // Registers.
    static final int SCRATCH = 0x00;
    static final int ADDRESS = 0x08;
    static final int LENGTH = 0x10;
    static final int COUNT = 0x14;
    static final int COMMAND = 0x18;
    static final int FIRST = 0x20;
    static final int LAST = 0x28;

    // Commands. The engine here reaches memory in one way, however the client gave it.
    static final int READ_MAPPED = 1;
    static final int WRITE_MAPPED = 2;
    static final int READ_BY_MESSAGES = 3;
    static final int WRITE_BY_MESSAGES = 4;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    private final PciDeviceSpec spec =
            PciDeviceSpec.builder("transfers", 0x1234, 0xbe4c).memoryBar(0, BAR_BYTES).build();
    private final MemorySegment registers = Arena.ofAuto().allocate(BAR_BYTES, Long.BYTES);
    private final MemorySegment buffer = Arena.ofAuto().allocate(MOST_BYTES, 4096);
    private @Nullable PciDma memory;

    /** Serves one at the path that is given, until the process is ended. */
    public static void main(String[] arguments) throws HostIoException, InterruptedException {
        try (VfioUserServer server = VfioUserServer.of(new Device(), Path.of(arguments[0]))) {
            server.awaitClosed();
        }
    }

    @Override
    public PciDeviceSpec spec() {
        return spec;
    }

    @Override
    public void attach(PciHost host) {
        memory = host.memory();
    }

    @Override
    public long readBar(int bar, long offset, int size) {
        return switch (size) {
            case 1 -> registers.get(ValueLayout.JAVA_BYTE, offset);
            case 2 -> registers.get(ValueLayout.JAVA_SHORT, offset);
            case 4 -> registers.get(ValueLayout.JAVA_INT, offset);
            default -> registers.get(ValueLayout.JAVA_LONG, offset);
        };
    }

    @Override
    public void writeBar(int bar, long offset, int size, long value) {
        switch (size) {
            case 1 -> registers.set(ValueLayout.JAVA_BYTE, offset, (byte) value);
            case 2 -> registers.set(ValueLayout.JAVA_SHORT, offset, (short) value);
            case 4 -> registers.set(ValueLayout.JAVA_INT, offset, (int) value);
            default -> registers.set(ValueLayout.JAVA_LONG, offset, value);
        }
        if (offset == COMMAND) {
            run();
        }
    }

    private void run() {
        int length = registers.get(ValueLayout.JAVA_INT, LENGTH);
        int count = registers.get(ValueLayout.JAVA_INT, COUNT);
        int command = registers.get(ValueLayout.JAVA_INT, COMMAND);
        long address = registers.get(ValueLayout.JAVA_LONG, ADDRESS);
        PciDma reached = memory;
        if (reached == null
                || length < Long.BYTES
                || length > MOST_BYTES
                || command < READ_MAPPED
                || command > WRITE_BY_MESSAGES) {
            return;
        }
        MemorySegment bytes = buffer.asSlice(0, length);
        for (int n = 0; n < count; n++) {
            if (command == READ_MAPPED || command == READ_BY_MESSAGES) {
                reached.read(address, bytes);
            } else {
                bytes.set(LONG, 0, n);
                bytes.set(LONG, length - Long.BYTES, n);
                reached.write(address, bytes);
            }
        }
        registers.set(LONG, FIRST, bytes.get(LONG, 0));
        registers.set(LONG, LAST, bytes.get(LONG, length - Long.BYTES));
    }

    @Override
    public Snapshot snapshot() {
        return Snapshot.builder("transfers", 1).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        snapshot.expect("transfers", 1);
    }
}
