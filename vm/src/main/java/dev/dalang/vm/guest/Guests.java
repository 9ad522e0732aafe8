package dev.dalang.vm.guest;

import dev.dalang.vm.internal.guest.AptHost;
import dev.dalang.vm.internal.guest.Cache;
import dev.dalang.vm.internal.guest.DiskCopy;
import dev.dalang.vm.internal.guest.Recipe;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Supplier;

/**
 * The guests that this machine can boot, and firmware for them, in one cache directory.
 *
 * <p>Everything comes from the distribution's own archive through the machine's package manager,
 * with signatures verified; what was fetched is recorded with its hash, and the hash is compared
 * each time it is asked for. Where the machine has no such package manager the exception says what
 * to pass instead.
 *
 * <p>All methods may be called from any thread; a fetch waits for another process's fetch and takes
 * over what it brought. An interrupted fetch is gone on with by the next one.
 */
public final class Guests {

    /** The guest of {@link #debian()}. */
    public static final String DEBIAN = "debian";

    /** The distribution's installer: another initial file system, larger, with its own kernel. */
    public static final String DEBIAN_INSTALLER = "debian-installer";

    /** The smallest disk that {@link #disk} makes: 1 GiB. */
    public static final long MIN_DISK_BYTES = 1L << 30;

    private static final String INSTALLER_FILES =
            "usr/lib/debian-installer/images/13/riscv64/text/debian-installer/riscv64/";
    private static final String OPENSBI_FILES = "usr/lib/riscv64-linux-gnu/opensbi/generic/";
    private static final String UBOOT_FILES = "usr/lib/u-boot/";
    private static final String EDK2_FILES = "usr/share/qemu-efi-riscv64/";

    private record Known(String description, String commandLine, Recipe recipe) {}

    private static final Map<String, Known> GUESTS = new LinkedHashMap<>();
    private static final Map<String, Recipe> FIRMWARE = new LinkedHashMap<>();

    static {
        GUESTS.put(
                DEBIAN,
                new Known(
                        "Debian's kernel with a busybox shell",
                        "console=ttyS0 earlycon=sbi",
                        Recipe.debian()));
        GUESTS.put(
                DEBIAN_INSTALLER,
                new Known(
                        "Debian's installer",
                        "console=ttyS0 earlycon=sbi",
                        Recipe.files(
                                "debian-installer-13-netboot-riscv64",
                                Map.of(
                                        INSTALLER_FILES + "linux", "kernel",
                                        INSTALLER_FILES + "initrd.gz", "initrd"))));
        FIRMWARE.put(
                "opensbi",
                Recipe.files(
                        "opensbi",
                        Map.of(
                                OPENSBI_FILES + "fw_dynamic.bin", "fw_dynamic.bin",
                                OPENSBI_FILES + "fw_dynamic.elf", "fw_dynamic.elf",
                                OPENSBI_FILES + "fw_jump.bin", "fw_jump.bin",
                                OPENSBI_FILES + "fw_jump.elf", "fw_jump.elf")));
        FIRMWARE.put(
                "u-boot",
                Recipe.files(
                        "u-boot-qemu",
                        Map.of(
                                UBOOT_FILES + "qemu-riscv64/u-boot.bin", "u-boot.bin",
                                UBOOT_FILES + "qemu-riscv64_smode/u-boot.bin", "u-boot-s.bin")));
        FIRMWARE.put(
                "edk2",
                Recipe.files(
                        "qemu-efi-riscv64",
                        Map.of(
                                EDK2_FILES + "RISCV_VIRT_CODE.fd", "RISCV_VIRT_CODE.fd",
                                EDK2_FILES + "RISCV_VIRT_VARS.fd", "RISCV_VIRT_VARS.fd")));
    }

    private final Cache cache;

    private Guests(Cache cache) {
        this.cache = cache;
    }

    /**
     * A guest that could be booted, and whether it is here.
     *
     * @param name as {@link #guest(String, FetchProgress)} takes it
     * @param description in a few words
     * @param version the version that is here, or empty when it has not been fetched
     * @param bytes what it takes on the disk, 0 when it has not been fetched
     */
    public record Listed(String name, String description, String version, long bytes) {

        /**
         * Whether the guest has been fetched.
         *
         * @return whether it is here
         */
        public boolean isFetched() {
            return !version.isEmpty();
        }
    }

    /**
     * The default guest from the user's cache, fetched first where it is missing.
     *
     * @return Debian's own kernel with a shell on its console
     * @throws GuestException when it cannot be had
     */
    public static Guest debian() {
        return inUserCache().guest(DEBIAN, FetchProgress.none());
    }

    /**
     * The guests in the user's cache directory: {@code $XDG_CACHE_HOME/dalang}, or {@code
     * ~/.cache/dalang} where that variable is unset or not absolute.
     *
     * @return the guests
     */
    public static Guests inUserCache() {
        return in(Cache.userDirectory(System.getenv(), System.getProperty("user.home", "/")));
    }

    /**
     * The guests in a directory of the caller's choice.
     *
     * @param directory is made when something is fetched
     * @return the guests
     */
    public static Guests in(Path directory) {
        return in(directory, () -> AptHost.find(System.getenv()));
    }

    /** With a package manager other than the machine's, for tests. */
    static Guests in(Path directory, Supplier<AptHost> host) {
        return new Guests(new Cache(directory, host));
    }

    /**
     * The directory in which everything is kept.
     *
     * @return the directory, which need not exist yet
     */
    public Path directory() {
        return cache.directory();
    }

    /**
     * All guests that this project knows.
     *
     * @return in a fixed order, the default guest first
     */
    public List<Listed> list() {
        List<Listed> result = new ArrayList<>();
        GUESTS.forEach(
                (name, known) -> {
                    var recorded = cache.recorded("guests/" + name, known.recipe);
                    result.add(
                            new Listed(
                                    name,
                                    known.description,
                                    recorded.map(Cache.Recorded::version).orElse(""),
                                    recorded.map(Cache.Recorded::bytes).orElse(0L)));
                });
        return List.copyOf(result);
    }

    /**
     * A guest, ready to boot: from the cache where it is whole, fetched where it is missing or
     * damaged.
     *
     * @param name one of {@link #list()}
     * @param progress hears how a fetch goes on
     * @return the guest
     * @throws GuestException when it is unknown or cannot be had
     */
    public Guest guest(String name, FetchProgress progress) {
        Known known = known(name);
        return ready(name, known, cache.get("guests/" + name, name, known.recipe, progress));
    }

    /**
     * Fetches a guest, also where one is here already: its packages may have newer versions.
     *
     * @param name one of {@link #list()}
     * @param progress hears how the fetch goes on
     * @return the guest
     * @throws GuestException when it is unknown or cannot be had; what was here before stays
     */
    public Guest fetch(String name, FetchProgress progress) {
        Known known = known(name);
        return ready(name, known, cache.renew("guests/" + name, name, known.recipe, progress));
    }

    /**
     * Removes a guest from the cache.
     *
     * @param name one of {@link #list()}
     * @return whether there was something to remove
     * @throws GuestException when it is unknown or cannot be removed
     */
    public boolean remove(String name) {
        return cache.remove("guests/" + name, name, known(name).recipe);
    }

    /**
     * Makes a disk with a root file system of the distribution, which the default guest boots with
     * {@code root=/dev/vda}. What it is made from is fetched where it is missing. Its packages are
     * unpacked and registered, and configured by the guest with {@code dpkg --configure -a}; root
     * has no password. Needs the programs of e2fsprogs, and no special rights.
     *
     * @param file is made; must not be there
     * @param bytes how large the disk shall be, at least {@link #MIN_DISK_BYTES}, a multiple of
     *     4096; what is not used takes no space of the host's
     * @param progress hears how it goes on
     * @throws GuestException when it cannot be made; there is no file then
     */
    public void disk(Path file, long bytes, FetchProgress progress) {
        if (bytes < MIN_DISK_BYTES || bytes % 4096 != 0) {
            throw new GuestException(
                    "expected a disk of at least %d bytes, a multiple of 4096, found %d"
                            .formatted(MIN_DISK_BYTES, bytes));
        }
        Cache.Content content = cache.get("disks/" + DEBIAN, "the disk", Recipe.disk(), progress);
        progress.step("Making " + file);
        DiskCopy.make(content.file("disk"), file, bytes, progress);
    }

    /**
     * Firmware, from the cache or fetched: {@code opensbi} ({@code fw_dynamic.bin, fw_jump.bin} and
     * their ELF files), {@code u-boot} ({@code u-boot.bin} for M-mode, {@code u-boot-s.bin} for
     * S-mode), {@code edk2} ({@code RISCV_VIRT_CODE.fd, RISCV_VIRT_VARS.fd}).
     *
     * @param name of the firmware
     * @param progress hears how a fetch goes on
     * @return the firmware
     * @throws GuestException when it is unknown or cannot be had
     */
    public Firmware firmware(String name, FetchProgress progress) {
        Recipe recipe = FIRMWARE.get(name);
        if (recipe == null) {
            throw new GuestException(
                    "there is no firmware '%s'; there is %s"
                            .formatted(name, String.join(", ", FIRMWARE.keySet())));
        }
        Cache.Content content = cache.get("firmware/" + name, name, recipe, progress);
        return new Firmware(name, content.version(), content.files());
    }

    /**
     * Firmware from the user's cache, fetched without a word where it is missing.
     *
     * @param name as {@link #firmware(String, FetchProgress)} takes it
     * @return the firmware
     * @throws GuestException when it is unknown or cannot be had
     */
    public static Firmware firmware(String name) {
        return inUserCache().firmware(name, FetchProgress.none());
    }

    /**
     * Packages of the distribution with everything that they need, as an archive that Linux unpacks
     * over the default guest's initial file system: append it to {@link Guest#initrd()}.
     *
     * @param packageNames at least one
     * @param progress hears how a fetch goes on
     * @return a cpio archive
     * @throws GuestException when a package is unknown or cannot be had
     */
    public Path overlay(List<String> packageNames, FetchProgress progress) {
        if (packageNames.isEmpty()) {
            throw new GuestException("an overlay needs at least one package");
        }
        List<String> sorted = List.copyOf(new TreeSet<>(packageNames));
        String name = String.join("_", sorted);
        if (!name.matches("[a-z0-9][a-z0-9+._-]{0,200}")) {
            throw new GuestException("'" + name + "' are not names of packages");
        }
        Cache.Content content =
                cache.get("overlays/" + name, name, Recipe.overlay(sorted), progress);
        return content.file("overlay.cpio");
    }

    private static Guest ready(String name, Known known, Cache.Content content) {
        return new Guest(
                name,
                content.version(),
                content.file("kernel"),
                content.file("initrd"),
                known.commandLine);
    }

    private static Known known(String name) {
        Known known = GUESTS.get(name);
        if (known == null) {
            throw new GuestException(
                    "there is no guest '%s'; there is %s"
                            .formatted(name, String.join(", ", GUESTS.keySet())));
        }
        return known;
    }
}
