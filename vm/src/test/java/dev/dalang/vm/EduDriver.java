package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.vm.guest.Guests;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The example's kernel module for the edu device, where it was built, and what it is asked to do.
 */
final class EduDriver {
    private static final String TO_BUILD = "build/guest-module examples/edu-driver makes it";
    private static final Path MODULE = Path.of("..", "examples", "edu-driver", "edu.ko");

    /**
     * Takes the module in with the given kind of interrupts, has each of its vectors fire, moves
     * data both ways by DMA, and prints what the kernel counted. Arguments: the kind, and the
     * function.
     */
    private static final String SCRIPT =
            """
            #!/bin/sh
            cd /sys/bus/pci/devices/$2
            insmod /host/edu.ko irq=$1 || exit
            file=/dev/$(ls misc)
            echo 10 >factorial
            echo "factorial: $(cat factorial)"
            echo 2 >raise
            echo 0x80 >raise
            head -c 4096 /dev/urandom >/tmp/sent
            cat /tmp/sent >$file
            head -c 4096 $file | cmp - /tmp/sent && echo 'received: what was sent'
            echo "interrupts: $(cat interrupts)"
            grep ' edu' /proc/interrupts
            rmmod edu
            """;

    private EduDriver() {}

    /** Puts module and script into a directory for the guest; false if nobody has built it. */
    static boolean putInto(Path directory) throws IOException {
        script(directory, "drive-edu", SCRIPT);
        if (!Files.exists(MODULE)) {
            return false;
        }
        requireFresh();
        Files.copy(MODULE, directory.resolve("edu.ko"));
        return true;
    }

    /** A module of another source, or for another kernel, would show nothing of this one. */
    private static void requireFresh() throws IOException {
        FileTime built = Files.getLastModifiedTime(MODULE);
        try (Stream<Path> files = Files.list(MODULE.getParent())) {
            for (Path source : files.toList()) {
                assertThat(Files.getLastModifiedTime(source))
                        .as("%s has changed since the module was built; %s", source, TO_BUILD)
                        .isLessThanOrEqualTo(built);
            }
        }
        String kernel = Guests.debian().version().replaceAll("-.*", "");
        String module = new String(Files.readAllBytes(MODULE), StandardCharsets.ISO_8859_1);
        assertThat(module.contains("vermagic=" + kernel))
                .as("the module is for kernel %s; if not, %s", kernel, TO_BUILD)
                .isTrue();
    }

    /** Why a test cannot go on without it. */
    static String notBuilt() {
        return "no kernel module; " + TO_BUILD;
    }

    /** Puts a script into a directory for the guest. */
    static void script(Path directory, String name, String text) throws IOException {
        Path file = Files.writeString(directory.resolve(name), text);
        if (!file.toFile().setExecutable(true)) {
            throw new IOException("cannot make " + file + " executable");
        }
    }

    /** How often the kernel counted a function's message of that name. */
    static Optional<Long> count(String interrupts, String function, String name) {
        return interrupts
                .lines()
                .map(String::strip)
                .filter(line -> line.matches("\\d+:.*-" + function + "\\s.*\\s" + name))
                .map(EduDriver::sumOfHarts)
                .findFirst();
    }

    /** What a line of {@code /proc/interrupts} counts, over all harts. */
    static long sumOfHarts(String line) {
        long sum = 0;
        for (String word : line.substring(line.indexOf(':') + 1).strip().split("\\s+")) {
            if (!word.matches("\\d+")) {
                break;
            }
            sum += Long.parseLong(word);
        }
        return sum;
    }
}
