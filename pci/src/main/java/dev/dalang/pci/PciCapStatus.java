package dev.dalang.pci;

/**
 * What a guest's write did to a live capability, for the function that owns it. Each kind of
 * capability that has something to tell implements this: {@link PmStatus} for power management, and
 * so on.
 */
public interface PciCapStatus {
    /** Nothing to tell. */
    PciCapStatus NONE =
            new PciCapStatus() {
                @Override
                public String toString() {
                    return "NONE";
                }
            };
}
