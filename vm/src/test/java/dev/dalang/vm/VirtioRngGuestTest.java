package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.virtio.VirtioPciDevice;
import dev.dalang.virtio.VirtioTransportType;
import dev.dalang.virtio.rng.EntropySource;
import dev.dalang.virtio.rng.VirtioRng;
import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.time.Duration;

/** The unmodified driver of Linux drives the entropy device, over either transport. */
@Tag("boot")
class VirtioRngGuestTest {
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int BYTES = 4096;

    private final VirtioRng rng =
            VirtioRng.of(EntropySource.seeded(1), VirtioRng.DEFAULT_BYTES_PER_SECOND);

    private PciGuest boot(Vm vm) throws InterruptedException {
        vm.start();
        return PciGuest.await(vm);
    }

    private void requireEntropy(PciGuest guest) throws InterruptedException {
        assertThat(guest.command("cat /sys/class/misc/*/rng_current")).startsWith("virtio_rng.0");
        long before = rng.counts().bytes();
        // Short, so that the guest's terminal does not wrap what it echoes.
        assertThat(guest.command("head -c %d /dev/hwrng | wc -c".formatted(BYTES)))
                .startsWith(Integer.toString(BYTES));
        // They are counted after the guest has them.
        long limit = System.nanoTime() + PATIENCE.toNanos();
        while (rng.counts().bytes() - before < BYTES && System.nanoTime() < limit) {
            Thread.sleep(1);
        }
        assertThat(rng.counts().bytes() - before).isGreaterThanOrEqualTo(BYTES);
        String one = guest.command("head -c 16 /dev/hwrng | od -An -tx1");
        String two = guest.command("head -c 16 /dev/hwrng | od -An -tx1");
        assertThat(one).matches("(?s)( [0-9a-f]{2}){16}\\s.*").isNotEqualTo(two);
    }

    /** With a reader under way, whose reads fail while no driver is there. */
    private static void requireRebinding(PciGuest guest) throws InterruptedException {
        String driver = "/sys/bus/virtio/drivers/virtio_rng";
        guest.command("(while :; do cat /dev/hwrng; done >/dev/null 2>&1) & echo $! >/tmp/p");
        for (int round = 0; round < 5; round++) {
            guest.command("cd %s && echo virtio0 > unbind; cd".formatted(driver));
            assertThat(guest.command("ls " + driver)).doesNotContain("virtio0");
            guest.command("cd %s && echo virtio0 > bind; cd".formatted(driver));
            assertThat(guest.command("ls " + driver)).contains("virtio0");
        }
        guest.command("kill $(cat /tmp/p); killall cat; :");
    }

    @Test
    void overPciWithMsix() throws InterruptedException {
        try (Vm vm = Vm.builder().guest(Guests.debian()).device(VirtioPciDevice.of(rng)).build()) {
            PciGuest guest = boot(vm);
            requireEntropy(guest);
            String interrupts = guest.command("grep virtio /proc/interrupts");
            assertThat(interrupts)
                    .containsPattern("PCI-MSIX-0000:00:01.0 +0 Edge +virtio0-config")
                    .containsPattern("PCI-MSIX-0000:00:01.0 +1 Edge +virtio0-input");
            requireRebinding(guest);
            requireEntropy(guest);
            guest.powerOff();
        }
    }

    @Test
    void overMmioWithPackedQueues() throws InterruptedException {
        try (Vm vm =
                Vm.builder()
                        .guest(Guests.debian())
                        .transport(VirtioTransportType.MMIO)
                        .packed(true)
                        .device(VirtioPciDevice.of(rng))
                        .build()) {
            PciGuest guest = boot(vm);
            requireEntropy(guest);
            assertThat(guest.command("ls /sys/bus/platform/drivers/virtio-mmio"))
                    .contains("10001000.virtio_mmio");
            assertThat(guest.command("grep virtio /proc/interrupts"))
                    .containsPattern("aplic +1 Level.* virtio0");
            // Bit 34, as the driver took it.
            assertThat(guest.command("cut -c35 /sys/bus/virtio/devices/*/features"))
                    .startsWith("1");
            requireRebinding(guest);
            requireEntropy(guest);
            guest.powerOff();
        }
    }
}
