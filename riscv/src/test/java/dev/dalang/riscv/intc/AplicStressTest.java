package dev.dalang.riscv.intc;

import static dev.dalang.riscv.intc.AplicRegisters.DELEGATE;
import static dev.dalang.riscv.intc.AplicRegisters.IE;
import static dev.dalang.riscv.intc.AplicRegisters.LEVEL1;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.riscv.ImsicFile;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;

/** Devices that drive wires from their threads, through APLIC and IMSIC, against a hart. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("ThreadPriorityCheck") // A spinning thread gives way on few processors.
class AplicStressTest {
    private static final long FILES = 0x2800_0000L;
    private static final int DEVICES = 3;
    private static final int ROUNDS = 50_000;

    private final RecordingLine seip = new RecordingLine();
    private final Imsic imsic = Imsic.builder(FILES).hart(seip).build();
    private final ImsicFile file = imsic.file(0);

    /** What a level-sensitive device asks for, and what its driver has done of it. */
    private final AtomicIntegerArray asked = new AtomicIntegerArray(DEVICES);

    private final AtomicIntegerArray done = new AtomicIntegerArray(DEVICES);
    private final AtomicInteger left = new AtomicInteger(DEVICES);

    /** A device asks anew at once, so that its wire rises while the last message is on its way. */
    private List<Thread> devices(Aplic aplic) {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < DEVICES; i++) {
            int device = i;
            threads.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (int round = 1; round <= ROUNDS; round++) {
                                            synchronized (asked) {
                                                asked.set(device, round);
                                                aplic.line(source(device)).raise();
                                            }
                                            while (round - done.get(device) > 2) {
                                                Thread.onSpinWait();
                                                Thread.yield();
                                            }
                                        }
                                        while (done.get(device) < ROUNDS) {
                                            Thread.yield();
                                        }
                                        left.decrementAndGet();
                                    }));
        }
        return threads;
    }

    /** The driver's handler: takes one request and lowers the wire if there is no other. */
    private void handle(Aplic aplic, int device) {
        synchronized (asked) {
            if (done.get(device) < asked.get(device)) {
                done.incrementAndGet(device);
            }
            if (done.get(device) == asked.get(device)) {
                aplic.line(source(device)).lower();
            }
        }
    }

    @Test
    void levelsReachTheHartAsMessagesUntilAllIsDone() throws InterruptedException {
        Aplic aplic = Aplic.builder(96).messages(imsic).build();
        AplicRegisters root = new AplicRegisters(aplic.machine());
        AplicRegisters child = new AplicRegisters(aplic.supervisor());
        root.write(0x1bc8, FILES >>> 12);
        file.writeRegister(0x70, 1);
        for (int device = 0; device < DEVICES; device++) {
            int source = source(device);
            root.sourcecfg(source, DELEGATE);
            child.sourcecfg(source, LEVEL1);
            child.target(source, source);
            child.setienum(source);
            file.updateRegister(0xc0 + (source >>> 6) * 2, 1L << source, 1L << source);
        }
        child.domaincfg(IE);
        List<Thread> threads = devices(aplic);
        while (left.get() > 0) {
            if (!seip.isHigh()) {
                Thread.onSpinWait();
                Thread.yield();
                continue;
            }
            int source = (int) (file.claimTopei() >>> 16);
            if (source != 0) {
                handle(aplic, device(source));
                child.write(0x2000, source);
            }
        }
        finish(threads);
        assertThat(seip.isHigh()).isFalse();
        assertThat(aplic.undeliverable()).isZero();
        for (int device = 0; device < DEVICES; device++) {
            assertThat(child.isInputHigh(source(device))).isFalse();
            assertThat(aplic.deliveries(source(device))).isPositive();
        }
    }

    @Test
    void levelsReachTheHartDirectlyUntilAllIsDone() throws InterruptedException {
        RecordingLine meip = new RecordingLine();
        Aplic aplic = Aplic.builder(96).hart(meip, seip).build();
        AplicRegisters root = new AplicRegisters(aplic.machine());
        for (int device = 0; device < DEVICES; device++) {
            root.sourcecfg(source(device), LEVEL1);
            root.setienum(source(device));
        }
        root.idelivery(0, 1);
        root.domaincfg(IE);
        List<Thread> threads = devices(aplic);
        while (left.get() > 0) {
            if (!meip.isHigh()) {
                Thread.onSpinWait();
                Thread.yield();
                continue;
            }
            int source = (int) (root.claimi(0) >>> 16);
            if (source != 0) {
                handle(aplic, device(source));
            }
        }
        finish(threads);
        assertThat(meip.isHigh()).isFalse();
        assertThat(root.topi(0)).isZero();
    }

    private void finish(List<Thread> threads) throws InterruptedException {
        for (Thread thread : threads) {
            thread.join();
        }
        for (int device = 0; device < DEVICES; device++) {
            assertThat(done.get(device)).isEqualTo(ROUNDS);
        }
    }

    private static int source(int device) {
        return 1 + device * 40;
    }

    private static int device(int source) {
        return (source - 1) / 40;
    }
}
