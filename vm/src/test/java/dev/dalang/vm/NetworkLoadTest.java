package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.dalang.virtio.VirtioTransportType;
import dev.dalang.vm.guest.Guest;
import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Debian's network under load, which takes too long for every day: {@code -Ddalang.net.load=N} runs
 * it with transfers of N mebibytes, {@code -Ddalang.net.mmio=true} over virtio-mmio with packed
 * rings. Everything that the guest talks to is on the host's loopback.
 */
@Tag("boot")
@EnabledIfSystemProperty(named = "dalang.net.load", matches = "[0-9]+")
final class NetworkLoadTest {
    private static final int MEBIBYTES = Integer.getInteger("dalang.net.load", 1024);
    private static final int REBOOTS = Integer.getInteger("dalang.net.reboots", 20);
    private static final boolean IS_MMIO = Boolean.getBoolean("dalang.net.mmio");
    private static final Duration LONG = Duration.ofMinutes(20);
    private static final long GIGABYTE = 1L << 30;

    private static VmBuilder builder() {
        return on(Vm.builder().guest(Guests.debian()).network("user,host-loopback=on"));
    }

    private static VmBuilder on(VmBuilder builder) {
        return IS_MMIO ? builder.transport(VirtioTransportType.MMIO).packed(true) : builder;
    }

    private static PciGuest boot(Vm vm) throws InterruptedException {
        vm.start();
        PciGuest guest = PciGuest.await(vm);
        guest.command("udhcpc -q");
        return guest;
    }

    private static void say(String what, long bytes, long beganNanos) {
        double seconds = (System.nanoTime() - beganNanos) * 1e-9;
        System.out.printf("%s: %.1f s, %.1f MiB/s%n", what, seconds, bytes / seconds / (1 << 20));
    }

    @Test
    void longTransfersArriveAsTheyWereSent(@TempDir Path directory)
            throws IOException, InterruptedException {
        long bytes = (long) MEBIBYTES << 20;
        try (LoopbackServer server = new LoopbackServer(1 << 20, MEBIBYTES);
                Vm vm = withPackages(directory, "user,host-loopback=on", "socat")) {
            PciGuest guest = boot(vm);
            long began = System.nanoTime();
            String down = "wget -q -O - %s | sha256sum".formatted(server.url());
            assertThat(guest.command(down, LONG)).startsWith(server.digest());
            say("download with sha256sum", bytes, began);
            began = System.nanoTime();
            // Busybox would send a kibibyte at a time, and its head copies byte by byte.
            guest.command(
                    "socat -u -b262144 OPEN:/dev/zero,readbytes=%d TCP:10.0.2.2:%d"
                            .formatted(bytes, server.port()),
                    LONG);
            assertThat(server.uploaded()).isEqualTo(zeros());
            say("upload of zeros", bytes, began);
            began = System.nanoTime();
            guest.command("wget -q -O /dev/null " + server.url(), LONG);
            say("download to nowhere", bytes, began);
            guest.powerOff();
        }
    }

    private static String zeros() {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] none = new byte[1 << 20];
            for (int i = 0; i < MEBIBYTES; i++) {
                digest.update(none);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (java.security.NoSuchAlgorithmException impossible) {
            throw new AssertionError(impossible);
        }
    }

    @Test
    void twoHundredConnectionsGoAtTheSameTime() throws IOException, InterruptedException {
        try (LoopbackServer server = new LoopbackServer(1 << 18);
                Vm vm = builder().memory(GIGABYTE).build()) {
            PciGuest guest = boot(vm);
            long began = System.nanoTime();
            guest.command(
                    "for i in $(seq 200); do wget -q -O /tmp/$i %s & done; wait"
                            .formatted(server.url()),
                    LONG);
            say("200 connections", 200L << 18, began);
            assertThat(guest.command("cat /tmp/[0-9]* | wc -c")).startsWith("" + (200L << 18));
            assertThat(guest.command("sha256sum /tmp/[0-9]* | cut -c-64 | sort | uniq -c"))
                    .contains("200 " + server.digest());
            guest.powerOff();
        }
    }

    /** One server takes nothing, another resets: the rest of the network goes on. */
    @Test
    void peersThatMisbehaveHoldNobodyElseUp() throws IOException, InterruptedException {
        InetAddress loopback = InetAddress.ofLiteral("127.0.0.1");
        try (LoopbackServer server = new LoopbackServer(1 << 20);
                ServerSocket deaf = new ServerSocket(0, 8, loopback);
                ServerSocket resetting = new ServerSocket(0, 8, loopback);
                Vm vm = builder().build()) {
            Thread.ofVirtual().start(() -> reset(resetting));
            PciGuest guest = boot(vm);
            guest.command(
                    "(head -c 67108864 /dev/zero | nc 10.0.2.2 %d) & :"
                            .formatted(deaf.getLocalPort()));
            for (int i = 0; i < 10; i++) {
                assertThat(
                                guest.command(
                                        "wget -q -O - http://10.0.2.2:%d/ || echo 'not all' came"
                                                .formatted(resetting.getLocalPort())))
                        .contains("not all came");
                assertThat(guest.command("wget -q -O - %s | sha256sum".formatted(server.url())))
                        .startsWith(server.digest());
            }
            assertThat(guest.command("jobs")).contains("Running");
            guest.command("kill %1; killall nc head");
            assertThat(guest.command("ping -c 3 10.0.2.2")).contains(" 0% packet loss");
            guest.powerOff();
        }
    }

    private static void reset(ServerSocket listener) {
        while (!listener.isClosed()) {
            try (Socket socket = listener.accept()) {
                socket.getInputStream().read();
                socket.getOutputStream()
                        .write(
                                "HTTP/1.0 200 OK\r\nContent-Length: 99\r\n\r\nsome"
                                        .getBytes(java.nio.charset.StandardCharsets.US_ASCII));
                socket.setSoLinger(true, 0);
            } catch (IOException closed) {
                return;
            }
        }
    }

    @Test
    void theDriverIsUnboundAndBoundUnderLoad() throws IOException, InterruptedException {
        try (LoopbackServer server = new LoopbackServer(1 << 20, 512);
                Vm vm = builder().build()) {
            PciGuest guest = boot(vm);
            String driver = "/sys/bus/virtio/drivers/virtio_net";
            String card =
                    guest.command("cd %s; echo virtio*; cd".formatted(driver)).split("\\s")[0];
            for (int i = 0; i < 20; i++) {
                guest.command(
                        "(while true; do wget -q -O /dev/null %s; done) 2>/dev/null & :"
                                .formatted(server.url()));
                guest.command(
                        "(head -c 999999999 /dev/zero | nc 10.0.2.2 %d) 2>/dev/null & :"
                                .formatted(server.port()));
                guest.command("echo %s > %s/unbind".formatted(card, driver));
                // The upload may have ended of itself.
                guest.command("kill %1; kill %2; killall wget nc head; wait");
                guest.command("echo %s > %s/bind".formatted(card, driver));
                assertThat(guest.command("udhcpc -q")).contains("lease of 10.0.2.15 obtained");
                assertThat(guest.command("ping -c 1 10.0.2.2")).contains(" 0% packet loss");
            }
            String down = "wget -q -O - %s | sha256sum".formatted(server.url());
            assertThat(guest.command(down, LONG)).startsWith(server.digest());
            assertThat(guest.command("dmesg | grep -ci 'oops\\|bug:\\|warning:'")).startsWith("0");
            guest.powerOff();
        }
    }

    /** What a machine has of the host. */
    private record Held(Set<String> threads, long heap, long resident) {
        static Held now() throws IOException {
            System.gc();
            Set<String> threads =
                    Thread.getAllStackTraces().keySet().stream()
                            .map(Thread::getName)
                            .filter(name -> !name.startsWith("ForkJoinPool"))
                            // They come and go with its work.
                            .filter(name -> !name.startsWith("dalang-translator"))
                            .collect(Collectors.toCollection(TreeSet::new));
            Runtime runtime = Runtime.getRuntime();
            return new Held(threads, runtime.totalMemory() - runtime.freeMemory(), residentBytes());
        }

        private static long residentBytes() throws IOException {
            try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
                return lines.filter(line -> line.startsWith("VmRSS:"))
                        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                        .sum();
            }
        }
    }

    @Test
    void rebootsLeaveNothingBehind() throws IOException, InterruptedException {
        try (LoopbackServer server = new LoopbackServer(1 << 20);
                Vm vm = builder().build()) {
            vm.start();
            Held first = null;
            Held last = Held.now();
            for (int i = 0; i <= REBOOTS; i++) {
                PciGuest guest = PciGuest.await(vm);
                guest.command("udhcpc -q");
                assertThat(guest.command("wget -q -O - %s | sha256sum".formatted(server.url())))
                        .startsWith(server.digest());
                last = Held.now();
                System.out.printf(
                        "boot %d: %d threads, %d KiB of heap, %d KiB resident%n",
                        i, last.threads.size(), last.heap >> 10, last.resident >> 10);
                // The first ones fill caches: translated code, buffers of the network.
                first = i == Math.min(5, REBOOTS - 1) ? last : first;
                if (i < REBOOTS) {
                    vm.console().write("reboot -f\n");
                }
            }
            assertThat(first).isNotNull();
            // One that had nothing to do for long may have ended.
            assertThat(first.threads).containsAll(last.threads);
            assertThat(last.heap).isLessThan(first.heap + (64 << 20));
            assertThat(last.resident).isLessThan(first.resident + (128 << 20));
        }
    }

    // ---- with packages of the distribution

    private static Vm withPackages(Path directory, String network, String... names)
            throws IOException {
        Guest debian = Guests.debian();
        return on(Vm.builder()
                        .kernel(debian.kernel())
                        .initrd(GuestPrograms.over(directory.resolve("initrd"), names))
                        .append(debian.defaultCommandLine())
                        .memory(2 * GIGABYTE)
                        .network(network))
                .build();
    }

    /** The guest is its own peer, through a forward: every byte goes through the network twice. */
    @Test
    void iperfGoesOutAndComesBackThroughAForward(@TempDir Path directory)
            throws IOException, InterruptedException {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            port = free.getLocalPort();
        }
        String network = "user,host-loopback=on,hostfwd=tcp::%d-:5201".formatted(port);
        try (Vm vm = withPackages(directory, network, "iperf3")) {
            PciGuest guest = boot(vm);
            guest.command("iperf3 -s -D; while ! netstat -lnt | grep -q :5201; do sleep 1; done");
            for (String how : List.of("", "-R", "--bidir", "-P 8")) {
                String answer =
                        guest.command(
                                "iperf3 -c 10.0.2.2 -p %d -t 10 -i 0 %s".formatted(port, how),
                                LONG);
                System.out.println(answer);
                assertThat(answer).contains("iperf Done.");
            }
            guest.powerOff();
        }
    }

    @Test
    void aptInstallsFromARepositoryOnTheHost(@TempDir Path directory)
            throws IOException, InterruptedException {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/dpkg-deb")), "the host has no dpkg-deb");
        Path repository = Files.createDirectory(directory.resolve("repository"));
        StringBuilder index = new StringBuilder();
        for (String name : List.of("small", "large")) {
            index.append(deb(repository, name, name.equals("large") ? 24 << 20 : 100));
        }
        Files.writeString(repository.resolve("Packages"), index);
        try (FileServer server = new FileServer(repository);
                Vm vm = withPackages(directory, "user,host-loopback=on", "apt", "dpkg", "tar")) {
            PciGuest guest = boot(vm);
            guest.command(
                    "mkdir -p /etc/apt/apt.conf.d /var/lib/dpkg/info /var/lib/apt/lists/partial"
                            + " /var/cache/apt/archives/partial /var/log/apt; :"
                            + " > /var/lib/dpkg/status");
            guest.command(
                    "echo 'deb [trusted=yes] http://10.0.2.2:%d ./' > /etc/apt/sources.list"
                            .formatted(server.port()));
            // There are no users beside root here.
            guest.command("echo 'APT::Sandbox::User \"root\";' > /etc/apt/apt.conf.d/1");
            guest.command("rm -f /etc/apt/sources.list.d/*");
            // No loader's cache is kept here, nor a program for it.
            guest.command("echo force-bad-path > /etc/dpkg/dpkg.cfg");
            System.out.println(guest.command("apt-get -q update", LONG));
            System.out.println(guest.command("apt-get -q -y install large small", LONG));
            assertThat(guest.command("dpkg-query -W -f '${Status};' large small"))
                    .startsWith("install ok installed;install ok installed;");
            assertThat(guest.command("sha256sum < /usr/share/large/content"))
                    .startsWith(sha256(directory.resolve("large/usr/share/large/content")));
            guest.powerOff();
        }
    }

    private static String sha256(Path file) throws IOException {
        try {
            return HexFormat.of()
                    .formatHex(
                            MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
        } catch (java.security.NoSuchAlgorithmException impossible) {
            throw new AssertionError(impossible);
        }
    }

    /** Builds a package; gives its entry of the index. */
    private static String deb(Path repository, String name, int bytes)
            throws IOException, InterruptedException {
        Path tree = repository.resolveSibling(name);
        Path content = tree.resolve("usr/share/" + name + "/content");
        Files.createDirectories(content.getParent());
        Files.createDirectories(tree.resolve("DEBIAN"));
        byte[] noise = new byte[bytes];
        new java.util.SplittableRandom(bytes).nextBytes(noise);
        Files.write(content, noise);
        String fields =
                """
                Package: %s
                Version: 1
                Architecture: all
                Maintainer: nobody <nobody@localhost>
                Description: a package of %d bytes
                """
                        .formatted(name, bytes);
        Files.writeString(tree.resolve("DEBIAN/control"), fields);
        Path deb = repository.resolve(name + ".deb");
        Process build =
                new ProcessBuilder("dpkg-deb", "--root-owner-group", "-b", "" + tree, "" + deb)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
        assertThat(build.waitFor()).isZero();
        return "%sFilename: ./%s.deb\nSize: %d\nSHA256: %s\n\n"
                .formatted(fields, name, Files.size(deb), sha256(deb));
    }
}
