package dev.dalang.riscv;

import java.util.Arrays;
import java.util.Optional;

/** How the harts of a machine execute instructions. What the guest sees is the same. */
public enum EngineKind {
    /** Decodes once, and executes what was decoded one by one. */
    INTERPRETER("interpreter"),

    /** As the interpreter, until code is hot; then as JVM bytecode that the JVM compiles. */
    TRANSLATOR("translator"),

    /**
     * As the translator, for all code, at its first execution and on the hart's own thread. Slow;
     * for tests of the translator.
     */
    TRANSLATE_AT_ONCE("translate-at-once");

    private final String text;

    EngineKind(String text) {
        this.text = text;
    }

    /**
     * Finds an engine by its name.
     *
     * @param text as {@link #toString} gives it
     * @return the engine, or empty if there is none of that name
     */
    public static Optional<EngineKind> of(String text) {
        return Arrays.stream(values()).filter(kind -> kind.text.equals(text)).findFirst();
    }

    /** {@return the name, in lower case} */
    @Override
    public String toString() {
        return text;
    }
}
