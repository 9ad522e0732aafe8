package dev.dalang.tables.fdt;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/** The value of a property that is a list of 32-bit cells, some of which may refer to nodes. */
public final class Cells {
    private sealed interface Cell {}

    private record Literal(int value) implements Cell {}

    private record Reference(String label) implements Cell {}

    private final List<Cell> cells = new ArrayList<>();

    private Cells() {}

    /** {@return a list without cells} */
    public static Cells create() {
        return new Cells();
    }

    /**
     * Appends one cell for each value.
     *
     * @param values the values, in order
     * @return these cells
     */
    public Cells u32(int... values) {
        for (int value : values) {
            cells.add(new Literal(value));
        }
        return this;
    }

    /**
     * Appends two cells for each value, the more significant first.
     *
     * @param values the values, in order
     * @return these cells
     */
    public Cells u64(long... values) {
        for (long value : values) {
            u32((int) (value >>> 32), (int) value);
        }
        return this;
    }

    /**
     * Appends the phandle of the node with this label, which may be added to the tree later.
     *
     * @param label the label
     * @return these cells
     */
    public Cells phandle(String label) {
        cells.add(new Reference(label));
        return this;
    }

    /** An independent copy, so that later appends do not change a property. */
    Cells copy() {
        var copy = new Cells();
        copy.cells.addAll(cells);
        return copy;
    }

    byte[] toBytes(ToIntFunction<String> phandleOf) {
        ByteBuffer buffer = ByteBuffer.allocate(Math.multiplyExact(cells.size(), Integer.BYTES));
        for (Cell cell : cells) {
            switch (cell) {
                case Literal(int value) -> buffer.putInt(value);
                case Reference(String label) -> buffer.putInt(phandleOf.applyAsInt(label));
            }
        }
        return buffer.array();
    }
}
