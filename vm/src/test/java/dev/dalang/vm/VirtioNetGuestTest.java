package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.virtio.VirtioTransportType;
import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** Debian's own virtio_net, over either transport, with servers on the host's loopback. */
@Tag("boot")
final class VirtioNetGuestTest {
    private static final int BYTES = 4 << 20;

    private static void requireNetwork(PciGuest guest, String card, LoopbackServer server)
            throws InterruptedException {
        assertThat(guest.command("udhcpc -q -i " + card)).contains("lease of 10.0.2.15 obtained");
        assertThat(guest.command("ip addr show " + card)).contains("inet 10.0.2.15/24");
        assertThat(guest.command("cat /etc/resolv.conf")).contains("nameserver 10.0.2.3");
        assertThat(guest.command("ping -c 2 10.0.2.2")).contains(" 0% packet loss");
        assertThat(guest.command("wget -q -O - %s | sha256sum".formatted(server.url())))
                .contains(server.digest());
        guest.command("head -c %d /dev/zero | nc 10.0.2.2 %d".formatted(BYTES, server.port()));
        assertThat(guest.command("head -c %d /dev/zero | sha256sum".formatted(BYTES)))
                .startsWith(server.uploaded());
    }

    @Test
    void overPciWithTheHostsLoopbackOpenAndClosedAndRestricted()
            throws IOException, InterruptedException {
        int forwarded;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            forwarded = free.getLocalPort();
        }
        try (LoopbackServer server = new LoopbackServer(BYTES);
                Vm vm =
                        Vm.builder()
                                .guest(Guests.debian())
                                .network("user,host-loopback=on,mac=52:54:00:ab:cd:ef")
                                .network("user")
                                .network("user,restrict=on,hostfwd=tcp::" + forwarded + "-:7")
                                .build()) {
            vm.start();
            PciGuest guest = PciGuest.await(vm);
            assertThat(guest.command("cat /sys/class/net/*/address"))
                    .contains("52:54:00:ab:cd:ef", "52:54:00:12:34:57", "52:54:00:12:34:58");
            assertThat(guest.command("grep virtio /proc/interrupts"))
                    .containsPattern("PCI-MSIX-0000:00:01.0 +1 Edge +virtio0-input.0")
                    .containsPattern("PCI-MSIX-0000:00:01.0 +2 Edge +virtio0-output.0");
            requireNetwork(guest, "eth0", server);
            guest.command("ip link set eth0 down");

            // The same server, behind the same address: it is the host's, and closed.
            guest.command("udhcpc -q -i eth1");
            assertThat(guest.command("ping -c 1 10.0.2.2")).contains(" 0% packet loss");
            String refused = "wget -T 9 -O - %s 2>&1 | tail -1".formatted(server.url());
            assertThat(guest.command(refused)).contains("Connection refused");
            guest.command("ip link set eth1 down");

            guest.command("udhcpc -q -i eth2");
            assertThat(guest.command("ping -c 1 10.0.2.2")).contains(" 0% packet loss");
            assertThat(guest.command(refused)).contains("Connection refused");
            String outside = "wget -T 9 -O - http://192.0.2.1/ 2>&1 | tail -1";
            assertThat(guest.command(outside)).contains("Connection refused");
            guest.command("(echo from the guest | nc -l -p 7 > /tmp/got) & :");
            guest.command("while ! netstat -lnt | grep -q :7; do sleep 0.1; done");
            assertThat(ask(forwarded)).isEqualTo("from the guest\n");
            assertThat(guest.command("wait; cat /tmp/got")).startsWith("from the host");
            guest.powerOff();
        }
    }

    private static String ask(int port) throws IOException {
        try (Socket socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port)) {
            socket.getOutputStream().write("from the host\n".getBytes(StandardCharsets.US_ASCII));
            socket.shutdownOutput();
            InputStream in = socket.getInputStream();
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII);
        }
    }

    @Test
    void overMmioWithPackedQueues() throws IOException, InterruptedException {
        try (LoopbackServer server = new LoopbackServer(BYTES);
                Vm vm =
                        Vm.builder()
                                .guest(Guests.debian())
                                .transport(VirtioTransportType.MMIO)
                                .packed(true)
                                .network("user,host-loopback=on")
                                .build()) {
            vm.start();
            PciGuest guest = PciGuest.await(vm);
            // Bit 34, as the driver took it.
            assertThat(guest.command("cut -c35 /sys/bus/virtio/devices/*/features"))
                    .startsWith("1");
            assertThat(guest.command("grep virtio /proc/interrupts"))
                    .containsPattern("aplic +1 Level.* virtio0");
            requireNetwork(guest, "eth0", server);
            guest.powerOff();
        }
    }
}
