package dev.dalang.virtio.rng;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import java.security.SecureRandom;

/** Where random bytes come from. One thread at a time. */
public interface EntropySource {
    /**
     * Fills an array. Does not wait.
     *
     * @param target where the bytes go
     * @param length how many, from the start
     */
    void fill(byte[] target, int length);

    /**
     * {@return what makes the source go on where it is; nothing but a name if it cannot be repeated
     * anyway}
     */
    Snapshot snapshot();

    /**
     * Takes what {@link #snapshot} gave. All or nothing.
     *
     * @param snapshot the state
     * @throws SnapshotException if it is of another source
     */
    void restore(Snapshot snapshot);

    /** {@return the host's generator} Two guests of one snapshot get different bytes. */
    static EntropySource host() {
        return new Host(new SecureRandom());
    }

    /**
     * A source that gives the same bytes for the same seed, for runs that are to be repeated. Not
     * for secrets.
     *
     * @param seed any number
     * @return the source
     */
    static EntropySource seeded(long seed) {
        return new Seeded(seed);
    }

    /** The host's. */
    final class Host implements EntropySource {
        private static final String TYPE = "host-entropy";

        private final SecureRandom random;
        private byte[] exact = {};

        private Host(SecureRandom random) {
            this.random = random;
        }

        @Override
        public void fill(byte[] target, int length) {
            if (length == target.length) {
                random.nextBytes(target);
                return;
            }
            if (exact.length != length) {
                exact = new byte[length];
            }
            random.nextBytes(exact);
            System.arraycopy(exact, 0, target, 0, length);
        }

        @Override
        public Snapshot snapshot() {
            return Snapshot.builder(TYPE, 1).build();
        }

        @Override
        public void restore(Snapshot snapshot) {
            snapshot.expect(TYPE, 1);
        }
    }

    /** SplitMix64 (Steele, Lea and Flood 2014): a counter, and a mix of it. */
    final class Seeded implements EntropySource {
        private static final String TYPE = "seeded-entropy";
        private static final long GOLDEN_GAMMA = 0x9e37_79b9_7f4a_7c15L;

        private long state;

        /** How many bytes of the present mix have been given. */
        private int given = Long.BYTES;

        private Seeded(long seed) {
            state = seed;
        }

        @Override
        public void fill(byte[] target, int length) {
            for (int k = 0; k < length; k++) {
                if (given == Long.BYTES) {
                    state += GOLDEN_GAMMA;
                    given = 0;
                }
                target[k] = (byte) (mix(state) >>> 8 * given++);
            }
        }

        private static long mix(long value) {
            long mixed = (value ^ value >>> 30) * 0xbf58_476d_1ce4_e5b9L;
            mixed = (mixed ^ mixed >>> 27) * 0x94d0_49bb_1331_11ebL;
            return mixed ^ mixed >>> 31;
        }

        @Override
        public Snapshot snapshot() {
            return Snapshot.builder(TYPE, 1).put("state", state).put("given", given).build();
        }

        @Override
        public void restore(Snapshot snapshot) {
            long saved = snapshot.expect(TYPE, 1).getLong("state");
            given = snapshot.getInt("given", 0, Long.BYTES);
            state = saved;
        }
    }
}
