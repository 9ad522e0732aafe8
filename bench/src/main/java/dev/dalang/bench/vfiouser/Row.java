package dev.dalang.bench.vfiouser;

/**
 * A row of the table.
 *
 * @param name what is done
 * @param isBytes true if bytes are counted, false if it is how often
 */
record Row(String name, boolean isBytes) {
    static final Row READ = new Row("read a register, 4 bytes", false);
    static final Row WRITE = new Row("write a register, 4 bytes", false);
    static final Row POST = new Row("post a write, 4 bytes", false);

    private static final double MEBIBYTE = 1 << 20;

    static Row transfer(String how, int bytes) {
        return new Row("%s, %d KiB".formatted(how, bytes >> 10), true);
    }

    /** A rate as it stands in the table. */
    String text(double perSecond) {
        return isBytes
                ? "%,.0f MiB/s".formatted(perSecond / MEBIBYTE)
                : "%,.0f /s (%.1f µs)".formatted(perSecond, 1e6 / perSecond);
    }
}
