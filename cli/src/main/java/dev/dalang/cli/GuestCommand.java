package dev.dalang.cli;

import dev.dalang.vm.MemorySize;
import dev.dalang.vm.guest.FetchProgress;
import dev.dalang.vm.guest.Guest;
import dev.dalang.vm.guest.Guests;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;

/** Manages the guests in the user's cache. */
@Command(
        name = "guest",
        description = "List, fetch and remove guests in your cache directory, and make disks.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class)
final class GuestCommand implements Runnable {
    @Spec private CommandSpec spec;

    private GuestCommand() {}

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "expected one of list, fetch, disk, remove, found none");
    }

    @Command(
            name = "list",
            description = "List the guests that can be booted.",
            mixinStandardHelpOptions = true,
            versionProvider = Main.Version.class)
    int list() {
        PrintWriter out = spec.commandLine().getOut();
        for (Guests.Listed guest : Guests.inUserCache().list()) {
            String state =
                    guest.isFetched()
                            ? String.format(
                                    Locale.ROOT,
                                    "%s, %.1f MB",
                                    guest.version(),
                                    guest.bytes() / 1e6)
                            : "not fetched";
            out.printf("%-18s %-28s %s%n", guest.name(), state, guest.description());
        }
        out.flush();
        return ExitCode.OK;
    }

    @Command(
            name = "fetch",
            description = "Fetch a guest, or its newest version, and print where it is.",
            mixinStandardHelpOptions = true,
            versionProvider = Main.Version.class)
    int fetch(
            @Parameters(
                            paramLabel = "NAME",
                            defaultValue = Guests.DEBIAN,
                            description = "Which guest (default: ${DEFAULT-VALUE}).")
                    String name,
            @Option(
                            names = "--if-missing",
                            description = "Fetch nothing where a version of it is here.")
                    boolean ifMissing,
            @Option(
                            names = {"-q", "--quiet"},
                            description = "Show no progress.")
                    boolean quiet) {
        Guest guest;
        Guests guests = Guests.inUserCache();
        ProgressLine line = new ProgressLine(System.err, RawTerminal.isTerminal(2));
        FetchProgress progress = quiet ? FetchProgress.none() : line;
        try {
            guest = ifMissing ? guests.guest(name, progress) : guests.fetch(name, progress);
        } finally {
            line.finish();
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println("kernel " + guest.kernel());
        out.println("initrd " + guest.initrd());
        out.flush();
        return ExitCode.OK;
    }

    @Command(
            name = "disk",
            description = {
                "Make a disk with Debian's root file system, without special rights. It is booted",
                "to a login by: dalang run --disk FILE --append root=/dev/vda"
            },
            mixinStandardHelpOptions = true,
            versionProvider = Main.Version.class)
    int disk(
            @Parameters(paramLabel = "FILE", description = "Is made; must not be there.") Path file,
            @Option(
                            names = "--size",
                            paramLabel = "SIZE",
                            defaultValue = "2G",
                            description = "1G or more (default: ${DEFAULT-VALUE}).")
                    String size,
            @Option(
                            names = {"-q", "--quiet"},
                            description = "Show no progress.")
                    boolean quiet) {
        long bytes = MemorySize.parse("--size", size);
        ProgressLine line = new ProgressLine(System.err, RawTerminal.isTerminal(2));
        try {
            Guests.inUserCache().disk(file, bytes, quiet ? FetchProgress.none() : line);
        } finally {
            line.finish();
        }
        return ExitCode.OK;
    }

    @Command(
            name = "remove",
            description = "Remove a guest from the cache.",
            mixinStandardHelpOptions = true,
            versionProvider = Main.Version.class)
    int remove(@Parameters(paramLabel = "NAME", description = "Which guest.") String name) {
        PrintWriter out = spec.commandLine().getOut();
        out.println(
                Guests.inUserCache().remove(name) ? "removed " + name : name + " was not fetched");
        out.flush();
        return ExitCode.OK;
    }
}
