package dev.dalang.passthrough;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.EventDescriptor;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Events of the real kernel; its VFIO needs hardware. */
class LinuxVfioKernelTest {
    private final LinuxVfioKernel kernel = new LinuxVfioKernel();

    private static void signal(int number) {
        // A second owner of the number: it is not closed here.
        EventDescriptor.of(Descriptor.of(number, "an event")).signal();
    }

    @Test
    @Timeout(60)
    void eachSignalIsToldToItsOwner() throws Exception {
        Semaphore first = new Semaphore(0);
        Semaphore second = new Semaphore(0);
        int one = kernel.watch(first::release);
        int two = kernel.watch(second::release);
        for (int round = 0; round < 20; round++) {
            signal(one);
            assertThat(first.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
            signal(two);
            assertThat(second.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
        }
        kernel.unwatch(one);
        kernel.unwatch(one);
        signal(two);
        assertThat(second.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
        assertThat(first.availablePermits()).isZero();
        kernel.closeAll();
        kernel.closeAll();
        int again = kernel.watch(first::release);
        signal(again);
        assertThat(first.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
        kernel.closeAll();
    }

    /** The thread that waits ends a moment after the last event. */
    private static void awaitThread() {
        while (Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().equals("vfio-interrupts"))) {
            Thread.onSpinWait();
        }
    }

    private static long openEvents() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.filter(LinuxVfioKernelTest::isEvent).count();
        }
    }

    private static boolean isEvent(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().contains("[eventfd]");
        } catch (IOException closedMeanwhile) {
            return false;
        }
    }

    @Test
    void nothingStaysOfEventsThatComeAndGo() throws Exception {
        awaitThread();
        long before = openEvents();
        for (int round = 0; round < 100; round++) {
            // Mostly faster than the thread gets to wait for them.
            int one = kernel.watch(() -> {});
            int two = kernel.watch(() -> {});
            kernel.unwatch(one);
            kernel.unwatch(two);
        }
        kernel.closeAll();
        awaitThread();
        assertThat(openEvents()).isEqualTo(before);
    }
}
