package dev.dalang.vm.internal.guest;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;

/**
 * Lays packages into an initial file system that is unpacked over another one. Documentation is
 * left out: it would only take the guest's memory.
 */
final class PackageOverlay {

    /** Links in the base, under whose targets files belong. */
    private static final Set<String> MERGED = Set.of("bin", "sbin", "lib", "lib64");

    private static final List<String> LEFT_OUT =
            List.of(
                    "usr/share/doc/",
                    "usr/share/man/",
                    "usr/share/info/",
                    "usr/share/locale/",
                    "usr/share/lintian/",
                    "usr/share/bug/");

    private PackageOverlay() {}

    static void write(Path file, List<Path> packages) throws IOException {
        try (OutputStream out =
                        new BufferedOutputStream(
                                Files.newOutputStream(file, StandardOpenOption.CREATE_NEW),
                                1 << 16);
                CpioWriter cpio = new CpioWriter(out)) {
            for (Path deb : packages) {
                DebReader.read(
                        deb,
                        (entry, content) -> {
                            String path = merged(entry.path());
                            if (MERGED.contains(path) || isLeftOut(path) || cpio.contains(path)) {
                                return;
                            }
                            switch (entry.kind()) {
                                case DIRECTORY -> cpio.directory(path, entry.mode());
                                case FILE -> cpio.file(path, entry.mode(), entry.bytes(), content);
                                case SYMBOLIC_LINK -> cpio.symbolicLink(path, entry.target());
                                // A relative way to the root and down again.
                                case HARD_LINK ->
                                        cpio.symbolicLink(path, "/" + merged(entry.target()));
                            }
                        });
            }
        }
    }

    private static boolean isLeftOut(String path) {
        return LEFT_OUT.stream().anyMatch(path::startsWith);
    }

    private static String merged(String path) {
        int slash = path.indexOf('/');
        return slash > 0 && MERGED.contains(path.substring(0, slash)) ? "usr/" + path : path;
    }
}
