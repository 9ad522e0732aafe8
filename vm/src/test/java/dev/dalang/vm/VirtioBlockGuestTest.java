package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.virtio.VirtioTransportType;
import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** The unmodified driver of Linux drives a disk, over either transport. */
@Tag("boot")
final class VirtioBlockGuestTest {
    private static final int MIB = 1 << 20;

    @TempDir Path directory;

    @ParameterizedTest
    @CsvSource({"PCI, false, 2", "PCI, true, 1", "MMIO, true, 1"})
    void whatTheGuestWritesIsInTheFile(VirtioTransportType transport, boolean isPacked, int queues)
            throws Exception {
        Path image = directory.resolve("disk.img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(16 * MIB);
            file.seek(MIB);
            file.write("written by the host\n".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        }
        Path fixed = Files.write(directory.resolve("fixed.img"), new byte[MIB]);
        try (Vm vm =
                Vm.builder()
                        .guest(Guests.debian())
                        .transport(transport)
                        .packed(isPacked)
                        .cpus(queues)
                        .disk(image + ",serial=wayang,queues=" + queues)
                        .disk(fixed + ",readonly")
                        .build()) {
            vm.start();
            PciGuest guest = PciGuest.await(vm);
            requireDisk(guest, queues);
            requireReadOnly(guest);
            requireTransfers(guest);
            vm.resizeDisk("disk0", 24 * MIB);
            // The driver hears of it by an interrupt, and looks at the disk again.
            assertThat(
                            guest.command(
                                    "for i in $(seq 300); do grep -q 49152 /sys/block/vda/size &&"
                                            + " break; sleep 0.1; done; cat /sys/block/vda/size"))
                    .startsWith("49152");
            guest.command("echo grown | dd of=/dev/vda seek=49151 conv=fsync 2>/dev/null");
            requireRebinding(guest);
            guest.powerOff();
        }
        byte[] content = Files.readAllBytes(image);
        assertThat(content).hasSize(24 * MIB);
        assertThat(new String(content, 24 * MIB - 512, 6, java.nio.charset.StandardCharsets.UTF_8))
                .isEqualTo("grown\n");
        byte[] expected = new byte[4 * MIB];
        Arrays.fill(expected, (byte) 'w');
        assertThat(Arrays.copyOfRange(content, 4 * MIB, 8 * MIB)).isEqualTo(expected);
        assertThat(Files.readAllBytes(fixed)).containsOnly(0);
    }

    private static void requireDisk(PciGuest guest, int queues) throws InterruptedException {
        assertThat(guest.command("cat /sys/block/vda/size")).startsWith("32768");
        assertThat(guest.command("cat /sys/block/vda/serial")).startsWith("wayang");
        assertThat(guest.command("ls /sys/block/vda/mq | wc -l"))
                .startsWith(Integer.toString(queues));
        assertThat(guest.command("cd /sys/block/vda; cat */write_cache; cd"))
                .contains("write back");
        assertThat(guest.command("cat /sys/block/vda/queue/physical_block_size")).contains("4096");
        assertThat(guest.command("cat /sys/block/vda/queue/discard_max_bytes"))
                .contains("1073741824");
        assertThat(guest.command("cat /sys/block/vda/queue/write_zeroes_max_bytes"))
                .contains("1073741824");
        assertThat(guest.command("dd if=/dev/vda bs=1M skip=1 count=1 2>/dev/null | head -n 1"))
                .contains("written by the host");
    }

    private static void requireReadOnly(PciGuest guest) throws InterruptedException {
        assertThat(guest.command("cat /sys/block/vdb/ro")).startsWith("1");
        assertThat(guest.command("dd if=/dev/zero of=/dev/vdb count=1 2>&1"))
                .contains("not permitted");
    }

    private static void requireTransfers(PciGuest guest) throws InterruptedException {
        guest.command("tr '\\0' w </dev/zero | head -c 4194304 >/tmp/w");
        guest.command("dd if=/tmp/w of=/dev/vda bs=1M seek=4 conv=fsync 2>/dev/null");
        guest.command("echo 3 >/proc/sys/vm/drop_caches");
        String sum = guest.command("sha256sum </tmp/w").substring(0, 64);
        assertThat(guest.command("dd if=/dev/vda bs=1M skip=4 count=4 2>/dev/null | sha256sum"))
                .contains(sum);
    }

    private static void requireRebinding(PciGuest guest) throws InterruptedException {
        String driver = "/sys/bus/virtio/drivers/virtio_blk";
        // With reads under way.
        guest.command("(while :; do cat /dev/vda; done >/dev/null 2>&1) & echo $! >/tmp/p");
        guest.command("cd %s && echo virtio0 > unbind; cd".formatted(driver));
        assertThat(guest.command("ls /sys/block")).doesNotContain("vda");
        guest.command("kill $(cat /tmp/p)");
        guest.command("cd %s && echo virtio0 > bind; cd".formatted(driver));
        assertThat(guest.command("dd if=/dev/vda bs=1M skip=1 count=1 2>/dev/null | head -n 1"))
                .contains("written by the host");
    }
}
