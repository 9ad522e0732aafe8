package dev.dalang.tables.aml;

import java.io.ByteArrayOutputStream;
import java.util.regex.Pattern;

/**
 * Collects byte code: numbers, name strings and packages with their lengths (§20.2.2 to 20.2.4).
 */
final class AmlBytes {
    static final int EXT_OP_PREFIX = 0x5b;

    private static final int ZERO_OP = 0x00;
    private static final int ONE_OP = 0x01;
    private static final int ONES_OP = 0xff;
    private static final int BYTE_PREFIX = 0x0a;
    private static final int WORD_PREFIX = 0x0b;
    private static final int DWORD_PREFIX = 0x0c;
    private static final int QWORD_PREFIX = 0x0e;
    private static final int DUAL_NAME_PREFIX = 0x2e;
    private static final int MULTI_NAME_PREFIX = 0x2f;
    private static final int NULL_NAME = 0x00;
    private static final int NAME_SEG_BYTES = 4;
    private static final int MAX_SEGMENTS = 255;
    private static final int MAX_PACKAGE_BYTES = (1 << 28) - 1;

    private static final Pattern SEGMENT = Pattern.compile("[A-Z_][A-Z0-9_]{0,3}");

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    AmlBytes octet(int value) {
        out.write(value);
        return this;
    }

    /** An operator; those of two bytes begin with 0x5b in their second byte. */
    AmlBytes op(int opcode) {
        if (opcode >>> Byte.SIZE != 0) {
            octet(opcode >>> Byte.SIZE);
        }
        return octet(opcode);
    }

    AmlBytes word(int value) {
        return littleEndian(value, Short.BYTES);
    }

    AmlBytes dword(int value) {
        return littleEndian(value, Integer.BYTES);
    }

    AmlBytes qword(long value) {
        return littleEndian(value, Long.BYTES);
    }

    private AmlBytes littleEndian(long value, int bytes) {
        for (int i = 0; i < bytes; i++) {
            octet((int) (value >>> i * Byte.SIZE));
        }
        return this;
    }

    AmlBytes bytes(byte[] bytes) {
        out.writeBytes(bytes);
        return this;
    }

    AmlBytes term(AmlTerm term) {
        return bytes(term.toBytes());
    }

    AmlBytes terms(Iterable<? extends AmlTerm> terms) {
        terms.forEach(this::term);
        return this;
    }

    /** A constant in its shortest form (§20.2.3). */
    AmlBytes integer(long value) {
        if (value == 0) {
            return octet(ZERO_OP);
        }
        if (value == 1) {
            return octet(ONE_OP);
        }
        if (value == -1) {
            return octet(ONES_OP);
        }
        if (value >>> Byte.SIZE == 0) {
            return octet(BYTE_PREFIX).octet((int) value);
        }
        if (value >>> Short.SIZE == 0) {
            return octet(WORD_PREFIX).word((int) value);
        }
        if (value >>> Integer.SIZE == 0) {
            return octet(DWORD_PREFIX).dword((int) value);
        }
        return octet(QWORD_PREFIX).qword(value);
    }

    /**
     * A name string (§20.2.2) from its text: segments of up to four characters separated by dots,
     * behind a backslash for the root or carets for the parents.
     */
    AmlBytes name(String path) {
        int prefix = 0;
        if (path.startsWith("\\")) {
            prefix = 1;
        } else {
            while (prefix < path.length() && path.charAt(prefix) == '^') {
                prefix++;
            }
        }
        for (int i = 0; i < prefix; i++) {
            octet(path.charAt(i));
        }
        if (prefix == path.length() && prefix > 0) {
            return octet(NULL_NAME);
        }
        String[] segments = path.substring(prefix).split("\\.", -1);
        if (segments.length > MAX_SEGMENTS) {
            throw new AmlException(
                    "a name: expected at most %d segments, got %d"
                            .formatted(MAX_SEGMENTS, segments.length));
        }
        if (segments.length == 2) {
            octet(DUAL_NAME_PREFIX);
        } else if (segments.length > 2) {
            octet(MULTI_NAME_PREFIX).octet(segments.length);
        }
        for (String segment : segments) {
            segment(path, segment);
        }
        return this;
    }

    /** A single segment, without any prefix. */
    AmlBytes segment(String segment) {
        return segment(segment, segment);
    }

    private AmlBytes segment(String path, String segment) {
        if (!SEGMENT.matcher(segment).matches()) {
            throw new AmlException(
                    ("the name \"%s\": expected segments of 1 to 4 of [A-Z0-9_] that begin with no"
                                    + " digit, got \"%s\"")
                            .formatted(path, segment));
        }
        for (int i = 0; i < NAME_SEG_BYTES; i++) {
            octet(i < segment.length() ? segment.charAt(i) : '_');
        }
        return this;
    }

    /** What stands in {@code content}, behind its length, which counts itself (PkgLength). */
    AmlBytes packaged(AmlBytes content) {
        int length = content.out.size();
        int bytes = 1;
        while (length + bytes > maxLength(bytes)) {
            bytes++;
            if (bytes > 4) {
                throw new AmlException(
                        "a package: expected at most %d bytes, got %d"
                                .formatted(MAX_PACKAGE_BYTES, length + 4L));
            }
        }
        return packageLength(length + bytes, bytes).bytes(content.toBytes());
    }

    /** A width in bits, which has the form of a package's length but does not count itself. */
    AmlBytes fieldWidth(int bits) {
        if (bits < 1 || bits > MAX_PACKAGE_BYTES) {
            throw new AmlException(
                    "a field: expected 1 to %d bits, got %d".formatted(MAX_PACKAGE_BYTES, bits));
        }
        int bytes = 1;
        while (bits > maxLength(bytes)) {
            bytes++;
        }
        return packageLength(bits, bytes);
    }

    private static int maxLength(int bytes) {
        return bytes == 1 ? 0x3f : (1 << 4 + (bytes - 1) * Byte.SIZE) - 1;
    }

    private AmlBytes packageLength(int length, int bytes) {
        if (bytes == 1) {
            return octet(length);
        }
        octet(bytes - 1 << 6 | length & 0xf);
        for (int i = 0; i < bytes - 1; i++) {
            octet(length >>> 4 + i * Byte.SIZE);
        }
        return this;
    }

    int size() {
        return out.size();
    }

    byte[] toBytes() {
        return out.toByteArray();
    }

    EncodedTerm toTerm() {
        return new EncodedTerm(out.toByteArray());
    }
}
