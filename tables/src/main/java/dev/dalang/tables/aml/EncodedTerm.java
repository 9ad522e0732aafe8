package dev.dalang.tables.aml;

/** The bytes of a term. What the term may be used as is said by the type it is given out as. */
final class EncodedTerm implements AmlTarget {
    private final byte[] bytes;

    /**
     * @param bytes owned by this term from now on
     */
    EncodedTerm(byte[] bytes) {
        this.bytes = bytes;
    }

    @Override
    public byte[] toBytes() {
        return bytes.clone();
    }
}
