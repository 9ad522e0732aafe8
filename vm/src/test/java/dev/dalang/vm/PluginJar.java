package dev.dalang.vm;

import dev.dalang.bus.BusDevice;
import dev.dalang.pci.PciDevice;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/** Compiles a user's device, and packs it as the README says. */
final class PluginJar {
    private PluginJar() {}

    /** A jar of one class in the unnamed package, which a service file names if there is one. */
    static Path of(Path directory, String className, String source, Class<?>... services)
            throws IOException {
        Path classes = Files.createTempDirectory(directory, "classes");
        Path file = Files.writeString(directory.resolve(className + ".java"), source);
        String classPath =
                location(PciDevice.class) + File.pathSeparator + location(BusDevice.class);
        StringWriter messages = new StringWriter();
        PrintWriter out = new PrintWriter(messages);
        int status =
                ToolProvider.findFirst("javac")
                        .orElseThrow()
                        .run(
                                out,
                                out,
                                "-d",
                                classes.toString(),
                                "-cp",
                                classPath,
                                "-proc:none",
                                file.toString());
        if (status != 0) {
            throw new AssertionError(className + " does not compile:\n" + messages);
        }
        Path jar = directory.resolve(className + ".jar");
        try (OutputStream bytes = Files.newOutputStream(jar);
                JarOutputStream packed = new JarOutputStream(bytes);
                Stream<Path> compiled = Files.list(classes)) {
            for (Path each : compiled.toList()) {
                entry(packed, each.getFileName().toString(), Files.readAllBytes(each));
            }
            for (Class<?> service : services) {
                entry(
                        packed,
                        "META-INF/services/" + service.getName(),
                        className.getBytes(StandardCharsets.UTF_8));
            }
        }
        return jar;
    }

    private static void entry(JarOutputStream out, String name, byte[] content) throws IOException {
        out.putNextEntry(new JarEntry(name));
        out.write(content);
        out.closeEntry();
    }

    private static String location(Class<?> of) {
        try {
            return Path.of(of.getProtectionDomain().getCodeSource().getLocation().toURI())
                    .toString();
        } catch (URISyntaxException e) {
            throw new UncheckedIOException(new IOException(e));
        }
    }
}
