package dev.dalang.testkit.riscv;

/**
 * A place in a program. A label may be used before it is bound; it belongs to the assembler that
 * made it.
 */
public final class Label {
    private final Encoder owner;
    private long offset = -1;

    Label(Encoder owner) {
        this.owner = owner;
    }

    /**
     * Its address.
     *
     * @return the address, unsigned
     * @throws IllegalStateException if the label is not bound yet
     */
    public long address() {
        if (!isBound()) {
            throw new IllegalStateException("the label is not bound");
        }
        return owner.origin() + offset;
    }

    /**
     * Whether its place is known.
     *
     * @return true once it is
     */
    public boolean isBound() {
        return offset >= 0;
    }

    Encoder owner() {
        return owner;
    }

    void bindAt(long newOffset) {
        if (isBound()) {
            throw new IllegalStateException("the label is bound already, to " + offset);
        }
        offset = newOffset;
    }
}
