package dev.dalang.vm.internal.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.vm.guest.FetchProgress;
import dev.dalang.vm.guest.GuestException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;

/** Packages become a root file system, and that a disk. */
class DebianTreeTest {
    private static final String BASE =
            """
            Package: base
            Version: 1
            Architecture: all
            Description: a base
            """;

    @TempDir private Path directory;
    private Path root;

    @BeforeEach
    void makeRoot() throws IOException {
        root = Files.createDirectory(directory.resolve("root"));
    }

    /** Its links lead out of the directory, which JUnit would say of each. */
    @AfterEach
    void removeRoot() throws IOException {
        Ext4.removeTree(root);
    }

    private Path deb(String name, TestDeb files, TestDeb control) throws IOException {
        return Files.write(directory.resolve(name), files.buildWithControl(control));
    }

    private static TestDeb base() throws IOException {
        return new TestDeb()
                .file("./usr/share/base-passwd/passwd.master", 0644, TestDeb.ascii("root:*:0:0\n"))
                .file("./usr/share/base-passwd/group.master", 0644, TestDeb.ascii("root:*:0:\n"))
                .file("./usr/share/base-files/profile", 0644, TestDeb.ascii("PS1=x\n"))
                .file("./usr/share/base-files/dot.profile", 0644, TestDeb.ascii("p\n"))
                .file("./usr/share/base-files/dot.bashrc", 0644, TestDeb.ascii("b\n"));
    }

    private Path basePackage() throws IOException {
        return deb("base.deb", base(), control(BASE));
    }

    private static TestDeb control(String paragraph) throws IOException {
        return new TestDeb().file("./control", 0644, TestDeb.ascii(paragraph));
    }

    private String read(String path) throws IOException {
        return Files.readString(root.resolve(path));
    }

    @Test
    void filesGoWhereTheyBelongWithTheirModes() throws IOException {
        Path tool =
                deb(
                        "tool.deb",
                        new TestDeb()
                                .symbolicLink("./bin", "usr/bin")
                                .directory("./lib")
                                .file("./bin/tool", 04755, TestDeb.ascii("program"))
                                .file("./lib/x/y", 0640, TestDeb.ascii("library"))
                                .hardLink("./usr/bin/other", "./bin/tool")
                                .symbolicLink("./usr/bin/link", "tool")
                                .file("./usr/share/doc/tool/README", 0644, TestDeb.ascii("no")),
                        control("Package: tool\nVersion: 2\nArchitecture: riscv64\n"));
        int[] seen = {0};
        new DebianTree(root).write(List.of(basePackage(), tool), () -> seen[0]++);
        assertThat(seen[0]).isEqualTo(2);
        assertThat(Files.readSymbolicLink(root.resolve("bin"))).hasToString("usr/bin");
        assertThat(Files.readSymbolicLink(root.resolve("lib"))).hasToString("usr/lib");
        assertThat(read("usr/bin/tool")).isEqualTo("program");
        assertThat(read("usr/bin/other")).isEqualTo("program");
        assertThat(Files.readSymbolicLink(root.resolve("usr/bin/link"))).hasToString("tool");
        assertThat(read("usr/lib/x/y")).isEqualTo("library");
        assertThat((int) Files.getAttribute(root.resolve("usr/bin/tool"), "unix:mode") & 07777)
                .isEqualTo(04755);
        assertThat((int) Files.getAttribute(root.resolve("usr/lib/x/y"), "unix:mode") & 07777)
                .isEqualTo(0640);
        assertThat((int) Files.getAttribute(root.resolve("tmp"), "unix:mode") & 07777)
                .isEqualTo(01777);
        assertThat(root.resolve("usr/share/doc")).doesNotExist();
    }

    @Test
    void thePackageManagerKnowsThemAsUnpacked() throws IOException {
        Path tool =
                deb(
                        "tool.deb",
                        new TestDeb()
                                .file("./etc/tool.conf", 0644, TestDeb.ascii("a=1\n"))
                                .file("./usr/bin/tool", 0755, TestDeb.ascii("program")),
                        control(
                                        "Package: tool\nVersion: 2\nArchitecture: riscv64\n"
                                                + "Multi-Arch: same\nDescription: it\n more\n")
                                .file("./postinst", 0755, TestDeb.ascii("#!/bin/sh\n"))
                                .file("./md5sums", 0644, TestDeb.ascii("x\n"))
                                .file("./conffiles", 0644, TestDeb.ascii("/etc/tool.conf\n")));
        new DebianTree(root).write(List.of(basePackage(), tool), () -> {});
        assertThat(read("var/lib/dpkg/status"))
                .contains("Package: base\nStatus: install ok unpacked\nVersion: 1\n")
                .contains(
                        "Package: tool\nStatus: install ok unpacked\nVersion: 2\n"
                                + "Architecture: riscv64\nMulti-Arch: same\n"
                                + "Description: it\n more\n"
                                + "Conffiles:\n /etc/tool.conf ")
                .endsWith("\n\n");
        assertThat(read("var/lib/dpkg/info/tool:riscv64.list"))
                .isEqualTo("/.\n/etc/tool.conf\n/usr/bin/tool\n");
        assertThat(read("var/lib/dpkg/info/tool:riscv64.postinst")).startsWith("#!/bin/sh");
        assertThat(Files.isExecutable(root.resolve("var/lib/dpkg/info/tool:riscv64.postinst")))
                .isTrue();
        assertThat(root.resolve("var/lib/dpkg/info/base.list")).exists();
    }

    @Test
    void whatALoginNeedsIsThere() throws IOException {
        new DebianTree(root).write(List.of(basePackage()), () -> {});
        assertThat(read("etc/passwd")).startsWith("root:x:0:0\n");
        assertThat(read("etc/shadow")).startsWith("root::");
        assertThat(read("etc/fstab")).startsWith("/dev/vda / ext4");
        assertThat(read("etc/pam.d/common-auth")).contains("pam_unix.so");
        assertThat(read("root/.bashrc")).isEqualTo("b\n");
        assertThat(
                        Files.readSymbolicLink(
                                root.resolve("etc/systemd/system/systemd-hwdb-update.service")))
                .hasToString("/dev/null");
    }

    @Test
    void aPackageThatSaysNothingOfItselfIsRefused() throws IOException {
        Path silent = deb("silent.deb", new TestDeb(), new TestDeb());
        assertThatThrownBy(() -> new DebianTree(root).write(List.of(silent), () -> {}))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("has no control file");
    }

    @Test
    void aPackageThatLeavesTheRootIsRefused() throws IOException {
        Path hostile =
                deb(
                        "hostile.deb",
                        new TestDeb().file("./../outside", 0644, TestDeb.ascii("x")),
                        control(BASE));
        assertThatThrownBy(() -> new DebianTree(root).write(List.of(hostile), () -> {}))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("leaves the root");
        assertThat(directory.resolve("outside")).doesNotExist();
    }

    /** A link that a package brings does not lead its next file out of the tree. */
    @Test
    void aLinkOutOfTheRootIsNotFollowed() throws IOException {
        Path outside = Files.createDirectory(directory.resolve("outside"));
        Path hostile =
                deb(
                        "hostile.deb",
                        new TestDeb()
                                .symbolicLink("./usr/trap", outside.toString())
                                .file("./usr/trap/x", 0644, TestDeb.ascii("x")),
                        control(BASE));
        assertThatThrownBy(() -> new DebianTree(root).write(List.of(hostile), () -> {}))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("behind a link");
        assertThat(outside.resolve("x")).doesNotExist();
    }

    @Test
    void aTreeBecomesADiskThatIsCopiedAndGrows() throws IOException {
        assumeThat(Files.isExecutable(Path.of("/usr/sbin/mke2fs"))).isTrue();
        new DebianTree(root).write(List.of(basePackage()), () -> {});
        Path disk = directory.resolve("disk");
        Ext4.make(root, disk, 32 << 20);
        assertThat(Files.size(disk)).isEqualTo(32 << 20);
        assertThat(Ext4.check(disk)).isEmpty();
        Path copy = directory.resolve("copy");
        DiskCopy.make(disk, copy, 64 << 20, FetchProgress.none());
        assertThat(Files.size(copy)).isEqualTo(64 << 20);
        assertThat(Ext4.check(copy)).isEmpty();
        assertThatThrownBy(() -> DiskCopy.make(disk, copy, 64 << 20, FetchProgress.none()))
                .isInstanceOf(GuestException.class)
                .hasMessageContaining("expected no file of that name");
        assertThat(Files.size(copy)).as("it was left as it is").isEqualTo(64 << 20);
        Ext4.removeTree(root);
        assertThat(Files.exists(root, LinkOption.NOFOLLOW_LINKS)).isFalse();
    }

    @Test
    void aDiskThatHasNoFileSystemIsNotCopied() throws IOException {
        assumeThat(Files.isExecutable(Path.of("/usr/sbin/resize2fs"))).isTrue();
        Path empty = Files.write(directory.resolve("empty"), new byte[1 << 20]);
        Path copy = directory.resolve("copy");
        assertThatThrownBy(() -> DiskCopy.make(empty, copy, 2 << 20, FetchProgress.none()))
                .isInstanceOf(GuestException.class);
        assertThat(copy).doesNotExist();
    }
}
