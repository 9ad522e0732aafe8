package dev.dalang.riscv;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.riscv.intc.Aclint;

import org.junit.jupiter.api.Test;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** The hart's thread, and the time that it shares with the ACLINT. */
class HartThreadTest {
    private static final long MTIME = 0xbff8;

    @Test
    void interruptedThreadWaitsOnAndGetsItsInterruptBack() throws InterruptedException {
        HartFixture f = HartFixture.create();
        f.place(HartFixture.RAM, a -> a.wfi());
        AtomicBoolean interrupted = new AtomicBoolean();
        Thread thread =
                new Thread(
                        () -> {
                            f.hart.run();
                            interrupted.set(Thread.currentThread().isInterrupted());
                        });
        thread.start();
        thread.interrupt();
        CountDownLatch alive = new CountDownLatch(1);
        f.hart.post(_ -> alive.countDown());
        assertThat(alive.await(30, TimeUnit.SECONDS)).isTrue();
        f.hart.stop();
        thread.join(30_000);
        assertThat(thread.isAlive()).isFalse();
        assertThat(interrupted).isTrue();
    }

    @Test
    void timeFollowsWhatIsWrittenToMtime() {
        HartFixture f = HartFixture.create();
        Aclint aclint =
                Aclint.builder(f.clock)
                        .onTimeOffset(f.hart::setTimeOffset)
                        .hart(f.hart.interruptLine(3), f.hart.interruptLine(7))
                        .build();
        aclint.mmioWrite(0x200_0000, MTIME, 8, 0x1234_5678_9ABCL);
        assertThat(f.csr(Csr.TIME)).isEqualTo(0x1234_5678_9ABCL);
        aclint.reset();
        assertThat(f.csr(Csr.TIME)).isEqualTo(aclint.mtime());
    }
}
