package dev.dalang.pci;

import dev.dalang.bus.BusDevice;
import dev.dalang.bus.snapshot.Suspendable;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * A PCI device, as who writes one sees it: what it is ({@link #spec}), what happens when its BARs
 * are read and written, and what of it a snapshot holds. Configuration space, capabilities, the
 * tables of MSI-X, decoding, moving and power management are done for it.
 *
 * {@snippet :
 * final class Adder implements PciDevice {
 *     private PciHost host;
 *     private long sum;
 *
 *     public PciDeviceSpec spec() {
 *         return PciDeviceSpec.builder("adder", 0x1234, 0xadd0).memoryBar(0, 4096).msix(1).build();
 *     }
 *
 *     public void attach(PciHost host) {
 *         this.host = host;
 *     }
 *
 *     public long readBar(int bar, long offset, int size) {
 *         return sum;
 *     }
 *
 *     public void writeBar(int bar, long offset, int size, long value) {
 *         sum += value;
 *         host.interrupts().trigger(0);
 *     }
 *
 *     public Snapshot snapshot() {
 *         return Snapshot.builder("adder", 1).put("sum", sum).build();
 *     }
 *
 *     public void restore(Snapshot snapshot) {
 *         sum = snapshot.expect("adder", 1).getLong("sum");
 *     }
 * }
 * }
 *
 * <p>Calls come on the threads of harts. Accesses to BARs come one at a time, unless the
 * specification says {@link PciDeviceSpec.Builder#concurrent}; everything else may come beside
 * them. What throws is kept apart: a read gives all ones, a write is dropped, it is counted, and
 * the first is logged.
 */
public interface PciDevice extends BusDevice, Suspendable {
    /**
     * Says what the device is. Asked once, before {@link #attach}.
     *
     * @return identification, BARs, interrupts and capabilities
     */
    PciDeviceSpec spec();

    /**
     * Gives the device its surroundings. Called once, before any access, on the thread that adds
     * the device.
     *
     * @param host interrupts, memory and time
     */
    default void attach(PciHost host) {}

    /**
     * Answers a guest's load from a BAR.
     *
     * @param bar index of the BAR, 0..5, or {@link PciDeviceSpec#ROM} for the expansion ROM
     * @param offset byte offset in the BAR; the access lies whole inside it
     * @param size 1, 2, 4 or 8
     * @return the value, little-endian; bits above {@code size} bytes are ignored
     */
    long readBar(int bar, long offset, int size);

    /**
     * Takes a guest's store to a BAR.
     *
     * @param bar index of the BAR, 0..5
     * @param offset byte offset in the BAR; the access lies whole inside it
     * @param size 1, 2, 4 or 8
     * @param value the value, zero-extended
     */
    void writeBar(int bar, long offset, int size, long value);

    /**
     * Puts the device into the state in which it was attached: the machine was reset, or the bus
     * that the device is on. In the latter case accesses may come beside it.
     */
    default void reset() {}

    /**
     * Tells that a BAR began to answer, moved, or ceased to answer, for devices that have something
     * mapped there. Comes after the fact, on the thread whose write caused it.
     *
     * @param bar index of the BAR
     * @param range where it answers now; empty if nowhere
     */
    default void barChanged(int bar, Optional<BarRange> range) {}

    /**
     * Tells that the guest let the device reach memory, or forbade it. Not told of bridges above.
     *
     * @param isEnabled whether bus mastering is enabled in the function's command register
     */
    default void busMasterChanged(boolean isEnabled) {}

    /**
     * Tells of a guest's write to the command or status register, before its BARs begin or cease to
     * answer, and before {@link #busMasterChanged}. For devices whose real registers are elsewhere.
     *
     * @param command the command register as it is now
     * @param cleared the bits of the status register that the guest wrote a one to
     */
    default void commandWritten(int command, int cleared) {}

    /**
     * Has the last word about what a guest reads from configuration space. For devices whose real
     * registers are elsewhere; they do without a mapped page, which is read by nobody's leave
     * ({@link PciDeviceSpec.Builder#withoutConfigurationMapping}). Any thread.
     *
     * @param register its index
     * @param value what the function would give
     * @return what the guest reads
     */
    default int configRead(int register, int value) {
        return value;
    }

    /**
     * Tells what a guest's write to a live capability did, and to the table of MSI-X: {@link
     * MsixStatus}, {@link MsiStatus}, {@link PmStatus}, or one of the device's own.
     *
     * @param status what changed
     */
    default void capabilityWritten(PciCapStatus status) {}

    /**
     * Gives up what the device holds: it was removed. Called once, when no access can be inside.
     */
    default void detach() {}

    /**
     * Answers a read of a register of the virtual configuration space.
     *
     * @param register 0..1023 in the trapped page; 1024..2047 if the device has no shared page
     * @return the value
     */
    default int readVirtualConfig(int register) {
        return 0;
    }

    /**
     * Takes a write to a register of the virtual configuration space.
     *
     * @param register as in {@link #readVirtualConfig}
     * @param value the value
     */
    default void writeVirtualConfig(int register, int value) {}

    /**
     * Gives the memory that guest and device share in the virtual configuration space. Asked once.
     *
     * @return 4,096 bytes, native, accessible from every thread, at an address that is a multiple
     *     of 8; empty if the page traps like the other
     */
    default Optional<MemorySegment> virtualConfigSharedPage() {
        return Optional.empty();
    }

    /**
     * Names what can be booted from, as Open Firmware does, for firmware's list of what to try.
     * Unless the device says otherwise, it is all that the function has.
     *
     * @param unit the device number and, if it is not 0, a comma and the function number, in
     *     hexadecimal
     * @return a path below the host bridge, such as {@code scsi@4/disk@0,0}
     */
    default String bootorderNode(String unit) {
        PciDeviceSpec spec = spec();
        return "pci%04x,%04x@%s".formatted(spec.vendor(), spec.device(), unit);
    }

    /** {@return the specification's name} */
    @Override
    default String label() {
        return spec().name();
    }

    /** {@return the specification's name} */
    @Override
    default String typeId() {
        return spec().name();
    }

    /** Stops what the device does by itself; nothing, unless it says otherwise. */
    @Override
    default void sleep() {}

    /** Takes up again what {@link #sleep} stopped; nothing, unless it says otherwise. */
    @Override
    default void wake() {}
}
