package dev.dalang.riscv.intc;

import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.snapshot.Snapshot;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * One interrupt domain of an {@link Aplic}: its control region (AIA 1.0 §4.5). Registers take
 * aligned 4-byte accesses; any other access reads 0 and is ignored. {@code domaincfg.BE} is
 * read-only zero, for the harts are little-endian; {@code setipnum_be} works all the same. Any
 * thread.
 */
public final class AplicDomain implements DeviceMmio {
    /** Bytes of address space. */
    public static final int SIZE_BYTES = 0x8000;

    private static final int DOMAINCFG = 0x0000;
    private static final int SOURCECFG_END = 0x1000;
    private static final int MSIADDRCFG = 0x1bc0;
    private static final int MSIADDRCFG_END = 0x1bd0;
    private static final int SETIP = 0x1c00;
    private static final int SETIPNUM = 0x1cdc;
    private static final int IN_CLRIP = 0x1d00;
    private static final int CLRIPNUM = 0x1ddc;
    private static final int SETIE = 0x1e00;
    private static final int SETIENUM = 0x1edc;
    private static final int CLRIE = 0x1f00;
    private static final int CLRIENUM = 0x1fdc;
    private static final int SETIPNUM_LE = 0x2000;
    private static final int SETIPNUM_BE = 0x2004;
    private static final int GENMSI = 0x3000;
    private static final int IDC = 0x4000;
    private static final int IDC_BYTES = 32;
    private static final int BIT_ARRAY_MASK = ~0x7f;

    private static final int DOMAINCFG_FIXED = 0x8000_0000;
    private static final int DOMAINCFG_IE = 1 << 8;
    private static final int DOMAINCFG_DM = 1 << 2;

    private static final int IDELIVERY = 0x00;
    private static final int IFORCE = 0x04;
    private static final int ITHRESHOLD = 0x08;
    private static final int TOPI = 0x18;
    private static final int CLAIMI = 0x1c;

    private final Aplic aplic;
    private final String label;
    private final DomainState.Limits limits;
    private final @Nullable AplicDomain parent;
    private final OutputWire[] outputs;
    private DomainState state;

    AplicDomain(
            Aplic aplic,
            String label,
            DomainState.Limits limits,
            @Nullable AplicDomain parent,
            List<InterruptLine> lines) {
        this.aplic = aplic;
        this.label = label;
        this.limits = limits;
        this.parent = parent;
        outputs = lines.stream().map(OutputWire::new).toArray(OutputWire[]::new);
        state = new DomainState(limits);
    }

    @Override
    public String label() {
        return label;
    }

    @Override
    public String typeId() {
        return Aplic.TYPE;
    }

    @Override
    public long mmioRead(long base, long offset, int size) {
        if (!isWord(offset, size)) {
            return 0;
        }
        synchronized (aplic.lock) {
            return read((int) offset) & 0xffff_ffffL;
        }
    }

    @Override
    public void mmioWrite(long base, long offset, int size, long value) {
        if (!isWord(offset, size)) {
            return;
        }
        synchronized (aplic.lock) {
            write((int) offset, (int) value);
        }
    }

    private static boolean isWord(long offset, int size) {
        return size == 4 && offset >= 0 && offset < SIZE_BYTES && (offset & 3) == 0;
    }

    private int read(int at) {
        if (at == DOMAINCFG) {
            return DOMAINCFG_FIXED
                    | (state.enabled ? DOMAINCFG_IE : 0)
                    | (state.msi ? DOMAINCFG_DM : 0);
        }
        if (at < SOURCECFG_END) {
            int source = at >>> 2;
            return source <= limits.sources() ? state.sourcecfg[source] : 0;
        }
        if (at >= MSIADDRCFG && at < MSIADDRCFG_END) {
            return parent == null ? aplic.addresses.read(at - MSIADDRCFG >>> 2) : 0;
        }
        if (at == GENMSI) {
            return state.genmsi;
        }
        if (at > GENMSI && at < IDC) {
            int source = at - GENMSI >>> 2;
            return source <= limits.sources() ? state.target[source] : 0;
        }
        if (at >= IDC) {
            return readIdc((at - IDC) / IDC_BYTES, at % IDC_BYTES);
        }
        int word = (at & ~BIT_ARRAY_MASK) >>> 2;
        if (word >= limits.words()) {
            return 0;
        }
        return switch (at & BIT_ARRAY_MASK) {
            case SETIP -> state.pending[word];
            case IN_CLRIP -> inputs(word);
            case SETIE -> state.enable[word];
            default -> 0;
        };
    }

    private void write(int at, int value) {
        if (at == DOMAINCFG) {
            writeDomaincfg(value);
        } else if (at < SOURCECFG_END) {
            writeSourcecfg(at >>> 2, value);
        } else if (at >= MSIADDRCFG && at < MSIADDRCFG_END) {
            if (parent == null && limits.msi()) {
                aplic.addresses.write(at - MSIADDRCFG >>> 2, value);
            }
            return;
        } else if (at == GENMSI) {
            writeGenmsi(value);
            return;
        } else if (at > GENMSI && at < IDC) {
            int source = at - GENMSI >>> 2;
            if (isActive(source)) {
                state.target[source] = state.legalTarget(value);
            }
        } else if (at >= IDC) {
            writeIdc((at - IDC) / IDC_BYTES, at % IDC_BYTES, value);
        } else if (!writeByNumber(at, value) && !writeArray(at, value)) {
            return;
        }
        deliver();
    }

    private boolean writeByNumber(int at, int value) {
        switch (at) {
            case SETIPNUM, SETIPNUM_LE -> setPending(value);
            case SETIPNUM_BE -> setPending(Integer.reverseBytes(value));
            case CLRIPNUM -> clearPending(value);
            case SETIENUM -> setEnable(value, true);
            case CLRIENUM -> setEnable(value, false);
            default -> {
                return false;
            }
        }
        return true;
    }

    private boolean writeArray(int at, int value) {
        int word = (at & ~BIT_ARRAY_MASK) >>> 2;
        int array = at & BIT_ARRAY_MASK;
        if (word >= limits.words() || array < SETIP || array > CLRIE) {
            return false;
        }
        for (int bits = value; bits != 0; bits &= bits - 1) {
            int source = word << 5 | Integer.numberOfTrailingZeros(bits);
            switch (array) {
                case SETIP -> setPending(source);
                case IN_CLRIP -> clearPending(source);
                case SETIE -> setEnable(source, true);
                case CLRIE -> setEnable(source, false);
                default -> {
                    return false;
                }
            }
        }
        return true;
    }

    private void writeDomaincfg(int value) {
        state.enabled = (value & DOMAINCFG_IE) != 0;
        boolean msi = state.legalMode((value & DOMAINCFG_DM) != 0);
        if (msi == state.msi) {
            return;
        }
        state.msi = msi;
        state.genmsi = 0;
        for (int source = 1; source <= limits.sources(); source++) {
            if (state.isActive(source)) {
                state.target[source] = state.legalTarget(state.target[source]);
                if (state.isLevel(source) && !msi) {
                    Arrays32.set(state.pending, source, isHigh(source));
                }
            }
        }
    }

    private void writeSourcecfg(int source, int value) {
        if (source > limits.sources() || !isOwned(source)) {
            return;
        }
        boolean wasDelegated = state.isDelegated(source);
        boolean wasActive = state.isActive(source);
        int config = state.legalSourcecfg(value);
        state.sourcecfg[source] = config;
        if (!state.isActive(source)) {
            state.clear(source);
            state.sourcecfg[source] = config;
        } else {
            if (!wasActive) {
                state.target[source] = state.legalTarget(0);
            }
            // A source that is high is pending at once: drivers that do not look at the input
            // after they set the mode would wait for an edge that has passed.
            if (isHigh(source)) {
                Arrays32.set(state.pending, source, true);
            } else if (state.isLevel(source)) {
                Arrays32.set(state.pending, source, false);
            }
        }
        if (wasDelegated && !state.isDelegated(source)) {
            aplic.supervisor().drop(source);
        }
    }

    /** The source is no longer delegated to this domain. */
    private void drop(int source) {
        state.clear(source);
        refreshOutputs();
    }

    private void writeGenmsi(int value) {
        if (state.msi && !aplic.isSending()) {
            state.genmsi = state.legalGenmsi(value);
            aplic.send(address(state.genmsi, 0), DomainState.identity(state.genmsi));
            aplic.forward();
        }
    }

    private int readIdc(int hart, int register) {
        if (hart >= limits.harts()) {
            return 0;
        }
        return switch (register) {
            case IDELIVERY -> state.idelivery[hart];
            case IFORCE -> state.iforce[hart];
            case ITHRESHOLD -> state.ithreshold[hart];
            case TOPI -> state.topi(hart);
            case CLAIMI -> claim(hart);
            default -> 0;
        };
    }

    private void writeIdc(int hart, int register, int value) {
        if (hart >= limits.harts()) {
            return;
        }
        switch (register) {
            case IDELIVERY -> state.idelivery[hart] = value & 1;
            case IFORCE -> state.iforce[hart] = value & 1;
            case ITHRESHOLD -> state.ithreshold[hart] = value & limits.priorityMask();
            default -> {}
        }
    }

    private int claim(int hart) {
        int top = state.topi(hart);
        if (top == 0) {
            state.iforce[hart] = 0;
        } else {
            int source = top >>> 16;
            aplic.count(source);
            if (!state.isLevel(source)) {
                Arrays32.set(state.pending, source, false);
            }
        }
        refreshOutputs();
        return top;
    }

    // The precise effects on pending bits: AIA 1.0 §4.7.

    private void setPending(int source) {
        if (isActive(source) && (!state.isLevel(source) || state.msi && isHigh(source))) {
            Arrays32.set(state.pending, source, true);
        }
    }

    private void clearPending(int source) {
        if (isActive(source) && (!state.isLevel(source) || state.msi)) {
            Arrays32.set(state.pending, source, false);
        }
    }

    private void setEnable(int source, boolean value) {
        if (isActive(source)) {
            Arrays32.set(state.enable, source, value);
        }
    }

    /** The wire of a source that belongs to this domain has changed. */
    void wireChanged(int source) {
        if (!isActive(source)) {
            return;
        }
        boolean high = isHigh(source);
        if (high || state.isLevel(source)) {
            Arrays32.set(state.pending, source, high);
            deliver();
        }
    }

    private int inputs(int word) {
        int inputs = 0;
        for (int bit = 0; bit < 32; bit++) {
            int source = word << 5 | bit;
            if (source <= limits.sources() && isHigh(source)) {
                inputs |= 1 << bit;
            }
        }
        return inputs;
    }

    private boolean isActive(int source) {
        return source >= 1 && source <= limits.sources() && state.isActive(source);
    }

    private boolean isHigh(int source) {
        return state.rectified(source, aplic.wire(source));
    }

    private boolean isOwned(int source) {
        return source >= 1 && (parent == null || parent.state.isDelegated(source));
    }

    boolean isDelegated(int source) {
        return state.isDelegated(source);
    }

    /** Brings everything that depends on the state up to date, after any change of it. */
    private void deliver() {
        refreshOutputs();
        if (state.msi) {
            aplic.forward();
        }
    }

    private void refreshOutputs() {
        boolean on = state.enabled && !state.msi;
        for (int hart = 0; hart < outputs.length; hart++) {
            outputs[hart].set(
                    on
                            && state.idelivery[hart] != 0
                            && (state.iforce[hart] != 0 || state.topi(hart) != 0));
        }
    }

    /** Sends what is pending and enabled (AIA 1.0 §4.9). */
    void forwardPending() {
        for (int word = 0; word < limits.words(); word++) {
            // One look at each word: a message that makes its own source pending again, which only
            // a guest that means harm arranges, is left for the caller's next round.
            for (int bits = state.pending[word] & state.enable[word];
                    bits != 0 && state.enabled && state.msi;
                    bits &= bits - 1) {
                forward(word << 5 | Integer.numberOfTrailingZeros(bits));
            }
        }
    }

    private void forward(int source) {
        Arrays32.set(state.pending, source, false);
        int target = state.target[source];
        aplic.count(source);
        aplic.send(address(target, DomainState.guestIndex(target)), DomainState.identity(target));
    }

    private long address(int target, int guestIndex) {
        int hartIndex = DomainState.hartIndex(target);
        return parent == null
                ? aplic.addresses.machineAddress(hartIndex)
                : aplic.addresses.supervisorAddress(hartIndex, guestIndex);
    }

    void reset() {
        load(new DomainState(limits));
    }

    Snapshot snapshot() {
        return state.snapshot();
    }

    /** Checks a snapshot without taking it. */
    DomainState parse(Snapshot snapshot, int[] wires, int[] owned) {
        return new DomainState(limits, snapshot, wires, owned);
    }

    void load(DomainState newState) {
        state = newState;
        refreshOutputs();
    }

    void repeatOutputs() {
        for (OutputWire output : outputs) {
            output.repeat();
        }
    }
}
