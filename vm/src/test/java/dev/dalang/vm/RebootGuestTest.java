package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/**
 * A guest with virtio devices reboots in one process, which grows by nothing. {@code
 * -Ddalang.reboots=N} sets how often.
 */
@Tag("boot")
class RebootGuestTest {
    private static final int REBOOTS = Integer.getInteger("dalang.reboots", 3);

    /** What the heap may hold more after all reboots than after the first: compiled code's data. */
    private static final long GROWTH_BYTES = 48L << 20;

    @SuppressWarnings("SystemGc") // what is left is measured, not what could be collected
    private static long heapInUse() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    /** Without those of the translator, which come and go with its work. */
    private static int threadsOfTheMachine() {
        return (int)
                Thread.getAllStackTraces().keySet().stream()
                        .filter(thread -> !thread.getName().startsWith("dalang-translator"))
                        .count();
    }

    @Test
    void rebootingLeavesNothingBehind() throws InterruptedException {
        try (Vm vm =
                Vm.builder()
                        .guest(Guests.debian())
                        .device("virtio-rng")
                        .consolePort(ConsolePort.parse("hvc0=none"))
                        .build()) {
            vm.start();
            PciGuest guest = PciGuest.await(vm);
            List<Integer> threads = new ArrayList<>();
            List<Long> heap = new ArrayList<>();
            for (int round = 0; round < REBOOTS; round++) {
                guest.command("head -c 64 /dev/hwrng | wc -c; echo on hvc0 > /dev/hvc0");
                vm.console().write("reboot -f\n");
                guest = PciGuest.await(vm);
                threads.add(threadsOfTheMachine());
                heap.add(heapInUse());
            }
            guest.powerOff();
            System.out.printf("%d reboots: threads %s, heap %s%n", REBOOTS, threads, heap);
            assertThat(vm.statistics().resets()).isEqualTo(REBOOTS);
            assertThat(threads.getLast()).isLessThanOrEqualTo(threads.getFirst() + 1);
            assertThat(heap.getLast() - heap.getFirst()).isLessThan(GROWTH_BYTES);
        }
    }
}
