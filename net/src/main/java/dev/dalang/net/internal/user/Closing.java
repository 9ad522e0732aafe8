package dev.dalang.net.internal.user;

import java.io.Closeable;
import java.io.IOException;

/** Gives a channel back. */
final class Closing {
    private Closing() {}

    /** Closes; what the kernel says to that changes nothing. */
    static void quietly(Closeable channel) {
        try {
            channel.close();
        } catch (IOException gone) {
            return;
        }
    }
}
