package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** The unmodified driver of Linux drives NVMe disks: of both block sizes, and a read-only one. */
@Tag("boot")
final class NvmeGuestTest {
    private static final int MIB = 1 << 20;
    private static final int GROWN = 72 * MIB;
    private static final Duration LONG = Duration.ofMinutes(5);
    private static final Path E2FSCK = Path.of("/usr/sbin/e2fsck");

    /** Writers of requests of all sizes, who read back what they wrote. */
    private static final String VERIFY =
            "fio --rw=randwrite --size=8M --offset=48M --ioengine=libaio --iodepth=16 --direct=1"
                    + " --verify=crc32c --fsync=64"
                    + " --name=small --filename=/dev/${s}n1 --bssplit=512/30:4k/50:64k/10:1m/10"
                    + " --name=large --filename=/dev/${l}n1 --bssplit=4k/80:64k/10:1m/10";

    @TempDir Path directory;

    private Path image(String name, long bytes) throws IOException {
        Path image = directory.resolve(name);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(bytes);
            file.seek(47 * MIB);
            file.write("written by the host\n".getBytes(StandardCharsets.UTF_8));
        }
        return image;
    }

    @Test
    void whatTheGuestWritesIsInTheFiles() throws Exception {
        Path small = image("small.img", 64 * MIB);
        Path large = image("large.img", 64 * MIB);
        Path fixed = image("fixed.img", 48 * MIB);
        byte[] before = Files.readAllBytes(fixed);
        try (Vm vm =
                Vm.builder()
                        .guest(Guests.debian())
                        .initrd(GuestPrograms.over(directory.resolve("initrd"), "e2fsprogs", "fio"))
                        .memory(1L << 30)
                        .cpus(2)
                        .nvme(small + ",serial=small,block=512")
                        .nvme(large + ",serial=large,block=4096")
                        .nvme(fixed + ",serial=fixed,readonly")
                        .build()) {
            vm.start();
            PciGuest guest = PciGuest.await(vm);
            // The driver probes them at the same time, so which is the first is open.
            guest.command(
                    "named() { basename $(dirname $(grep -lw $1 /sys/class/nvme/*/serial)); }");
            guest.command("s=$(named small); l=$(named large); r=$(named fixed)");
            requireDisk(guest, "s", 512);
            requireDisk(guest, "l", 4096);
            requireReadOnly(guest);
            assertThat(guest.command(VERIFY, LONG).lines().filter(line -> line.contains("err= 0")))
                    .hasSize(2);
            requireFileSystem(guest, "s");
            requireFileSystem(guest, "l");
            requireInterruptForEachRequest(guest, "s");
            requireInterruptForEachRequest(guest, "l");
            requireGrowth(vm, guest);
            requireRebinding(guest);
            guest.powerOff();
        }
        byte[] end = Files.readAllBytes(small);
        assertThat(end).hasSize(GROWN);
        assertThat(new String(end, GROWN - 512, 6, StandardCharsets.UTF_8)).isEqualTo("grown\n");
        assertThat(Files.readAllBytes(fixed)).isEqualTo(before);
        requireSound(small);
        requireSound(large);
    }

    private static void requireDisk(PciGuest guest, String disk, int blockBytes)
            throws InterruptedException {
        guest.command("n=$" + disk);
        assertThat(guest.command("cat /sys/block/${n}n1/size")).startsWith("131072");
        assertThat(guest.command("cat /sys/class/nvme/$n/model")).contains("Dalang NVMe disk");
        assertThat(guest.command("cat /sys/class/nvme/$n/state")).startsWith("live");
        assertThat(guest.command("cd /sys/block/${n}n1/queue; head *; cd"))
                .contains("==> logical_block_size <==\n" + blockBytes)
                .contains("==> write_cache <==\nwrite back")
                .contains("==> fua <==\n1")
                .contains("==> max_hw_sectors_kb <==\n1024")
                .doesNotContain("==> discard_max_bytes <==\n0");
        assertThat(guest.command("dd if=/dev/${n}n1 bs=1M skip=47 count=1 2>/dev/null | head -n 1"))
                .contains("written by the host");
    }

    private static void requireReadOnly(PciGuest guest) throws InterruptedException {
        assertThat(guest.command("cat /sys/block/${r}n1/ro")).startsWith("1");
        assertThat(guest.command("dd if=/dev/zero of=/dev/${r}n1 count=1 2>&1"))
                .contains("not permitted");
    }

    private static void requireFileSystem(PciGuest guest, String disk) throws InterruptedException {
        guest.command("n=$" + disk);
        guest.command("mkfs.ext4 -q /dev/${n}n1 46M && mount -t ext4 /dev/${n}n1 /mnt", LONG);
        String sum = guest.command("sha256sum </usr/bin/busybox").substring(0, 64);
        guest.command("for i in 1 2 3 4; do cp /usr/bin/busybox /mnt/$i; done; rm /mnt/2; sync");
        guest.command("fstrim /mnt; umount /mnt; echo 3 >/proc/sys/vm/drop_caches");
        assertThat(guest.command("mount -t ext4 /dev/${n}n1 /mnt && echo mounted"))
                .startsWith("mounted");
        assertThat(guest.command("cd /mnt; sha256sum 1 3 4; cd"))
                .startsWith("%s  1\n%s  3\n%s  4\n".formatted(sum, sum, sum));
        guest.command("umount /mnt");
    }

    /** Each hart has a queue with a vector, which fires once for a request that is alone. */
    private static void requireInterruptForEachRequest(PciGuest guest, String disk)
            throws InterruptedException {
        guest.command("n=$" + disk);
        assertThat(guest.command("grep ${n}q0 /proc/interrupts")).contains("PCI-MSIX-");
        for (int hart = 0; hart < 2; hart++) {
            String count = "grep ${n}q%d /proc/interrupts".formatted(hart + 1);
            long first = EduDriver.sumOfHarts(guest.command(count));
            guest.command(
                    "taskset %d dd if=/dev/${n}n1 of=/dev/null bs=4k count=50 iflag=direct 2>&1"
                            .formatted(1 << hart));
            assertThat(EduDriver.sumOfHarts(guest.command(count))).isEqualTo(first + 50);
        }
    }

    private static void requireGrowth(Vm vm, PciGuest guest) throws InterruptedException {
        vm.resizeDisk("nvme0", GROWN);
        // The driver hears of it by an event, reads the log, and looks at the namespace again.
        assertThat(
                        guest.command(
                                "for i in $(seq 300); do grep -q 147456 /sys/block/${s}n1/size &&"
                                        + " break; sleep 0.1; done; cat /sys/block/${s}n1/size"))
                .startsWith("147456");
        guest.command(
                "echo grown | dd of=/dev/${s}n1 bs=512 seek=147455 conv=fsync,sync 2>/dev/null");
    }

    private static void requireRebinding(PciGuest guest) throws InterruptedException {
        guest.command(
                "d=/sys/bus/pci/drivers/nvme;"
                        + " p=$(basename $(readlink -f /sys/class/nvme/$s/device))");
        // With reads under way.
        guest.command("(while :; do cat /dev/${s}n1; done >/dev/null 2>&1) & b=$!");
        guest.command("echo $p >$d/unbind");
        assertThat(guest.command("grep -lw small /sys/class/nvme/*/serial")).doesNotContain("/sys");
        guest.command("kill $b; echo $p >$d/bind");
        assertThat(
                        guest.command(
                                "for i in $(seq 300); do s=$(named small 2>/dev/null); [ -b"
                                        + " /dev/${s}n1 ] && break; sleep 0.1; done; dd"
                                        + " if=/dev/${s}n1 bs=1M skip=47 count=1 2>/dev/null |"
                                        + " head -n 1"))
                .contains("written by the host");
        assertThat(
                        guest.command(
                                "echo 1 >/sys/class/nvme/$s/reset_controller; cat"
                                        + " /sys/class/nvme/$s/state"))
                .startsWith("live");
    }

    /** As the host's own program sees it. */
    private static void requireSound(Path image) throws IOException, InterruptedException {
        if (!Files.isExecutable(E2FSCK)) {
            abort("no e2fsck; on Debian: apt-get install e2fsprogs");
        }
        Process check =
                new ProcessBuilder(List.of(E2FSCK.toString(), "-fn", image.toString()))
                        .redirectErrorStream(true)
                        .start();
        String said = new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(check.waitFor()).as(said).isZero();
    }
}
