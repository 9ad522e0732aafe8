package dev.dalang.cli;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** QEMU 11, which has a client of vfio-user: what {@code build/qemu-unstable} fetched. */
final class Qemu {
    private static final List<String> PLAIN =
            List.of(
                    "-accel",
                    "tcg",
                    "-nodefaults",
                    "-no-user-config",
                    "-display",
                    "none",
                    "-serial",
                    "stdio",
                    "-no-reboot");

    private static final String X86_INIT =
            """
            #!/bin/busybox sh
            /bin/busybox mkdir -p /proc /sys /root /sbin /usr/bin /usr/sbin
            /bin/busybox --install -s
            mount -t proc proc /proc
            mount -t sysfs sysfs /sys
            mount -t devtmpfs dev /dev
            insmod /host/virtio-rng.ko.xz
            insmod /host/virtio_blk.ko.xz
            export HOME=/root PATH=/bin:/sbin:/usr/bin:/usr/sbin
            cd
            exec setsid cttyhack sh
            """;

    private final Path directory;

    private Qemu(Path directory) {
        this.directory = directory;
    }

    /** Finds it, or aborts the test. */
    static Qemu find() {
        Path directory = userCache().resolve("dalang/tools/qemu-unstable");
        if (!Files.exists(directory.resolve("guest-x86_64/kernel"))) {
            abort("no QEMU of the unstable suite; build/qemu-unstable fetches it to " + directory);
        }
        return new Qemu(directory);
    }

    private static Path userCache() {
        String cache = System.getenv("XDG_CACHE_HOME");
        return cache != null && Path.of(cache).isAbsolute()
                ? Path.of(cache)
                : Path.of(System.getProperty("user.home"), ".cache");
    }

    /** Memory in a file that QEMU shares, as servers want it. */
    static List<String> sharedMemory(int mebibytes) {
        return List.of(
                "-m",
                Integer.toString(mebibytes),
                "-object",
                "memory-backend-memfd,id=mem,share=on,size=%dM".formatted(mebibytes),
                "-machine",
                "memory-backend=mem");
    }

    /** A device that a server at a socket has. */
    static List<String> device(Path socket, int number) {
        String where = "\"socket\":{\"type\":\"unix\",\"path\":\"%s\"}".formatted(socket);
        return List.of(
                "-device",
                "{\"driver\":\"vfio-user-pci\",\"addr\":\"%d\",%s}".formatted(number, where));
    }

    /** Writes down each message that comes from a server. */
    static List<String> traceTo(Path log) {
        return List.of("-trace", "vfio_user_recv_hdr", "-D", log.toString());
    }

    /** Boots a kernel on the {@code virt} board of riscv64, up to the prompt. */
    @SafeVarargs
    final QemuGuest bootRiscv(Path kernel, Path initrd, List<String>... more)
            throws IOException, InterruptedException {
        List<String> machine = List.of("-M", "virt,aia=aplic-imsic");
        return boot("qemu-system-riscv64", machine, kernel, initrd, more);
    }

    /**
     * Boots the kernel for x86-64 on a board with PCI Express, with these files and its modules.
     */
    @SafeVarargs
    final QemuGuest bootX86(GuestFiles files, Path initrd, List<String>... more)
            throws IOException, InterruptedException {
        Path guest = directory.resolve("guest-x86_64");
        try (DirectoryStream<Path> modules = Files.newDirectoryStream(guest, "*.ko.xz")) {
            for (Path module : modules) {
                files.with("host/" + module.getFileName(), Files.readAllBytes(module));
            }
        }
        files.with("init", X86_INIT)
                .with("dev/none", "")
                .with("bin/busybox", Files.readAllBytes(guest.resolve("busybox")))
                .over(initrd);
        List<String> machine = List.of("-M", "q35");
        return boot("qemu-system-x86_64", machine, guest.resolve("kernel"), initrd, more);
    }

    @SafeVarargs
    private QemuGuest boot(
            String program, List<String> machine, Path kernel, Path initrd, List<String>... more)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(directory.resolve(program).toString());
        command.addAll(machine);
        command.addAll(PLAIN);
        command.addAll(List.of("-kernel", kernel.toString(), "-initrd", initrd.toString()));
        command.addAll(List.of("-append", "console=ttyS0 quiet panic=-1"));
        for (List<String> some : more) {
            command.addAll(some);
        }
        return QemuGuest.boot(command);
    }
}
