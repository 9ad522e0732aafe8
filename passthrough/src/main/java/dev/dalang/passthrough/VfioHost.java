package dev.dalang.passthrough;

import dev.dalang.linux.Errno;
import dev.dalang.pci.PciAddress;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** What the host says of a PCI device, in sysfs: its group, who is in it, its files. */
final class VfioHost {
    /** Drivers that do nothing with a device that is in a group with another. */
    private static final Set<String> HARMLESS = Set.of("vfio-pci", "pci-stub", "pcieport");

    private final Path root;

    /** Where the host's files are; another place in a test. */
    VfioHost(Path root) {
        this.root = root;
    }

    static String name(PciAddress address) {
        return String.format(
                Locale.ROOT,
                "%04x:%02x:%02x.%x",
                address.segment(),
                address.bus(),
                address.device(),
                address.function());
    }

    private Path device(String name) {
        return root.resolve("sys/bus/pci/devices").resolve(name);
    }

    /** The device's group. */
    IsolationGroup group(PciAddress address) throws BackendException {
        String name = name(address);
        Path device = device(name);
        if (!Files.exists(device)) {
            throw new BackendException(
                    "find " + device, Errno.ENOENT.number(), "there is no such PCI device");
        }
        Path link = device.resolve("iommu_group");
        Path group;
        try {
            group = link.toRealPath();
        } catch (IOException none) {
            throw new BackendException(
                    "find " + link,
                    Errno.ENODEV.number(),
                    "no IOMMU guards the device; is there one, and is it enabled?");
        }
        List<String> members = new ArrayList<>();
        List<String> blockers = new ArrayList<>();
        try (Stream<Path> all = Files.list(group.resolve("devices"))) {
            all.map(each -> String.valueOf(each.getFileName())).sorted().forEach(members::add);
        } catch (IOException unreadable) {
            throw new BackendException("list " + group, Errno.EIO.number(), "");
        }
        for (String member : members) {
            Optional<String> driver = driver(member);
            boolean isOurs = member.equals(name);
            if (driver.isPresent()
                    && !(isOurs
                            ? driver.get().startsWith("vfio")
                            : HARMLESS.contains(driver.get()))) {
                blockers.add(member);
            }
        }
        return new IsolationGroup(String.valueOf(group.getFileName()), members, blockers);
    }

    private Optional<String> driver(String name) {
        try {
            return Optional.of(
                    String.valueOf(device(name).resolve("driver").toRealPath().getFileName()));
        } catch (IOException none) {
            return Optional.empty();
        }
    }

    /** The device's own file, of an iommufd; empty on a host without. */
    Optional<String> deviceFile(PciAddress address) {
        if (!Files.exists(root.resolve("dev/iommu"))) {
            return Optional.empty();
        }
        try (Stream<Path> all = Files.list(device(name(address)).resolve("vfio-dev"))) {
            return all.map(each -> "/dev/vfio/devices/" + each.getFileName()).findFirst();
        } catch (IOException none) {
            return Optional.empty();
        }
    }
}
