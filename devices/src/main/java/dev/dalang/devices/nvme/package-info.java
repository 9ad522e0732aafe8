/**
 * A disk behind an NVM Express controller (NVMe base specification 2.0, NVM command set 1.0). Who
 * makes one begins with {@link dev.dalang.devices.nvme.NvmeDevice#builder}.
 *
 * <p>Sizes and offsets are bytes, block addresses unsigned. Locks are never held while the back end
 * or the executor is called: a queue's and the log's are leaves, a completion queue's is held while
 * its entry is written.
 */
package dev.dalang.devices.nvme;
