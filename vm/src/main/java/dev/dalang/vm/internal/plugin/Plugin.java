package dev.dalang.vm.internal.plugin;

import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceFactory;
import dev.dalang.vm.ConfigurationException;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.jar.JarFile;
import java.util.stream.Stream;

/** A jar with devices of a user's own, and the loader of its classes, which lives on with them. */
public final class Plugin {
    private final Path jar;
    private final URLClassLoader loader;
    private final List<DeviceKind> kinds = new ArrayList<>();
    private volatile boolean used;

    private Plugin(Path jar, URLClassLoader loader) {
        this.jar = jar;
        this.loader = loader;
    }

    /**
     * Opens a jar, and asks for the devices that it names.
     *
     * @param jar the file
     * @return the plug-in
     * @throws ConfigurationException if it is no jar, or what it names cannot be used
     */
    public static Plugin load(Path jar) {
        try (JarFile _ = new JarFile(jar.toFile())) {
            Plugin plugin = new Plugin(jar, loader(jar));
            plugin.find();
            return plugin;
        } catch (IOException e) {
            throw new ConfigurationException(
                    "--plugin: expected a jar, found %s: %s".formatted(jar, e.getMessage()), e);
        } catch (ServiceConfigurationError | LinkageError e) {
            Throwable why = e.getCause() == null ? e : e.getCause();
            throw new ConfigurationException(
                    "--plugin: expected devices in %s, found %s".formatted(jar, why), e);
        } catch (ConfigurationException told) {
            throw told;
        } catch (RuntimeException e) {
            throw new ConfigurationException(
                    "--plugin: expected devices in %s, found %s".formatted(jar, e), e);
        }
    }

    private static URLClassLoader loader(Path jar) throws MalformedURLException {
        URL[] urls = {jar.toUri().toURL()};
        return new URLClassLoader("plugin " + jar, urls, Plugin.class.getClassLoader());
    }

    private void find() {
        mine(ServiceLoader.load(PciDeviceFactory.class, loader))
                .map(provider -> DeviceClasses.of(provider.get(), Optional.of(jar)))
                .forEach(kinds::add);
        mine(ServiceLoader.load(PciDevice.class, loader))
                .map(
                        provider ->
                                new DeviceKind(
                                        provider.get().spec().name(),
                                        "class " + provider.type().getName(),
                                        Map.of(),
                                        false,
                                        Optional.of(jar),
                                        (_, _) -> provider.get()))
                .forEach(kinds::add);
    }

    private <S> Stream<ServiceLoader.Provider<S>> mine(ServiceLoader<S> services) {
        return services.stream().filter(provider -> provider.type().getClassLoader() == loader);
    }

    /** The file. */
    public Path jar() {
        return jar;
    }

    /** What it brings by name. */
    public List<DeviceKind> kinds() {
        return kinds;
    }

    ClassLoader loader() {
        return loader;
    }

    /** A class was asked for. */
    void used(Class<?> found) {
        used |= found.getClassLoader() == loader;
    }

    /**
     * Refuses a jar that is good for nothing.
     *
     * @throws ConfigurationException if it names no device, and no class of it was asked for
     */
    public void check() {
        if (kinds.isEmpty() && !used) {
            throw new ConfigurationException(
                    "--plugin: expected META-INF/services/%s or %s in %s, or --device class= with"
                                    .formatted(
                                            PciDevice.class.getName(),
                                            PciDeviceFactory.class.getSimpleName(),
                                            jar)
                            + " a class of it, found neither");
        }
    }
}
