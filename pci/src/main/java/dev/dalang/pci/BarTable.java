package dev.dalang.pci;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The base address registers of one function: where they are in the registers, and what ranges they
 * make with what a guest wrote there.
 *
 * <p>While a guest sizes a BAR (it writes all ones to the whole register to see which bits stick,
 * PCI Local Bus 3.0 §6.2.5.1), the BAR answers nothing, whether decoding is on or not. An address
 * never looks like that: it comes with the low bits that tell the type, or with those of a ROM
 * clear.
 */
final class BarTable {
    private static final int BARS = PciBar.ROM + 1;

    private final String device;
    private final RegisterFile file;
    private final int headerBars;
    private final int romRegister;
    private final @Nullable PciBar[] bars = new PciBar[BARS];

    /** For each register of the header, 1 while it holds the pattern of a sizing. */
    private volatile int sizing;

    BarTable(String device, RegisterFile file, boolean bridge) {
        this.device = device;
        this.file = file;
        this.headerBars = bridge ? 2 : 6;
        this.romRegister = bridge ? PciRegisters.REG_ROM_TYPE1 : PciRegisters.REG_ROM;
    }

    void add(PciBar bar) {
        int index = bar.index();
        if (index != PciBar.ROM && (index < 0 || index >= headerBars)) {
            throw new PciException(
                    PciException.Kind.BAR_INDEX,
                    device,
                    "expected BAR 0.." + (headerBars - 1) + " or the ROM, got " + index);
        }
        requireFree(bar, index);
        bar.check(device);
        if (bar.type() == PciBar.Type.MEMORY64) {
            if (index + 1 >= headerBars) {
                throw new PciException(
                        PciException.Kind.BAR_INDEX,
                        device,
                        bar + ": the next register, for the upper half, is not a BAR's");
            }
            requireFree(bar, index + 1);
        }
        bar.address().ifPresent(base -> requireDisjoint(bar, base));
        bars[index] = bar;
        int mask = (int) -bar.size();
        int register = register(index);
        if (index == PciBar.ROM) {
            file.define(register, -1, 0, mask | PciRegisters.PCI_ROM_ADDRESS_ENABLE, 0);
        } else {
            file.define(register, -1, typeBits(bar), mask, 0);
        }
        if (bar.type() == PciBar.Type.MEMORY64) {
            file.define(register + 1, -1, 0, (int) (-bar.size() >>> 32), 0);
        }
        if (bar.address().isPresent()) {
            write(bar, bar.address().getAsLong());
        }
    }

    void place(int index, long base) {
        PciBar bar = used(index);
        if (bar == null) {
            throw new PciException(
                    PciException.Kind.BAR_INDEX, device, "there is no " + PciBar.name(index));
        }
        bar.checkAddress(device, base);
        requireDisjoint(bar, base);
        bars[index] = bar.at(base);
        write(bar, base);
    }

    /** The BARs as they were asked for, by index. */
    List<PciBar> list() {
        List<PciBar> list = new ArrayList<>();
        for (PciBar bar : bars) {
            if (bar != null) {
                list.add(bar);
            }
        }
        return list;
    }

    /** The address in the registers, whether it is answered or not; 0 if there is no such BAR. */
    long address(int index) {
        PciBar bar = used(index);
        if (bar == null) {
            return 0;
        }
        int register = register(index);
        long low = file.get(register) & -bar.size() & 0xffff_ffffL;
        return bar.type() == PciBar.Type.MEMORY64 ? low | (long) file.get(register + 1) << 32 : low;
    }

    Optional<BarRange> range(int index) {
        PciBar bar = used(index);
        return bar == null ? Optional.empty() : Optional.ofNullable(answered(bar));
    }

    List<BarRange> ranges() {
        List<BarRange> ranges = new ArrayList<>(BARS);
        for (PciBar bar : bars) {
            BarRange range = bar == null ? null : answered(bar);
            if (range != null) {
                ranges.add(range);
            }
        }
        return ranges;
    }

    /** True if a write there can change what is answered. */
    boolean decides(int register) {
        return register == PciRegisters.REG_COMMAND || isBar(register);
    }

    /** True for the registers of BARs that exist, both halves. */
    boolean isBar(int register) {
        if (register == romRegister) {
            return bars[PciBar.ROM] != null;
        }
        int index = register - PciRegisters.REG_BAR0;
        return index >= 0
                && index < headerBars
                && (bars[index] != null || index > 0 && isWide(bars[index - 1]));
    }

    /** To be called with each write of a guest to a register of a BAR. */
    synchronized void written(int register, int size, int value) {
        int bit = 1 << register;
        sizing = size == Integer.BYTES && value == -1 ? sizing | bit : sizing & ~bit;
    }

    int sizing() {
        return sizing;
    }

    /** Takes what {@link #sizing} gave; bits of registers that are no BAR's are left out. */
    synchronized void sizing(int registers) {
        int kept = 0;
        for (int register = 0; register <= PciRegisters.REG_INTERRUPT; register++) {
            kept |= isBar(register) ? registers & 1 << register : 0;
        }
        sizing = kept;
    }

    private @Nullable BarRange answered(PciBar bar) {
        int index = bar.index();
        int register = register(index);
        boolean memory = bar.type() != PciBar.Type.IO;
        int command = file.get(PciRegisters.REG_COMMAND);
        int enable = memory ? PciRegisters.PCI_COMMAND_MEMORY : PciRegisters.PCI_COMMAND_IO;
        int registers = (isWide(bar) ? 3 : 1) << register;
        if ((command & enable) == 0
                || (sizing & registers) != 0
                || index == PciBar.ROM
                        && (file.get(register) & PciRegisters.PCI_ROM_ADDRESS_ENABLE) == 0) {
            return null;
        }
        return new BarRange(index, bar.space(), address(index), bar.size());
    }

    private void write(PciBar bar, long base) {
        int register = register(bar.index());
        int mask = (int) -bar.size();
        file.define(register, mask, (int) base, file.writable(register), 0);
        if (isWide(bar)) {
            int high = register + 1;
            file.define(high, -1, (int) (base >>> 32), file.writable(high), 0);
        }
        int enable =
                bar.type() == PciBar.Type.IO
                        ? PciRegisters.PCI_COMMAND_IO
                        : PciRegisters.PCI_COMMAND_MEMORY;
        file.define(
                PciRegisters.REG_COMMAND,
                enable,
                enable,
                file.writable(PciRegisters.REG_COMMAND),
                0);
    }

    private void requireFree(PciBar bar, int index) {
        PciBar owner = used(index);
        if (owner == null && index > 0 && index < PciBar.ROM && isWide(bars[index - 1])) {
            owner = bars[index - 1];
        }
        if (owner != null) {
            throw new PciException(
                    PciException.Kind.BAR_IN_USE,
                    device,
                    bar + ": register " + register(index) + " is that of " + owner);
        }
    }

    private void requireDisjoint(PciBar bar, long base) {
        BarRange range = new BarRange(bar.index(), bar.space(), base, bar.size());
        for (PciBar other : bars) {
            if (other != null && other.index() != bar.index() && other.address().isPresent()) {
                long there = other.address().getAsLong();
                if (range.overlaps(
                        new BarRange(other.index(), other.space(), there, other.size()))) {
                    throw new PciException(
                            PciException.Kind.OVERLAP,
                            device,
                            bar.at(base) + " overlaps with " + other);
                }
            }
        }
    }

    private int register(int index) {
        return index == PciBar.ROM ? romRegister : PciRegisters.REG_BAR0 + index;
    }

    private @Nullable PciBar used(int index) {
        return index < 0 || index >= BARS ? null : bars[index];
    }

    private static boolean isWide(@Nullable PciBar bar) {
        return bar != null && bar.type() == PciBar.Type.MEMORY64;
    }

    private static int typeBits(PciBar bar) {
        if (bar.type() == PciBar.Type.IO) {
            return PciRegisters.PCI_BASE_ADDRESS_SPACE_IO;
        }
        return (isWide(bar) ? PciRegisters.PCI_BASE_ADDRESS_MEM_TYPE_64 : 0)
                | (bar.prefetchable() ? PciRegisters.PCI_BASE_ADDRESS_MEM_PREFETCH : 0);
    }
}
