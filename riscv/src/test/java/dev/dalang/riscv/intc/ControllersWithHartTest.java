package dev.dalang.riscv.intc;

import static dev.dalang.testkit.riscv.Registers.T0;
import static dev.dalang.testkit.riscv.Registers.T1;
import static dev.dalang.testkit.riscv.Registers.T2;
import static dev.dalang.testkit.riscv.Registers.ZERO;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.GuestIo;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.riscv.Hart;
import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * A real hart that waits for interrupts and counts them by identity in memory. Devices on other
 * threads ask for the next one only after they saw the last one counted, so that a lost interrupt
 * or a lost wake-up stops the test.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("ThreadPriorityCheck") // A spinning thread gives way on few processors.
class ControllersWithHartTest {
    private static final long RAM = 0x8000_0000L;
    private static final long COUNTS = RAM + 0x8000;
    private static final long ACLINT = 0x0200_0000L;
    private static final long PLIC = 0x0c00_0000L;
    private static final long M_FILES = 0x2400_0000L;
    private static final int ROUNDS = 5_000;

    private static final int MTVEC = 0x305;
    private static final int MIE = 0x304;
    private static final int MSTATUS = 0x300;
    private static final int MCAUSE = 0x342;
    private static final int MISELECT = 0x350;
    private static final int MIREG = 0x351;
    private static final int MTOPEI = 0x35c;

    private final GuestMemory memory =
            GuestMemory.of(new MemoryRegion(RAM, Arena.ofAuto().allocate(0x1_0000, 4096)));
    private final ManualVirtualClock clock = new ManualVirtualClock();

    private static final GuestIo NOTHING =
            new GuestIo() {
                @Override
                public long load(long address, int size) {
                    return -1;
                }

                @Override
                public void store(long address, int size, long value) {}
            };

    /** After {@code setup} the hart idles; {@code take} leaves an index in t0, which is counted. */
    private void program(int interrupts, Code setup, Code idle, Code take) {
        Assembler a = Assembler.at(RAM);
        Label handler = a.label();
        a.la(T0, handler);
        a.csrw(MTVEC, T0);
        setup.write(a);
        a.li(T0, interrupts);
        a.csrw(MIE, T0);
        a.csrsi(MSTATUS, 8);
        Label loop = a.here();
        idle.write(a);
        a.j(loop);
        a.align(4);
        a.bind(handler);
        take.write(a);
        a.li(T1, COUNTS);
        a.slli(T0, T0, 3);
        a.add(T1, T1, T0);
        a.ld(T2, 0, T1);
        a.addi(T2, T2, 1);
        a.sd(T2, 0, T1);
        a.mret();
        memory.copyIn(RAM, a.toBytes());
    }

    private interface Code {
        void write(Assembler a);
    }

    private long count(int index) {
        return memory.getLongAcquire(COUNTS + 8L * index);
    }

    /** Runs the hart; one device per index asks and waits {@link #ROUNDS} times. */
    private void exercise(Hart hart, IntConsumer ask, int... indices) throws InterruptedException {
        hart.reset(RAM);
        Thread runner = Thread.ofPlatform().start(hart::run);
        List<Thread> devices = new ArrayList<>();
        for (int index : indices) {
            devices.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (long round = 1; round <= ROUNDS; round++) {
                                            ask.accept(index);
                                            while (count(index) < round) {
                                                Thread.yield();
                                            }
                                        }
                                    }));
        }
        for (Thread device : devices) {
            device.join();
        }
        hart.stop();
        runner.join();
    }

    @Test
    void messagesWakeTheHartAndAreClaimedByCsr() throws InterruptedException {
        Imsic imsic = Imsic.builder(M_FILES).hart().build();
        Imsic other = Imsic.builder(0x2800_0000L).hart().build();
        Hart hart =
                Hart.builder(0)
                        .memory(memory)
                        .io(NOTHING)
                        .clock(clock)
                        .imsic(imsic.file(0), other.file(0))
                        .build();
        imsic.connect(0, hart.interruptLine(11));
        other.connect(0, hart.interruptLine(9));
        program(
                1 << 11,
                a -> {
                    a.li(T0, 0x70);
                    a.csrw(MISELECT, T0);
                    a.csrwi(MIREG, 1);
                    a.li(T0, 0xc0);
                    a.csrw(MISELECT, T0);
                    a.li(T0, -1);
                    a.csrw(MIREG, T0);
                },
                Assembler::wfi,
                a -> {
                    a.csrrw(T0, MTOPEI, ZERO);
                    a.srli(T0, T0, 16);
                });
        exercise(hart, identity -> imsic.signal(M_FILES, identity), 5, 6, 63);
        assertThat(count(5)).isEqualTo(ROUNDS);
        assertThat(count(6)).isEqualTo(ROUNDS);
        assertThat(count(63)).isEqualTo(ROUNDS);
        assertThat(imsic.deliveries(0, 6)).isEqualTo(ROUNDS);
    }

    @Test
    void levelsWakeTheHartAndAreClaimedAndCompleted() throws InterruptedException {
        Plic[] slot = new Plic[1];
        GuestIo io =
                new GuestIo() {
                    @Override
                    public long load(long address, int size) {
                        long source = slot[0].mmioRead(PLIC, address - PLIC, size);
                        if (source != 0) {
                            // The handler's work at the device, which lets its level fall.
                            slot[0].line((int) source).lower();
                        }
                        return source;
                    }

                    @Override
                    public void store(long address, int size, long value) {
                        slot[0].mmioWrite(PLIC, address - PLIC, size, value);
                    }
                };
        Hart hart = Hart.builder(0).memory(memory).io(io).clock(clock).build();
        Plic plic = Plic.builder(95).hart(hart.interruptLine(11), hart.interruptLine(9)).build();
        slot[0] = plic;
        for (int source : new int[] {7, 40}) {
            plic.mmioWrite(PLIC, 4L * source, 4, 1);
        }
        program(
                1 << 11,
                a -> {
                    a.li(T0, PLIC + 0x2000);
                    a.li(T1, -1);
                    a.sw(T1, 0, T0);
                    a.sw(T1, 4, T0);
                },
                Assembler::wfi,
                a -> {
                    a.li(T1, PLIC + 0x20_0000);
                    a.lw(T0, 4, T1);
                    a.sw(T0, 4, T1);
                });
        exercise(hart, source -> plic.line(source).raise(), 7, 40);
        assertThat(count(7)).isEqualTo(ROUNDS);
        assertThat(count(40)).isEqualTo(ROUNDS);
        assertThat(plic.deliveries(40)).isEqualTo(ROUNDS);
    }

    @Test
    void softwareAndTimerInterruptsArriveWithTheirCauses() {
        Aclint[] slot = new Aclint[1];
        GuestIo io =
                new GuestIo() {
                    @Override
                    public long load(long address, int size) {
                        return slot[0].mmioRead(ACLINT, address - ACLINT, size);
                    }

                    @Override
                    public void store(long address, int size, long value) {
                        slot[0].mmioWrite(ACLINT, address - ACLINT, size, value);
                    }
                };
        Hart hart = Hart.builder(0).memory(memory).io(io).clock(clock).build();
        Aclint aclint =
                Aclint.builder(clock).hart(hart.interruptLine(3), hart.interruptLine(7)).build();
        slot[0] = aclint;
        program(
                1 << 3 | 1 << 7,
                a -> {},
                Assembler::nop,
                a -> {
                    // Both sources are quenched; the cause is the index.
                    a.li(T1, ACLINT);
                    a.sw(ZERO, 0, T1);
                    a.li(T1, ACLINT + 0x4000);
                    a.li(T0, -1);
                    a.sd(T0, 0, T1);
                    a.csrr(T0, MCAUSE);
                    a.andi(T0, T0, 0xf);
                });
        hart.reset(RAM);
        hart.step(50);
        aclint.mmioWrite(ACLINT, 0, 4, 1);
        hart.step(50);
        assertThat(count(3)).isEqualTo(1);
        aclint.mmioWrite(ACLINT, 0x4000, 8, 10);
        hart.step(50);
        assertThat(count(7)).isZero();
        clock.advance(1_000);
        hart.step(50);
        assertThat(count(7)).isEqualTo(1);
        hart.step(50);
        assertThat(count(3) + count(7)).isEqualTo(2);
    }
}
