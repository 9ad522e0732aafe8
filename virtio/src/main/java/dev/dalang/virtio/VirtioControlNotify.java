package dev.dalang.virtio;

import dev.dalang.pci.MsixStatus;

/** The ability to follow what a driver does to MSI-X. Over PCI only. */
public interface VirtioControlNotify {
    /**
     * Tells of a write to the table of MSI-X, or one to its capability that changed something. On
     * the thread of the hart that wrote.
     *
     * @param status what changed
     */
    void controlNotify(MsixStatus status);
}
