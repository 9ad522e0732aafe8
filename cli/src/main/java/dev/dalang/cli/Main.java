package dev.dalang.cli;

import dev.dalang.vm.ConfigurationException;
import dev.dalang.vm.guest.GuestException;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;

/** The {@code dalang} command. */
@Command(
        name = "dalang",
        description = "A virtual machine monitor for the JVM.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        subcommands = {
            RunCommand.class,
            DevicesCommand.class,
            ServeCommand.class,
            GuestCommand.class,
            CompletionCommand.class
        },
        footer = {
            "",
            "'dalang run' boots Debian to a shell prompt; 'dalang run --help' says more.",
            "In the source tree, './dalang test' runs the tests."
        })
final class Main implements Runnable {
    @Spec private CommandSpec spec;

    private Main() {}

    public static void main(String[] args) {
        System.exit(commandLine().execute(args));
    }

    /** The whole command, ready to be executed; every failure becomes a line and a status. */
    static CommandLine commandLine() {
        CommandLine commandLine = new CommandLine(new Main());
        commandLine.setParameterExceptionHandler(
                (e, _) -> mistake(e.getCommandLine(), e.getMessage() + hint(e)));
        commandLine.setExecutionExceptionHandler(
                (e, failed, _) -> {
                    if (e instanceof ConfigurationException || e instanceof GuestException) {
                        return mistake(failed, String.valueOf(e.getMessage()));
                    }
                    failed.getErr().println("dalang: a defect of Dalang itself: " + e);
                    e.printStackTrace(failed.getErr());
                    return ExitCode.DEFECT;
                });
        return commandLine;
    }

    private static int mistake(CommandLine commandLine, String message) {
        PrintWriter err = commandLine.getErr();
        err.println("dalang: " + message.lines().findFirst().orElse(""));
        err.flush();
        return ExitCode.MISTAKE;
    }

    private static String hint(ParameterException e) {
        return " (see " + e.getCommandLine().getCommandSpec().qualifiedName() + " --help)";
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "expected a command, found none");
    }

    /** The version that the build gave this module. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            var descriptor = Main.class.getModule().getDescriptor();
            String version = descriptor.rawVersion().orElse("of an unknown version");
            return new String[] {"dalang " + version + ", Java " + Runtime.version()};
        }
    }
}
