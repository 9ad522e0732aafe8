package dev.dalang.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.nio.file.Path;

/** What the option {@code --console} connects the guest's console to. */
sealed interface ConsoleChoice {
    /** Standard input and output. */
    record Stdio() implements ConsoleChoice {}

    /** Output into a file, no input. */
    record ToFile(Path file) implements ConsoleChoice {}

    /** Nothing. */
    record None() implements ConsoleChoice {}

    /** Reads the option's value. */
    final class Converter implements ITypeConverter<ConsoleChoice> {
        @Override
        public ConsoleChoice convert(String value) {
            if (value.equals("stdio")) {
                return new Stdio();
            }
            if (value.equals("none")) {
                return new None();
            }
            if (value.startsWith("file:") && value.length() > "file:".length()) {
                return new ToFile(Path.of(value.substring("file:".length())));
            }
            throw new TypeConversionException("expected stdio, file:PATH or none, found " + value);
        }
    }
}
