package dev.dalang.cli;

import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.util.concurrent.Callable;

/** Prints what a shell needs to complete this command. */
@Command(
        name = "completion",
        description = "Print a script that completes this command in a shell.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        footer = {"", "For example: source <(dalang completion bash)"})
final class CompletionCommand implements Callable<Integer> {

    /** The shells whose completion the script serves; zsh reads bash's. */
    enum Shell {
        bash,
        zsh
    }

    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "SHELL", description = "${COMPLETION-CANDIDATES}")
    private Shell shell = Shell.bash;

    private CompletionCommand() {}

    @Override
    public Integer call() {
        var out = spec.commandLine().getOut();
        out.print(
                switch (shell) {
                    // One script for both: it finds out which one reads it.
                    case bash, zsh -> AutoComplete.bash("dalang", spec.root().commandLine());
                });
        out.flush();
        return ExitCode.OK;
    }
}
