package dev.dalang.net.internal.user;

import org.jspecify.annotations.Nullable;

/** What is between one port of the guest's and one of somebody else's, as the guest sees them. */
abstract class Flow {
    final long guestHi;
    final long guestLo;
    final int guestPort;
    final long remoteHi;
    final long remoteLo;
    final int remotePort;

    /** Where the guest's frames come from, and those for it go to. */
    long guestMac;

    /** When something last came or went. */
    long lastUsed;

    /** The next in the table's bucket. */
    @Nullable Flow next;

    /** The place in the table's list; -1: in none. */
    int index = -1;

    Flow(long guestHi, long guestLo, int guestPort, long remoteHi, long remoteLo, int remotePort) {
        this.guestHi = guestHi;
        this.guestLo = guestLo;
        this.guestPort = guestPort;
        this.remoteHi = remoteHi;
        this.remoteLo = remoteLo;
        this.remotePort = remotePort;
    }

    final boolean isV4() {
        return Ip.isV4(guestHi, guestLo);
    }

    final boolean is(long gHi, long gLo, int gPort, long rHi, long rLo, int rPort) {
        return guestPort == gPort
                && remotePort == rPort
                && guestLo == gLo
                && remoteLo == rLo
                && guestHi == gHi
                && remoteHi == rHi;
    }
}
