package dev.dalang.riscv.internal.translator;

import org.jspecify.annotations.Nullable;

/** A region that is being made. */
final class Pending {
    final RegionPlan plan;

    /** Whether it takes the place of several regions. */
    final boolean isJoint;

    /** Who is in training for it; null where nobody trains, and before. */
    volatile @Nullable Apprentice apprentice;

    Pending(RegionPlan plan, boolean isJoint) {
        this.plan = plan;
        this.isJoint = isJoint;
    }

    /** Tells that control is in the region, and still finds none. */
    void hurry() {
        Apprentice inTraining = apprentice;
        if (inTraining != null) {
            inTraining.hurry();
        }
    }
}
