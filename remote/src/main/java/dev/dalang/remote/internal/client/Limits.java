package dev.dalang.remote.internal.client;

import dev.dalang.remote.internal.wire.Capabilities;
import dev.dalang.remote.internal.wire.Connection;
import dev.dalang.remote.internal.wire.Refusal;
import dev.dalang.remote.internal.wire.Version;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What both sides can do, after each has said what it can.
 *
 * @param minor version that is spoken, of major version 0
 * @param transferBytes most bytes of one access to a region, a multiple of 8
 * @param descriptors most that go with one message; 0 if none can
 * @param maps most pieces of memory at a time
 * @param pageBytes what pieces of memory are multiples of
 * @param hasWriteMultiple true if several writes may go in one message
 * @param hasMigration true if the server said that it knows of migration
 */
public record Limits(
        int minor,
        int transferBytes,
        int descriptors,
        long maps,
        long pageBytes,
        boolean hasWriteMultiple,
        boolean hasMigration) {
    /** What any peer takes at a time, whatever it says; QEMU's own number. */
    static final int MAX_DESCRIPTORS = 16;

    private static final int MAX_MAPS = 65_535;
    private static final int PAGE_BYTES = 4096;

    /**
     * What this side says of itself.
     *
     * @param twin true if the server's own requests may go over a second socket
     */
    static Version proposed(boolean twin) {
        return new Version(
                Version.MAJOR,
                Version.MINOR,
                Optional.of(
                        new Capabilities(
                                OptionalInt.of(MAX_DESCRIPTORS),
                                OptionalLong.of(Connection.MAX_TRANSFER_BYTES),
                                OptionalLong.of(MAX_MAPS),
                                OptionalLong.of(PAGE_BYTES),
                                twin
                                        ? Optional.of(
                                                new Capabilities.TwinSocket(
                                                        true, OptionalInt.empty()))
                                        : Optional.empty(),
                                Optional.of(true),
                                Optional.of(
                                        new Capabilities.Migration(
                                                OptionalLong.of(PAGE_BYTES),
                                                OptionalLong.of(
                                                        Connection.MAX_TRANSFER_BYTES / 2))))));
    }

    /** True if a server has made a second socket, whose descriptor came with its answer. */
    static boolean hasTwin(Version answer) {
        return answer.capabilities()
                .flatMap(Capabilities::twinSocket)
                .filter(Capabilities.TwinSocket::supported)
                .isPresent();
    }

    /**
     * Judges what a server answered.
     *
     * @param twin whether a second socket was offered
     * @param descriptors how many came with it
     * @throws Refusal if it cannot be spoken with
     */
    static Limits of(Version answer, boolean twin, int descriptors) {
        Refusal.unless(
                answer.major() == Version.MAJOR && answer.minor() <= Version.MINOR,
                "expected version %d.%d at the most, got %d.%d"
                        .formatted(Version.MAJOR, Version.MINOR, answer.major(), answer.minor()));
        Capabilities theirs = answer.capabilities().orElse(Capabilities.NONE);
        long transfer =
                Math.min(
                                theirs.maxDataXferSize().orElse(Connection.MAX_TRANSFER_BYTES),
                                Connection.MAX_TRANSFER_BYTES)
                        & -Long.BYTES;
        Refusal.unless(
                transfer > 0,
                "expected accesses of at least 8 bytes, got max_data_xfer_size "
                        + theirs.maxDataXferSize().orElse(0));
        boolean hasTwin = hasTwin(answer);
        Refusal.unless(twin || !hasTwin, "a second socket, which was not asked for");
        Refusal.unless(
                !hasTwin || theirs.twinSocket().get().fdIndex().orElse(-1) == 0,
                "a second socket that is not the first descriptor");
        Refusal.unless(
                descriptors == (hasTwin ? 1 : 0),
                "%d descriptors with the version".formatted(descriptors));
        // The smallest page that it takes; what has none is for nobody.
        long page = Math.max(PAGE_BYTES, Long.lowestOneBit(theirs.pgsizes().orElse(PAGE_BYTES)));
        return new Limits(
                answer.minor(),
                (int) transfer,
                Math.min(theirs.maxMsgFds().orElse(1), MAX_DESCRIPTORS),
                Math.min(theirs.maxDmaMaps().orElse(MAX_MAPS), MAX_MAPS),
                page,
                theirs.writeMultiple().orElse(false),
                theirs.migration().isPresent());
    }
}
