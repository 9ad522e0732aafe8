package dev.dalang.riscv.intc;

import dev.dalang.bus.snapshot.Snapshot;

/**
 * The registers of one APLIC interrupt domain and the rules that need nothing else. What the fields
 * hold is always legal. Guarded by the APLIC's lock.
 */
final class DomainState {
    static final int DELEGATE = 1 << 10;

    private static final String TYPE = "riscv-aplic-domain";
    private static final int VERSION = 1;

    // Source modes (AIA 1.0 §4.5.2).
    private static final int MODE_MASK = 7;
    private static final int RESERVED_2 = 2;
    private static final int RESERVED_3 = 3;
    private static final int EDGE_RISING = 4;
    private static final int LEVEL_HIGH = 6;

    private static final int HART_INDEX_MASK = 0xfffc_0000;
    private static final int HART_INDEX_SHIFT = 18;
    private static final int EIID_MASK = 0x7ff;

    /** What a domain can do, fixed when the APLIC is built. */
    record Limits(
            int sources,
            int harts,
            boolean direct,
            boolean msi,
            int priorityMask,
            int guestMask,
            boolean hasChild) {
        int words() {
            return sources / 32 + 1;
        }
    }

    private final Limits limits;
    boolean enabled;
    boolean msi;
    int genmsi;
    final int[] sourcecfg;
    final int[] target;
    final int[] pending;
    final int[] enable;
    final int[] idelivery;
    final int[] iforce;
    final int[] ithreshold;

    DomainState(Limits limits) {
        this.limits = limits;
        msi = legalMode(false);
        sourcecfg = new int[limits.sources + 1];
        target = new int[limits.sources + 1];
        pending = new int[limits.words()];
        enable = new int[limits.words()];
        idelivery = new int[limits.harts];
        iforce = new int[limits.harts];
        ithreshold = new int[limits.harts];
    }

    /**
     * Checks a snapshot of a domain.
     *
     * @param wires the levels of the sources' wires that belong to it
     * @param owned the sources that belong to this domain, and not to its parent
     */
    DomainState(Limits limits, Snapshot snapshot, int[] wires, int[] owned) {
        this.limits = limits;
        snapshot.expect(TYPE, VERSION);
        enabled = snapshot.getBoolean("enabled");
        msi = snapshot.getBoolean("msi");
        Arrays32.require(legalMode(msi) == msi, snapshot, "msi", "a delivery mode it has");
        genmsi = (int) snapshot.getLong("genmsi");
        Arrays32.require(
                genmsi == snapshot.getLong("genmsi") && genmsi == legalGenmsi(genmsi),
                snapshot,
                "genmsi",
                "a hart index and an identity");
        sourcecfg = Arrays32.ints(snapshot, "sourcecfg", limits.sources + 1);
        target = Arrays32.ints(snapshot, "target", limits.sources + 1);
        pending = Arrays32.ints(snapshot, "pending", limits.words());
        enable = Arrays32.ints(snapshot, "enable", limits.words());
        Arrays32.require(sourcecfg[0] == 0 && target[0] == 0, snapshot, "sourcecfg", "no source 0");
        for (int word = 0; word < limits.words(); word++) {
            Arrays32.require(
                    ((pending[word] | enable[word]) & ~Arrays32.mask(word, limits.sources)) == 0,
                    snapshot,
                    "pending",
                    "bits 1.." + limits.sources + " only");
        }
        for (int source = 1; source <= limits.sources; source++) {
            Arrays32.require(
                    isPossible(source, Arrays32.get(wires, source), Arrays32.get(owned, source)),
                    snapshot,
                    "sourcecfg",
                    "a possible state of source " + source);
        }
        idelivery = words(snapshot, "idelivery", 1);
        iforce = words(snapshot, "iforce", 1);
        ithreshold = words(snapshot, "ithreshold", limits.priorityMask);
    }

    private int[] words(Snapshot snapshot, String name, int mask) {
        int[] words = Arrays32.ints(snapshot, name, limits.harts);
        for (int word : words) {
            Arrays32.require((word & ~mask) == 0, snapshot, name, "0.." + mask);
        }
        return words;
    }

    private boolean isPossible(int source, boolean wire, boolean owned) {
        int config = sourcecfg[source];
        boolean isPending = Arrays32.get(pending, source);
        if (!isActive(source)) {
            return config == legalSourcecfg(config)
                    && (owned || config == 0)
                    && target[source] == 0
                    && !isPending
                    && !Arrays32.get(enable, source);
        }
        if (!owned || config != legalSourcecfg(config)) {
            return false;
        }
        if (target[source] != legalTarget(target[source])) {
            return false;
        }
        boolean high = rectified(source, wire);
        return !isLevel(source) || (msi ? !isPending || high : isPending == high);
    }

    Snapshot snapshot() {
        return Snapshot.builder(TYPE, VERSION)
                .put("enabled", enabled)
                .put("msi", msi)
                .put("genmsi", genmsi)
                .put("sourcecfg", Arrays32.toBytes(sourcecfg))
                .put("target", Arrays32.toBytes(target))
                .put("pending", Arrays32.toBytes(pending))
                .put("enable", Arrays32.toBytes(enable))
                .put("idelivery", Arrays32.toBytes(idelivery))
                .put("iforce", Arrays32.toBytes(iforce))
                .put("ithreshold", Arrays32.toBytes(ithreshold))
                .build();
    }

    /** The delivery mode that a write of DM leads to. */
    boolean legalMode(boolean wanted) {
        return wanted ? limits.msi : !limits.direct;
    }

    int legalSourcecfg(int value) {
        if ((value & DELEGATE) != 0) {
            // A leaf takes no delegation; the only child has index 0.
            return limits.hasChild ? DELEGATE : 0;
        }
        int mode = value & MODE_MASK;
        return mode == RESERVED_2 || mode == RESERVED_3 ? 0 : mode;
    }

    /** What an active source's {@code target} holds after {@code value} is written to it. */
    int legalTarget(int value) {
        if (msi) {
            return value & (HART_INDEX_MASK | limits.guestMask << 12 | EIID_MASK);
        }
        int priority = value & limits.priorityMask;
        return value & HART_INDEX_MASK | (priority == 0 ? 1 : priority);
    }

    int legalGenmsi(int value) {
        return msi ? value & (HART_INDEX_MASK | EIID_MASK) : 0;
    }

    static int hartIndex(int target) {
        return target >>> HART_INDEX_SHIFT;
    }

    static int guestIndex(int target) {
        return target >>> 12 & 0x3f;
    }

    static int identity(int target) {
        return target & EIID_MASK;
    }

    boolean isDelegated(int source) {
        return (sourcecfg[source] & DELEGATE) != 0;
    }

    boolean isActive(int source) {
        int config = sourcecfg[source];
        return config != 0 && (config & DELEGATE) == 0;
    }

    boolean isLevel(int source) {
        return (sourcecfg[source] & (DELEGATE | LEVEL_HIGH)) == LEVEL_HIGH;
    }

    /** The wire's level as the source mode reads it; low for a source that has no wire here. */
    boolean rectified(int source, boolean wire) {
        int config = sourcecfg[source];
        boolean isWired = (config & (DELEGATE | EDGE_RISING)) == EDGE_RISING;
        return isWired && wire != ((config & 1) != 0);
    }

    /** Everything that belongs to the source: what an inactive or foreign source shows. */
    void clear(int source) {
        sourcecfg[source] = 0;
        target[source] = 0;
        Arrays32.set(pending, source, false);
        Arrays32.set(enable, source, false);
    }

    /** The value of {@code topi} (AIA 1.0 §4.8.1.5). */
    int topi(int hart) {
        if (msi) {
            return 0;
        }
        int limit = ithreshold[hart] == 0 ? Integer.MAX_VALUE : ithreshold[hart];
        int best = 0;
        for (int word = 0; word < pending.length; word++) {
            for (int bits = pending[word] & enable[word]; bits != 0; bits &= bits - 1) {
                int source = word << 5 | Integer.numberOfTrailingZeros(bits);
                int priority = target[source] & limits.priorityMask;
                if (hartIndex(target[source]) == hart && priority < limit) {
                    limit = priority;
                    best = source << 16 | priority;
                }
            }
        }
        return best;
    }
}
