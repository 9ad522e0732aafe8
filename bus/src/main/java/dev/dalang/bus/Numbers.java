package dev.dalang.bus;

/** How numbers look in messages. */
final class Numbers {
    private Numbers() {}

    static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }

    static String range(long base, long last) {
        return hex(base) + ".." + hex(last);
    }
}
