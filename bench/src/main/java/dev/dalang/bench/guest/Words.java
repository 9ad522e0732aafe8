package dev.dalang.bench.guest;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.util.regex.Pattern;

/** What options of the command line take. */
public final class Words {
    private Words() {}

    private static int number(String word, int least) {
        if (!word.matches("[0-9]{1,6}") || Integer.parseInt(word) < least) {
            throw new TypeConversionException(
                    "expected a number from %d on, found '%s'".formatted(least, word));
        }
        return Integer.parseInt(word);
    }

    /** A number from 1 on. */
    public static final class Positive implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String word) {
            return number(word, 1);
        }
    }

    /** A number from 0 on. */
    static final class NotNegative implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String word) {
            return number(word, 0);
        }
    }

    /** A size of memory, as Dalang and QEMU both take it. */
    static final class Memory implements ITypeConverter<String> {
        private static final Pattern SIZE = Pattern.compile("[1-9][0-9]{0,6}[MG]");

        @Override
        public String convert(String word) {
            if (!SIZE.matcher(word).matches()) {
                throw new TypeConversionException(
                        "expected a size like 512M, found '" + word + "'");
            }
            return word;
        }
    }

    /** The name of a row, which a guest's shell is given. */
    static final class Name implements ITypeConverter<String> {
        private static final Pattern NAME = Pattern.compile("[a-z0-9]+");

        @Override
        public String convert(String word) {
            if (!NAME.matcher(word).matches()) {
                throw new TypeConversionException(
                        "expected a workload's name, found '" + word + "'");
            }
            return word;
        }
    }
}
