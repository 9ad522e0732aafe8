package dev.dalang.testkit.net;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What a bad link does to frames, by chance and repeatably.
 *
 * @param seed of the chances
 * @param lostPerMille how many of a thousand frames are lost
 * @param repeatedPerMille how many come twice
 * @param delayedPerMille how many come after some later ones
 */
public record Impairment(long seed, int lostPerMille, int repeatedPerMille, int delayedPerMille) {
    /** A good link. */
    public static final Impairment NONE = new Impairment(0, 0, 0, 0);

    /** One direction of the link. */
    static final class Direction {
        /** Where frames come out. */
        interface Exit {
            boolean pass(GuestFrame frame);
        }

        private static final int MAX_DELAYED = 4;

        private final Impairment impairment;
        private final SplittableRandom random;
        private final List<GuestFrame> delayed = new ArrayList<>();

        Direction(Impairment impairment, long salt) {
            this.impairment = impairment;
            this.random = new SplittableRandom(impairment.seed ^ salt);
        }

        boolean pass(GuestFrame frame, Exit exit) {
            if (impairment.equals(NONE)) {
                return exit.pass(frame);
            }
            int chance = random.nextInt(1000);
            if (chance < impairment.lostPerMille) {
                return true;
            }
            chance -= impairment.lostPerMille;
            if (chance >= 0
                    && chance < impairment.delayedPerMille
                    && delayed.size() < MAX_DELAYED) {
                GuestFrame copy = new GuestFrame();
                copy.copyFrom(frame);
                delayed.add(copy);
                return true;
            }
            chance -= impairment.delayedPerMille;
            boolean passed = exit.pass(frame);
            if (passed && chance >= 0 && chance < impairment.repeatedPerMille) {
                exit.pass(frame); // finds no room, perhaps: then it came once
            }
            if (!delayed.isEmpty() && random.nextInt(3) == 0) {
                exit.pass(delayed.removeFirst());
            }
            return passed;
        }
    }
}
