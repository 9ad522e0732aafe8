package dev.dalang.pci;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;

import java.util.ArrayList;
import java.util.List;

/** A live part whose registers hold what was written last, with notes of every call. */
final class RecordingCapConfig implements PciCapConfig, Suspendable {
    record Write(int register, int offset, int size, int value) implements PciCapStatus {}

    final List<Write> writes = new ArrayList<>();
    final int[] values;
    boolean asleep;
    boolean refusing;
    PciCapMapping mapping;
    private final int[] masks;

    RecordingCapConfig(int... masks) {
        this.masks = masks;
        this.values = new int[masks.length];
    }

    @Override
    public int registers() {
        return masks.length;
    }

    @Override
    public int readMask(int register) {
        return masks[register];
    }

    @Override
    public int readRegister(int register) {
        return values[register];
    }

    @Override
    public PciCapStatus writeRegister(int register, int offset, int size, int value) {
        Write write = new Write(register, offset, size, value);
        writes.add(write);
        values[register] = value << 8 * offset;
        return write;
    }

    @Override
    public void setCapMapping(PciCapMapping registers) {
        mapping = registers;
    }

    @Override
    public void reset() {
        values[0] = 0;
    }

    @Override
    public void sleep() {
        asleep = true;
    }

    @Override
    public void wake() {
        asleep = false;
    }

    @Override
    public Snapshot snapshot() {
        return Snapshot.builder("recording", 1).put("value", values[0]).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        long value = snapshot.expect("recording", 1).getLong("value");
        if (refusing) {
            throw new SnapshotException("refused " + value);
        }
        values[0] = (int) value;
    }
}
