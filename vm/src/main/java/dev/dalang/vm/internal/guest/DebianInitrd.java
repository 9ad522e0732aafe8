package dev.dalang.vm.internal.guest;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Builds the compact initial file system: busybox with its applets, an init script, and the kernel
 * modules for the devices that the board has or can get.
 *
 * <p>The archive itself is not compressed. Measured on the distribution's 6.12: unpacking the same
 * 47 MB costs the guest 0.5 thousand million instructions more from gzip than from a stored
 * archive, as much as half the boot. The modules of the devices that most guests have are stored
 * unpacked, too; the others stay as the distribution packed them, and the kernel unpacks those that
 * are asked for, so that every guest needs less memory.
 */
final class DebianInitrd {

    /** Raised when the builder changes what it makes, so that older results are made again. */
    static final int RECIPE = 8;

    /** Stored unpacked, with all that they need. */
    private static final List<String> COMMON_MODULES =
            words(
                    """
                    virtio_mmio virtio_blk virtio_net virtio_rng virtio_balloon virtio_input
                    virtio_pmem virtio_crypto evdev qemu_fw_cfg
                    vmw_vsock_virtio_transport vsock_loopback vsock_diag
                    """);

    /** Stored as the distribution packs them. */
    private static final List<String> OTHER_MODULES =
            words(
                    """
                    9pnet_virtio 9p
                    virtio_scsi sd_mod sr_mod nvme ahci loop zram nd_pmem nd_btt
                    ext4 crc32c_generic xfs squashfs overlay isofs
                    vfat nls_ascii nls_cp437 nls_iso8859_1 nls_utf8
                    e1000e tun
                    virtio_gpu bochs virtio_snd xhci_pci usbhid hid_generic usb_storage
                    vfio_pci uio_pci_generic pci_stub
                    """);

    private DebianInitrd() {}

    /**
     * Writes the initial file system.
     *
     * @param busybox the statically linked program
     * @param kernelRelease the name of the directory of modules
     * @param modules the kernel's modules
     * @param builtin the kernel package's {@code modules.builtin}
     */
    static void write(
            Path file, byte[] busybox, String kernelRelease, ModuleSet modules, byte[] builtin)
            throws IOException {
        try (OutputStream out =
                        new BufferedOutputStream(
                                Files.newOutputStream(file, StandardOpenOption.CREATE_NEW),
                                1 << 16);
                CpioWriter cpio = new CpioWriter(out)) {
            writeSkeleton(cpio);
            writeBusybox(cpio, busybox);
            writeModules(cpio, kernelRelease, modules, builtin);
        }
    }

    private static void writeSkeleton(CpioWriter cpio) throws IOException {
        for (String directory :
                List.of(
                        "dev",
                        "etc",
                        "etc/udhcpc",
                        "mnt",
                        "newroot",
                        "proc",
                        "run",
                        "sys",
                        "usr",
                        "usr/bin",
                        "usr/lib",
                        "usr/sbin",
                        "var",
                        "var/log")) {
            cpio.directory(directory, 0755);
        }
        cpio.directory("root", 0700);
        cpio.directory("tmp", 01777);
        for (String merged : List.of("bin", "lib", "sbin")) {
            cpio.symbolicLink(merged, "usr/" + merged);
        }
        // The kernel opens the console before anything can be mounted on /dev.
        cpio.characterDevice("dev/console", 0600, 5, 1);
        cpio.characterDevice("dev/null", 0666, 1, 3);
        cpio.file("init", 0755, resource("init"));
        cpio.file("usr/sbin/coldplug", 0755, resource("coldplug"));
        cpio.file("etc/inittab", 0644, resource("inittab"));
        cpio.file("etc/console", 0755, resource("console"));
        cpio.file("etc/udhcpc/default.script", 0755, resource("dhcp"));
        cpio.file("etc/profile", 0644, resource("profile"));
        cpio.file("etc/passwd", 0644, ascii("root:x:0:0:root:/root:/bin/sh\n"));
        cpio.file("etc/group", 0644, ascii("root:x:0:\n"));
        cpio.file("etc/hosts", 0644, ascii("127.0.0.1 localhost\n::1 localhost\n"));
    }

    private static void writeBusybox(CpioWriter cpio, byte[] busybox) throws IOException {
        cpio.file("usr/bin/busybox", 0755, busybox);
        for (String applet : applets(busybox)) {
            if (!applet.equals("busybox")) {
                cpio.symbolicLink("usr/bin/" + applet, "busybox");
            }
        }
        // The kernel calls these by their full names.
        cpio.symbolicLink("usr/sbin/modprobe", "../bin/busybox");
        cpio.symbolicLink("usr/sbin/init", "../bin/busybox");
    }

    /**
     * The names of busybox's applets. They lie in the program as one block of strings, sorted,
     * ended by an empty one; the program cannot be asked, because it is not for this machine.
     */
    static List<String> applets(byte[] busybox) throws IOException {
        byte[] first = ascii("[\0[[\0");
        int start = indexOf(busybox, first);
        List<String> names = new ArrayList<>();
        for (int at = start; start >= 0 && at < busybox.length && busybox[at] != 0; ) {
            int end = at;
            while (end < busybox.length && busybox[end] != 0) {
                end++;
            }
            String name = new String(busybox, at, end - at, StandardCharsets.ISO_8859_1);
            if (!name.matches("[A-Za-z0-9_.+\\[-]{1,40}")) {
                break;
            }
            names.add(name);
            at = end + 1;
        }
        if (!names.containsAll(List.of("sh", "mount", "poweroff", "modprobe"))) {
            throw new IOException(
                    "busybox lists " + names.size() + " applets, without those that init needs");
        }
        return names;
    }

    private static int indexOf(byte[] bytes, byte[] wanted) {
        for (int i = 0; i + wanted.length <= bytes.length; i++) {
            if (Arrays.equals(bytes, i, i + wanted.length, wanted, 0, wanted.length)) {
                return i;
            }
        }
        return -1;
    }

    private static void writeModules(
            CpioWriter cpio, String kernelRelease, ModuleSet modules, byte[] builtin)
            throws IOException {
        String root = "usr/lib/modules/" + kernelRelease + "/";
        Set<String> common = modules.withDependencies(COMMON_MODULES).keySet();
        List<String> wanted = new ArrayList<>(COMMON_MODULES);
        wanted.addAll(OTHER_MODULES);
        Map<String, ModuleSet.Module> chosen = modules.withDependencies(wanted);
        Map<String, String> paths = new HashMap<>();
        for (ModuleSet.Module module : chosen.values()) {
            String name = module.name();
            paths.put(name, common.contains(name) ? module.path() : module.packedPath());
        }
        StringBuilder dependencies = new StringBuilder();
        StringBuilder aliases = new StringBuilder();
        for (ModuleSet.Module module : chosen.values()) {
            String name = module.name();
            dependencies.append(paths.get(name)).append(':');
            for (ModuleSet.Module needed : ModuleSet.needs(module, chosen)) {
                dependencies.append(' ').append(paths.get(needed.name()));
            }
            dependencies.append('\n');
            for (String alias : module.info().aliases()) {
                aliases.append("alias ").append(alias).append(' ').append(name).append('\n');
            }
            byte[] content = common.contains(name) ? module.content() : modules.packed(name);
            cpio.file(root + paths.get(name), 0644, content);
        }
        cpio.file(root + "modules.dep", 0644, ascii(dependencies.toString()));
        cpio.file(root + "modules.alias", 0644, ascii(aliases.toString()));
        cpio.file(root + "modules.builtin", 0644, builtin);
    }

    private static List<String> words(String text) {
        return List.of(text.strip().split("\\s+"));
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = DebianInitrd.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IOException("the resource " + name + " is not in this build");
            }
            return in.readAllBytes();
        }
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }
}
