package dev.dalang.remote;

import dev.dalang.bus.memory.MemoryBacking;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.SharedMemory;
import dev.dalang.pci.PciBarMemory;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.pci.PciDma;
import dev.dalang.pci.PciDoorbell;
import dev.dalang.pci.PciHost;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * A device with memory that a client may map, all but its second page; with registers that are
 * doorbells; and with one whose write has it copy a page of the client's to the next.
 */
final class WindowDevice implements PciDevice, AutoCloseable {
    static final int PAGE = 4096;
    static final int REGISTERS = 0;
    static final int WINDOW = 1;
    static final int PORTS = 2;
    static final int WINDOW_BYTES = 4 * PAGE;
    static final int COPY = 0x40;

    /** Where in its file the window begins. */
    private static final int FILE_OFFSET = 2 * PAGE;

    /** A write that the device was told of. */
    record Write(int bar, long offset, int size, long value) {}

    final BlockingQueue<Write> writes = new LinkedBlockingQueue<>();
    final Arena arena = Arena.ofShared();
    final Descriptor file;
    final MemorySegment window;
    private final PciDeviceSpec spec;
    private PciDma memory;

    WindowDevice() throws HostIoException {
        file = SharedMemory.create("a window", FILE_OFFSET + WINDOW_BYTES);
        window = SharedMemory.map(file, FILE_OFFSET, WINDOW_BYTES, true, arena);
        int number = file.acquire();
        file.release();
        spec =
                PciDeviceSpec.builder("window", 0x1234, 0x3333)
                        .memoryBar(REGISTERS, 256)
                        .memoryBar(WINDOW, WINDOW_BYTES)
                        .ioBar(PORTS, 16)
                        .barMemory(
                                new PciBarMemory(
                                        WINDOW,
                                        new MemoryBacking.Descriptor(number, FILE_OFFSET),
                                        List.of(
                                                new PciBarMemory.Area(0, PAGE),
                                                new PciBarMemory.Area(2 * PAGE, 2 * PAGE))))
                        .doorbell(new PciDoorbell(REGISTERS, 0, 4, OptionalLong.empty()))
                        .doorbell(new PciDoorbell(REGISTERS, 8, 2, OptionalLong.of(3)))
                        .doorbell(new PciDoorbell(REGISTERS, COPY, 4, OptionalLong.of(1)))
                        .doorbell(new PciDoorbell(PORTS, 4, 1, OptionalLong.of(0x80)))
                        .build();
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
        if (bar != WINDOW) {
            return 0;
        }
        return switch (size) {
            case 1 -> window.get(ValueLayout.JAVA_BYTE, offset);
            case 2 -> window.get(ValueLayout.JAVA_SHORT, offset);
            case 4 -> window.get(ValueLayout.JAVA_INT, offset);
            default -> window.get(ValueLayout.JAVA_LONG, offset);
        };
    }

    @Override
    public void writeBar(int bar, long offset, int size, long value) {
        if (bar == WINDOW) {
            switch (size) {
                case 1 -> window.set(ValueLayout.JAVA_BYTE, offset, (byte) value);
                case 2 -> window.set(ValueLayout.JAVA_SHORT, offset, (short) value);
                case 4 -> window.set(ValueLayout.JAVA_INT, offset, (int) value);
                default -> window.set(ValueLayout.JAVA_LONG, offset, value);
            }
            return;
        }
        if (bar == REGISTERS && offset == COPY) {
            byte[] page = new byte[PAGE];
            memory.read(0, page);
            memory.write(PAGE, page);
        }
        writes.add(new Write(bar, offset, size, value));
    }

    @Override
    public Snapshot snapshot() {
        return Snapshot.builder("window", 1).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        snapshot.expect("window", 1);
    }

    @Override
    public void close() {
        arena.close();
        file.close();
    }
}
