package dev.dalang.vm.internal.guest;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Lays packages into a directory that is to become a root file system, as the first stage of an
 * installation does: files are unpacked and registered with the package manager, which thinks of
 * them as unpacked and not yet configured. What their scripts would have set up and a boot to a
 * login needs is written here; the guest can do the rest with {@code dpkg --configure -a}.
 *
 * <p>The files belong to whoever runs this; their owner is set when the file system is made.
 */
final class DebianTree {
    /** Links in the root, under whose targets files belong. */
    private static final List<String> MERGED = List.of("bin", "sbin", "lib");

    private static final List<String> LEFT_OUT =
            List.of(
                    "usr/share/doc/",
                    "usr/share/man/",
                    "usr/share/info/",
                    "usr/share/locale/",
                    "usr/share/lintian/",
                    "usr/share/bug/");

    private static final List<String> DIRECTORIES =
            List.of(
                    "boot",
                    "dev",
                    "etc",
                    "home",
                    "mnt",
                    "opt",
                    "proc",
                    "root",
                    "run",
                    "srv",
                    "sys",
                    "tmp",
                    "usr/bin",
                    "usr/lib",
                    "usr/sbin",
                    "var/lib/dpkg/info",
                    "var/lib/dpkg/updates",
                    "var/lib/dpkg/triggers",
                    "var/log",
                    "var/tmp",
                    "etc/pam.d",
                    "etc/apt/sources.list.d",
                    "etc/systemd/network",
                    "etc/systemd/system.conf.d",
                    "etc/systemd/system/multi-user.target.wants");

    /** What each package's scripts would have made, as far as a login needs it. */
    private static final Map<String, String> FILES =
            Map.ofEntries(
                    Map.entry("etc/hostname", "dalang\n"),
                    Map.entry("etc/hosts", "127.0.0.1 localhost dalang\n::1 localhost\n"),
                    Map.entry("etc/fstab", "/dev/vda / ext4 errors=remount-ro 0 1\n"),
                    Map.entry("etc/machine-id", ""),
                    Map.entry("etc/resolv.conf", "nameserver 10.0.2.3\n"),
                    Map.entry(
                            "etc/nsswitch.conf",
                            "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
                                    + "networks: files\nprotocols: files\nservices: files\n"),
                    Map.entry("etc/pam.d/common-auth", "auth required pam_unix.so nullok\n"),
                    Map.entry("etc/pam.d/common-account", "account required pam_unix.so\n"),
                    Map.entry(
                            "etc/pam.d/common-password",
                            "password required pam_unix.so nullok yescrypt\n"),
                    Map.entry("etc/pam.d/common-session", "session required pam_unix.so\n"),
                    Map.entry(
                            "etc/pam.d/common-session-noninteractive",
                            "session required pam_unix.so\n"),
                    // An emulated machine on a busy host may take longer than a minute and a half.
                    Map.entry(
                            "etc/systemd/system.conf.d/dalang.conf",
                            "[Manager]\nDefaultTimeoutStartSec=15min\n"
                                    + "DefaultDeviceTimeoutSec=15min\n"),
                    Map.entry(
                            "etc/systemd/network/80-dalang.network",
                            "[Match]\nType=ether\n\n[Network]\nDHCP=yes\n"));

    /** Work of a first boot that takes an emulated machine minutes, and a login does not need. */
    private static final List<String> MASKED =
            List.of(
                    "systemd-hwdb-update.service",
                    "systemd-journal-catalog-update.service",
                    "ldconfig.service",
                    "getty-static.service",
                    "apt-daily.timer",
                    "apt-daily-upgrade.timer",
                    "systemd-networkd-wait-online.service");

    private final Path root;
    private final StringBuilder status = new StringBuilder();

    DebianTree(Path root) {
        this.root = root;
    }

    /** Lays the packages into the directory, which is there and empty. */
    void write(List<Path> packages, Runnable onPackage) throws IOException {
        for (String directory : DIRECTORIES) {
            Files.createDirectories(root.resolve(directory));
        }
        for (String merged : MERGED) {
            Files.createSymbolicLink(root.resolve(merged), Path.of("usr", merged));
        }
        setMode(root.resolve("tmp"), 01777);
        setMode(root.resolve("var/tmp"), 01777);
        setMode(root.resolve("root"), 0700);
        for (Path deb : packages) {
            unpack(deb);
            onPackage.run();
        }
        Files.writeString(root.resolve("var/lib/dpkg/status"), status);
        Files.writeString(root.resolve("var/lib/dpkg/available"), "");
        Files.writeString(root.resolve("var/lib/dpkg/info/format"), "1\n");
        configure();
    }

    // ---------------------------------------------------------------- unpacking

    private void unpack(Path deb) throws IOException {
        StringBuilder list = new StringBuilder("/.\n");
        DebReader.read(
                deb,
                (entry, content) -> {
                    String path = merged(entry.path());
                    list.append('/').append(entry.path()).append('\n');
                    if (isLeftOut(path)) {
                        return;
                    }
                    Path file = root.resolve(path);
                    requireInTree(deb, file);
                    switch (entry.kind()) {
                        case DIRECTORY -> directory(file, entry.mode());
                        case FILE -> {
                            parent(file);
                            Files.deleteIfExists(file);
                            Files.copy(content, file);
                            setMode(file, entry.mode());
                        }
                        case SYMBOLIC_LINK -> link(file, Path.of(entry.target()));
                        case HARD_LINK -> {
                            parent(file);
                            Files.deleteIfExists(file);
                            Path target = root.resolve(merged(entry.target()));
                            requireInTree(deb, target);
                            Files.createLink(file, target);
                        }
                    }
                });
        register(deb, list.toString());
    }

    private static String merged(String path) {
        int slash = path.indexOf('/');
        boolean isMerged = MERGED.contains(slash < 0 ? path : path.substring(0, slash));
        return isMerged && slash > 0 ? "usr/" + path : path;
    }

    private static boolean isLeftOut(String path) {
        return LEFT_OUT.stream().anyMatch(path::startsWith);
    }

    /** A link that came before must not lead out of the directory. */
    private void requireInTree(Path deb, Path file) throws IOException {
        for (Path parent = file.getParent();
                parent != null && !parent.equals(root);
                parent = parent.getParent()) {
            if (Files.isSymbolicLink(parent)) {
                throw new IOException(
                        "the package %s has %s behind a link"
                                .formatted(deb, root.relativize(file)));
            }
        }
    }

    private static void parent(Path file) throws IOException {
        Path parent = file.getParent();
        if (parent != null && !Files.exists(parent)) {
            Files.createDirectories(parent);
        }
    }

    private void directory(Path file, int mode) throws IOException {
        // The links of the root are directories to most packages.
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            Files.createDirectories(file);
            setMode(file, mode);
        }
    }

    private void link(Path file, Path target) throws IOException {
        parent(file);
        if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)
                || MERGED.contains(root.relativize(file).toString())) {
            return;
        }
        Files.deleteIfExists(file);
        Files.createSymbolicLink(file, target);
    }

    /** Its owner may always read and write, or the file system could not be made from it. */
    private static void setMode(Path file, int mode) throws IOException {
        Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
        PosixFilePermission[] all = PosixFilePermission.values();
        for (int bit = 0; bit < all.length; bit++) {
            if ((mode >>> all.length - 1 - bit & 1) != 0) {
                permissions.add(all[bit]);
            }
        }
        if ((mode & 07000) == 0) {
            Files.setPosixFilePermissions(file, permissions);
        } else {
            Files.setAttribute(file, "unix:mode", mode);
        }
    }

    // ---------------------------------------------------------------- the package manager's view

    private void register(Path deb, String list) throws IOException {
        Map<String, byte[]> files = new TreeMap<>();
        DebReader.readControl(
                deb,
                (entry, content) -> {
                    if (entry.kind() == DebReader.Kind.FILE) {
                        ByteArrayOutputStream copy = new ByteArrayOutputStream();
                        content.transferTo(copy);
                        files.put(entry.path(), copy.toByteArray());
                    }
                });
        byte[] control = files.remove("control");
        if (control == null) {
            throw new IOException("the package " + deb + " has no control file");
        }
        String paragraph = new String(control, StandardCharsets.UTF_8).strip();
        String name = field(paragraph, "Package");
        boolean isSame = field(paragraph, "Multi-Arch").equals("same");
        String stem = isSame ? name + ":" + field(paragraph, "Architecture") : name;
        int end = paragraph.indexOf('\n');
        status.append(paragraph, 0, end)
                .append("\nStatus: install ok unpacked")
                .append(paragraph, end, paragraph.length())
                .append('\n');
        conffiles(files.get("conffiles"));
        status.append('\n');
        Path info = root.resolve("var/lib/dpkg/info");
        Files.writeString(info.resolve(stem + ".list"), list);
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            if (!file.getKey().contains("/")) {
                Path target = info.resolve(stem + "." + file.getKey());
                Files.write(target, file.getValue());
                boolean isScript = file.getKey().matches("(pre|post)(inst|rm)|config");
                setMode(target, isScript ? 0755 : 0644);
            }
        }
    }

    private void conffiles(byte @org.jspecify.annotations.Nullable [] names) throws IOException {
        if (names == null) {
            return;
        }
        StringBuilder lines = new StringBuilder();
        for (String name : new String(names, StandardCharsets.UTF_8).lines().toList()) {
            Path file = root.resolve(merged(name.strip().substring(name.startsWith("/") ? 1 : 0)));
            if (name.startsWith("/") && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                lines.append(' ')
                        .append(name.strip())
                        .append(' ')
                        .append(Hashes.of(file, "MD5"))
                        .append('\n');
            }
        }
        if (!lines.isEmpty()) {
            status.append("Conffiles:\n").append(lines);
        }
    }

    private static String field(String paragraph, String name) {
        return paragraph
                .lines()
                .filter(line -> line.startsWith(name + ":"))
                .map(line -> line.substring(name.length() + 1).strip())
                .findFirst()
                .orElse("");
    }

    // ---------------------------------------------------------------- what a login needs

    private void configure() throws IOException {
        for (Map.Entry<String, String> file : FILES.entrySet()) {
            Files.writeString(root.resolve(file.getKey()), file.getValue());
        }
        // Every user of the distribution's, root without a password: the console is the owner's.
        copy("usr/share/base-passwd/passwd.master", "etc/passwd", "root:*:", "root:x:");
        copy("usr/share/base-passwd/group.master", "etc/group", "", "");
        copy("usr/share/base-files/profile", "etc/profile", "", "");
        copy("usr/share/base-files/dot.profile", "root/.profile", "", "");
        copy("usr/share/base-files/dot.bashrc", "root/.bashrc", "", "");
        Files.writeString(
                root.resolve("etc/passwd"),
                "systemd-network:!*:998:998:systemd Network Management:/:/usr/sbin/nologin\n",
                java.nio.file.StandardOpenOption.APPEND);
        Files.writeString(
                root.resolve("etc/group"),
                "systemd-network:!*:998:\nsystemd-journal:!*:999:\n",
                java.nio.file.StandardOpenOption.APPEND);
        Files.writeString(root.resolve("etc/shadow"), "root::20000:0:99999:7:::\n");
        setMode(root.resolve("etc/shadow"), 0600);
        Path units = root.resolve("etc/systemd/system");
        for (String masked : MASKED) {
            Files.createSymbolicLink(units.resolve(masked), Path.of("/dev/null"));
        }
        Files.createSymbolicLink(
                units.resolve("multi-user.target.wants/systemd-networkd.service"),
                Path.of("/usr/lib/systemd/system/systemd-networkd.service"));
    }

    private void copy(String from, String to, String replaced, String by) throws IOException {
        String text = Files.readString(root.resolve(from));
        Files.writeString(root.resolve(to), replaced.isEmpty() ? text : text.replace(replaced, by));
    }
}
