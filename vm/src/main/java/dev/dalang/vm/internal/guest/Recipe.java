package dev.dalang.vm.internal.guest;

import dev.dalang.vm.guest.FetchProgress;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How one thing in the cache is made from packages of the distribution. */
public final class Recipe {

    private static final int MAX_IN_MEMORY_BYTES = 64 << 20;

    /** Raised when what is made of the packages changes, so that older results are made again. */
    private static final int DISK_RECIPE = 1;

    private static final long DISK_BYTES = 768L << 20;

    /** What a system needs that boots to a login, resizes its disk, and installs more. */
    private static final List<String> DISK_PACKAGES =
            List.of(
                    "apt",
                    "base-files",
                    "base-passwd",
                    "bash",
                    "coreutils",
                    "dash",
                    "debian-archive-keyring",
                    "debianutils",
                    "diffutils",
                    "dpkg",
                    "e2fsprogs",
                    "findutils",
                    "fio",
                    "grep",
                    "gzip",
                    "hostname",
                    "init-system-helpers",
                    "iproute2",
                    "kmod",
                    "libc-bin",
                    "libpam-modules",
                    "libpam-runtime",
                    "login",
                    "mawk",
                    "mount",
                    "ncurses-base",
                    "ncurses-bin",
                    "netbase",
                    "passwd",
                    "perl-base",
                    "procps",
                    "sed",
                    "systemd-sysv",
                    "sysvinit-utils",
                    "tar",
                    "udev",
                    "util-linux");

    private final String id;

    /** About how much the cache needs while the files are made, beside the packages. */
    private final long unpackedBytes;

    private final Maker maker;

    /** Does the work of a recipe. */
    @FunctionalInterface
    interface Maker {
        /** Puts files into an empty directory and gives the version. */
        String make(Apt apt, FetchProgress progress, Path target) throws IOException;
    }

    private Recipe(String id, long unpackedBytes, Maker maker) {
        this.id = id;
        this.unpackedBytes = unpackedBytes;
        this.maker = maker;
    }

    /** Names the recipe in manifests; another id makes an older result void. */
    String id() {
        return id;
    }

    /**
     * Makes this recipe's files.
     *
     * @param host finds the package manager
     * @param state the package manager's private state
     * @param target an empty directory
     * @return the version
     * @throws IOException when the disk or a package fails
     */
    String make(Supplier<AptHost> host, Path state, FetchProgress progress, Path target)
            throws IOException {
        Apt apt = Apt.open(host.get(), state, progress);
        Apt.requireSpace(target, unpackedBytes, "build the guest");
        return maker.make(apt, progress, target);
    }

    /** The distribution's kernel and our compact initial file system: {@code kernel, initrd}. */
    public static Recipe debian() {
        return new Recipe("debian-" + DebianInitrd.RECIPE, 200L << 20, Recipe::makeDebian);
    }

    /**
     * Chosen files of one package.
     *
     * @param packageName the package
     * @param names what each wanted file shall be called, by its path in the package
     */
    public static Recipe files(String packageName, Map<String, String> names) {
        return new Recipe(
                "files-1",
                128L << 20,
                (apt, progress, target) -> {
                    var packages = apt.download(List.of(packageName));
                    Apt.Downloaded downloaded = only(packages, packageName);
                    Set<String> missing = new TreeSet<>(names.keySet());
                    progress.step("Unpacking " + packageName);
                    DebReader.read(
                            downloaded.path(),
                            (entry, content) -> {
                                String name = names.get(entry.path());
                                if (name != null && missing.remove(entry.path())) {
                                    Files.copy(content, target.resolve(name));
                                }
                            });
                    if (!missing.isEmpty()) {
                        throw new IOException(
                                "the package "
                                        + packageName
                                        + " lacks "
                                        + missing.iterator().next());
                    }
                    apt.discard(packages);
                    return downloaded.file().version();
                });
    }

    /** Packages with all that they need, as an initial file system to lay over another. */
    public static Recipe overlay(List<String> packageNames) {
        return new Recipe(
                "overlay-1",
                512L << 20,
                (apt, progress, target) -> {
                    List<String> all = apt.closure(packageNames);
                    Map<String, Apt.Downloaded> packages = apt.download(all);
                    progress.step("Unpacking " + packages.size() + " packages");
                    PackageOverlay.write(
                            target.resolve("overlay.cpio"),
                            packages.values().stream().map(Apt.Downloaded::path).toList());
                    apt.discard(packages);
                    return only(packages, packageNames.getFirst()).file().version();
                });
    }

    /**
     * The distribution's packages for a system that boots to a login, unpacked into a file system:
     * {@code disk}, with little room beside them.
     */
    public static Recipe disk() {
        return new Recipe("disk-" + DISK_RECIPE, 1L << 30, Recipe::makeDisk);
    }

    private static String makeDisk(Apt apt, FetchProgress progress, Path target)
            throws IOException {
        List<String> all = apt.closure(DISK_PACKAGES);
        Map<String, Apt.Downloaded> packages = apt.download(all);
        progress.step("Unpacking " + packages.size() + " packages");
        long total =
                packages.values().stream().mapToLong(downloaded -> downloaded.file().bytes()).sum();
        Path tree = Files.createDirectory(target.resolve(".tree"));
        try {
            List<Apt.Downloaded> ordered = List.copyOf(packages.values());
            long[] done = {0};
            int[] next = {0};
            new DebianTree(tree)
                    .write(
                            ordered.stream().map(Apt.Downloaded::path).toList(),
                            () -> {
                                done[0] += ordered.get(next[0]++).file().bytes();
                                progress.advanced(done[0], total);
                            });
            progress.step("Writing the file system");
            Ext4.make(tree, target.resolve("disk"), DISK_BYTES);
        } finally {
            Ext4.removeTree(tree);
        }
        apt.discard(packages);
        return only(packages, "base-files").file().version();
    }

    private static String makeDebian(Apt apt, FetchProgress progress, Path target)
            throws IOException {
        String kernelPackage =
                apt.dependency("linux-image-riscv64", Pattern.compile("linux-image-[0-9].*"));
        Map<String, Apt.Downloaded> packages =
                apt.download(List.of(kernelPackage, "busybox-static"));
        Apt.Downloaded kernel = only(packages, kernelPackage);

        progress.step("Unpacking busybox-static");
        byte[] busybox = busybox(only(packages, "busybox-static").path());

        progress.step("Unpacking " + kernelPackage);
        try (ModuleSet modules = new ModuleSet(target.resolve(".modules"))) {
            KernelPackage content = new KernelPackage(target.resolve("kernel"), modules, progress);
            content.read(kernel.path());
            progress.step("Building the initial file system");
            DebianInitrd.write(
                    target.resolve("initrd"),
                    busybox,
                    content.release(),
                    modules,
                    content.builtin());
        }
        apt.discard(packages);
        return kernel.file().version();
    }

    private static byte[] busybox(Path deb) throws IOException {
        byte[][] program = {{}};
        DebReader.read(
                deb,
                (entry, content) -> {
                    if (entry.path().endsWith("bin/busybox")) {
                        program[0] = inMemory(entry, content);
                    }
                });
        if (program[0].length == 0) {
            throw new IOException("the package " + deb + " has no file bin/busybox");
        }
        return program[0];
    }

    private static Apt.Downloaded only(Map<String, Apt.Downloaded> packages, String name)
            throws IOException {
        Apt.Downloaded downloaded = packages.get(name);
        if (downloaded == null) {
            throw new IOException("the package " + name + " was not among those downloaded");
        }
        return downloaded;
    }

    private static byte[] inMemory(DebReader.Entry entry, InputStream content) throws IOException {
        if (entry.bytes() > MAX_IN_MEMORY_BYTES) {
            throw new IOException(entry.path() + " has " + entry.bytes() + " bytes, too many");
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream((int) entry.bytes());
        content.transferTo(bytes);
        return bytes.toByteArray();
    }

    /** What is taken from the kernel's package. */
    private static final class KernelPackage {
        private static final Pattern MODULES = Pattern.compile("(?:usr/)?lib/modules/([^/]+)/(.+)");

        private final Path kernelFile;
        private final ModuleSet modules;
        private final FetchProgress progress;
        private String release = "";
        private byte[] builtin = new byte[0];

        KernelPackage(Path kernelFile, ModuleSet modules, FetchProgress progress) {
            this.kernelFile = kernelFile;
            this.modules = modules;
            this.progress = progress;
        }

        void read(Path deb) throws IOException {
            long total = Files.size(deb);
            long[] done = {0};
            DebReader.read(
                    deb,
                    (entry, content) -> {
                        take(entry, content);
                        // What the package holds is compressed already, so its size is about the
                        // sum of its files.
                        done[0] = Math.min(total, done[0] + entry.bytes());
                        progress.advanced(done[0], total);
                    });
            if (!Files.exists(kernelFile) || release.isEmpty()) {
                throw new IOException("the package " + deb + " has no kernel or no modules");
            }
        }

        private void take(DebReader.Entry entry, InputStream content) throws IOException {
            if (entry.kind() != DebReader.Kind.FILE) {
                return;
            }
            String path = entry.path();
            if (path.startsWith("boot/vmlinu")) {
                try (var out = Files.newOutputStream(kernelFile, StandardOpenOption.CREATE_NEW)) {
                    content.transferTo(out);
                }
                return;
            }
            Matcher matcher = MODULES.matcher(path);
            if (matcher.matches()) {
                release = matcher.group(1);
                String rest = matcher.group(2);
                if (rest.equals("modules.builtin")) {
                    builtin = inMemory(entry, content);
                } else if (ModuleSet.isModule(rest)) {
                    modules.add(rest, content);
                }
            }
        }

        String release() {
            return release;
        }

        byte[] builtin() {
            return builtin;
        }
    }
}
