package dev.dalang.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;

/** A user's jars, with devices of the tests. */
final class PluginJars {
    private PluginJars() {}

    /** Makes a jar of a class. */
    static Path of(Path jar, Class<?> device) throws IOException {
        String resource = device.getSimpleName() + ".class";
        try (InputStream bytes = Objects.requireNonNull(device.getResourceAsStream(resource));
                JarOutputStream packed = new JarOutputStream(Files.newOutputStream(jar))) {
            packed.putNextEntry(new JarEntry(device.getName().replace('.', '/') + ".class"));
            bytes.transferTo(packed);
            packed.closeEntry();
        }
        return jar;
    }
}
