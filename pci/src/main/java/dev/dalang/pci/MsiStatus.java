package dev.dalang.pci;

/**
 * What a guest's write to the MSI capability has changed, for those who deliver messages past
 * {@link MsiConfig#trigger}, such as a passthrough backend.
 */
public enum MsiStatus implements PciCapStatus {
    /** MSI was enabled. */
    ENABLED,
    /** MSI was disabled. */
    DISABLED,
    /** While MSI was enabled: the number of messages, the message or a mask bit has changed. */
    CHANGED,
    /** Nothing of this. */
    NOTHING_TO_DO
}
