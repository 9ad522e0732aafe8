package dev.dalang.bus;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.concurrent.Semaphore;

/** A hart's thread, and a device that keeps it inside until it is let go. */
@Timeout(60)
class AccessWatchTest {
    private static final long BASE = 0x1000;

    private final IoManager io = IoManager.create();
    private final GuestIo hart = io.hartIo();
    private final AccessWatch watch = io.watchAccesses();
    private final Semaphore entered = new Semaphore(0);
    private final Semaphore leave = new Semaphore(0);
    private final Semaphore left = new Semaphore(0);
    private final Thread thread =
            Thread.ofPlatform()
                    .daemon()
                    .unstarted(
                            () -> {
                                hart.attach();
                                while (hart.load(BASE, 4) == 0) {
                                    left.release();
                                    hart.poll();
                                }
                                hart.detach();
                                left.release();
                            });
    private volatile long answer;

    AccessWatchTest() {
        // So that the slow one is not the first, whose number is zero.
        io.registerMmio(new MmioRange(0, 4), new Quick());
        io.registerMmio(new MmioRange(BASE, 4), new Slow());
        thread.start();
    }

    @AfterEach
    void end() throws InterruptedException {
        answer = 1;
        leave.release(2);
        thread.join();
    }

    private static class Quick implements DeviceMmio {
        @Override
        public String label() {
            return "quick0";
        }

        @Override
        public String typeId() {
            return "quick";
        }

        @Override
        public long mmioRead(long base, long offset, int size) {
            return 0;
        }

        @Override
        public void mmioWrite(long base, long offset, int size, long value) {}
    }

    private final class Slow extends Quick {
        @Override
        public String label() {
            return "slow0";
        }

        @Override
        public long mmioRead(long base, long offset, int size) {
            entered.release();
            leave.acquireUninterruptibly();
            return answer;
        }
    }

    @Test
    void accessThatWasThereAtTwoLooksIsTold() {
        entered.acquireUninterruptibly();
        assertThat(watch.look()).isEmpty();
        assertThat(watch.look()).containsExactly(new AccessWatch.Stall("slow0", "quick", thread));
        assertThat(watch.look()).hasSize(1);
    }

    @Test
    void accessThatFollowsAnotherIsAnother() {
        entered.acquireUninterruptibly();
        assertThat(watch.look()).isEmpty();
        leave.release();
        entered.acquireUninterruptibly();
        assertThat(watch.look()).isEmpty();
        assertThat(watch.look()).hasSize(1);
    }

    @Test
    void hartOutsideIsNotTold() throws InterruptedException {
        entered.acquireUninterruptibly();
        watch.look();
        answer = 1;
        leave.release();
        thread.join();
        assertThat(watch.look()).isEmpty();
        assertThat(watch.look()).isEmpty();
    }
}
