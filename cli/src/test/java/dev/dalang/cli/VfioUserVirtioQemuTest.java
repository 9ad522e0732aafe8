package dev.dalang.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.remote.VfioUserServer;
import dev.dalang.vm.DeviceCatalogue;
import dev.dalang.vm.guest.FetchProgress;
import dev.dalang.vm.guest.Guest;
import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Virtio devices of ours in an unmodified QEMU, driven by Linux's own drivers; on x86-64, all. */
@Tag("boot")
class VfioUserVirtioQemuTest {
    /** Two writers at random places, who read back what they wrote. */
    private static final String VERIFY =
            "fio --name=v --filename=/dev/vda --size=4M --offset=32M --offset_increment=4M"
                    + " --numjobs=2 --rw=randwrite --bs=4k --ioengine=libaio --iodepth=32"
                    + " --direct=1 --verify=crc32c --fsync=64";

    @TempDir Path directory;

    private Qemu qemu;
    private Path socket;

    @BeforeEach
    void find() {
        qemu = Qemu.find();
        socket = directory.resolve("device.sock");
    }

    private Path disk(long bytes) throws IOException {
        Path disk = directory.resolve("disk.img");
        try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
            file.setLength(bytes);
        }
        return disk;
    }

    private static void requireSound(QemuGuest guest, String device) throws InterruptedException {
        assertThat(guest.command("e2fsck -fn %s; echo status $?".formatted(device)))
                .contains("status 0");
    }

    @Test
    void aDiskKeepsWhatTheGuestHasSyncedWhoeverIsKilled() throws Exception {
        Guest debian = Guests.debian();
        Path programs =
                Guests.inUserCache().overlay(List.of("e2fsprogs", "fio"), FetchProgress.none());
        Path initrd = new GuestFiles().over(directory.resolve("initrd"), debian.initrd(), programs);
        String disk = disk(64 << 20) + ",serial=wayang";
        List<String> device = Qemu.device(socket, 1);
        List<String> memory = Qemu.sharedMemory(1024);
        String write = "while cat /bin/busybox >/mnt/more; do sync; done";

        ServeProcess server = ServeProcess.start(socket, "--disk", disk);
        try {
            try (QemuGuest guest = qemu.bootRiscv(debian.kernel(), initrd, memory, device)) {
                assertThat(guest.command("cat /sys/block/vda/size /sys/block/vda/serial"))
                        .isEqualTo("131072\nwayang");
                assertThat(guest.command(VERIFY)).contains("(groupid=0, jobs=1): err= 0");
                assertThat(guest.command("grep virtio /proc/interrupts"))
                        .containsPattern("PCI-MSIX-0000:00:01.0 +1 Edge +virtio0-req.0");
                guest.command("mkfs.ext4 -q /dev/vda && mount -t ext4 /dev/vda /mnt");
                guest.command("echo first >/mnt/note; sync");
                requireSound(guest, "/dev/vda");
                guest.begin(write);
                guest.kill();
            }
            try (QemuGuest guest = qemu.bootRiscv(debian.kernel(), initrd, memory, device)) {
                guest.command("e2fsck -fp /dev/vda");
                requireSound(guest, "/dev/vda");
                guest.command("mount -t ext4 /dev/vda /mnt");
                assertThat(guest.command("cat /mnt/note")).isEqualTo("first\n");
                guest.command("echo second >/mnt/note; sync");
                guest.begin(write);
                server.kill();
            }
            server = ServeProcess.start(socket, "--disk", disk);
            try (QemuGuest guest = qemu.bootRiscv(debian.kernel(), initrd, memory, device)) {
                guest.command("e2fsck -fp /dev/vda");
                requireSound(guest, "/dev/vda");
                guest.command("mount -t ext4 /dev/vda /mnt");
                assertThat(guest.command("cat /mnt/note")).isEqualTo("second\n");
                guest.powerOff();
            }
        } finally {
            server.close();
        }
    }

    @Test
    void aBoardOfX86HasThemToo() throws Exception {
        DeviceCatalogue catalogue = DeviceCatalogue.builtIn();
        Path edu = directory.resolve("edu.sock");
        Path disk = directory.resolve("disk.sock");
        Path nvme = directory.resolve("nvme.sock");
        Path image = Files.write(directory.resolve("nvme.img"), new byte[16 << 20]);
        try (VfioUserServer entropy =
                        VfioUserServer.of(catalogue.parse("virtio-rng", 0).device(), socket);
                VfioUserServer courses =
                        VfioUserServer.of(catalogue.parse("edu", 0).device(), edu);
                VfioUserServer namespace =
                        VfioUserServer.of(catalogue.parse("nvme,file=" + image, 0).device(), nvme);
                ServeProcess storage =
                        ServeProcess.start(disk, "--disk", disk(16 << 20).toString());
                QemuGuest guest =
                        qemu.bootX86(
                                new GuestFiles(),
                                directory.resolve("initrd"),
                                Qemu.sharedMemory(256),
                                Qemu.device(socket, 3),
                                Qemu.device(edu, 4),
                                Qemu.device(disk, 5),
                                Qemu.device(nvme, 6))) {
            assertThat(guest.command("cat /sys/class/misc/*/rng_current"))
                    .startsWith("virtio_rng.0");
            assertThat(guest.command("head -c 65536 /dev/hwrng | wc -c")).startsWith("65536");
            assertThat(entropy.messagesSent()).isPositive();
            assertThat(guest.command("grep virtio /proc/interrupts"))
                    .containsPattern("PCI-MSIX-0000:00:03.0 +1-edge +virtio0-input")
                    .containsPattern("PCI-MSIX-0000:00:05.0 +1-edge +virtio1-req.0");
            assertThat(guest.command("grep nvme /proc/interrupts"))
                    .containsPattern("PCI-MSIX-0000:00:06.0 +0-edge +nvme0q0")
                    .containsPattern("PCI-MSIX-0000:00:06.0 +1-edge +nvme0q1");

            guest.command("cd /sys/bus/pci/devices/0000:00:04.0; echo 1 >enable");
            String bar = "set $(head -n 1 /sys/bus/pci/devices/0000:00:04.0/resource); ";
            assertThat(guest.command(bar + "devmem $1 32")).isEqualTo("0x010000ED\n");
            assertThat(guest.command(bar + "devmem $(($1 + 8)) 32 10; devmem $(($1 + 8)) 32"))
                    .isEqualTo("0x00375F00\n");

            guest.command("tr '\\0' w </dev/zero | head -c 4194304 >/w");
            for (String block : List.of("/dev/vda", "/dev/nvme0n1")) {
                guest.command(
                        "dd if=/w of=%s bs=1M seek=4 conv=fsync 2>/dev/null".formatted(block));
                guest.command("echo 3 >/proc/sys/vm/drop_caches");
                String read = "dd if=%s bs=1M skip=4 count=4 2>/dev/null | cmp - /w";
                assertThat(guest.command(read.formatted(block))).isEmpty();
            }
            guest.powerOff();
            assertThat(entropy.refusals() + courses.refusals() + namespace.refusals()).isZero();
            storage.kill();
        }
    }
}
