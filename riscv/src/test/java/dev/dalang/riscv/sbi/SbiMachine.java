package dev.dalang.riscv.sbi;

import dev.dalang.bus.GuestIo;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.riscv.Hart;
import dev.dalang.riscv.HartGroup;
import dev.dalang.testkit.riscv.Assembler;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/** Three harts under the firmware, and a platform that notes what it is asked for. */
final class SbiMachine implements AutoCloseable {
    static final long RAM = 0x8000_0000L;
    static final int RAM_BYTES = 1 << 20;
    static final int HARTS = 3;

    private final Arena arena = Arena.ofShared();
    final GuestMemory memory =
            GuestMemory.of(new MemoryRegion(RAM, arena.allocate(RAM_BYTES, 4096)));
    final ManualVirtualClock clock = new ManualVirtualClock();
    final Platform platform = new Platform();
    final SbiFirmware firmware = SbiFirmware.of(memory, platform);
    final List<Hart> harts = new ArrayList<>();

    SbiMachine() {
        HartGroup group = HartGroup.of(memory);
        for (int id = 0; id < HARTS; id++) {
            harts.add(
                    Hart.builder(id)
                            .group(group)
                            .io(new NoDevices())
                            .clock(clock)
                            .sbi(firmware)
                            .build());
        }
        firmware.attach(harts);
        firmware.boot(0, RAM, 0x1234);
    }

    /** What a call gave back. */
    record Result(long error, long value) {}

    /** Calls from hart 0. */
    Result call(int extension, int function, long... arguments) {
        return callFrom(harts.getFirst(), extension, function, arguments);
    }

    Result callFrom(Hart hart, int extension, int function, long... arguments) {
        for (int i = 0; i < 6; i++) {
            hart.setRegister(10 + i, i < arguments.length ? arguments[i] : 0);
        }
        hart.setRegister(16, function);
        hart.setRegister(17, extension);
        firmware.ecall(hart);
        return new Result(hart.register(10), hart.register(11));
    }

    long legacy(int extension, long... arguments) {
        return call(extension, 0, arguments).error;
    }

    void program(long address, Consumer<Assembler> code) {
        memory.copyIn(address, Assembler.assemble(address, code));
    }

    @Override
    public void close() {
        arena.close();
    }

    static final class Platform implements SbiPlatform {
        final StringBuilder output = new StringBuilder();
        String input = "";
        int room = Integer.MAX_VALUE;
        final CountDownLatch firstReset = new CountDownLatch(1);
        final List<String> resets = new CopyOnWriteArrayList<>();

        @Override
        public void systemReset(SystemReset reset, boolean systemFailure) {
            resets.add(reset + (systemFailure ? " after failure" : ""));
            firstReset.countDown();
        }

        @Override
        public void allHartsStopped() {
            resets.add("all stopped");
        }

        @Override
        public int consoleWrite(byte[] bytes, int length) {
            int taken = Math.min(length, room);
            for (byte octet : Arrays.copyOf(bytes, taken)) {
                output.append((char) octet);
            }
            return taken;
        }

        @Override
        public int consoleRead(byte[] bytes, int length) {
            int given = Math.min(length, input.length());
            for (int i = 0; i < given; i++) {
                bytes[i] = (byte) input.charAt(i);
            }
            input = input.substring(given);
            return given;
        }
    }

    private static final class NoDevices implements GuestIo {
        @Override
        public long load(long address, int size) {
            return -1;
        }

        @Override
        public void store(long address, int size, long value) {}
    }
}
