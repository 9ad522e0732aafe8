package dev.dalang.bench;

import dev.dalang.bench.guest.BenchException;
import dev.dalang.bench.guest.GuestCommand;
import dev.dalang.bench.guest.HostTools;
import dev.dalang.bench.guest.NvmeCommand;
import dev.dalang.bench.guest.SoakCommand;
import dev.dalang.bench.vfiouser.VfioUserCommand;
import dev.dalang.vm.guest.GuestException;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;

import java.io.IOException;
import java.util.Locale;

/**
 * What {@code ./dalang bench} has beside JMH's benchmarks. Exits with 2 for what cannot be asked
 * for, and with 1 for what cannot be done.
 */
@Command(
        name = "dalang bench",
        description = "Measures Dalang beside its peers, or lets it work for long.",
        footer =
                "%nAnything else is for JMH: a part of its benchmarks' names, and options. "
                        + "\"dalang bench -l\" lists them.",
        subcommands = {
            GuestCommand.class,
            NvmeCommand.class,
            VfioUserCommand.class,
            SoakCommand.class
        })
public final class Main {
    private static final int FAILED = 1;
    private static final int MISTAKE = 2;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            description = "Show this help message and exit.")
    @SuppressWarnings("UnusedVariable") // picocli deals with it
    private boolean help;

    private Main() {}

    /**
     * Runs a command, and ends the process.
     *
     * @param args its name, the root of the source tree, and its options
     */
    public static void main(String[] args) {
        // What is printed does not depend on who prints it.
        Locale.setDefault(Locale.ROOT);
        System.exit(commandLine().execute(args));
    }

    /** The whole command, ready to be executed; every failure becomes a line and a status. */
    static CommandLine commandLine() {
        CommandLine commandLine = new CommandLine(new Main());
        commandLine.setParameterExceptionHandler(
                (e, _) -> {
                    HostTools.say(message(e) + hint(e));
                    return MISTAKE;
                });
        commandLine.setExecutionExceptionHandler(
                (e, _, _) -> {
                    if (e instanceof BenchException
                            || e instanceof GuestException
                            || e instanceof IOException) {
                        HostTools.say(message(e));
                        return FAILED;
                    }
                    throw e;
                });
        return commandLine;
    }

    private static String message(Exception e) {
        return String.valueOf(e.getMessage());
    }

    private static String hint(ParameterException e) {
        return " (see " + e.getCommandLine().getCommandSpec().qualifiedName() + " --help)";
    }
}
