package dev.dalang.vm;

import dev.dalang.devices.EduDevice;
import dev.dalang.devices.InspectionDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.pci.PciRootPort;
import dev.dalang.vm.internal.plugin.DeviceClasses;
import dev.dalang.vm.internal.plugin.DeviceKind;
import dev.dalang.vm.internal.plugin.NvmeKind;
import dev.dalang.vm.internal.plugin.Plugin;
import dev.dalang.vm.internal.plugin.VirtioKinds;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * The PCI devices that can be plugged in by name: those of the house, and those that plug-ins
 * bring. Immutable.
 */
public final class DeviceCatalogue {
    private static final DeviceCatalogue BUILT_IN =
            new DeviceCatalogue(
                    List.of(
                            DeviceKind.of(
                                    "edu",
                                    "the device of driver courses, as QEMU has it",
                                    _ -> new EduDevice()),
                            DeviceKind.of(
                                    "inspect",
                                    "shows and steers the monitor from inside the guest",
                                    _ -> new InspectionDevice()),
                            DeviceKind.of(
                                    "root-port",
                                    "a PCI Express root port with a slot",
                                    PciRootPort::of),
                            NvmeKind.nvme(),
                            VirtioKinds.rng()),
                    List.of());

    /**
     * A device that there is.
     *
     * @param name what it is asked for by
     * @param vendor its vendor id
     * @param device its device id
     * @param description one line
     * @param options its own options: name and meaning
     * @param plugin the jar that brings it; empty if it is of the house
     */
    public record Listed(
            String name,
            int vendor,
            int device,
            String description,
            Map<String, String> options,
            Optional<Path> plugin) {}

    private final Map<String, DeviceKind> kinds = new TreeMap<>();
    private final List<Plugin> plugins;

    private DeviceCatalogue(List<DeviceKind> builtIn, List<Plugin> plugins) {
        builtIn.forEach(kind -> kinds.put(kind.name(), kind));
        this.plugins = List.copyOf(plugins);
        for (Plugin plugin : plugins) {
            for (DeviceKind kind : plugin.kinds()) {
                if (kinds.putIfAbsent(kind.name(), kind) != null) {
                    throw new ConfigurationException(
                            "--plugin: expected a name of its own for the device "
                                    + kind.name()
                                    + " of "
                                    + plugin.jar()
                                    + ", found that it is taken");
                }
            }
        }
    }

    /** {@return the devices of the house} */
    public static DeviceCatalogue builtIn() {
        return BUILT_IN;
    }

    /**
     * Adds what a plug-in brings. Its devices are those that the jar names in {@code
     * META-INF/services/dev.dalang.pci.PciDevice} or {@code …PciDeviceFactory}.
     *
     * @param jar the file
     * @return the larger catalogue
     * @throws ConfigurationException if it is no jar, or a class that it names cannot be used
     */
    public DeviceCatalogue with(Path jar) {
        List<Plugin> more = new ArrayList<>(plugins);
        more.add(Plugin.load(jar));
        return new DeviceCatalogue(List.copyOf(BUILT_IN.kinds.values()), more);
    }

    /**
     * {@return the devices, by name}
     *
     * @throws ConfigurationException if a device of a plug-in cannot say what it is
     */
    public List<Listed> list() {
        return kinds.values().stream().map(DeviceCatalogue::listed).toList();
    }

    private static Listed listed(DeviceKind kind) {
        PciDeviceSpec spec = kind.spec();
        return new Listed(
                kind.name(),
                spec.vendor(),
                spec.device(),
                kind.description(),
                kind.options(),
                kind.plugin());
    }

    /**
     * Makes a device of the text form {@code NAME[,id=ID][,addr=DD[.F]][,bootindex=N][,KEY=VALUE]},
     * such as {@code edu,id=mine}. {@code class=FQCN} stands for a name: a class of a plug-in, or
     * one that this program has itself.
     *
     * @param text the text
     * @param index how many devices were named before, for what must be numbered
     * @return a new device of that name, and its place
     * @throws ConfigurationException if the text is none of these, or the device cannot be made
     */
    public PciPlacement parse(String text, int index) {
        String[] parts = text.split(",", -1);
        DeviceKind kind = kind(parts[0]);
        Optional<String> id = Optional.empty();
        Optional<PciPlacement.Address> address = Optional.empty();
        OptionalInt bootIndex = OptionalInt.empty();
        Map<String, String> options = new LinkedHashMap<>();
        for (int part = 1; part < parts.length; part++) {
            String option = parts[part];
            int equals = option.indexOf('=');
            String key = equals < 0 ? option : option.substring(0, equals);
            String value = option.substring(equals + 1);
            if (equals > 0 && key.equals("id")) {
                id = Optional.of(PciPlacement.checkedId(value));
            } else if (equals > 0 && key.equals("addr")) {
                address = Optional.of(PciPlacement.Address.parse(value));
            } else if (equals > 0 && key.equals("bootindex")) {
                bootIndex = OptionalInt.of(PciPlacement.parseIndex(value));
            } else if (equals > 0 && kind.takes(key)) {
                if (options.put(key, value) != null) {
                    throw new ConfigurationException(
                            "--device: expected %s= once for %s, found it twice"
                                    .formatted(key, kind.name()));
                }
            } else {
                throw new ConfigurationException(
                        "--device: expected %s for %s, found %s"
                                .formatted(accepted(kind), kind.name(), option));
            }
        }
        return new PciPlacement(kind.create(options, index), id, address, bootIndex);
    }

    private static String accepted(DeviceKind kind) {
        StringBuilder accepted = new StringBuilder("id=ID, addr=DD.F, bootindex=N");
        kind.options().keySet().forEach(key -> accepted.append(", ").append(key).append('='));
        return accepted.toString();
    }

    private DeviceKind kind(String name) {
        if (name.startsWith("class=")) {
            return DeviceClasses.find(name.substring("class=".length()), plugins);
        }
        DeviceKind kind = kinds.get(name);
        if (kind == null) {
            throw new ConfigurationException(
                    "--device: expected one of %s or class=CLASS, found %s"
                            .formatted(String.join(", ", kinds.keySet()), name));
        }
        return kind;
    }

    /**
     * Checks that every plug-in is good for something.
     *
     * @throws ConfigurationException if a jar names no device, and none of its classes was asked
     *     for
     */
    public void check() {
        plugins.forEach(Plugin::check);
    }
}
