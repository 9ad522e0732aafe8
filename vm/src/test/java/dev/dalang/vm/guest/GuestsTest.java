package dev.dalang.vm.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.vm.internal.guest.AptHost;
import dev.dalang.vm.internal.guest.FakeApt;
import dev.dalang.vm.internal.guest.TestDeb;

import org.apache.commons.compress.archivers.cpio.CpioArchiveEntry;
import org.apache.commons.compress.archivers.cpio.CpioArchiveInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

class GuestsTest {

    @TempDir private Path directory;
    private Path cache;
    private FakeApt apt;
    private Guests guests;
    private final Heard heard = new Heard();

    /** Keeps what a fetch said. */
    private static final class Heard implements FetchProgress {
        private final List<String> lines = new ArrayList<>();

        @Override
        public void step(String what) {
            lines.add(what);
        }

        @Override
        public void advanced(long doneBytes, long totalBytes) {
            assertThat(doneBytes).isBetween(0L, totalBytes);
        }

        @Override
        public void notice(String line) {
            lines.add(line);
        }
    }

    @BeforeEach
    void makePackageManager() throws IOException {
        cache = directory.resolve("cache");
        apt = new FakeApt(directory.resolve("apt")).offerDebian();
        guests = Guests.in(cache, apt::host);
    }

    private Guest debian() {
        return guests.guest(Guests.DEBIAN, heard);
    }

    private static Path manifestOf(Path entry) throws IOException {
        try (var files = Files.list(entry)) {
            return files.filter(file -> file.getFileName().toString().startsWith("manifest-"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static Map<String, String> unpacked(Path archive) throws IOException {
        Map<String, String> result = new LinkedHashMap<>();
        try (var in = new CpioArchiveInputStream(Files.newInputStream(archive))) {
            for (CpioArchiveEntry e = in.getNextEntry(); e != null; e = in.getNextEntry()) {
                result.put(e.getName(), new String(in.readAllBytes(), StandardCharsets.ISO_8859_1));
            }
        }
        return result;
    }

    @Test
    void theFirstRequestFetchesAndBuilds() throws IOException {
        Guest guest = debian();

        assertThat(guest.name()).isEqualTo("debian");
        assertThat(guest.version()).isEqualTo("6.12.1-1");
        assertThat(guest.kernel()).hasSize(20_000);
        assertThat(guest.defaultCommandLine()).contains("console=ttyS0");
        assertThat(heard.lines)
                .containsExactly(
                        "Reading the package lists of Debian trixie",
                        "Downloading 2 packages",
                        "Unpacking busybox-static",
                        "Unpacking linux-image-6.12.1-riscv64",
                        "Building the initial file system");
    }

    @Test
    void theInitialFileSystemHasAShellAndTheModules() throws IOException {
        Map<String, String> files = unpacked(debian().initrd());
        String modules = "usr/lib/modules/6.12.1-riscv64/";

        assertThat(files.get("init")).startsWith("#!/bin/sh\n");
        assertThat(files.get("usr/bin/busybox")).hasSize(5000);
        assertThat(files).containsEntry("usr/bin/sh", "busybox").containsEntry("bin", "usr/bin");
        assertThat(files).containsKeys("dev/console", "dev/null", "proc", "sys", "root", "tmp");
        assertThat(files).doesNotContainKey("usr/bin/junk");
        assertThat(files.get(modules + "modules.dep").lines())
                .containsExactlyInAnyOrder(
                        "kernel/net/failover.ko:",
                        "kernel/net/virtio_net.ko: kernel/net/failover.ko",
                        "kernel/lib/crc-16.ko.xz:",
                        "kernel/fs/ext4.ko.xz: kernel/lib/crc-16.ko.xz");
        assertThat(files.get(modules + "modules.alias").lines())
                .containsExactlyInAnyOrder(
                        "alias virtio:d00000001v* virtio_net", "alias fs-ext4 ext4");
        assertThat(files.get(modules + "kernel/net/virtio_net.ko")).startsWith("\177ELF");
        assertThat(files.get(modules + "kernel/fs/ext4.ko.xz")).startsWith("\375" + "7zXZ");
        assertThat(files).doesNotContainKey(modules + "kernel/other/unwanted.ko");
    }

    @Test
    void nothingOfAFetchIsLeftBesideTheFiles() throws IOException {
        Guest guest = debian();

        Path entry = cache.resolve("guests/debian");
        assertThat(entry.toFile().list())
                .containsExactlyInAnyOrder(
                        manifestOf(entry).getFileName().toString(),
                        guest.kernel().getParent().getFileName().toString());
        assertThat(guest.kernel().getParent().toFile().list())
                .containsExactlyInAnyOrder("kernel", "initrd");
        assertThat(cache.resolve("apt/packages")).isEmptyDirectory();
    }

    @Test
    void theSecondRequestAsksNobody() throws IOException {
        Guest first = debian();
        List<String> calls = apt.calls();

        assertThat(debian()).isEqualTo(first);
        assertThat(apt.calls()).isEqualTo(calls);
    }

    @Test
    void aDamagedFileIsNoticedAndFetchedAgain() throws IOException {
        Guest guest = debian();
        byte[] content = Files.readAllBytes(guest.kernel());
        byte[] damaged = content.clone();
        damaged[12_345] ^= 1;
        Files.write(guest.kernel(), damaged);

        Guest again = debian();

        assertThat(again.kernel()).hasBinaryContent(content);
        assertThat(apt.calls("apt-get update")).isEqualTo(2);
        assertThat(heard.lines)
                .anyMatch(
                        line ->
                                line.contains(guest.kernel().toString())
                                        && line.contains("was recorded; fetching debian again"));
    }

    @Test
    void aTruncatedOrMissingFileIsFetchedAgain() throws IOException {
        Guest guest = debian();
        Files.writeString(guest.initrd(), "");
        assertThat(debian().initrd()).isNotEmptyFile();
        Files.delete(guest.kernel());
        assertThat(debian().kernel()).hasSize(20_000);

        assertThat(heard.lines)
                .anyMatch(line -> line.contains("has 0 bytes"))
                .anyMatch(line -> line.contains("kernel is missing"));
    }

    @Test
    void aManifestThatWasTamperedWithIsNotBelieved() throws IOException {
        debian();
        Path manifest = manifestOf(cache.resolve("guests/debian"));
        Files.writeString(manifest, Files.readString(manifest).replace("content-", "../../"));

        assertThat(debian().kernel()).hasSize(20_000);
        assertThat(apt.calls("apt-get update")).isEqualTo(2);
    }

    @Test
    void aCutDownloadIsReportedInOneLineAndGoneOnWith() throws IOException {
        apt.write("cut", "E: Failed to fetch http://mirror.example/x  Connection timed out\n");

        assertThatThrownBy(this::debian)
                .isInstanceOf(GuestException.class)
                .hasMessageContaining("linux-image-6.12.1-riscv64")
                .hasMessageContaining("Connection timed out")
                .hasMessageContaining("goes on from there")
                .hasMessageNotContaining("\n");
        assertThat(guests.list().getFirst().isFetched()).isFalse();

        assertThat(debian().kernel()).hasSize(20_000);
        assertThat(apt.calls("resumed linux-image")).isEqualTo(1);
    }

    @Test
    void aDiskThatFillsDuringTheDownloadLeavesNothing() throws IOException {
        apt.write("cut", "E: Write error - write (28: No space left on device)\n");

        assertThatThrownBy(this::debian)
                .isInstanceOf(GuestException.class)
                .hasMessageContaining("no space left on the device of " + cache)
                .hasMessageNotContaining("\n");
        assertThat(cache.resolve("apt/packages")).isEmptyDirectory();
        assertThat(cache.resolve("guests/debian")).isEmptyDirectory();
    }

    @Test
    void aDiskThatIsTooSmallIsReportedBeforeTheDownload() throws IOException {
        apt.offer("busybox-static", "1.37", new byte[10], 900_000_000_000L, "ab".repeat(32));

        assertThatThrownBy(this::debian)
                .hasMessageMatching(".* has \\d+ MiB free, 8583\\d\\d MiB are needed");
        assertThat(apt.calls("apt-get download busy")).isZero();
    }

    @Test
    void aPackageThatIsNotTheIndexedOneIsRefusedAndRemoved() throws IOException {
        byte[] deb = new TestDeb().file("./usr/bin/busybox", 0755, new byte[100]).build();
        apt.offer("busybox-static", "1.37", deb, deb.length, "ab".repeat(32));

        assertThatThrownBy(this::debian)
                .hasMessageContaining("busybox-static")
                .hasMessageContaining("the signed index says abab")
                .hasMessageContaining("it was removed");
        assertThat(cache.resolve("apt/packages/busybox-static_1.37_riscv64.deb")).doesNotExist();
    }

    @Test
    void anArchiveThatIsNotSignedIsRefusedInItsOwnWords() throws IOException {
        apt.write(
                "update-fails",
                """
                W: GPG error: http://mirror.example/debian trixie InRelease: NO_PUBKEY 0123
                E: The repository 'http://mirror.example/debian trixie InRelease' is not signed.
                """);

        assertThatThrownBy(this::debian)
                .hasMessage(
                        "cannot fetch the package lists: The repository"
                                + " 'http://mirror.example/debian trixie InRelease' is not"
                                + " signed.");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "File has unexpected size (9385284 != 9387120). Mirror sync in progress?",
                "Hash Sum mismatch"
            })
    void anArchiveOutOfStepIsReadByItsSuitesOtherName(String why) throws IOException {
        outOfStep(why);
        apt.write("stable", "Suite: stable\nCodename: trixie\n");

        assertThat(debian().version()).isEqualTo("6.12.1-1");
        assertThat(heard.lines)
                .startsWith(
                        "Reading the package lists of Debian trixie",
                        "Reading them as stable: the archive's lists are out of step",
                        "Downloading 2 packages");
        assertThat(cache.resolve("apt/etc/debian.sources")).content().contains("Suites: stable\n");
    }

    @Test
    void anArchiveOutOfStepWhoseOtherNameIsAnotherReleaseIsRefused() throws IOException {
        outOfStep("Hash Sum mismatch");
        apt.write("stable", "Suite: stable\nCodename: forky\n");

        assertThatThrownBy(this::debian)
                .hasMessageStartingWith("cannot fetch the package lists: Failed to fetch")
                .hasMessageEndingWith("Hash Sum mismatch");
        assertThat(cache.resolve("apt/etc/debian.sources")).doesNotExist();
    }

    @Test
    void anArchiveOutOfStepByBothNamesIsRefusedInTheWordsOfTheFirst() throws IOException {
        outOfStep("Hash Sum mismatch");
        apt.write("stable-fails", "E: Failed to fetch http://mirror.example/x 404\n");

        assertThatThrownBy(this::debian)
                .hasMessageEndingWith("Hash Sum mismatch")
                .satisfies(e -> assertThat(e.getSuppressed()).hasSize(1));
        assertThat(apt.calls("apt-get update")).isEqualTo(2);
    }

    private void outOfStep(String why) throws IOException {
        apt.write(
                "trixie-fails",
                """
                E: Failed to fetch http://mirror.example/debian/Packages.xz  %s
                E: Some index files failed to download.
                """
                        .formatted(why));
    }

    @Test
    void aPackageWithoutAKernelIsRefusedByName() throws IOException {
        apt.offer("linux-image-6.12.1-riscv64", "1", new TestDeb().directory("x").build());

        assertThatThrownBy(this::debian)
                .isInstanceOf(GuestException.class)
                .hasMessageContaining("has no kernel or no modules");
        assertThat(cache.resolve("guests/debian")).isEmptyDirectory();
    }

    @Test
    void withoutAPackageManagerTheMessageSaysWhatToPass() {
        Guests elsewhere = Guests.in(cache, () -> AptHost.find(Map.of("PATH", "/nowhere"), "/no"));

        assertThatThrownBy(() -> elsewhere.guest(Guests.DEBIAN, heard))
                .isInstanceOf(GuestException.class)
                .hasMessageContaining("apt-get")
                .hasMessageContaining("--kernel FILE")
                .hasMessageContaining("--initrd FILE");
    }

    @Test
    void withoutADebianSourceTheMessageSaysWhatToPass() throws IOException {
        apt.write("etc/sources.list", "deb http://vendor.example/ubuntu noble main\n");

        assertThatThrownBy(this::debian)
                .hasMessageContaining("name no Debian archive")
                .hasMessageContaining("--kernel FILE");
    }

    @Test
    void anUnknownGuestIsRefusedWithTheKnownOnes() {
        assertThatThrownBy(() -> guests.guest("../x", heard))
                .hasMessage("there is no guest '../x'; there is debian, debian-installer");
    }

    @Test
    void fetchRenewsWhatIsThere() throws IOException {
        Guest first = debian();
        byte[] old = Files.readAllBytes(first.kernel());
        apt.offer(
                "linux-image-6.12.1-riscv64",
                "6.12.1-2",
                new TestDeb()
                        .file("./boot/vmlinux-6.12.1-riscv64", 0644, new byte[30_000])
                        .file("./usr/lib/modules/6.12.1-riscv64/modules.builtin", 0644, new byte[1])
                        .build());

        assertThat(debian()).isEqualTo(first);
        Guest renewed = guests.fetch(Guests.DEBIAN, heard);

        assertThat(old).hasSize(20_000);
        assertThat(renewed.version()).isEqualTo("6.12.1-2");
        assertThat(renewed.kernel()).hasSize(30_000);
    }

    @Test
    void whatARunningMachineMayReadAgainStaysUntilTheFetchAfterTheNext() throws IOException {
        Guest first = debian();
        apt.offer(
                "busybox-static",
                "2",
                new TestDeb().file("./usr/bin/busybox", 0755, FakeApt.busybox(7000)).build());
        Guest second = guests.fetch(Guests.DEBIAN, heard);
        assertThat(first.initrd()).exists().isNotEqualTo(second.initrd());

        guests.fetch(Guests.DEBIAN, heard);
        assertThat(first.initrd()).doesNotExist();
        assertThat(second.initrd()).exists();
    }

    @Test
    void anotherVersionsResultStays() throws IOException {
        Guest guest = debian();
        Path entry = cache.resolve("guests/debian");
        Path manifest = manifestOf(entry);
        String content = guest.kernel().getParent().getFileName().toString();
        Files.move(manifest, entry.resolve("manifest-other"));
        Files.move(entry.resolve(content), entry.resolve("content-other"));
        Files.writeString(
                entry.resolve("manifest-other"),
                Files.readString(entry.resolve("manifest-other"))
                        .replace(content, "content-other"));

        debian();

        assertThat(entry.toFile().list())
                .containsExactlyInAnyOrder(
                        "manifest-other",
                        "content-other",
                        manifest.getFileName().toString(),
                        content);
    }

    @Test
    void aFailedRenewalLeavesTheOldGuest() throws IOException {
        Guest first = debian();
        apt.write("update-fails", "E: offline\n");

        assertThatThrownBy(() -> guests.fetch(Guests.DEBIAN, heard))
                .hasMessageContaining("offline");
        assertThat(debian()).isEqualTo(first);
    }

    @Test
    void removedIsRemoved() throws IOException {
        debian();
        assertThat(guests.list().getFirst().isFetched()).isTrue();
        assertThat(guests.list().getFirst().bytes()).isGreaterThan(20_000);

        assertThat(guests.remove(Guests.DEBIAN)).isTrue();
        assertThat(guests.remove(Guests.DEBIAN)).isFalse();
        assertThat(guests.list().getFirst().isFetched()).isFalse();
        assertThat(cache.resolve("guests/debian")).doesNotExist();
    }

    @Test
    void leftoversOfAnUnfinishedFetchAreClearedAway() throws IOException {
        Path entry = Files.createDirectories(cache.resolve("guests/debian"));
        Files.createDirectories(entry.resolve(".building"));
        Files.writeString(entry.resolve(".building/kernel"), "half");
        Files.createDirectories(entry.resolve("content-old"));

        debian();

        assertThat(entry.toFile().list()).hasSize(2).doesNotContain(".building", "content-old");
    }

    @Test
    void twoThreadsFetchOnce() throws Exception {
        try (ExecutorService pool = Executors.newFixedThreadPool(2)) {
            Callable<Guest> fetch = () -> guests.guest(Guests.DEBIAN, FetchProgress.none());
            List<Future<Guest>> both = pool.invokeAll(List.of(fetch, fetch));

            assertThat(both.get(0).get()).isEqualTo(both.get(1).get());
        }
        assertThat(apt.calls("apt-get update")).isEqualTo(1);
    }

    /** Fetches in a process of its own. */
    public static final class OtherProcess {
        private OtherProcess() {}

        public static void main(String[] args) {
            AptHost host = FakeApt.host(Path.of(args[1]));
            Guest guest =
                    Guests.in(Path.of(args[0]), () -> host)
                            .guest(Guests.DEBIAN, FetchProgress.none());
            System.out.println(guest.kernel());
        }
    }

    @Test
    void twoProcessesFetchOnce() throws Exception {
        String path = classPath();
        List<Process> processes = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            processes.add(
                    new ProcessBuilder(
                                    Path.of(System.getProperty("java.home"), "bin/java").toString(),
                                    "-cp",
                                    path,
                                    OtherProcess.class.getName(),
                                    cache.toString(),
                                    directory.resolve("apt").toString())
                            .redirectErrorStream(true)
                            .start());
        }
        for (Process process : processes) {
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor()).as(output).isZero();
            assertThat(Path.of(output.strip())).hasSize(20_000);
        }
        assertThat(apt.calls("apt-get update")).isEqualTo(1);
    }

    /** Everything that this process runs from, and the tests, which are patched into a module. */
    private static String classPath() throws Exception {
        List<String> path = new ArrayList<>();
        for (var module : ModuleLayer.boot().configuration().modules()) {
            URI location = module.reference().location().orElseThrow();
            if (location.getScheme().equals("file")) {
                path.add(Path.of(location).toString());
            }
        }
        Path self = Path.of(GuestsTest.class.getResource("GuestsTest.class").toURI());
        int depth = GuestsTest.class.getPackageName().split("\\.").length;
        path.add(self.resolve("../".repeat(depth + 1)).normalize().toString());
        return String.join(File.pathSeparator, path);
    }

    @Test
    void firmwareIsFetchedByFile() throws IOException {
        TestDeb deb = new TestDeb();
        for (String name :
                List.of("fw_dynamic.bin", "fw_dynamic.elf", "fw_jump.bin", "fw_jump.elf")) {
            deb.file(
                    "./usr/lib/riscv64-linux-gnu/opensbi/generic/" + name,
                    0644,
                    TestDeb.ascii(name));
        }
        apt.offer("opensbi", "1.6-1", deb.build());

        Firmware firmware = guests.firmware("opensbi", heard);

        assertThat(firmware.version()).isEqualTo("1.6-1");
        assertThat(firmware.file("fw_jump.bin")).hasContent("fw_jump.bin");
        assertThatThrownBy(() -> firmware.file("fw_payload.bin"))
                .hasMessageContaining("fw_dynamic.bin, fw_dynamic.elf, fw_jump.bin");
    }

    @Test
    void aPackageThatLacksAFileIsRefusedWithItsName() throws IOException {
        apt.offer("qemu-efi-riscv64", "1", new TestDeb().directory("x").build());

        assertThatThrownBy(() -> guests.firmware("edk2", heard))
                .hasMessageContaining("lacks usr/share/qemu-efi-riscv64/RISCV_VIRT_CODE.fd");
    }

    @Test
    void anOverlayHoldsThePackagesAndWhatTheyNeed() throws IOException {
        apt.offer(
                "tool",
                "1",
                new TestDeb()
                        .directory("./usr/bin")
                        .file("./usr/bin/tool", 0755, TestDeb.ascii("tool"))
                        .file("./usr/share/doc/tool/README", 0644, TestDeb.ascii("long"))
                        .build());
        apt.offer(
                "libc6",
                "2",
                new TestDeb()
                        .directory("./lib")
                        .file("./lib/ld.so", 0755, TestDeb.ascii("ld"))
                        .symbolicLink("./usr/lib/ld-2.so", "ld.so")
                        .hardLink("./usr/lib/hard", "./lib/ld.so")
                        .build());
        apt.write(
                "closure",
                """
                Reading package lists...
                'http://m/l.deb' libc6_2_riscv64.deb 10 MD5Sum:0
                'http://m/t.deb' tool_1_riscv64.deb 10 MD5Sum:0
                """);

        Map<String, String> files = unpacked(guests.overlay(List.of("tool"), heard));

        assertThat(files)
                .containsOnlyKeys(
                        "usr",
                        "usr/bin",
                        "usr/bin/tool",
                        "usr/lib",
                        "usr/lib/ld.so",
                        "usr/lib/ld-2.so",
                        "usr/lib/hard")
                .containsEntry("usr/lib/ld.so", "ld")
                .containsEntry("usr/lib/hard", "/usr/lib/ld.so");
    }

    @Test
    void namesThatAreNoPackagesAreRefused() {
        assertThatThrownBy(() -> guests.overlay(List.of("-o", "x"), heard))
                .isInstanceOf(GuestException.class);
        assertThatThrownBy(() -> guests.overlay(List.of(), heard))
                .isInstanceOf(GuestException.class);
    }

    @Test
    void aCacheThatCannotBeMadeIsReportedInOneLine() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "");
        Guests below = Guests.in(file.resolve("dalang"), apt::host);

        assertThatThrownBy(() -> below.guest(Guests.DEBIAN, heard))
                .isInstanceOf(GuestException.class)
                .hasMessageContaining(file.toString())
                .hasMessageNotContaining("\n");
    }
}
