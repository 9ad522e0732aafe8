package dev.dalang.riscv.intc;

import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.interrupt.MsiTarget;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.Suspendable;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * The advanced platform-level interrupt controller (AIA 1.0 §4) with two domains: the root at
 * machine level, and its only child at supervisor level. Software delegates a source to the child
 * by writing 0x400 to the root's {@code sourcecfg}; until then the child shows it as not
 * implemented.
 *
 * <p>Delivery is by messages, if the builder was given a target for them, or directly to the harts,
 * if it was given harts; with both, {@code domaincfg.DM} chooses. Level-sensitive sources in
 * message mode send once per rising level, and again when software writes {@code setipnum} while
 * the level is still high (§4.9.2). Messages are sent before the access that caused them returns,
 * so that {@code genmsi} is never busy. Any thread.
 */
public final class Aplic implements Suspendable {
    /** The most sources that the layout has room for. */
    public static final int MAX_SOURCES = 1023;

    /** The most harts of direct delivery. */
    public static final int MAX_HARTS = 512;

    static final String TYPE = "riscv-aplic";

    private static final int VERSION = 1;

    /** Bounds a guest that sends messages to the APLIC itself, or to what raises its sources. */
    private static final int MAX_ROUNDS = 64;

    final Object lock = new Object();
    MsiAddressConfig addresses = new MsiAddressConfig();

    private final int sources;
    private final int words;
    private final @Nullable MsiTarget messages;
    private final InterruptLine[] lines;
    private final AplicDomain machine;
    private final AplicDomain supervisor;
    private final int[] wires;
    private final long[] deliveries;
    private long undeliverable;
    private boolean sending;
    private boolean sendAgain;

    private Aplic(Builder builder) {
        sources = builder.sources;
        words = sources / 32 + 1;
        messages = builder.messages;
        wires = new int[words];
        deliveries = new long[sources + 1];
        machine =
                new AplicDomain(
                        this,
                        builder.label + "-m",
                        builder.limits(0, true),
                        null,
                        builder.machineLines);
        supervisor =
                new AplicDomain(
                        this,
                        builder.label + "-s",
                        builder.limits(builder.guestIndexBits, false),
                        machine,
                        builder.supervisorLines);
        lines = new InterruptLine[sources + 1];
        for (int source = 0; source <= sources; source++) {
            lines[source] = new Wire(source);
        }
    }

    /**
     * Begins an APLIC.
     *
     * @param sources the highest source, 1..1023; 1 is the lowest
     * @return the builder
     * @throws IllegalArgumentException if it is out of range
     */
    public static Builder builder(int sources) {
        return new Builder(sources);
    }

    /**
     * The root domain, to be mapped at 0x0C00_0000.
     *
     * @return the domain
     */
    public AplicDomain machine() {
        return machine;
    }

    /**
     * The root's child, to be mapped at 0x0D00_0000.
     *
     * @return the domain
     */
    public AplicDomain supervisor() {
        return supervisor;
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
     * How often {@code source} was forwarded as a message or claimed.
     *
     * @param source the source's number
     * @return a count since it was built
     */
    public long deliveries(int source) {
        synchronized (lock) {
            return deliveries[Objects.checkIndex(source, sources + 1)];
        }
    }

    /**
     * How many messages went to an address that takes none, as when the message addresses were not
     * configured.
     *
     * @return a count since it was built
     */
    public long undeliverable() {
        synchronized (lock) {
            return undeliverable;
        }
    }

    /** Back to the state after power-on, with the message addresses unlocked and zero. */
    public void reset() {
        synchronized (lock) {
            addresses = new MsiAddressConfig();
            machine.reset();
            supervisor.reset();
        }
    }

    /** Does nothing: an APLIC acts only when it is called. */
    @Override
    public void sleep() {}

    @Override
    public Snapshot snapshot() {
        synchronized (lock) {
            return Snapshot.builder(TYPE, VERSION)
                    .put("wires", Arrays32.toBytes(wires))
                    .put("addresses", addresses.toBytes())
                    .put("machine", machine.snapshot())
                    .put("supervisor", supervisor.snapshot())
                    .build();
        }
    }

    @Override
    public void restore(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        int[] newWires = Arrays32.ints(snapshot, "wires", words);
        int[] all = new int[words];
        for (int word = 0; word < words; word++) {
            all[word] = Arrays32.mask(word, sources);
            Arrays32.require(
                    (newWires[word] & ~all[word]) == 0,
                    snapshot,
                    "wires",
                    "bits 1.." + sources + " only");
        }
        MsiAddressConfig newAddresses = new MsiAddressConfig(snapshot, "addresses");
        Arrays32.require(messages != null || newAddresses.isZero(), snapshot, "addresses", "zeros");
        DomainState newMachine = machine.parse(snapshot.getSnapshot("machine"), newWires, all);
        int[] delegated = new int[words];
        for (int source = 1; source <= sources; source++) {
            Arrays32.set(delegated, source, newMachine.isDelegated(source));
        }
        DomainState newSupervisor =
                supervisor.parse(snapshot.getSnapshot("supervisor"), newWires, delegated);
        synchronized (lock) {
            System.arraycopy(newWires, 0, wires, 0, words);
            addresses = newAddresses;
            machine.load(newMachine);
            supervisor.load(newSupervisor);
        }
    }

    /** Drives the harts' lines again. */
    @Override
    public void wake() {
        synchronized (lock) {
            machine.repeatOutputs();
            supervisor.repeatOutputs();
        }
    }

    // What the domains use, with the lock held.

    boolean wire(int source) {
        return Arrays32.get(wires, source);
    }

    void count(int source) {
        deliveries[source]++;
    }

    boolean isSending() {
        return sending;
    }

    /**
     * Forwards what is pending in both domains. A message that comes back to the APLIC finds {@code
     * sending} set and leaves its work to the loop here, which gives up after some rounds: a guest
     * that makes a circle of messages must not hang or overflow the thread. What is left then is
     * sent at the next change.
     */
    void forward() {
        if (sending) {
            sendAgain = true;
            return;
        }
        int rounds = 0;
        do {
            sendAgain = false;
            machine.forwardPending();
            supervisor.forwardPending();
        } while (sendAgain && ++rounds < MAX_ROUNDS);
    }

    void send(long address, int data) {
        sending = true;
        try {
            if (messages == null || !messages.signal(address, data)) {
                undeliverable++;
            }
        } finally {
            sending = false;
        }
    }

    private void setWire(int source, boolean level) {
        synchronized (lock) {
            if (wire(source) != level) {
                Arrays32.set(wires, source, level);
                (machine.isDelegated(source) ? supervisor : machine).wireChanged(source);
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
            setWire(source, true);
        }

        @Override
        public void lower() {
            setWire(source, false);
        }
    }

    /** Collects what an APLIC is built from. */
    public static final class Builder {
        private final int sources;
        private final List<InterruptLine> machineLines = new ArrayList<>();
        private final List<InterruptLine> supervisorLines = new ArrayList<>();
        private @Nullable MsiTarget messages;
        private String label = "aplic";
        private int priorityBits = 3;
        private int guestIndexBits;

        private Builder(int sources) {
            if (sources < 1 || sources > MAX_SOURCES) {
                throw new IllegalArgumentException(
                        "APLIC sources: expected 1.." + MAX_SOURCES + ", got " + sources);
            }
            this.sources = sources;
        }

        /**
         * The label of the domains, before {@code -m} and {@code -s}; default {@code aplic}.
         *
         * @param label a short name for logs
         * @return this
         */
        public Builder label(String label) {
            this.label = label;
            return this;
        }

        /**
         * Where messages go; without it there is no message mode. Called with the APLIC's lock
         * held: it must not wait for a thread that drives one of the APLIC's lines. Messages that
         * come back to the APLIC itself are bounded.
         *
         * @param target what knows the IMSICs' addresses
         * @return this
         */
        public Builder messages(MsiTarget target) {
            messages = target;
            return this;
        }

        /**
         * Adds the next hart of direct delivery, by its external interrupt inputs; without any
         * there is no direct mode.
         *
         * @param machineExternal bit 11 of its {@code mip}, or {@link Imsic#directLine}
         * @param supervisorExternal bit 9 of its {@code mip}, or {@link Imsic#directLine}
         * @return this
         * @throws IllegalArgumentException if there are {@link #MAX_HARTS} already
         */
        public Builder hart(InterruptLine machineExternal, InterruptLine supervisorExternal) {
            if (machineLines.size() == MAX_HARTS) {
                throw new IllegalArgumentException(
                        "APLIC: expected at most " + MAX_HARTS + " harts, got one more");
            }
            machineLines.add(machineExternal);
            supervisorLines.add(supervisorExternal);
            return this;
        }

        /**
         * The bits of an interrupt's priority in direct delivery; default 3, as on QEMU's board.
         *
         * @param bits 1..8
         * @return this
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder priorityBits(int bits) {
            if (bits < 1 || bits > 8) {
                throw new IllegalArgumentException(
                        "APLIC priority bits: expected 1..8, got " + bits);
            }
            priorityBits = bits;
            return this;
        }

        /**
         * The bits of the guest index in the supervisor domain's targets; default 0, for harts
         * without the hypervisor extension.
         *
         * @param bits 0..6
         * @return this
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder guestIndexBits(int bits) {
            if (bits < 0 || bits > 6) {
                throw new IllegalArgumentException(
                        "APLIC guest index bits: expected 0..6, got " + bits);
            }
            guestIndexBits = bits;
            return this;
        }

        /**
         * The APLIC, reset.
         *
         * @return it
         * @throws IllegalArgumentException if there is neither a target of messages nor a hart
         */
        public Aplic build() {
            if (messages == null && machineLines.isEmpty()) {
                throw new IllegalArgumentException(
                        "APLIC: expected a target of messages or a hart, got neither");
            }
            return new Aplic(this);
        }

        private DomainState.Limits limits(int guestBits, boolean hasChild) {
            return new DomainState.Limits(
                    sources,
                    machineLines.size(),
                    !machineLines.isEmpty(),
                    messages != null,
                    (1 << priorityBits) - 1,
                    (1 << guestBits) - 1,
                    hasChild);
        }
    }
}
