package dev.dalang.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An NVMe disk of 64 MiB as a Linux sees it, with its own driver. */
final class NvmeDisk {
    /** What file systems are made on; what is behind it is for requests without one. */
    private static final String FILES = "46M";

    private static final Pattern COUNTS = Pattern.compile(":((?: +\\d+)+) +PCI-MSIX-");

    private final LinuxGuest guest;
    private final String name;

    private NvmeDisk(LinuxGuest guest, String name) {
        this.guest = guest;
        this.name = name;
    }

    /** Finds it; the driver probes several at the same time. */
    static NvmeDisk find(LinuxGuest guest, String serial) throws InterruptedException {
        String found =
                guest.command(
                        "for i in $(seq 600); do s=$(grep -lw "
                                + serial
                                + " /sys/class/nvme/*/serial 2>/dev/null) && n=$(basename $(dirname"
                                + " $s)) && [ -b /dev/${n}n1 ] && break; sleep 0.1; done; echo $n");
        assertThat(found).matches("nvme\\d\n");
        return new NvmeDisk(guest, found.strip());
    }

    /** Its block device. */
    String device() {
        return "/dev/" + name + "n1";
    }

    String state() throws InterruptedException {
        return guest.command("cat /sys/class/nvme/" + name + "/state").strip();
    }

    /** Two writers of requests of several sizes, who read back what they wrote. */
    void requireVerified() throws InterruptedException {
        String said =
                guest.command(
                        "fio --name=v --filename="
                                + device()
                                + " --size=8M --offset=48M --offset_increment=8M --numjobs=2"
                                + " --rw=randwrite --bssplit=512/20:4k/60:64k/10:1m/10"
                                + " --ioengine=libaio --iodepth=32 --direct=1 --verify=crc32c"
                                + " --fsync=64");
        assertThat(said.split("err= 0", -1)).as(said).hasSize(3);
    }

    /** Makes a file system and leaves it mounted, with a synced note in it. */
    void requireFileSystem(String note) throws InterruptedException {
        guest.command("mkfs.ext4 -q " + device() + " " + FILES);
        mount();
        guest.command("cp /bin/busybox /mnt/copy; umount /mnt; echo 3 >/proc/sys/vm/drop_caches");
        mount();
        assertThat(guest.command("sha256sum </mnt/copy"))
                .isEqualTo(guest.command("sha256sum </bin/busybox"))
                .hasSizeGreaterThan(64);
        note(note);
    }

    void mount() throws InterruptedException {
        assertThat(guest.command("mount -t ext4 " + device() + " /mnt; echo status $?"))
                .endsWith("status 0\n");
    }

    void note(String note) throws InterruptedException {
        guest.command("echo " + note + " >/mnt/note; sync");
        assertThat(note()).isEqualTo(note + "\n");
    }

    String note() throws InterruptedException {
        return guest.command("cat /mnt/note");
    }

    /** After a loss of power: nothing but what a journal is for. */
    void requireSound() throws InterruptedException {
        assertThat(guest.command("e2fsck -fp " + device() + "; echo status $?"))
                .containsPattern("status [01]\n");
        assertThat(guest.command("e2fsck -fn " + device() + "; echo status $?"))
                .endsWith("status 0\n");
    }

    /** Each hart has a queue with a vector, which fires once for a request that is alone. */
    void requireInterruptForEachRequest(int harts) throws InterruptedException {
        assertThat(interrupts(0)).isPositive();
        for (int hart = 0; hart < harts; hart++) {
            long before = interrupts(hart + 1);
            guest.command(
                    "taskset %d dd if=%s of=/dev/null bs=4k count=50 iflag=direct 2>&1"
                            .formatted(1 << hart, device()));
            assertThat(interrupts(hart + 1) - before).isEqualTo(50);
        }
    }

    private long interrupts(int queue) throws InterruptedException {
        String line = guest.command("grep %sq%d$ /proc/interrupts".formatted(name, queue));
        Matcher counts = COUNTS.matcher(line);
        assertThat(counts.find()).as(line).isTrue();
        long sum = 0;
        for (String count : counts.group(1).strip().split(" +")) {
            sum += Long.parseLong(count);
        }
        return sum;
    }

    /** Lets requests that are not answered fail soon, instead of after half a minute. */
    void expectAnswersSoon() throws InterruptedException {
        guest.command("echo 1000 >/sys/block/%sn1/queue/io_timeout".formatted(name));
    }

    /** Writes or reads for ever, beside whatever else is done. */
    void keepBusy(String work) throws InterruptedException {
        guest.command("(while " + work + "; do :; done) >/dev/null 2>&1 &");
    }

    /** The driver finds out that nobody is there, and gives the disk up. */
    void awaitDeath() throws InterruptedException {
        String state = "cat /sys/class/nvme/" + name + "/state";
        guest.command(
                "for i in $(seq 600); do [ \"$(%s)\" = dead ] && break; sleep 0.1; done"
                        .formatted(state));
        assertThat(state()).isEqualTo("dead");
        assertThat(guest.command("head -c 4096 %s 2>&1 | wc -c".formatted(device())))
                .doesNotStartWith("4096");
    }
}
