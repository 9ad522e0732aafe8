package dev.dalang.vm.device;

/**
 * What a flash chip says of itself in query mode: the Common Flash Interface (JEDEC JESD68.01) with
 * Intel's extended command set, version 1.0. The values are those of one chip of a bank.
 */
final class CfiQuery {
    /** log2 of the bytes of one chip's write buffer. */
    static final int WRITE_BUFFER_SHIFT = 11;

    private static final int PRIMARY_TABLE = 0x31;
    private static final int TABLE_BYTES = 0x40;

    private CfiQuery() {}

    /**
     * The table, one byte for each word address.
     *
     * @param chipBytes size of a chip, a power of two
     * @param blockBytes size of an erase block of a chip, a multiple of 256
     */
    static byte[] table(long chipBytes, int blockBytes) {
        byte[] table = new byte[TABLE_BYTES];
        put(table, 0x10, 'Q', 'R', 'Y');
        put(table, 0x13, 0x01, 0x00); // command set: Intel extended
        put(table, 0x15, PRIMARY_TABLE, 0x00);
        put(table, 0x1b, 0x45, 0x55, 0x00, 0x00); // 4.5 V to 5.5 V, no programming voltage
        put(table, 0x1f, 0x07, 0x07, 0x0a, 0x00); // typical: 128 us word, buffer; 1 s block
        put(table, 0x23, 0x04, 0x04, 0x04, 0x00); // at most 16 times as long
        put(table, 0x27, Long.numberOfTrailingZeros(chipBytes));
        put(table, 0x28, 0x02, 0x00); // x8 and x16, asynchronous
        put(table, 0x2a, WRITE_BUFFER_SHIFT, 0x00);
        put(table, 0x2c, 0x01); // one region of equal blocks
        int blocks = (int) (chipBytes / blockBytes) - 1;
        put(table, 0x2d, blocks, blocks >> 8, blockBytes >> 8, blockBytes >> 16);
        put(table, PRIMARY_TABLE, 'P', 'R', 'I', '1', '0');
        put(table, PRIMARY_TABLE + 14, 0x01); // one protection field, empty, as QEMU's chips say
        return table;
    }

    private static void put(byte[] table, int at, int... values) {
        for (int i = 0; i < values.length; i++) {
            table[at + i] = (byte) values[i];
        }
    }
}
