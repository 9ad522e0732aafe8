package dev.dalang.bench.guest;

import picocli.CommandLine;

import java.util.ArrayList;
import java.util.List;

/** Commands as they were typed, without what they do. */
public final class Commands {
    private Commands() {}

    /** A command that was given some options, in the source tree {@code tree}. */
    public static <C extends ComparisonCommand> C parse(C command, String... arguments) {
        List<String> words = new ArrayList<>(List.of("--root=tree"));
        words.addAll(List.of(arguments));
        new CommandLine(command).parseArgs(words.toArray(String[]::new));
        return command;
    }
}
