package dev.dalang.virtio.net;

import dev.dalang.virtio.queue.DescriptorChain;

/** The commands of the control queue (virtio 1.3 §5.1.6.5). */
final class NetControl {
    static final byte OK = 0;
    static final byte ERR = 1;

    private static final int RX = 0;
    private static final int MAC = 1;
    private static final int MAC_TABLE_SET = 0;
    private static final int MAC_ADDR_SET = 1;
    private static final int VLAN = 2;
    private static final int VLAN_ADD = 0;
    private static final int VLAN_DEL = 1;
    private static final int ANNOUNCE = 3;
    private static final int ANNOUNCE_ACK = 0;
    private static final int MQ = 4;
    private static final int MQ_PAIRS_SET = 0;
    private static final int GUEST_OFFLOADS = 5;
    private static final int GUEST_OFFLOADS_SET = 0;
    private static final int MAC_BYTES = 6;

    /** What commands act on. */
    interface Target {
        ReceiveFilter filter();

        boolean setMac(long mac);

        boolean acknowledgeAnnouncement();

        boolean setPairs(int pairs);

        boolean setGuestOffloads(long offloads);
    }

    private NetControl() {}

    /** Does a command; false if it is not one, or of a feature that is not in use. */
    static boolean execute(DescriptorChain chain, long features, Target target) {
        if (chain.readableLeft() < 2) {
            return false;
        }
        int commandClass = chain.readByte() & 0xff;
        int command = chain.readByte() & 0xff;
        return switch (commandClass) {
            case RX -> receiveMode(chain, command, features, target);
            case MAC -> mac(chain, command, features, target);
            case VLAN -> vlan(chain, command, features, target);
            case ANNOUNCE ->
                    command == ANNOUNCE_ACK
                            && has(features, VirtioNetFeatures.VIRTIO_NET_F_GUEST_ANNOUNCE)
                            && target.acknowledgeAnnouncement();
            case MQ ->
                    command == MQ_PAIRS_SET
                            && has(features, VirtioNetFeatures.VIRTIO_NET_F_MQ)
                            && chain.readableLeft() >= Short.BYTES
                            && target.setPairs(chain.readShort() & 0xffff);
            case GUEST_OFFLOADS ->
                    command == GUEST_OFFLOADS_SET
                            && has(features, VirtioNetFeatures.VIRTIO_NET_F_CTRL_GUEST_OFFLOADS)
                            && chain.readableLeft() >= Long.BYTES
                            && target.setGuestOffloads(chain.readLong());
            default -> false;
        };
    }

    private static boolean has(long features, long mask) {
        return VirtioNetFeatures.has(features, mask);
    }

    private static boolean receiveMode(
            DescriptorChain chain, int command, long features, Target target) {
        long needed =
                command <= ReceiveFilter.ALL_MULTICAST
                        ? VirtioNetFeatures.VIRTIO_NET_F_CTRL_RX
                        : VirtioNetFeatures.VIRTIO_NET_F_CTRL_RX_EXTRA;
        if (command >= ReceiveFilter.SWITCHES
                || !has(features, needed)
                || chain.readableLeft() < 1) {
            return false;
        }
        target.filter().set(command, chain.readByte() != 0);
        return true;
    }

    private static boolean mac(DescriptorChain chain, int command, long features, Target target) {
        if (command == MAC_ADDR_SET) {
            return has(features, VirtioNetFeatures.VIRTIO_NET_F_CTRL_MAC_ADDR)
                    && chain.readableLeft() >= MAC_BYTES
                    && target.setMac(readMac(chain));
        }
        if (command != MAC_TABLE_SET || !has(features, VirtioNetFeatures.VIRTIO_NET_F_CTRL_RX)) {
            return false;
        }
        Table unicast = new Table();
        Table multicast = new Table();
        if (!unicast.read(chain) || !multicast.read(chain)) {
            return false;
        }
        ReceiveFilter filter = target.filter();
        filter.addresses(unicast.addresses, multicast.addresses);
        filter.overflow(unicast.overflows, multicast.overflows);
        return true;
    }

    private static long readMac(DescriptorChain chain) {
        long mac = 0;
        for (int i = 0; i < MAC_BYTES; i++) {
            mac = mac << 8 | chain.readByte() & 0xff;
        }
        return mac;
    }

    /** A table of addresses, with its length before it. */
    private static final class Table {
        long[] addresses = {};
        boolean overflows;

        boolean read(DescriptorChain chain) {
            if (chain.readableLeft() < Integer.BYTES) {
                return false;
            }
            long count = chain.readInt() & 0xffff_ffffL;
            if (count * MAC_BYTES > chain.readableLeft()) {
                return false;
            }
            if (count > ReceiveFilter.MAX_ADDRESSES) {
                overflows = true;
                chain.skipReadable(count * MAC_BYTES);
                return true;
            }
            addresses = new long[(int) count];
            for (int i = 0; i < count; i++) {
                addresses[i] = readMac(chain);
            }
            return true;
        }
    }

    private static boolean vlan(DescriptorChain chain, int command, long features, Target target) {
        if (command != VLAN_ADD && command != VLAN_DEL
                || !has(features, VirtioNetFeatures.VIRTIO_NET_F_CTRL_VLAN)
                || chain.readableLeft() < Short.BYTES) {
            return false;
        }
        int id = chain.readShort() & 0xffff;
        if (id >= ReceiveFilter.VLANS) {
            return false;
        }
        target.filter().vlan(id, command == VLAN_ADD);
        return true;
    }
}
