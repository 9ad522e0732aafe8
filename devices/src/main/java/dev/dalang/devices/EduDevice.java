package dev.dalang.devices;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.pci.PciHost;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The device of driver courses, 1234:11e8, with the registers of QEMU's: identification at 0x00,
 * liveness 0x04, factorial 0x08, status 0x20, interrupt status 0x24, raise 0x60, acknowledge 0x64;
 * DMA source 0x80, destination 0x88, count 0x90, command 0x98, with a buffer at its own 0x40000.
 *
 * <p>Beside MSI and the wire it has three MSI-X vectors: a factorial's, the raise register's, and a
 * transfer's. Work is done when the write that asks for it returns. Transfers have 64-bit
 * addresses: a board without memory in the lowest 256 MiB could not use the 28 bits of the
 * original.
 */
public final class EduDevice implements PciDevice {
    private static final int VERSION = 1;
    private static final int STATUS_INTERRUPT = 0x80;
    private static final int COMMAND_RUN = 0x1;
    private static final int COMMAND_TO_MEMORY = 0x2;
    private static final int COMMAND_INTERRUPT = 0x4;
    private static final long BUFFER_ADDRESS = 0x4_0000;
    private static final int BUFFER_BYTES = 4096;

    /** From here on each factorial is a multiple of 2^32. */
    private static final int ZERO_FACTORIAL = 34;

    /** By offset, divided by four. */
    private final long[] registers = new long[0xa0 / 4];

    private final byte[] buffer = new byte[BUFFER_BYTES];
    private @Nullable PciHost host;

    /** Makes one. */
    public EduDevice() {}

    @Override
    public PciDeviceSpec spec() {
        PciDeviceSpec.Builder spec = PciDeviceSpec.builder("edu", 0x1234, 0x11e8);
        spec.classCode(0x00ff00).revision(0x10).subsystem(0x1af4, 0x1100).msi(1, false).intx();
        return spec.memoryBar(0, 1 << 20).registers(0, EduRegisters.NAMES).msix(3).build();
    }

    @Override
    public void attach(PciHost given) {
        host = given;
    }

    @Override
    public long readBar(int bar, long offset, int size) {
        if (size != 4 && (size != 8 || offset < 0x80)) {
            return -1;
        }
        return switch ((int) offset) {
            case 0x00 -> 0x0100_00ed;
            case 0x04, 0x08, 0x20, 0x24, 0x80, 0x88, 0x90, 0x98 -> registers[(int) offset / 4];
            default -> -1;
        };
    }

    @Override
    public void writeBar(int bar, long offset, int size, long value) {
        if (size != 4 && (size != 8 || offset < 0x80)) {
            return;
        }
        switch ((int) offset) {
            case 0x04 -> registers[0x04 / 4] = ~value;
            case 0x08 -> computeFactorial((int) value);
            case 0x20 -> registers[0x20 / 4] = value & STATUS_INTERRUPT;
            case 0x60 -> raise(value, 1);
            case 0x64 -> acknowledge(value);
            case 0x80, 0x88, 0x90 -> registers[(int) offset / 4] = value;
            case 0x98 -> transfer(value);
            default -> {}
        }
    }

    private void computeFactorial(int of) {
        int product = Integer.compareUnsigned(of, ZERO_FACTORIAL) < 0 ? 1 : 0;
        for (int factor = of; product != 0 && factor > 1; factor--) {
            product *= factor;
        }
        registers[0x08 / 4] = product;
        if (registers[0x20 / 4] != 0) {
            raise(0x1, 0);
        }
    }

    private void raise(long bits, int vector) {
        registers[0x24 / 4] |= bits;
        if (bits != 0 && host != null) {
            host.interrupts().trigger(vector);
        }
    }

    private void acknowledge(long bits) {
        registers[0x24 / 4] &= ~bits;
        if (registers[0x24 / 4] == 0 && host != null) {
            host.interrupts().lower();
        }
    }

    private void transfer(long command) {
        registers[0x98 / 4] = command & ~COMMAND_RUN;
        boolean toMemory = (command & COMMAND_TO_MEMORY) != 0;
        long at = registers[(toMemory ? 0x80 : 0x88) / 4] - BUFFER_ADDRESS;
        long count = registers[0x90 / 4];
        boolean fits = at >= 0 && at <= BUFFER_BYTES && count >= 0 && count <= BUFFER_BYTES - at;
        if ((command & COMMAND_RUN) == 0 || !fits || host == null) {
            return;
        }
        MemorySegment part = MemorySegment.ofArray(buffer).asSlice(at, count);
        if (toMemory) {
            host.memory().write(registers[0x88 / 4], part);
        } else {
            host.memory().read(registers[0x80 / 4], part);
        }
        if ((command & COMMAND_INTERRUPT) != 0) {
            raise(0x100, 2);
        }
    }

    @Override
    public void reset() {
        Arrays.fill(registers, 0);
        Arrays.fill(buffer, (byte) 0);
    }

    @Override
    public Snapshot snapshot() {
        Snapshot.Builder snapshot = Snapshot.builder("edu", VERSION);
        return snapshot.put("registers", registers).put("data", buffer).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        long[] saved = snapshot.expect("edu", VERSION).getLongs("registers", registers.length);
        byte[] data = snapshot.getBytes("data", BUFFER_BYTES);
        System.arraycopy(saved, 0, registers, 0, saved.length);
        System.arraycopy(data, 0, buffer, 0, data.length);
    }
}
