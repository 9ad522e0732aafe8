package dev.dalang.vm.internal.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A package manager for tests: two scripts that answer as apt does, from a directory of packages.
 * Files in that directory steer what goes wrong.
 */
public final class FakeApt {

    private static final String APT_GET =
            """
            #!/bin/sh
            here=$(dirname "$0")
            args=
            while [ $# -gt 0 ]; do
                case $1 in
                -o)
                    case $2 in
                    *::sourceparts=*) suite=$(sed -n 's/^Suites: //p' "${2#*=}/debian.sources") ;;
                    *::Lists=*) lists=${2#*=} ;;
                    esac
                    shift ;;
                --config-file=* | -q | -y) ;;
                *) args="$args $1" ;;
                esac
                shift
            done
            echo "apt-get$args" >>"$here/calls"
            set -- $args
            case $1 in
            update)
                for fails in update-fails "$suite-fails"; do
                    [ -f "$here/$fails" ] && cat "$here/$fails" && exit 100
                done
                [ ! -f "$here/$suite" ] || cp "$here/$suite" "$lists/mirror_${suite}_InRelease"
                exit 0 ;;
            install) cat "$here/closure"; exit 0 ;;
            esac
            shift
            if [ "$1" = --print-uris ]; then
                shift
                for name; do grep " $name\\_" "$here/index"; done
                exit 0
            fi
            for name; do
                file=$(grep " $name\\_" "$here/index" | cut -d ' ' -f 2)
                if [ -f "$here/cut" ] && [ $(stat -c %s "$here/pool/$file") -gt 1000 ]; then
                    head -c 1000 "$here/pool/$file" >"$file"
                    cat "$here/cut"
                    rm "$here/cut"
                    exit 100
                fi
                [ -f "$file" ] && echo "resumed $file" >>"$here/calls"
                cp "$here/pool/$file" "$file"
            done
            """;

    private static final String APT_CACHE =
            """
            #!/bin/sh
            here=$(dirname "$0")
            echo "apt-cache" >>"$here/calls"
            cat "$here/show"
            """;

    private final Path directory;
    private final Map<String, String> index = new TreeMap<>();

    /** Makes the scripts, and a configuration that names an archive. */
    public FakeApt(Path directory) throws IOException {
        this.directory = directory;
        Files.createDirectories(directory.resolve("pool"));
        Files.createDirectories(directory.resolve("etc/sources.list.d"));
        Files.writeString(directory.resolve("calls"), "");
        Files.writeString(directory.resolve("debian-archive-keyring.gpg"), "keys");
        Files.writeString(
                directory.resolve("etc/sources.list"),
                "deb http://mirror.example/debian bookworm main\n");
        script("apt-get", APT_GET);
        script("apt-cache", APT_CACHE);
        write(
                "show",
                "Package: linux-image-riscv64\nDepends: linux-base, linux-image-6.12.1-riscv64"
                        + " (= 6.12.1-1)\n");
    }

    private void script(String name, String text) throws IOException {
        Path script = Files.writeString(directory.resolve(name), text);
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** The package manager, as the code under test is given it. */
    public AptHost host() {
        return host(directory);
    }

    /** The package manager that another instance made in a directory. */
    public static AptHost host(Path directory) {
        return new AptHost(
                directory.resolve("apt-get"),
                directory.resolve("apt-cache"),
                directory.resolve("etc"),
                directory);
    }

    /**
     * Writes a file that steers the scripts: {@code cut, update-fails, closure, show}; by the name
     * of a suite its signed index, and with {@code -fails} how only its lists fail.
     */
    public void write(String name, String text) throws IOException {
        Files.writeString(directory.resolve(name), text);
    }

    /** Offers a package. */
    public void offer(String name, String version, byte[] deb) throws IOException {
        offer(name, version, deb, deb.length, sha256(deb));
    }

    /** Offers a package that the index describes in its own way. */
    public void offer(String name, String version, byte[] deb, long bytes, String hash)
            throws IOException {
        String file = name + "_" + version + "_riscv64.deb";
        Files.write(directory.resolve("pool").resolve(file), deb);
        index.put(
                name,
                "'http://mirror.example/%s' %s %d SHA256:%s\n".formatted(file, file, bytes, hash));
        write("index", String.join("", index.values()));
    }

    /** Offers a kernel with a few modules, and busybox. */
    public FakeApt offerDebian() throws IOException {
        offer(
                "busybox-static",
                "1.37",
                new TestDeb().file("./usr/bin/busybox", 0755, busybox(5000)).build());
        String modules = "./usr/lib/modules/6.12.1-riscv64/";
        offer(
                "linux-image-6.12.1-riscv64",
                "6.12.1-1",
                new TestDeb()
                        .file("./boot/vmlinux-6.12.1-riscv64", 0644, noise(20_000))
                        .file(modules + "modules.builtin", 0644, TestDeb.ascii("kernel/x.ko\n"))
                        .file(
                                modules + "kernel/net/virtio_net.ko.xz",
                                0644,
                                TestDeb.xz(TestModule.needing("failover", "virtio:d00000001v*")))
                        .file(
                                modules + "kernel/net/failover.ko.xz",
                                0644,
                                TestDeb.xz(TestModule.needing("")))
                        .file(
                                modules + "kernel/fs/ext4.ko.xz",
                                0644,
                                TestDeb.xz(TestModule.needing("crc-16", "fs-ext4")))
                        .file(
                                modules + "kernel/lib/crc-16.ko.xz",
                                0644,
                                TestDeb.xz(TestModule.needing("")))
                        .file(
                                modules + "kernel/other/unwanted.ko.xz",
                                0644,
                                TestDeb.xz(TestModule.needing("")))
                        .build());
        return this;
    }

    /** How often the scripts were called with a command line that begins with {@code start}. */
    public long calls(String start) throws IOException {
        return calls().stream().filter(call -> call.startsWith(start)).count();
    }

    /** All command lines so far. */
    public List<String> calls() throws IOException {
        return Files.readAllLines(directory.resolve("calls"));
    }

    /** Something of a size that lists applets as busybox does. */
    public static byte[] busybox(int bytes) {
        byte[] program = new byte[bytes];
        byte[] names = TestDeb.ascii("[\0[[\0busybox\0modprobe\0mount\0poweroff\0sh\0\0junk\0");
        System.arraycopy(names, 0, program, 2000, names.length);
        return program;
    }

    private static byte[] noise(int bytes) {
        byte[] result = new byte[bytes];
        new java.util.Random(1).nextBytes(result);
        return result;
    }

    private static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
