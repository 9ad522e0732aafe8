package dev.dalang.vm;

/**
 * Looks for one text in a stream that arrives in pieces (Knuth, Morris and Pratt: each byte is seen
 * once, so that a flood of output costs no more than its length). Not thread-safe.
 */
final class Expectation {
    private final byte[] pattern;
    private final int[] failure;
    private int matched;

    /** Looks for {@code pattern}, which is not empty. */
    Expectation(byte[] pattern) {
        this.pattern = pattern.clone();
        this.failure = new int[pattern.length];
        int length = 0;
        for (int i = 1; i < pattern.length; i++) {
            while (length > 0 && pattern[i] != pattern[length]) {
                length = failure[length - 1];
            }
            if (pattern[i] == pattern[length]) {
                length++;
            }
            failure[i] = length;
        }
    }

    /** Takes the next byte of the stream; true if the text ends with it. */
    boolean accept(byte next) {
        while (matched > 0 && next != pattern[matched]) {
            matched = failure[matched - 1];
        }
        if (next == pattern[matched]) {
            matched++;
        }
        if (matched == pattern.length) {
            matched = failure[matched - 1];
            return true;
        }
        return false;
    }
}
