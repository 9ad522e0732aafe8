package dev.dalang.riscv.debug;

/** Numbers as the protocol has them. What is malformed is told by an exception of the session's. */
final class Hex {
    private Hex() {}

    /** A packet that cannot be understood: the peer gets an error, and nothing has happened. */
    static final class MalformedException extends Exception {
        private static final long serialVersionUID = 1L;

        MalformedException() {
            super("malformed packet", null, false, false);
        }
    }

    /** A number of 1 to 16 digits, unsigned. */
    static long number(String text) throws MalformedException {
        if (text.isEmpty() || text.length() > 16) {
            throw new MalformedException();
        }
        long value = 0;
        for (int i = 0; i < text.length(); i++) {
            value = value << 4 | digit(text.charAt(i));
        }
        return value;
    }

    /** A number of at most {@code max}. */
    static int number(String text, int max) throws MalformedException {
        long value = number(text);
        if (value < 0 || value > max) {
            throw new MalformedException();
        }
        return (int) value;
    }

    private static int digit(char c) throws MalformedException {
        int value = c < 0x80 ? Character.digit(c, 16) : -1;
        if (value < 0) {
            throw new MalformedException();
        }
        return value;
    }

    /** Bytes of two digits each. */
    static byte[] bytes(String text) throws MalformedException {
        if ((text.length() & 1) != 0) {
            throw new MalformedException();
        }
        byte[] bytes = new byte[text.length() / 2];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (digit(text.charAt(2 * i)) << 4 | digit(text.charAt(2 * i + 1)));
        }
        return bytes;
    }

    /** The bytes of a register, the lowest first. */
    static String littleEndian(long value, int bytes) {
        StringBuilder text = new StringBuilder(2 * bytes);
        for (int i = 0; i < bytes; i++) {
            append(text, (int) (value >>> 8 * i));
        }
        return text.toString();
    }

    /** A register from its bytes, at most eight. */
    static long fromLittleEndian(String text) throws MalformedException {
        byte[] bytes = bytes(text);
        if (bytes.length == 0 || bytes.length > 8) {
            throw new MalformedException();
        }
        long value = 0;
        for (int i = 0; i < bytes.length; i++) {
            value |= (bytes[i] & 0xffL) << 8 * i;
        }
        return value;
    }

    static String text(byte[] bytes, int length) {
        StringBuilder text = new StringBuilder(2 * length);
        for (int i = 0; i < length; i++) {
            append(text, bytes[i]);
        }
        return text.toString();
    }

    private static void append(StringBuilder text, int value) {
        text.append(Character.forDigit(value >>> 4 & 15, 16))
                .append(Character.forDigit(value & 15, 16));
    }
}
