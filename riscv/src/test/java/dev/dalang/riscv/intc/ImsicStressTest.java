package dev.dalang.riscv.intc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.riscv.ImsicFile;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;

/** Devices against a hart: no message is lost, and the line ends where the state says. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("ThreadPriorityCheck") // A spinning thread gives way on few processors.
class ImsicStressTest {
    private static final long BASE = 0x2800_0000L;
    private static final int EIDELIVERY = 0x70;
    private static final int EITHRESHOLD = 0x72;
    private static final int EIE0 = 0xc0;
    private static final int DEVICES = 4;

    /**
     * Each device sends its next message only after the hart has claimed the one before, so that a
     * lost message, or a line that stays low, stops the test. The hart looks at its file only while
     * its line is high.
     */
    @Test
    void everyMessageIsClaimedOnce() throws InterruptedException {
        int rounds = 75_000;
        RecordingLine line = new RecordingLine();
        Imsic imsic = Imsic.builder(BASE).hart(line).build();
        ImsicFile file = imsic.file(0);
        file.writeRegister(EIDELIVERY, 1);
        AtomicIntegerArray claimed = new AtomicIntegerArray(DEVICES);
        AtomicInteger left = new AtomicInteger(DEVICES);
        List<Thread> devices = new ArrayList<>();
        for (int i = 0; i < DEVICES; i++) {
            int device = i;
            int identity = identity(i);
            int select = EIE0 + (identity >>> 6) * 2;
            file.updateRegister(select, 1L << identity, 1L << identity);
            devices.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (int sent = 1; sent <= rounds; sent++) {
                                            imsic.signal(BASE, identity);
                                            await(claimed, device, sent);
                                        }
                                        left.decrementAndGet();
                                    }));
        }
        long random = 1;
        while (left.get() > 0) {
            if (!line.isHigh()) {
                Thread.onSpinWait();
                Thread.yield();
                continue;
            }
            long top = file.claimTopei();
            if (top != 0) {
                claimed.incrementAndGet(device((int) (top >>> 16)));
            }
            random = random * 6364136223846793005L + 1442695040888963407L;
            shake(file, (int) (random >>> 60));
        }
        for (Thread device : devices) {
            device.join();
        }
        assertThat(line.isHigh()).isFalse();
        assertThat(file.topei()).isZero();
        for (int i = 0; i < DEVICES; i++) {
            assertThat(claimed.get(i)).isEqualTo(rounds);
            assertThat(imsic.deliveries(0, identity(i))).isEqualTo(rounds);
        }
    }

    /** Masks and unmasks as a driver does; ends with everything on. */
    private static void shake(ImsicFile file, int choice) {
        switch (choice) {
            case 0 -> {
                file.writeRegister(EIDELIVERY, 0);
                file.writeRegister(EIDELIVERY, 1);
            }
            case 1 -> {
                file.writeRegister(EITHRESHOLD, 1);
                file.writeRegister(EITHRESHOLD, 0);
            }
            case 2 -> {
                long old = file.updateRegister(EIE0, 0, -1);
                file.updateRegister(EIE0, old, old);
            }
            case 3 -> file.updateRegister(0x80, 0, 1L << 60);
            default -> {}
        }
    }

    /** Two devices and a hart without any pause: what is left when all stopped agrees. */
    @Test
    void theLineAgreesWithTheStateWhenAllHaveStopped() throws InterruptedException {
        AtomicLong claims = new AtomicLong();
        for (int round = 0; round < 300; round++) {
            RecordingLine line = new RecordingLine();
            Imsic imsic = Imsic.builder(BASE).hart(line).build();
            ImsicFile file = imsic.file(0);
            file.writeRegister(EIDELIVERY, 1);
            file.writeRegister(EIE0, -1);
            AtomicBoolean stop = new AtomicBoolean();
            Thread one = flood(imsic, 5);
            Thread two = flood(imsic, 6);
            Thread hart =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        while (!stop.get()) {
                                            if (file.claimTopei() != 0) {
                                                claims.incrementAndGet();
                                            }
                                        }
                                    });
            one.join();
            two.join();
            stop.set(true);
            hart.join();
            assertThat(line.isHigh()).isEqualTo(file.topei() != 0);
        }
        assertThat(claims.get()).isGreaterThan(1000);
    }

    private static Thread flood(Imsic imsic, int identity) {
        return Thread.ofPlatform()
                .start(
                        () -> {
                            for (int i = 0; i < 5_000; i++) {
                                imsic.signal(BASE, identity);
                            }
                        });
    }

    private static void await(AtomicIntegerArray claimed, int device, int count) {
        while (claimed.get(device) < count) {
            Thread.onSpinWait();
            Thread.yield();
        }
    }

    private static int identity(int device) {
        return 1 + device * 62;
    }

    private static int device(int identity) {
        return (identity - 1) / 62;
    }
}
