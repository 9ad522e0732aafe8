package dev.dalang.riscv.intc;

import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * The platform-level interrupt controller (RISC-V PLIC 1.0.0), with the contexts of QEMU's {@code
 * virt} board: context {@code 2h} is M-mode of hart <i>h</i>, context {@code 2h + 1} its S-mode.
 *
 * <p>All sources are level-triggered. A gateway turns a high level into one request and takes the
 * next only after the completion of that one, where the level is looked at again; a request cannot
 * be taken back by the wire (PLIC 1.0.0 §"Interrupt Gateways"). Priorities and thresholds have
 * three bits; priority 0 never interrupts; the lower of two sources of equal priority wins. A claim
 * takes no notice of the threshold; a completion of a source that the context has not enabled is
 * ignored. Registers take aligned 4-byte accesses. Any thread.
 */
public final class Plic implements DeviceMmio, Suspendable {
    /** The most sources that the layout has room for. */
    public static final int MAX_SOURCES = 1023;

    /** The most harts, of two contexts each. */
    public static final int MAX_HARTS = 512;

    /** The highest priority of a source. */
    public static final int MAX_PRIORITY = 7;

    private static final String TYPE = "sifive-plic";
    private static final int VERSION = 1;

    private static final int PENDING = 0x1000;
    private static final int ENABLE = 0x2000;
    private static final int ENABLE_STRIDE = 0x80;
    private static final int CONTEXT = 0x20_0000;
    private static final int CONTEXT_STRIDE = 0x1000;
    private static final int THRESHOLD = 0;
    private static final int CLAIM = 4;
    private static final int PRIORITY_MASK = MAX_PRIORITY;

    private final Object lock = new Object();
    private final String label;
    private final int sources;
    private final int words;
    private final InterruptLine[] lines;
    private final OutputWire[] outputs;
    private final int[] wires;
    private final int[] pending;
    private final int[] inService;
    private final int[] priority;
    private final int[][] enable;
    private final int[] threshold;
    private final long[] deliveries;

    private Plic(Builder builder) {
        label = builder.label;
        sources = builder.sources;
        words = sources / 32 + 1;
        int contexts = builder.outputs.size();
        outputs = new OutputWire[contexts];
        for (int context = 0; context < contexts; context++) {
            outputs[context] = new OutputWire(builder.outputs.get(context));
        }
        wires = new int[words];
        pending = new int[words];
        inService = new int[words];
        priority = new int[sources + 1];
        enable = new int[contexts][words];
        threshold = new int[contexts];
        deliveries = new long[sources + 1];
        lines = new InterruptLine[sources + 1];
        for (int source = 1; source <= sources; source++) {
            lines[source] = new Wire(source);
        }
    }

    /**
     * Begins a PLIC.
     *
     * @param sources the highest source, 1..1023; 1 is the lowest. QEMU's board has 95
     * @return the builder
     * @throws IllegalArgumentException if it is out of range
     */
    public static Builder builder(int sources) {
        return new Builder(sources);
    }

    @Override
    public String label() {
        return label;
    }

    @Override
    public String typeId() {
        return TYPE;
    }

    /**
     * Bytes of address space that hold registers.
     *
     * @return a multiple of 4096
     */
    public long sizeBytes() {
        return CONTEXT + (long) outputs.length * CONTEXT_STRIDE;
    }

    /**
     * The highest source.
     *
     * @return 1..1023
     */
    public int sources() {
        return sources;
    }

    /**
     * The input of {@code source}; the same object each time.
     *
     * @param source the source's number
     * @return the line
     * @throws IndexOutOfBoundsException unless {@code source} is 1..{@link #sources}
     */
    public InterruptLine line(int source) {
        return lines[Objects.checkIndex(source - 1, sources) + 1];
    }

    /**
     * How often {@code source} was claimed.
     *
     * @param source the source's number
     * @return a count since it was built
     */
    public long deliveries(int source) {
        synchronized (lock) {
            return deliveries[Objects.checkIndex(source, sources + 1)];
        }
    }

    @Override
    public long mmioRead(long base, long offset, int size) {
        if (size != 4 || (offset & 3) != 0 || offset < 0 || offset >= sizeBytes()) {
            return 0;
        }
        int at = (int) offset;
        synchronized (lock) {
            if (at < PENDING) {
                return at >>> 2 <= sources ? priority[at >>> 2] : 0;
            }
            if (at < ENABLE) {
                int word = at - PENDING >>> 2;
                return word < words ? pending[word] & 0xffff_ffffL : 0;
            }
            if (at < CONTEXT) {
                int context = (at - ENABLE) / ENABLE_STRIDE;
                int word = at % ENABLE_STRIDE >>> 2;
                return context < enable.length && word < words
                        ? enable[context][word] & 0xffff_ffffL
                        : 0;
            }
            int context = (at - CONTEXT) / CONTEXT_STRIDE;
            return switch (at % CONTEXT_STRIDE) {
                case THRESHOLD -> threshold[context];
                case CLAIM -> claim(context);
                default -> 0;
            };
        }
    }

    @Override
    public void mmioWrite(long base, long offset, int size, long value) {
        if (size != 4 || (offset & 3) != 0 || offset < 0 || offset >= sizeBytes()) {
            return;
        }
        int at = (int) offset;
        synchronized (lock) {
            if (at < PENDING) {
                int source = at >>> 2;
                if (source >= 1 && source <= sources) {
                    priority[source] = (int) value & PRIORITY_MASK;
                }
            } else if (at < ENABLE) {
                return;
            } else if (at < CONTEXT) {
                int context = (at - ENABLE) / ENABLE_STRIDE;
                int word = at % ENABLE_STRIDE >>> 2;
                if (context < enable.length && word < words) {
                    enable[context][word] = (int) value & Arrays32.mask(word, sources);
                }
            } else {
                int context = (at - CONTEXT) / CONTEXT_STRIDE;
                switch (at % CONTEXT_STRIDE) {
                    case THRESHOLD -> threshold[context] = (int) value & PRIORITY_MASK;
                    case CLAIM -> complete(context, (int) value);
                    default -> {
                        return;
                    }
                }
            }
            update();
        }
    }

    private int claim(int context) {
        int source = best(context, 0);
        if (source != 0) {
            Arrays32.set(pending, source, false);
            Arrays32.set(inService, source, true);
            deliveries[source]++;
            update();
        }
        return source;
    }

    private void complete(int context, int source) {
        if (source >= 1
                && source <= sources
                && Arrays32.get(enable[context], source)
                && Arrays32.get(inService, source)) {
            Arrays32.set(inService, source, false);
            Arrays32.set(pending, source, Arrays32.get(wires, source));
        }
    }

    /** The pending, enabled source of highest priority above {@code floor}, or 0. */
    private int best(int context, int floor) {
        int best = 0;
        int highest = floor;
        for (int word = 0; word < words; word++) {
            for (int bits = pending[word] & enable[context][word]; bits != 0; bits &= bits - 1) {
                int source = word << 5 | Integer.numberOfTrailingZeros(bits);
                if (priority[source] > highest) {
                    highest = priority[source];
                    best = source;
                }
            }
        }
        return best;
    }

    private void update() {
        for (int context = 0; context < outputs.length; context++) {
            outputs[context].set(best(context, threshold[context]) != 0);
        }
    }

    private void wire(int source, boolean level) {
        synchronized (lock) {
            if (Arrays32.get(wires, source) == level) {
                return;
            }
            Arrays32.set(wires, source, level);
            if (level && !Arrays32.get(inService, source) && !Arrays32.get(pending, source)) {
                Arrays32.set(pending, source, true);
                update();
            }
        }
    }

    /** Back to the state after power-on; sources whose wire is high are pending. */
    public void reset() {
        synchronized (lock) {
            Arrays.fill(priority, 0);
            Arrays.fill(threshold, 0);
            Arrays.fill(inService, 0);
            for (int[] context : enable) {
                Arrays.fill(context, 0);
            }
            System.arraycopy(wires, 0, pending, 0, words);
            update();
        }
    }

    /** Does nothing: a PLIC acts only when it is called. */
    @Override
    public void sleep() {}

    @Override
    public Snapshot snapshot() {
        synchronized (lock) {
            List<Snapshot> contexts = new ArrayList<>();
            for (int context = 0; context < outputs.length; context++) {
                contexts.add(
                        Snapshot.builder(TYPE + "-context", VERSION)
                                .put("enable", Arrays32.toBytes(enable[context]))
                                .put("threshold", threshold[context])
                                .build());
            }
            return Snapshot.builder(TYPE, VERSION)
                    .put("wires", Arrays32.toBytes(wires))
                    .put("pending", Arrays32.toBytes(pending))
                    .put("in-service", Arrays32.toBytes(inService))
                    .put("priority", Arrays32.toBytes(priority))
                    .put("contexts", contexts)
                    .build();
        }
    }

    @Override
    public void restore(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        int[] newWires = sourceBits(snapshot, "wires");
        int[] newPending = sourceBits(snapshot, "pending");
        int[] newInService = sourceBits(snapshot, "in-service");
        for (int word = 0; word < words; word++) {
            Arrays32.require(
                    (newPending[word] & newInService[word]) == 0
                            && (newWires[word] & ~newInService[word] & ~newPending[word]) == 0,
                    snapshot,
                    "pending",
                    "a source that is high either pending or in service, and none that is both");
        }
        int[] newPriority = Arrays32.ints(snapshot, "priority", sources + 1);
        for (int source = 0; source <= sources; source++) {
            Arrays32.require(
                    (newPriority[source] & ~(source == 0 ? 0 : PRIORITY_MASK)) == 0,
                    snapshot,
                    "priority",
                    "0 for source 0 and 0..7 for the others");
        }
        List<Snapshot> contexts = snapshot.getList("contexts");
        if (contexts.size() != outputs.length) {
            throw new SnapshotException(
                    TYPE
                            + ".contexts: expected "
                            + outputs.length
                            + " contexts, got "
                            + contexts.size());
        }
        int[][] newEnable = new int[outputs.length][];
        int[] newThreshold = new int[outputs.length];
        for (int context = 0; context < outputs.length; context++) {
            Snapshot one = contexts.get(context).expect(TYPE + "-context", VERSION);
            newEnable[context] = sourceBits(one, "enable");
            newThreshold[context] = one.getInt("threshold", 0, PRIORITY_MASK);
        }
        synchronized (lock) {
            System.arraycopy(newWires, 0, wires, 0, words);
            System.arraycopy(newPending, 0, pending, 0, words);
            System.arraycopy(newInService, 0, inService, 0, words);
            System.arraycopy(newPriority, 0, priority, 0, sources + 1);
            System.arraycopy(newThreshold, 0, threshold, 0, outputs.length);
            for (int context = 0; context < outputs.length; context++) {
                System.arraycopy(newEnable[context], 0, enable[context], 0, words);
            }
            update();
        }
    }

    private int[] sourceBits(Snapshot snapshot, String name) {
        int[] bits = Arrays32.ints(snapshot, name, words);
        for (int word = 0; word < words; word++) {
            Arrays32.require(
                    (bits[word] & ~Arrays32.mask(word, sources)) == 0,
                    snapshot,
                    name,
                    "bits 1.." + sources + " only");
        }
        return bits;
    }

    /** Drives the harts' lines again. */
    @Override
    public void wake() {
        synchronized (lock) {
            for (OutputWire output : outputs) {
                output.repeat();
            }
        }
    }

    private final class Wire implements InterruptLine {
        private final int source;

        Wire(int source) {
            this.source = source;
        }

        @Override
        public void raise() {
            wire(source, true);
        }

        @Override
        public void lower() {
            wire(source, false);
        }
    }

    /** Collects what a PLIC is built from. */
    public static final class Builder {
        private final int sources;
        private final List<InterruptLine> outputs = new ArrayList<>();
        private String label = "plic";

        private Builder(int sources) {
            if (sources < 1 || sources > MAX_SOURCES) {
                throw new IllegalArgumentException(
                        "PLIC sources: expected 1.." + MAX_SOURCES + ", got " + sources);
            }
            this.sources = sources;
        }

        /**
         * The device's label; default {@code plic}.
         *
         * @param label a short name for logs
         * @return this
         */
        public Builder label(String label) {
            this.label = label;
            return this;
        }

        /**
         * Adds the next hart, by its MEIP and SEIP inputs.
         *
         * @param machineExternal bit 11 of its {@code mip}
         * @param supervisorExternal bit 9 of its {@code mip}
         * @return this
         * @throws IllegalArgumentException if there are {@link #MAX_HARTS} already
         */
        public Builder hart(InterruptLine machineExternal, InterruptLine supervisorExternal) {
            if (outputs.size() == 2 * MAX_HARTS) {
                throw new IllegalArgumentException(
                        "PLIC: expected at most " + MAX_HARTS + " harts, got one more");
            }
            outputs.add(machineExternal);
            outputs.add(supervisorExternal);
            return this;
        }

        /**
         * The PLIC, reset.
         *
         * @return it
         * @throws IllegalArgumentException if no hart was added
         */
        public Plic build() {
            if (outputs.isEmpty()) {
                throw new IllegalArgumentException("PLIC: expected at least one hart, got none");
            }
            return new Plic(this);
        }
    }
}
