package dev.dalang.pci;

import static dev.dalang.pci.PciRegisters.PCI_CFG_SPACE_EXP_SIZE;
import static dev.dalang.pci.PciRegisters.PCI_CFG_SPACE_SIZE;
import static dev.dalang.pci.PciRegisters.REG_BUS_NUMBERS;
import static dev.dalang.pci.PciRegisters.REG_CLASS;
import static dev.dalang.pci.PciRegisters.REG_COMMAND;
import static dev.dalang.pci.PciRegisters.REG_HEADER_TYPE;
import static dev.dalang.pci.PciRegisters.REG_ID;
import static dev.dalang.pci.PciRegisters.REG_INTERRUPT;
import static dev.dalang.pci.PciRegisters.REG_IO_WINDOW;
import static dev.dalang.pci.PciRegisters.REG_MEMORY_WINDOW;
import static dev.dalang.pci.PciRegisters.REG_PREFETCHABLE_BASE_HIGH;
import static dev.dalang.pci.PciRegisters.REG_PREFETCHABLE_LIMIT_HIGH;
import static dev.dalang.pci.PciRegisters.REG_PREFETCHABLE_WINDOW;
import static dev.dalang.pci.PciRegisters.REG_SUBSYSTEM;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.Suspendable;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The configuration space of one function, of type 0 (endpoint) or type 1 (bridge): the header,
 * BARs, and both lists of capabilities (PCI Local Bus 3.0 §6, PCI Express 6.0 §7.5).
 *
 * <p>It is set up first: {@link #endpoint} or {@link #bridge}, then {@link #addBar}, {@link
 * #addCapability} and {@link #defineRegister}, on one thread, before the function is in a tree.
 * From then on {@link #readRegister}, {@link #setRegister} and all queries may come from any
 * thread; {@link #write}, {@link #reset} and the methods of {@link Suspendable} come one at a time,
 * which is the business of the tree. No lock is held while a live capability is called.
 *
 * <p>A snapshot holds what a guest or the device changed, with the state of live capabilities. BARs
 * and capabilities themselves are not state: a snapshot of a function that has others is refused.
 */
public final class PciConfiguration implements Suspendable {
    private final String label;
    private final boolean bridge;
    private final RegisterFile file;
    private final BarTable bars;
    private final CapabilityList capabilities;

    private PciConfiguration(Builder builder) {
        label = builder.label();
        bridge = builder.bridge;
        file = new RegisterFile(builder.bytes / Integer.BYTES);
        bars = new BarTable(label, file, bridge);
        capabilities = new CapabilityList(label, file);
        for (int register = 0; register < CapabilityList.FIRST / Integer.BYTES; register++) {
            capabilities.reserve(register);
        }
        file.define(REG_ID, -1, builder.device << 16 | builder.vendor, 0, 0);
        file.define(REG_COMMAND, -1, 0, 0xffff, PciRegisters.PCI_STATUS_ERRORS << 16);
        file.define(REG_CLASS, -1, builder.classCode << 8 | builder.revision, 0, 0);
        file.define(REG_HEADER_TYPE, -1, bridge ? 0x1_0000 : 0, 0xff, 0);
        file.define(REG_INTERRUPT, -1, 0, bridge ? 0xffff_00ff : 0xff, 0);
        if (bridge) {
            file.define(REG_BUS_NUMBERS, -1, 0, 0x00ff_ffff, 0);
            int errors = PciRegisters.PCI_STATUS_ERRORS << 16;
            if (builder.ioWindow) {
                file.define(REG_IO_WINDOW, -1, 0xf0, 0xf0f0, errors);
            } else {
                file.define(REG_IO_WINDOW, -1, 0, 0, errors);
            }
            file.define(REG_MEMORY_WINDOW, -1, 0xfff0, 0xfff0_fff0, 0);
            file.define(REG_PREFETCHABLE_WINDOW, -1, 0x1_fff1, 0xfff0_fff0, 0);
            file.define(REG_PREFETCHABLE_BASE_HIGH, -1, 0, -1, 0);
            file.define(REG_PREFETCHABLE_LIMIT_HIGH, -1, 0, -1, 0);
        } else {
            file.define(REG_SUBSYSTEM, -1, builder.subsystem << 16 | builder.subsystemVendor, 0, 0);
        }
        setInterrupt(0, builder.interruptPin);
        file.setMultiFunction(builder.multiFunction);
    }

    /**
     * Begins a function with a header of type 0.
     *
     * @param vendor vendor id, 0..0xfffe
     * @param device device id, 0..0xffff
     * @return a builder with class 0xff0000 (unassigned), 4 KiB of space, everything else 0
     */
    public static Builder endpoint(int vendor, int device) {
        return new Builder(false, vendor, device).classCode(0xff0000);
    }

    /**
     * Begins a bridge to another PCI bus, with a header of type 1. All its windows are closed.
     *
     * @param vendor vendor id, 0..0xfffe
     * @param device device id, 0..0xffff
     * @return a builder with class 0x060400, 4 KiB of space, everything else 0
     */
    public static Builder bridge(int vendor, int device) {
        return new Builder(true, vendor, device).classCode(0x060400);
    }

    /** {@return the device's name in messages} */
    public String label() {
        return label;
    }

    /** {@return true if the header is of type 1} */
    public boolean isBridge() {
        return bridge;
    }

    /** {@return the number of registers: 64, or 1,024 with the extended space} */
    public int registers() {
        return file.registers();
    }

    /**
     * Reads a register as the guest sees it.
     *
     * @param register its index
     * @return its value; all ones beyond the space
     */
    public int readRegister(int register) {
        return Integer.compareUnsigned(register, file.registers()) < 0
                ? capabilities.overlay(register, file.get(register))
                : -1;
    }

    /**
     * Reads part of a register as the guest sees it.
     *
     * @param register its index
     * @param offset first byte, 0..3, a multiple of {@code size}
     * @param size 1, 2 or 4
     * @return the value, zero-extended; all ones beyond the space and for any other shape
     */
    public int read(int register, int offset, int size) {
        if (!isLegal(offset, size)) {
            return -1;
        }
        return readRegister(register) >>> 8 * offset & -1 >>> 32 - 8 * size;
    }

    /**
     * Takes a guest's write: writable bits change, bits that a one clears are cleared, everything
     * else stays; then the live part of a capability is called. Dropped beyond the space, and in
     * any shape but a naturally aligned one within the register.
     *
     * @param register its index
     * @param offset first byte, 0..3, a multiple of {@code size}
     * @param size 1, 2 or 4
     * @param value the value; bits above {@code size} bytes are ignored
     * @return what changed outside this space: the owner makes the bus follow
     */
    public ConfigWriteResult write(int register, int offset, int size, int value) {
        if (Integer.compareUnsigned(register, file.registers()) >= 0 || !isLegal(offset, size)) {
            return ConfigWriteResult.NONE;
        }
        int data = value & -1 >>> 32 - 8 * size;
        int lanes = -1 >>> 32 - 8 * size << 8 * offset;
        if (bars.decides(register)) {
            List<BarRange> before = bars.ranges();
            file.write(register, lanes, data << 8 * offset);
            if (bars.isBar(register)) {
                bars.written(register, size, value);
            }
            return ConfigWriteResult.between(PciCapStatus.NONE, before, bars.ranges());
        }
        file.write(register, lanes, data << 8 * offset);
        return ConfigWriteResult.of(capabilities.write(register, offset, size, data));
    }

    /**
     * Sets a register from the device's side, whatever a guest may write.
     *
     * @param register its index
     * @param value its new value
     * @throws IndexOutOfBoundsException if there is no such register
     */
    public void setRegister(int register, int value) {
        setRegister(register, value, -1);
    }

    /**
     * Sets bits of a register from the device's side, whatever a guest may write. The header type
     * stays as it is, and ranges do not follow: BARs are placed with {@link #placeBar}.
     *
     * @param register its index
     * @param value the bits' new values
     * @param mask the bits to set; the others stay
     * @throws IndexOutOfBoundsException if there is no such register
     */
    public void setRegister(int register, int value, int mask) {
        file.set(register, mask, value);
    }

    /**
     * Sets bits of a register at reset as well as now, as firmware would: a bridge's numbers and
     * windows. Who may change them stays.
     *
     * @param register its index
     * @param value the bits' values
     * @param mask the bits to set; the others stay
     * @throws IndexOutOfBoundsException if there is no such register
     */
    public void presetRegister(int register, int value, int mask) {
        file.preset(register, mask, value);
    }

    /**
     * Defines a register of the device's own, outside the header and all capabilities.
     *
     * @param register its index, 16 or above
     * @param value its value at reset
     * @param writable the bits that a guest writes
     * @param writeOneToClear the bits that a guest clears by writing a one
     * @throws PciException if there is no such register ({@link PciException.Kind#INVALID_VALUE}),
     *     or it is in use ({@link PciException.Kind#OVERLAP})
     */
    public void defineRegister(int register, int value, int writable, int writeOneToClear) {
        if (register < 0 || register >= file.registers()) {
            throw new PciException(
                    PciException.Kind.INVALID_VALUE,
                    label,
                    "expected a register of 16.." + (file.registers() - 1) + ", got " + register);
        }
        capabilities.reserve(register);
        file.define(register, -1, value, writable & ~writeOneToClear, writeOneToClear);
    }

    /**
     * Adds a capability behind those that there are; the first lies at 0x40.
     *
     * @param capability its image
     * @param config its live part; null if it has none
     * @return where it lies
     * @throws PciException if it is empty, does not end at or below 256, runs into a register that
     *     is in use, or its masks do not fit ({@link PciException.Kind#CAPABILITY})
     */
    public PciCapabilityHandle addCapability(
            PciCapability capability, @Nullable PciCapConfig config) {
        return capabilities.add(capability, false, config);
    }

    /**
     * Adds a capability that is all image.
     *
     * @param capability its image
     * @return where it lies
     * @throws PciException as {@link #addCapability(PciCapability, PciCapConfig)}
     */
    public PciCapabilityHandle addCapability(PciCapability capability) {
        return addCapability(capability, null);
    }

    /**
     * Adds an extended capability behind those that there are; the first lies at 0x100.
     *
     * @param capability its image
     * @param config its live part; null if it has none
     * @return where it lies
     * @throws PciException if it is empty, does not end at or below 4,096 (or there is no extended
     *     space at all), runs into a register that is in use, or its masks do not fit ({@link
     *     PciException.Kind#CAPABILITY})
     */
    public PciCapabilityHandle addExtendedCapability(
            PciCapability capability, @Nullable PciCapConfig config) {
        return capabilities.add(capability, true, config);
    }

    /** {@return where the capabilities lie, in the order in which they were added} */
    public List<PciCapabilityHandle> capabilities() {
        return capabilities.entries().stream().map(CapabilityList.Entry::handle).toList();
    }

    /**
     * Adds a BAR. If it has an address, decoding of its space is on at reset.
     *
     * @param bar what the device asks for
     * @throws PciException if index, size, address or type cannot be, the register is in use, or
     *     the range overlaps with another BAR's; nothing has changed then
     */
    public void addBar(PciBar bar) {
        bars.add(bar);
    }

    /**
     * Places a BAR, at reset as well as now, and turns decoding of its space on.
     *
     * @param index the BAR
     * @param address first address, unsigned
     * @throws PciException if there is no such BAR, or it cannot be there
     */
    public void placeBar(int index, long address) {
        bars.place(index, address);
    }

    /** {@return the BARs as they were asked for and placed, by index} */
    public List<PciBar> bars() {
        return bars.list();
    }

    /**
     * Gives the address that a BAR's registers hold, whether it is answered or not.
     *
     * @param index the BAR
     * @return first address, unsigned; 0 if there is no such BAR
     */
    public long barAddress(int index) {
        return bars.address(index);
    }

    /**
     * Gives the range that is answered through a BAR.
     *
     * @param index the BAR
     * @return the range; empty if there is no such BAR, decoding of its space or of the ROM is off,
     *     or a guest is just finding out its size
     */
    public Optional<BarRange> barRange(int index) {
        return bars.range(index);
    }

    /** {@return the ranges that are answered, by BAR} */
    public List<BarRange> barRanges() {
        return bars.ranges();
    }

    /**
     * Tells whether a guest has set some bits of the command register.
     *
     * @param bits of the command register, such as {@link PciRegisters#PCI_COMMAND_MASTER}
     * @return true if all of them are set
     */
    public boolean hasCommand(int bits) {
        return (file.get(REG_COMMAND) & bits) == bits;
    }

    /**
     * Shows in the status register whether the function wants INTx.
     *
     * @param pending true if it does, disabled or not
     */
    public void setInterruptStatus(boolean pending) {
        int bit = PciRegisters.PCI_STATUS_INTERRUPT << 16;
        file.set(REG_COMMAND, bit, pending ? bit : 0);
    }

    /**
     * Sets what firmware would: line and pin of the wired interrupt.
     *
     * @param line 0..255; a guest may change it, and nothing depends on it
     * @param pin 1 for INTA to 4 for INTD; 0 for none
     * @throws PciException if a number is outside its range ({@link
     *     PciException.Kind#INVALID_VALUE})
     */
    public void setInterrupt(int line, int pin) {
        require(label, "interrupt line", line, 0xff);
        require(label, "interrupt pin", pin, 4);
        file.define(REG_INTERRUPT, 0xffff, pin << 8 | line, 0xff, 0);
    }

    /**
     * Sets or clears the multi-function bit of the header type. The tree's business: the bit
     * depends on the function's neighbours, and is no part of a snapshot.
     *
     * @param multiFunction true if the device has more than function 0
     */
    public void setMultiFunction(boolean multiFunction) {
        file.setMultiFunction(multiFunction);
    }

    /**
     * Fills a page with what the guest reads here, and keeps it so: a host that can map memory
     * read-only spares the guest the exit. Beyond the space the page is filled with ones. The byte
     * of the header type at 0x0e changes only through {@link #setMultiFunction}.
     *
     * @param page the function's bytes in the page: 256 or 4,096, aligned to 4; it stays alive
     *     until {@link #endPciConfigMapping}
     * @return true: this function can be mapped
     * @throws PciException if there was a mapping before ({@link PciException.Kind#STATE})
     */
    public boolean initPciConfigMapping(MemorySegment page) {
        if (page.byteSize() != PCI_CFG_SPACE_SIZE && page.byteSize() != PCI_CFG_SPACE_EXP_SIZE) {
            throw new PciException(
                    PciException.Kind.INVALID_VALUE,
                    label,
                    "expected a configuration page of 256 or 4096 bytes, got " + page.byteSize());
        }
        if (!file.map(page)) {
            throw new PciException(
                    PciException.Kind.STATE, label, "its configuration space is mapped already");
        }
        capabilities.mergeAll();
        return true;
    }

    /** Leaves the page of {@link #initPciConfigMapping} alone from now on. */
    public void endPciConfigMapping() {
        file.unmap();
    }

    /**
     * Brings back what a guest could change, live capabilities included, to the state at power-on.
     *
     * @return which ranges are answered no longer, or elsewhere
     */
    public ConfigWriteResult reset() {
        List<BarRange> before = bars.ranges();
        file.reset();
        bars.sizing(0);
        capabilities.reset();
        return ConfigWriteResult.between(PciCapStatus.NONE, before, bars.ranges());
    }

    @Override
    public void sleep() {
        ConfigurationSnapshots.suspendables(capabilities).forEach(Suspendable::sleep);
    }

    @Override
    public void wake() {
        ConfigurationSnapshots.suspendables(capabilities).forEach(Suspendable::wake);
    }

    @Override
    public Snapshot snapshot() {
        return ConfigurationSnapshots.save(bridge, file, bars, capabilities);
    }

    /**
     * {@inheritDoc}
     *
     * <p>What is answered afterwards is told by {@link #barRanges}. If a live capability refuses
     * its part, those before it go back to what they were.
     */
    @Override
    public void restore(Snapshot snapshot) {
        ConfigurationSnapshots.restore(snapshot, bridge, file, bars, capabilities);
    }

    private static boolean isLegal(int offset, int size) {
        return switch (size) {
            case 1 -> (offset & ~3) == 0;
            case 2 -> (offset & ~2) == 0;
            case 4 -> offset == 0;
            default -> false;
        };
    }

    private static void require(String label, String what, int value, int max) {
        if (value < 0 || value > max) {
            throw new PciException(
                    PciException.Kind.INVALID_VALUE,
                    label,
                    what
                            + ": expected 0..0x"
                            + Integer.toHexString(max)
                            + ", got "
                            + (value < 0 ? value : "0x" + Integer.toHexString(value)));
        }
    }

    /** Collects what is fixed about a function. */
    public static final class Builder {
        private final boolean bridge;
        private final int vendor;
        private final int device;
        private @Nullable String name;
        private int classCode;
        private int revision;
        private int subsystemVendor;
        private int subsystem;
        private int interruptPin;
        private int bytes = PCI_CFG_SPACE_EXP_SIZE;
        private boolean multiFunction;
        private boolean ioWindow = true;

        private Builder(boolean bridge, int vendor, int device) {
            this.bridge = bridge;
            this.vendor = vendor;
            this.device = device;
        }

        /**
         * Names the device in messages; its ids do by default.
         *
         * @param label the name
         * @return this
         */
        public Builder label(String label) {
            this.name = label;
            return this;
        }

        /**
         * Sets the class code.
         *
         * @param code class in bits 23:16, subclass in 15:8, programming interface in 7:0
         * @return this
         */
        public Builder classCode(int code) {
            this.classCode = code;
            return this;
        }

        /**
         * Sets the revision.
         *
         * @param value 0..0xff
         * @return this
         */
        public Builder revision(int value) {
            this.revision = value;
            return this;
        }

        /**
         * Sets the subsystem ids of an endpoint; a bridge has none in its header.
         *
         * @param vendorId subsystem vendor id, 0..0xffff
         * @param id subsystem id, 0..0xffff
         * @return this
         */
        public Builder subsystem(int vendorId, int id) {
            this.subsystemVendor = vendorId;
            this.subsystem = id;
            return this;
        }

        /**
         * Gives the function a wired interrupt.
         *
         * @param pin 1 for INTA to 4 for INTD; 0 for none, the default
         * @return this
         */
        public Builder interruptPin(int pin) {
            this.interruptPin = pin;
            return this;
        }

        /**
         * Sets the multi-function bit from the start; the tree may change it.
         *
         * @param value true if the device has more than function 0
         * @return this
         */
        public Builder multiFunction(boolean value) {
            this.multiFunction = value;
            return this;
        }

        /**
         * Gives the function the 256 bytes of a conventional one, without extended capabilities.
         *
         * @return this
         */
        public Builder conventional() {
            this.bytes = PCI_CFG_SPACE_SIZE;
            return this;
        }

        /**
         * Leaves out a bridge's window for ports: its registers then read 0.
         *
         * @return this
         */
        public Builder withoutIoWindow() {
            this.ioWindow = false;
            return this;
        }

        /**
         * Makes the configuration space.
         *
         * @return the space
         * @throws PciException if a number is outside its range ({@link
         *     PciException.Kind#INVALID_VALUE})
         */
        public PciConfiguration build() {
            String device = label();
            require(device, "vendor id", vendor, 0xfffe);
            require(device, "device id", this.device, 0xffff);
            require(device, "class code", classCode, 0xff_ffff);
            require(device, "revision", revision, 0xff);
            require(device, "subsystem vendor id", subsystemVendor, 0xffff);
            require(device, "subsystem id", subsystem, 0xffff);
            require(device, "interrupt pin", interruptPin, 4);
            if (bridge && (subsystem | subsystemVendor) != 0) {
                throw new PciException(
                        PciException.Kind.INVALID_VALUE,
                        device,
                        "the header of a bridge has no subsystem ids");
            }
            return new PciConfiguration(this);
        }

        private String label() {
            return name == null ? String.format(Locale.ROOT, "%04x:%04x", vendor, device) : name;
        }
    }
}
