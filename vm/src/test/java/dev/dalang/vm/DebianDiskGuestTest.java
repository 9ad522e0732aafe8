package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.vm.guest.FetchProgress;
import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Debian's root file system on a virtio disk, made without rights, boots to a login. It fetches a
 * distribution and boots it twice, which takes too long for every run of all tests.
 */
@Tag("long")
final class DebianDiskGuestTest {
    private static final Duration BOOT = Duration.ofMinutes(15);
    private static final Duration COMMAND = Duration.ofMinutes(5);
    private static final String PROMPT = "root@dalang:~# ";

    @TempDir Path directory;

    private static void login(Vm vm) throws InterruptedException {
        vm.console().await("dalang login: ", BOOT);
        vm.console().write("root\n");
        vm.console().await(PROMPT, COMMAND);
    }

    private static String command(Vm vm, String command) throws InterruptedException {
        vm.console().write(command + "; echo 'end''-of-command'\n");
        String answer = vm.console().await("end-of-command", COMMAND);
        vm.console().await(PROMPT, COMMAND);
        return answer.lines().skip(1).reduce("", (a, b) -> a + b + "\n");
    }

    /** Debian's own program for it writes many at a time by two jobs, and reads back. */
    private static void requireVerification(Vm vm, int queues) throws InterruptedException {
        assertThat(command(vm, "ls /sys/block/vdb/mq | wc -l")).containsPattern("(?m)^" + queues);
        assertThat(
                        command(
                                vm,
                                "fio --name=v --filename=/dev/vdb --size=16M --rw=randwrite --bs=4k"
                                        + " --ioengine=libaio --iodepth=32 --direct=1 --numjobs=2"
                                        + " --offset_increment=16M --verify=crc32c --fsync=64"
                                        + " | grep -c 'err= 0'"))
                .containsPattern("(?m)^2$");
    }

    private Vm start(Path disk, int queues) throws IOException {
        Path scratch = directory.resolve("scratch.img");
        try (RandomAccessFile file = new RandomAccessFile(scratch.toFile(), "rw")) {
            file.setLength(64 << 20);
        }
        Vm vm =
                Vm.builder()
                        .guest(Guests.debian())
                        .cpus(queues)
                        .append("console=ttyS0 root=/dev/vda")
                        .device("virtio-rng")
                        .disk(DiskFile.of(disk))
                        .disk(scratch + ",serial=scratch,queues=" + queues)
                        .build();
        vm.start();
        return vm;
    }

    @Test
    void aLoginOnADiskThatKeepsWhatIsWritten() throws Exception {
        Path disk = directory.resolve("debian.img");
        Guests.inUserCache().disk(disk, 2L << 30, FetchProgress.none());
        assertThat(Files.size(disk)).isEqualTo(2L << 30);
        try (Vm vm = start(disk, 1)) {
            login(vm);
            assertThat(command(vm, "findmnt -no SOURCE,FSTYPE /")).contains("/dev/vda ext4");
            assertThat(command(vm, "cat /etc/debian_version")).contains("13.");
            assertThat(command(vm, "grep virtio /proc/interrupts")).contains("PCI-MSIX");
            assertThat(command(vm, "df --output=size -m / | tail -1"))
                    .containsPattern("(?m)^ *(19|20)\\d\\d$");
            requireVerification(vm, 1);
            command(vm, "echo kept >/root/note; sync");
            vm.resizeDisk("disk0", 3L << 30);
            assertThat(command(vm, "resize2fs /dev/vda 2>&1")).contains("now 786432");
            // The machine ends as in a loss of power.
        }
        try (Vm vm = start(disk, 2)) {
            login(vm);
            assertThat(command(vm, "cat /root/note")).contains("kept");
            assertThat(command(vm, "df --output=size -m / | tail -1"))
                    .containsPattern("(?m)^ *30\\d\\d$");
            requireVerification(vm, 2);
            vm.console().write("poweroff\n");
            assertThat(vm.awaitExit(BOOT)).contains(new VmExit.PoweredOff());
        }
    }
}
