package dev.dalang.vm.internal.plugin;

import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.vm.ConfigurationException;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.function.Supplier;

/**
 * A kind of device, and how one is made. What a plug-in's classes throw becomes a {@link
 * ConfigurationException} here.
 */
public final class DeviceKind {
    /** Makes a device; may throw whatever a constructor does. */
    interface Maker {
        PciDevice make(Map<String, String> options, int index) throws Throwable;
    }

    private final String name;
    private final String description;
    private final Map<String, String> options;
    private final boolean takesAnything;
    private final Optional<Path> plugin;
    private final Maker maker;
    private final Optional<Supplier<PciDeviceSpec>> without;

    DeviceKind(
            String name,
            String description,
            Map<String, String> options,
            boolean takesAnything,
            Optional<Path> plugin,
            Maker maker) {
        this(name, description, options, takesAnything, plugin, maker, Optional.empty());
    }

    private DeviceKind(
            String name,
            String description,
            Map<String, String> options,
            boolean takesAnything,
            Optional<Path> plugin,
            Maker maker,
            Optional<Supplier<PciDeviceSpec>> without) {
        this.name = name;
        this.description = description;
        this.options = new TreeMap<>(options);
        this.takesAnything = takesAnything;
        this.plugin = plugin;
        this.maker = maker;
        this.without = without;
    }

    /** A kind of the house: without options, made by its number among the devices, from 1. */
    public static DeviceKind of(String name, String description, IntFunction<PciDevice> maker) {
        return new DeviceKind(
                name,
                description,
                Map.of(),
                false,
                Optional.empty(),
                (_, index) -> maker.apply(index + 1));
    }

    /** A kind of the house with options; what they cannot be is an IllegalArgumentException. */
    public static DeviceKind of(
            String name,
            String description,
            Map<String, String> options,
            Function<Map<String, String>, PciDevice> maker) {
        return new DeviceKind(
                name,
                description,
                options,
                false,
                Optional.empty(),
                (values, _) -> maker.apply(values));
    }

    /** The same, of a kind that cannot be made without options: so it says itself what it is. */
    public static DeviceKind of(
            String name,
            String description,
            Map<String, String> options,
            Supplier<PciDeviceSpec> without,
            Function<Map<String, String>, PciDevice> maker) {
        return new DeviceKind(
                name,
                description,
                options,
                false,
                Optional.empty(),
                (values, _) -> maker.apply(values),
                Optional.of(without));
    }

    /** The name. */
    public String name() {
        return name;
    }

    /** One line. */
    public String description() {
        return description;
    }

    /** Its own options: name and meaning. */
    public Map<String, String> options() {
        return options;
    }

    /** The jar that it comes from. */
    public Optional<Path> plugin() {
        return plugin;
    }

    /** True if it has an option of that name. */
    public boolean takes(String option) {
        return takesAnything || options.containsKey(option);
    }

    /** Makes a device, and sees that it can say what it is. */
    public PciDevice create(Map<String, String> values, int index) {
        return create("--device", values, index);
    }

    /** What a device without options says that it is. */
    public PciDeviceSpec spec() {
        if (without.isPresent()) {
            return without.get().get();
        }
        return specOf("--plugin", create("--plugin", Map.of(), 0));
    }

    private PciDevice create(String option, Map<String, String> values, int index) {
        PciDevice device;
        try {
            device = maker.make(values, index);
        } catch (IllegalArgumentException refused) {
            throw new ConfigurationException(
                    "%s: %s: %s".formatted(option, name, refused.getMessage()), refused);
        } catch (Throwable failure) {
            throw failed(option, "it could not be made", failure);
        }
        specOf(option, device);
        return device;
    }

    private PciDeviceSpec specOf(String option, PciDevice device) {
        try {
            PciDeviceSpec spec = device.spec();
            if (spec == null) {
                throw new IllegalStateException("spec() gave null");
            }
            return spec;
        } catch (Throwable failure) {
            throw failed(option, "it cannot say what it is", failure);
        }
    }

    private ConfigurationException failed(String option, String what, Throwable failure) {
        if (failure instanceof VirtualMachineError fatal) {
            throw fatal;
        }
        return new ConfigurationException(
                "%s: expected a device of %s, found that %s: %s"
                        .formatted(option, name, what, failure),
                failure);
    }
}
