package dev.dalang.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.dalang.cli.example.HoldingDevice;
import dev.dalang.pci.PciDevice;
import dev.dalang.remote.VfioUserServer;
import dev.dalang.vm.DeviceCatalogue;
import dev.dalang.vm.guest.Guest;
import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The device of driver courses in an unmodified QEMU, driven by a Linux there. */
@Tag("boot")
class VfioUserQemuTest {
    private static final Path MODULE = Path.of("..", "examples", "edu-driver", "edu.ko");
    private static final String EDU = "0000:00:01.0";

    /** Has the driver use a kind of interrupts, each of its vectors, and DMA both ways. */
    private static final String DRIVE =
            """
            #!/bin/sh
            insmod /host/edu.ko irq=$1 || exit
            cd /sys/bus/pci/drivers/edu/$2
            echo 10 >factorial
            echo "factorial: $(cat factorial)"
            echo 2 >raise
            echo 0x80 >raise
            head -c 4096 /dev/urandom >/tmp/sent
            cat /tmp/sent >/dev/$(ls misc)
            head -c 4096 /dev/$(ls misc) | cmp - /tmp/sent && echo 'received: what was sent'
            echo "interrupts: $(cat interrupts)"
            grep ' edu' /proc/interrupts
            rmmod edu
            """;

    @TempDir Path directory;

    private Qemu qemu;
    private Guest debian;
    private Path initrd;
    private Path socket;

    @BeforeEach
    void collectFiles() throws IOException {
        qemu = Qemu.find();
        assumeTrue(
                Files.exists(MODULE),
                "no kernel module; build/guest-module examples/edu-driver makes it");
        debian = Guests.debian();
        initrd =
                new GuestFiles()
                        .with("host/drive", DRIVE)
                        .with("host/edu.ko", Files.readAllBytes(MODULE))
                        .over(directory.resolve("initrd"), debian.initrd());
        socket = directory.resolve("edu.sock");
    }

    @SafeVarargs
    private QemuGuest boot(List<String>... more) throws IOException, InterruptedException {
        return qemu.bootRiscv(debian.kernel(), initrd, more);
    }

    private static PciDevice edu() {
        return DeviceCatalogue.builtIn().parse("edu", 0).device();
    }

    private static String drive(QemuGuest guest, String interrupts) throws InterruptedException {
        String answer = guest.command("/host/drive " + interrupts + " " + EDU);
        assertThat(answer).contains("factorial: 3628800", "received: what was sent");
        return answer;
    }

    @Test
    void linuxOfQemuTakesEachKindOfInterrupt() throws Exception {
        try (VfioUserServer server = VfioUserServer.of(edu(), socket)) {
            List<String> device = Qemu.device(socket, 1);
            try (QemuGuest guest = boot(Qemu.sharedMemory(512), device)) {
                assertThat(guest.command("cat /sys/bus/pci/devices/%s/uevent".formatted(EDU)))
                        .contains("PCI_ID=1234:11E8", "PCI_SUBSYS_ID=1AF4:1100");
                assertThat(drive(guest, "msix"))
                        .contains("interrupts: msix 3: 1 2 2")
                        .containsPattern("\\s1 +PCI-MSIX-" + EDU + " +0 Edge +edu-factorial")
                        .containsPattern("\\s2 +PCI-MSIX-" + EDU + " +1 Edge +edu-raise")
                        .containsPattern("\\s2 +PCI-MSIX-" + EDU + " +2 Edge +edu-dma");
                awaitMessages(server, 5);
                assertThat(server.messagesSent()).isEqualTo(5);
                assertThat(drive(guest, "msi"))
                        .contains("interrupts: msi 1: 5")
                        .containsPattern("\\s5 +PCI-MSI-" + EDU + " +0 Edge +edu");
                awaitMessages(server, 10);
                assertThat(server.messagesSent()).isEqualTo(10);
                assertThat(drive(guest, "intx")).contains("interrupts: intx 1: 5", " Level ");
                guest.powerOff();
            }

            // Another one, whose client dies in the middle, and one more.
            try (QemuGuest guest = boot(Qemu.sharedMemory(512), device)) {
                drive(guest, "msix");
                guest.command("insmod /host/edu.ko");
                guest.begin("while cat /etc/passwd >/dev/edu0; do head -c 9 /dev/edu0; done");
                awaitMessages(server, 30);
                guest.kill();
            }
            try (QemuGuest guest = boot(Qemu.sharedMemory(512), device)) {
                assertThat(drive(guest, "auto")).contains("interrupts: msix 3: 1 2 2");
                guest.powerOff();
            }
            assertThat(server.clients()).isEqualTo(3);
            assertThat(server.refusals()).isZero();
        }
    }

    /** A message is counted when it was sent, and the guest may have answered by then. */
    private static void awaitMessages(VfioUserServer server, long count) {
        while (server.messagesSent() < count && server.isConnected()) {
            Thread.onSpinWait();
        }
    }

    /**
     * Two nodes of memory: the first has a descriptor, the second none. The board wants a processor
     * for each; Linux stays on one, because its start on two processors of this board ended once in
     * a loop without end.
     */
    @Test
    void memoryWithoutADescriptorIsReachedByMessages() throws Exception {
        Path log = directory.resolve("log");
        try (VfioUserServer server = VfioUserServer.of(edu(), socket);
                QemuGuest guest =
                        boot(
                                List.of("-m", "512", "-smp", "2"),
                                List.of("-append", "console=ttyS0 quiet panic=-1 maxcpus=1"),
                                List.of("-object", "memory-backend-memfd,id=m0,share=on,size=256M"),
                                List.of("-object", "memory-backend-ram,id=m1,size=256M"),
                                List.of("-numa", "node,memdev=m0,cpus=0"),
                                List.of("-numa", "node,memdev=m1,cpus=1"),
                                Qemu.device(socket, 1),
                                Qemu.traceTo(log))) {
            assertThat(driveWithMemoryOf(guest, 0))
                    .contains("received: what was sent", "interrupts: msix 3: 1 2 2");
            assertThat(Files.readString(log)).doesNotContain(" cmd 0xb ", " cmd 0xc ");

            assertThat(driveWithMemoryOf(guest, 1))
                    .contains("received: what was sent", "interrupts: msix 3: 1 2 2");
            assertThat(Files.readString(log))
                    .as("a DMA_READ and a DMA_WRITE of a page")
                    .contains(" cmd 0xb size 0x20 ", " cmd 0xc size 0x1020 ");
            guest.powerOff();
            assertThat(server.refusals()).isZero();
        }
    }

    /** Linux takes a device's buffers from the device's node. */
    private static String driveWithMemoryOf(QemuGuest guest, int node) throws InterruptedException {
        return guest.command(
                "echo %d >/sys/bus/pci/devices/%s/numa_node; /host/drive msix %s"
                        .formatted(node, EDU, EDU));
    }

    @Test
    void aGuestOutlivesServersThatAreKilled() throws Exception {
        Path plugin = PluginJars.of(directory.resolve("holding.jar"), HoldingDevice.class);
        Path held = directory.resolve("held.sock");
        try (ServeProcess used = ServeProcess.start(socket, "--device", "edu");
                ServeProcess holding =
                        ServeProcess.start(
                                held,
                                "--plugin",
                                plugin.toString(),
                                "--device",
                                "class=" + HoldingDevice.class.getName());
                QemuGuest guest =
                        boot(
                                Qemu.sharedMemory(512),
                                Qemu.device(socket, 1),
                                Qemu.device(held, 2))) {
            guest.begin("insmod /host/edu.ko");
            holding.await("held");
            holding.kill();
            assertThat(guest.command("dmesg | grep edu"))
                    .contains("0000:00:02.0: error -ENODEV: the device does not live")
                    .contains(EDU + ": edu0, 3 interrupt vectors");
            String factorial = "cd /sys/bus/pci/drivers/edu/%s; echo %d >factorial; cat factorial";
            assertThat(guest.command(factorial.formatted(EDU, 5))).startsWith("120");

            used.kill();

            assertThat(guest.command(factorial.formatted(EDU, 6)))
                    .contains("Connection timed out", "4294967295");
            assertThat(guest.command("rmmod edu; uname -s")).contains("Linux");
            guest.powerOff();
        }
        // The socket's file is what is left of the server: it is in nobody's way.
        try (ServeProcess again = ServeProcess.start(socket, "--device", "edu");
                QemuGuest guest = boot(Qemu.sharedMemory(512), Qemu.device(socket, 1))) {
            assertThat(drive(guest, "msix")).contains("interrupts: msix 3: 1 2 2");
            guest.powerOff();
            again.kill();
        }
    }
}
