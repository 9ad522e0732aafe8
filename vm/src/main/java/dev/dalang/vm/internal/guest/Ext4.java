package dev.dalang.vm.internal.guest;

import dev.dalang.vm.guest.GuestException;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Makes file systems with the programs of e2fsprogs, which need no special rights for a file of
 * one's own.
 */
final class Ext4 {
    private static final List<String> PLACES = List.of("/usr/sbin", "/sbin", "/usr/bin");

    /** Enough for what a program complains of. */
    private static final int MAX_OUTPUT_BYTES = 1 << 20;

    private Ext4() {}

    /**
     * Makes a file with the file system of a directory, all of which belongs to root.
     *
     * @param image a new file
     * @param bytes its size
     */
    static void make(Path tree, Path image, long bytes) throws IOException {
        run(
                "make a file system",
                List.of(
                        program("mke2fs").toString(),
                        "-q",
                        "-F",
                        "-t",
                        "ext4",
                        "-b",
                        "4096",
                        "-L",
                        "dalang",
                        "-m",
                        "0",
                        "-E",
                        "root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0",
                        "-d",
                        tree.toString(),
                        image.toString(),
                        (bytes >>> 10) + "k"));
        if (!isOwnedByRoot(tree)) {
            giveToRoot(tree, image);
        }
    }

    private static boolean isOwnedByRoot(Path tree) throws IOException {
        return Integer.valueOf(0).equals(Files.getAttribute(tree, "unix:uid"));
    }

    /** The files have the owner that they had in the directory: whoever makes the image. */
    private static void giveToRoot(Path tree, Path image) throws IOException {
        Path script = Files.createTempFile("dalang-debugfs", null);
        try {
            StringBuilder commands = new StringBuilder();
            try (Stream<Path> files = Files.walk(tree)) {
                for (Path file : (Iterable<Path>) files::iterator) {
                    String name = "/" + tree.relativize(file);
                    if (name.indexOf('"') < 0 && name.indexOf('\n') < 0) {
                        commands.append("sif \"").append(name).append("\" uid 0\n");
                        commands.append("sif \"").append(name).append("\" gid 0\n");
                    }
                }
            }
            Files.writeString(script, commands);
            run(
                    "give a file system to root",
                    List.of(
                            program("debugfs").toString(),
                            "-w",
                            "-f",
                            script.toString(),
                            image.toString()));
        } finally {
            Files.delete(script);
        }
    }

    /** Makes a file system as large as its file. */
    static void grow(Path image) throws IOException {
        run(
                "resize a file system",
                List.of(program("resize2fs").toString(), "-f", image.toString()));
    }

    /** Checks a file system without changing it; what is said of its faults, or nothing. */
    static String check(Path image) throws IOException {
        try {
            run(
                    "check a file system",
                    List.of(program("e2fsck").toString(), "-f", "-n", image.toString()));
            return "";
        } catch (GuestException faulty) {
            String message = faulty.getMessage();
            return message == null ? "faulty" : message;
        }
    }

    private static Path program(String name) {
        return Stream.concat(
                        Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
                                .filter(place -> place.startsWith("/")),
                        PLACES.stream())
                .map(place -> Path.of(place, name))
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(
                        () ->
                                new GuestException(
                                        "a disk is made with "
                                                + name
                                                + " of e2fsprogs, which this machine does not"
                                                + " have; on Debian: apt-get install e2fsprogs"));
    }

    private static void run(String what, List<String> command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(new ArrayList<>(command));
        builder.environment().put("LC_ALL", "C");
        builder.redirectErrorStream(true);
        builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        Process process = builder.start();
        String output;
        try (InputStream in = process.getInputStream()) {
            output = new String(in.readNBytes(MAX_OUTPUT_BYTES), StandardCharsets.ISO_8859_1);
            in.transferTo(java.io.OutputStream.nullOutputStream());
        }
        try {
            if (process.waitFor() != 0) {
                throw new GuestException(
                        "cannot %s: %s ended with code %d: %s"
                                .formatted(
                                        what,
                                        command.getFirst(),
                                        process.exitValue(),
                                        lastLine(output)));
            }
        } catch (InterruptedException stopped) {
            process.destroy();
            Thread.currentThread().interrupt();
            throw new GuestException("cannot " + what + ": interrupted", stopped);
        }
    }

    private static String lastLine(String output) {
        return output.lines().filter(line -> !line.isBlank()).reduce("", (_, line) -> line);
    }

    /** Removes a directory with all that is in it; links are not followed. */
    static void removeTree(Path tree) throws IOException {
        if (!Files.exists(tree, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        List<Path> files;
        try (Stream<Path> found = Files.walk(tree)) {
            files = new ArrayList<>(found.toList());
        }
        for (Path file : files.reversed()) {
            Files.delete(file);
        }
    }
}
