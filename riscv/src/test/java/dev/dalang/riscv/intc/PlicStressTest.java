package dev.dalang.riscv.intc;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;

/** Devices on their threads against two harts: every level is served, and by one hart at a time. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("ThreadPriorityCheck") // A spinning thread gives way on few processors.
class PlicStressTest {
    private static final long BASE = 0x0c00_0000L;
    private static final int DEVICES = 3;
    private static final int ROUNDS = 50_000;

    @Test
    void everyLevelIsServedByOneHartAtATime() throws InterruptedException {
        RecordingLine[] lines = {new RecordingLine(), new RecordingLine()};
        Plic plic =
                Plic.builder(95)
                        .hart(new RecordingLine(), lines[0])
                        .hart(new RecordingLine(), lines[1])
                        .build();
        AtomicIntegerArray requests = new AtomicIntegerArray(DEVICES);
        AtomicIntegerArray served = new AtomicIntegerArray(DEVICES);
        AtomicIntegerArray inService = new AtomicIntegerArray(DEVICES);
        AtomicInteger doubles = new AtomicInteger();
        AtomicInteger left = new AtomicInteger(DEVICES);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < DEVICES; i++) {
            plic.mmioWrite(BASE, 4L * source(i), 4, 1 + i);
        }
        for (long context = 1; context <= 3; context += 2) {
            for (long word = 0; word < 3; word++) {
                plic.mmioWrite(BASE, 0x2000 + 0x80 * context + 4 * word, 4, -1);
            }
        }
        for (int i = 0; i < DEVICES; i++) {
            int device = i;
            threads.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (int round = 1; round <= ROUNDS; round++) {
                                            requests.set(device, round);
                                            plic.line(source(device)).raise();
                                            while (served.get(device) < round) {
                                                Thread.onSpinWait();
                                                Thread.yield();
                                            }
                                        }
                                        left.decrementAndGet();
                                    }));
        }
        for (int i = 0; i < 2; i++) {
            RecordingLine line = lines[i];
            long claim = 0x20_0004 + 0x1000L * (2 * i + 1);
            threads.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        while (left.get() > 0) {
                                            if (!line.isHigh()) {
                                                Thread.onSpinWait();
                                                Thread.yield();
                                                continue;
                                            }
                                            int source = (int) plic.mmioRead(BASE, claim, 4);
                                            if (source == 0) {
                                                continue; // The other hart was faster.
                                            }
                                            int device = device(source);
                                            if (inService.incrementAndGet(device) != 1) {
                                                doubles.incrementAndGet();
                                            }
                                            plic.line(source).lower();
                                            served.set(device, requests.get(device));
                                            inService.decrementAndGet(device);
                                            plic.mmioWrite(BASE, claim, 4, source);
                                        }
                                    }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(doubles).hasValue(0);
        for (int i = 0; i < DEVICES; i++) {
            assertThat(served.get(i)).isEqualTo(ROUNDS);
            assertThat(plic.deliveries(source(i))).isGreaterThanOrEqualTo(ROUNDS);
        }
    }

    private static int source(int device) {
        return 1 + device * 40;
    }

    private static int device(int source) {
        return (source - 1) / 40;
    }
}
