package dev.dalang.vm.internal.plugin;

import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceFactory;
import dev.dalang.vm.ConfigurationException;

import org.jspecify.annotations.Nullable;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Devices by the names of their classes: a {@link PciDevice} with a public constructor that takes
 * nothing, or the options as a {@code Map<String, String>}; or a {@link PciDeviceFactory}.
 */
public final class DeviceClasses {
    private DeviceClasses() {}

    /**
     * Finds a class in plug-ins, or in this program.
     *
     * @param name its full name
     * @param plugins where to look first
     * @return the kind of device that it stands for
     * @throws ConfigurationException if there is no such class, or it is no device
     */
    public static DeviceKind find(String name, List<Plugin> plugins) {
        for (Plugin plugin : plugins) {
            Optional<Class<?>> found = load(name, plugin.loader());
            if (found.isPresent()) {
                plugin.used(found.get());
                return kind(found.get(), Optional.of(plugin.jar()));
            }
        }
        return load(name, DeviceClasses.class.getClassLoader())
                .or(() -> load(name, Thread.currentThread().getContextClassLoader()))
                .map(found -> kind(found, Optional.empty()))
                .orElseThrow(
                        () ->
                                new ConfigurationException(
                                        "--device: expected class= with a class of this program or"
                                                + " of a --plugin, found "
                                                + name));
    }

    private static Optional<Class<?>> load(String name, @Nullable ClassLoader loader) {
        try {
            return Optional.of(Class.forName(name, false, loader));
        } catch (ClassNotFoundException absent) {
            return Optional.empty();
        } catch (LinkageError broken) {
            throw new ConfigurationException(
                    "--device: expected a class that can be loaded, found " + broken, broken);
        }
    }

    private static DeviceKind kind(Class<?> found, Optional<Path> jar) {
        if (PciDeviceFactory.class.isAssignableFrom(found)) {
            try {
                return of(
                        (PciDeviceFactory) make(constructor(found).orElseThrow(() -> no(found))),
                        jar);
            } catch (ConfigurationException told) {
                throw told;
            } catch (Throwable failure) {
                throw new ConfigurationException(
                        "--device: expected a factory of devices, found that %s could not be made:"
                                        .formatted(found.getName())
                                + " "
                                + failure,
                        failure);
            }
        }
        if (!PciDevice.class.isAssignableFrom(found)) {
            throw new ConfigurationException(
                    "--device: expected a class that implements %s or %s, found %s"
                            .formatted(
                                    PciDevice.class.getName(),
                                    PciDeviceFactory.class.getName(),
                                    found.getName()));
        }
        Optional<Constructor<?>> plain = constructor(found);
        Optional<Constructor<?>> withOptions = constructor(found, Map.class);
        if (plain.isEmpty() && withOptions.isEmpty()) {
            throw no(found);
        }
        return new DeviceKind(
                found.getName(),
                "",
                Map.of(),
                withOptions.isPresent(),
                jar,
                (options, _) ->
                        (PciDevice)
                                (withOptions.isPresent()
                                        ? make(withOptions.get(), Map.copyOf(options))
                                        : make(plain.orElseThrow())));
    }

    /** The kind of devices that a factory makes. */
    static DeviceKind of(PciDeviceFactory factory, Optional<Path> jar) {
        return new DeviceKind(
                factory.name(),
                factory.description(),
                factory.options(),
                false,
                jar,
                (options, _) -> factory.create(Map.copyOf(options)));
    }

    private static ConfigurationException no(Class<?> found) {
        return new ConfigurationException(
                "--device: expected a public class with a public constructor that takes nothing or"
                        + " a Map, found "
                        + found.getName()
                        + " without");
    }

    private static Optional<Constructor<?>> constructor(Class<?> owner, Class<?>... parameters) {
        try {
            Constructor<?> constructor = owner.getConstructor(parameters);
            return constructor.canAccess(null) ? Optional.of(constructor) : Optional.empty();
        } catch (NoSuchMethodException none) {
            return Optional.empty();
        }
    }

    private static Object make(Constructor<?> constructor, Object... arguments) throws Throwable {
        try {
            return constructor.newInstance(arguments);
        } catch (InvocationTargetException wrapped) {
            throw wrapped.getCause();
        }
    }
}
