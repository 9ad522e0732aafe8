package dev.dalang.virtio.net;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.net.Frame;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Which frames the driver wants (virtio 1.3 §5.1.6.5.1 to §5.1.6.5.3). Guarded by the device's
 * lock.
 */
final class ReceiveFilter {
    /** The commands of class 0, each a switch. */
    static final int PROMISCUOUS = 0;

    static final int ALL_MULTICAST = 1;
    static final int ALL_UNICAST = 2;
    static final int NO_MULTICAST = 3;
    static final int NO_UNICAST = 4;
    static final int NO_BROADCAST = 5;
    static final int SWITCHES = 6;

    /** Addresses of each kind; with more, all of the kind are received. */
    static final int MAX_ADDRESSES = 64;

    static final int VLANS = 4096;
    private static final long BROADCAST = 0xffff_ffff_ffffL;
    private static final int ETHERTYPE_VLAN = 0x8100;

    private final boolean[] switches = new boolean[SWITCHES];
    private long[] unicast = {};
    private long[] multicast = {};
    private final BitSet vlans = new BitSet(VLANS);
    private boolean byVlan;
    private boolean unicastOverflows;
    private boolean multicastOverflows;
    long mac;

    ReceiveFilter(long mac) {
        reset(mac, false);
    }

    /** Everything comes until the driver says otherwise, as drivers without commands expect. */
    void reset(long address, boolean filtersVlans) {
        mac = address;
        Arrays.fill(switches, false);
        switches[PROMISCUOUS] = true;
        unicast = new long[0];
        multicast = new long[0];
        overflow(false, false);
        vlans.clear();
        byVlan = filtersVlans;
    }

    void set(int which, boolean on) {
        switches[which] = on;
    }

    void addresses(long[] ofOne, long[] ofGroups) {
        unicast = ofOne;
        multicast = ofGroups;
    }

    /** There were more addresses than are kept: all of the kind are received. */
    void overflow(boolean ofOne, boolean ofGroups) {
        unicastOverflows = ofOne;
        multicastOverflows = ofGroups;
    }

    void vlan(int id, boolean on) {
        vlans.set(id, on);
    }

    boolean accepts(Frame frame) {
        ByteBuffer data = frame.data();
        if (byVlan
                && frame.length() >= 18
                && (data.getShort(12) & 0xffff) == ETHERTYPE_VLAN
                && !vlans.get(data.getShort(14) & 0xfff)) {
            return false;
        }
        if (switches[PROMISCUOUS]) {
            return true;
        }
        long target = (data.getInt(0) & 0xffff_ffffL) << 16 | data.getShort(4) & 0xffffL;
        if (target == BROADCAST) {
            return !switches[NO_BROADCAST];
        }
        if ((target >>> 40 & 1) != 0) {
            return !switches[NO_MULTICAST]
                    && (switches[ALL_MULTICAST]
                            || multicastOverflows
                            || contains(multicast, target));
        }
        return !switches[NO_UNICAST]
                && (switches[ALL_UNICAST]
                        || unicastOverflows
                        || target == mac
                        || contains(unicast, target));
    }

    private static boolean contains(long[] addresses, long wanted) {
        for (long address : addresses) {
            if (address == wanted) {
                return true;
            }
        }
        return false;
    }

    void save(Snapshot.Builder to) {
        long bits = 0;
        for (int i = 0; i < SWITCHES; i++) {
            bits |= switches[i] ? 1L << i : 0;
        }
        to.put("mac", mac)
                .put("receive-mode", bits)
                .put("unicast-count", unicast.length)
                .put("unicast", unicast)
                .put("multicast-count", multicast.length)
                .put("multicast", multicast)
                .put("unicast-overflows", unicastOverflows)
                .put("multicast-overflows", multicastOverflows)
                .put("vlan-filter", byVlan)
                .put("vlans", Arrays.copyOf(vlans.toLongArray(), VLANS / Long.SIZE));
    }

    /** Reads a filter; nothing of this one changes. */
    static ReceiveFilter read(Snapshot from) {
        ReceiveFilter filter = new ReceiveFilter(from.getLong("mac"));
        if (filter.mac >>> 48 != 0) {
            throw new SnapshotException("mac: expected 48 bits, got " + filter.mac);
        }
        int bits = from.getInt("receive-mode", 0, (1 << SWITCHES) - 1);
        for (int i = 0; i < SWITCHES; i++) {
            filter.switches[i] = (bits >> i & 1) != 0;
        }
        filter.unicast = from.getLongs("unicast", from.getInt("unicast-count", 0, MAX_ADDRESSES));
        filter.multicast =
                from.getLongs("multicast", from.getInt("multicast-count", 0, MAX_ADDRESSES));
        filter.overflow(
                from.getBoolean("unicast-overflows"), from.getBoolean("multicast-overflows"));
        filter.byVlan = from.getBoolean("vlan-filter");
        filter.vlans.or(BitSet.valueOf(from.getLongs("vlans", VLANS / Long.SIZE)));
        return filter;
    }

    void become(ReceiveFilter other) {
        mac = other.mac;
        System.arraycopy(other.switches, 0, switches, 0, SWITCHES);
        unicast = other.unicast;
        multicast = other.multicast;
        overflow(other.unicastOverflows, other.multicastOverflows);
        byVlan = other.byVlan;
        vlans.clear();
        vlans.or(other.vlans);
    }
}
