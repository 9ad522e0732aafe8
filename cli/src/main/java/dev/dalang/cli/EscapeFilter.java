package dev.dalang.cli;

import java.io.ByteArrayOutputStream;

/**
 * Finds the user's commands in what is typed: Ctrl-A and one more key. Everything else goes to the
 * guest as it is. One thread.
 */
final class EscapeFilter {

    /** The key that begins a command. */
    static final int ESCAPE = 'a' & 0x1f;

    /** A command of the user. */
    enum Command {
        EXIT,
        HELP,
        STATISTICS,
        BREAK
    }

    /** Hears what was typed, in order. */
    interface Listener {
        /** Bytes for the guest. */
        void typed(byte[] bytes);

        /** A command. */
        void command(Command command);
    }

    private final Listener listener;
    private boolean escaped;

    EscapeFilter(Listener listener) {
        this.listener = listener;
    }

    /** Takes some bytes; a command may be spread over several calls. */
    void accept(byte[] bytes, int length) {
        ByteArrayOutputStream forGuest = new ByteArrayOutputStream(length);
        for (int i = 0; i < length; i++) {
            int key = bytes[i] & 0xff;
            if (!escaped) {
                if (key == ESCAPE) {
                    escaped = true;
                } else {
                    forGuest.write(key);
                }
                continue;
            }
            escaped = false;
            switch (key) {
                case 'x', 'X' -> command(forGuest, Command.EXIT);
                case 'h', 'H', '?' -> command(forGuest, Command.HELP);
                case 's', 'S' -> command(forGuest, Command.STATISTICS);
                case 'b', 'B' -> command(forGuest, Command.BREAK);
                // Twice the key, or the key and a plain a, is the key itself.
                case 'a', 'A', ESCAPE -> forGuest.write(ESCAPE);
                // Not a command: the guest gets what was typed.
                default -> {
                    forGuest.write(ESCAPE);
                    forGuest.write(key);
                }
            }
        }
        flush(forGuest);
    }

    private void command(ByteArrayOutputStream forGuest, Command command) {
        flush(forGuest);
        listener.command(command);
    }

    private void flush(ByteArrayOutputStream forGuest) {
        if (forGuest.size() > 0) {
            listener.typed(forGuest.toByteArray());
            forGuest.reset();
        }
    }
}
