package dev.dalang.vm.internal.machine;

import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the console along and finds the line with which Linux ends a panic, after which it only
 * spins. A kernel that reboots on panic does not write it. Nothing but that whole line counts, with
 * the kernel's time stamp at most before it, so that a log that somebody looks at inside a
 * quotation or behind another prefix does not end the machine.
 */
public final class PanicWatch extends OutputStream {
    /** Longer lines are not the kernel's; nothing of them is kept. */
    private static final int MAX_LINE_BYTES = 512;

    private static final Pattern LAST_LINE =
            Pattern.compile(
                    "(?:\\[ *[0-9]+\\.[0-9]+\\](?:\\[ *[TC][0-9]+\\])? )?"
                            + "---\\[ end Kernel panic - not syncing: (.*) \\]---");

    private final byte[] line = new byte[MAX_LINE_BYTES];
    private final Consumer<String> onPanic;
    private int length;

    /**
     * Makes a watch.
     *
     * @param onPanic gets the kernel's reason, on the writing thread
     */
    public PanicWatch(Consumer<String> onPanic) {
        this.onPanic = onPanic;
    }

    @Override
    public void write(int octet) {
        if (octet == '\n') {
            endLine();
        } else if (length < MAX_LINE_BYTES) {
            line[length] = (byte) octet;
            length++;
        }
    }

    @Override
    public void write(byte[] bytes, int offset, int count) {
        for (int i = offset; i < offset + count; i++) {
            write(bytes[i]);
        }
    }

    private void endLine() {
        int end = length;
        length = 0;
        if (end == MAX_LINE_BYTES) {
            return;
        }
        while (end > 0 && line[end - 1] == '\r') {
            end--;
        }
        if (end > 3 && line[end - 1] == '-') {
            String text = new String(line, 0, end, StandardCharsets.UTF_8);
            Matcher matcher = LAST_LINE.matcher(text);
            if (matcher.matches()) {
                onPanic.accept(matcher.group(1));
            }
        }
    }
}
