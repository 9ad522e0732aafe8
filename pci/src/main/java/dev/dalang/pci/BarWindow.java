package dev.dalang.pci;

import dev.dalang.bus.BusRange;
import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.DevicePio;
import dev.dalang.bus.trace.RegisterNames;

import org.jspecify.annotations.Nullable;

/** One BAR of a function as a device on the bus. What fails inside is kept apart by the bus. */
final class BarWindow implements DeviceMmio, DevicePio, RegisterNames {
    final PciFunction function;
    final PciBar bar;

    /** Where it answers. Written under the decoder's lock. */
    volatile @Nullable BusRange mapped;

    /** Where the guest wants it, as of the last look. Under the decoder's lock. */
    @Nullable BusRange wanted;

    BarWindow(PciFunction function, PciBar bar) {
        this.function = function;
        this.bar = bar;
    }

    @Override
    public String label() {
        return function.label();
    }

    @Override
    public String typeId() {
        return function.typeId();
    }

    @Override
    public String registerName(long base, long offset, boolean write) {
        return function.registerName(bar.index(), offset);
    }

    @Override
    public long mmioRead(long base, long offset, int size) {
        return function.readBar(bar.index(), offset, size);
    }

    @Override
    public void mmioWrite(long base, long offset, int size, long value) {
        function.writeBar(bar.index(), offset, size, value);
    }

    @Override
    public long pioRead(int base, int offset, int size) {
        return function.readBar(bar.index(), offset, size);
    }

    @Override
    public void pioWrite(int base, int offset, int size, long value) {
        function.writeBar(bar.index(), offset, size, value);
    }
}
