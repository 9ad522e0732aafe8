package dev.dalang.passthrough;

/**
 * Writes the configuration space of a scripted device: its header, and both lists of capabilities,
 * one behind the other. Not thread-safe.
 */
public final class ScriptedConfig {
    private static final int BYTES = 0x1000;
    private static final int FIRST = 0x40;
    private static final int FIRST_EXTENDED = 0x100;
    private static final int POINTER = 0x34;
    private static final int STATUS_CAP_LIST = 0x10;

    private final byte[] content = new byte[BYTES];
    private int end = FIRST;
    private int link = POINTER;
    private int extendedEnd = FIRST_EXTENDED;
    private int extendedLink;

    /**
     * Begins one.
     *
     * @param vendor vendor id, 0..0xffff
     * @param device device id, 0..0xffff
     */
    public ScriptedConfig(int vendor, int device) {
        put(0x00, 2, vendor);
        put(0x02, 2, device);
        put(0x09, 3, 0xff_0000);
    }

    /**
     * Writes a number, wherever it stands.
     *
     * @param offset its first byte
     * @param size bytes of it, 1..4
     * @param value the number, little-endian
     * @return this
     */
    public ScriptedConfig put(int offset, int size, int value) {
        for (int k = 0; k < size; k++) {
            content[offset + k] = (byte) (value >>> 8 * k);
        }
        return this;
    }

    /**
     * Adds a capability.
     *
     * @param id its id
     * @param body what comes behind id and pointer, byte by byte
     * @return where it stands
     */
    public int capability(int id, int... body) {
        int at = end;
        content[0x06] |= STATUS_CAP_LIST;
        content[link] = (byte) at;
        content[at] = (byte) id;
        for (int k = 0; k < body.length; k++) {
            content[at + 2 + k] = (byte) body[k];
        }
        link = at + 1;
        end = at + body.length + 2 + 3 & ~3;
        return at;
    }

    /**
     * Adds an extended capability.
     *
     * @param id its id
     * @param registers what comes behind the first register
     * @return where it stands
     */
    public int extendedCapability(int id, int... registers) {
        int at = extendedEnd;
        if (at != FIRST_EXTENDED) {
            put(extendedLink + 2, 2, content[extendedLink + 2] & 0xf | at << 4);
        }
        put(at, 4, id | 1 << 16);
        for (int k = 0; k < registers.length; k++) {
            put(at + 4 + 4 * k, 4, registers[k]);
        }
        extendedLink = at;
        extendedEnd = at + 4 + 4 * registers.length;
        return at;
    }

    /**
     * Adds MSI-X.
     *
     * @param vectors 1..2048
     * @param tableBar index of the table's BAR
     * @param table where the table is, a multiple of 8
     * @param pbaBar index of the BAR of the pending bits
     * @param pba where they are, a multiple of 8
     * @return this
     */
    public ScriptedConfig msix(int vectors, int tableBar, int table, int pbaBar, int pba) {
        int at = capability(0x11, new int[10]);
        put(at + 2, 2, vectors - 1);
        put(at + 4, 4, table | tableBar);
        put(at + 8, 4, pba | pbaBar);
        return this;
    }

    /**
     * Adds MSI of 64 bits.
     *
     * @param vectors a power of two up to 32
     * @param masking whether there are mask bits
     * @return this
     */
    public ScriptedConfig msi(int vectors, boolean masking) {
        int at = capability(0x05, new int[masking ? 22 : 12]);
        put(at + 2, 2, Integer.numberOfTrailingZeros(vectors) << 1 | 0x80 | (masking ? 0x100 : 0));
        return this;
    }

    /**
     * Adds a wired interrupt, at pin INTA.
     *
     * @return this
     */
    public ScriptedConfig intx() {
        return put(0x3d, 1, 1);
    }

    /**
     * Adds power management.
     *
     * @return this
     */
    public ScriptedConfig powerManagement() {
        capability(0x01, 3, 0, 0, 0, 0, 0);
        return this;
    }

    /**
     * Adds PCI Express: an endpoint with transfers of up to 256 bytes.
     *
     * @return this
     */
    public ScriptedConfig express() {
        int at = capability(0x10, new int[58]);
        put(at + 2, 2, 0x0002);
        put(at + 4, 4, 0x8001);
        put(at + 8, 2, 0x2810);
        put(at + 12, 4, 0x43);
        put(at + 16, 4, 0x1043_0000);
        return this;
    }

    byte[] bytes() {
        return content.clone();
    }
}
