package dev.dalang.bus;

import java.util.ArrayList;
import java.util.List;

/** A device on both buses that remembers what it was asked, and holds one value. */
class TestDevice implements DeviceMmio, DevicePio {
    final List<String> log = new ArrayList<>();
    private final String label;
    long value;

    TestDevice(String label) {
        this.label = label;
    }

    @Override
    public String label() {
        return label;
    }

    @Override
    public String typeId() {
        return "test";
    }

    @Override
    public long mmioRead(long base, long offset, int size) {
        log.add("mr %x+%x/%d".formatted(base, offset, size));
        return value;
    }

    @Override
    public void mmioWrite(long base, long offset, int size, long value) {
        log.add("mw %x+%x/%d=%x".formatted(base, offset, size, value));
        this.value = value;
    }

    @Override
    public long pioRead(int base, int offset, int size) {
        log.add("pr %x+%x/%d".formatted(base, offset, size));
        return value;
    }

    @Override
    public void pioWrite(int base, int offset, int size, long value) {
        log.add("pw %x+%x/%d=%x".formatted(base, offset, size, value));
        this.value = value;
    }
}
