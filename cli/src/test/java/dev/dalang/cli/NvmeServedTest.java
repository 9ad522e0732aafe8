package dev.dalang.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.dalang.cli.example.HoldingNvme;
import dev.dalang.vm.Vm;
import dev.dalang.vm.VmBuilder;
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

/** NVMe disks of another process, driven by the unmodified driver of Linux: in QEMU, and here. */
@Tag("boot")
class NvmeServedTest {
    private static final int CPUS = 2;
    private static final String E2FSCK = "/usr/sbin/e2fsck";
    private static final String WRITE = "cat /bin/busybox >/mnt/more && sync";

    @TempDir Path directory;

    private Guest debian;
    private Path initrd;

    @BeforeEach
    void collectFiles() throws IOException {
        debian = Guests.debian();
        Path programs =
                Guests.inUserCache().overlay(List.of("e2fsprogs", "fio"), FetchProgress.none());
        initrd = new GuestFiles().over(directory.resolve("initrd"), debian.initrd(), programs);
    }

    private Path socket(String name) {
        return directory.resolve(name + ".sock");
    }

    private Path image(String name) throws IOException {
        Path image = directory.resolve(name + ".img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(64 << 20);
        }
        return image;
    }

    private ServeProcess serve(String name) throws IOException {
        String device = "nvme,file=%s,serial=%s".formatted(image(name), name);
        return ServeProcess.start(socket(name), "--device", device);
    }

    /** One that does not return from being enabled. */
    private ServeProcess serveHolding(String name) throws IOException {
        Path plugin = PluginJars.of(directory.resolve("holding.jar"), HoldingNvme.class);
        String device = "class=%s,file=%s".formatted(HoldingNvme.class.getName(), image(name));
        return ServeProcess.start(socket(name), "--plugin", plugin.toString(), "--device", device);
    }

    /** The server outlives its first client, which is killed while it writes. */
    @Test
    void aDiskIsUsedByQemuAndThenHereUntilItsServerIsKilled() throws Exception {
        Qemu qemu = Qemu.find();
        try (ServeProcess server = serve("wayang")) {
            useAndKill(qemu);
            try (ServeProcess bound = serve("bound");
                    ServeProcess probed = serveHolding("probed");
                    DalangGuest guest = start("wayang", "bound", "probed")) {
                probed.await("held");
                probed.kill();
                guest.awaitPrompt();
                requireUnbound(guest, "0000:00:03.0");

                NvmeDisk disk = NvmeDisk.find(guest, "wayang");
                useAfterQemu(disk);

                NvmeDisk other = NvmeDisk.find(guest, "bound");
                other.expectAnswersSoon();
                other.keepBusy("dd if=" + other.device() + " of=/dev/null bs=16k iflag=direct");
                bound.kill();
                other.awaitDeath();

                disk.expectAnswersSoon();
                disk.keepBusy(WRITE);
                server.kill();
                disk.awaitDeath();

                guest.command("umount /mnt");
                for (int slot = 1; slot <= 3; slot++) {
                    guest.command(
                            "echo 1 >/sys/bus/pci/devices/0000:00:0%d.0/remove".formatted(slot));
                }
                assertThat(guest.command("ls /sys/class/nvme")).isEmpty();
                guest.powerOff();
            }
        }
        requireSynced();
    }

    private void useAndKill(Qemu qemu) throws Exception {
        try (QemuGuest guest =
                qemu.bootRiscv(
                        debian.kernel(),
                        initrd,
                        Qemu.sharedMemory(1024),
                        Qemu.device(socket("wayang"), 1))) {
            NvmeDisk disk = NvmeDisk.find(guest, "wayang");
            disk.requireVerified();
            disk.requireInterruptForEachRequest(1);
            disk.requireFileSystem("from QEMU");
            disk.keepBusy(WRITE);
            guest.kill();
        }
    }

    private DalangGuest start(String... disks) {
        VmBuilder machine = Vm.builder().guest(debian).initrd(initrd).memory(1L << 30).cpus(CPUS);
        for (String disk : disks) {
            machine.passthrough("vfio-user:" + socket(disk));
        }
        return DalangGuest.start(machine);
    }

    private static void useAfterQemu(NvmeDisk disk) throws InterruptedException {
        disk.requireSound();
        disk.requireVerified();
        disk.requireInterruptForEachRequest(CPUS);
        disk.mount();
        assertThat(disk.note()).isEqualTo("from QEMU\n");
        disk.note("from Dalang");
    }

    private static void requireUnbound(LinuxGuest guest, String function)
            throws InterruptedException {
        String driver = "readlink /sys/bus/pci/devices/%s/driver; echo status $?";
        assertThat(guest.command(driver.formatted(function))).isEqualTo("status 1\n");
    }

    /** What the last of the machines has synced is in the image, as the host's programs see it. */
    private void requireSynced() throws IOException, InterruptedException {
        String image = directory.resolve("wayang.img").toString();
        if (!Files.isExecutable(Path.of(E2FSCK))) {
            abort("no e2fsck; on Debian: apt-get install e2fsprogs");
        }
        assertThat(run(E2FSCK, "-fp", image)).containsPattern("status [01]$");
        assertThat(run(E2FSCK, "-fn", image)).endsWith("status 0");
        assertThat(run("/usr/sbin/debugfs", "-R", "cat /note", image)).contains("from Dalang\n");
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), UTF_8);
        return said + "status " + process.waitFor();
    }
}
