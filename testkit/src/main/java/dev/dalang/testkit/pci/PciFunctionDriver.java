package dev.dalang.testkit.pci;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** A driver of one PCI function. One thread. */
public final class PciFunctionDriver {
    /** Command register: ports are answered. */
    public static final int COMMAND_IO = 0x1;

    /** Command register: memory is answered. */
    public static final int COMMAND_MEMORY = 0x2;

    /** Command register: the function may access memory. */
    public static final int COMMAND_MASTER = 0x4;

    /** Command register: the wired interrupt is off. */
    public static final int COMMAND_INTX_DISABLE = 0x400;

    private static final int COMMAND = 0x04;
    private static final int STATUS = 0x06;
    private static final int HEADER_TYPE = 0x0e;
    private static final int BAR0 = 0x10;
    private static final int BUS_NUMBERS = 0x18;
    private static final int CAPABILITIES = 0x34;
    private static final int STATUS_CAPABILITIES = 0x10;
    private static final int MAX_CAPABILITIES = 48;
    private static final int BARS = 6;

    private final EcamDriver host;
    private final PciBdf address;

    PciFunctionDriver(EcamDriver host, PciBdf address) {
        this.host = host;
        this.address = address;
    }

    /** {@return the function's address} */
    public PciBdf address() {
        return address;
    }

    /** {@return the driver of the host bridge} */
    public EcamDriver host() {
        return host;
    }

    /**
     * Reads from configuration space.
     *
     * @param offset byte offset
     * @param size 1, 2 or 4
     * @return the value, zero-extended
     */
    public int read(int offset, int size) {
        return host.read(address, offset, size);
    }

    /**
     * Writes to configuration space.
     *
     * @param offset byte offset
     * @param size 1, 2 or 4
     * @param value the value
     */
    public void write(int offset, int size, int value) {
        host.write(address, offset, size, value);
    }

    /** {@return true if something answers} */
    public boolean isPresent() {
        return vendor() != 0xffff;
    }

    /** {@return the vendor id} */
    public int vendor() {
        return read(0, 2);
    }

    /** {@return the device id} */
    public int device() {
        return read(2, 2);
    }

    /** {@return class, subclass and programming interface} */
    public int classCode() {
        return read(8, 4) >>> 8;
    }

    /** {@return true if the header is a bridge's} */
    public boolean isBridge() {
        return EcamDriver.isBridgeHeader(read(HEADER_TYPE, 1));
    }

    /** {@return the command register} */
    public int command() {
        return read(COMMAND, 2);
    }

    /**
     * Writes the command register.
     *
     * @param value its value
     */
    public void setCommand(int value) {
        write(COMMAND, 2, value);
    }

    /**
     * Sets bits of the command register.
     *
     * @param bits which
     */
    public void enable(int bits) {
        setCommand(command() | bits);
    }

    /**
     * Clears bits of the command register.
     *
     * @param bits which
     */
    public void disable(int bits) {
        setCommand(command() & ~bits);
    }

    // ---------------------------------------------------------------- BARs

    /**
     * Finds out about the BARs, with decoding off meanwhile, as a kernel does.
     *
     * @return those that there are
     */
    public List<PciBarDriver> bars() {
        int command = command();
        setCommand(command & ~(COMMAND_IO | COMMAND_MEMORY));
        List<PciBarDriver> bars = sizeBars();
        setCommand(command);
        return bars;
    }

    /**
     * Finds out about the BARs without touching the command register.
     *
     * @return those that there are
     */
    public List<PciBarDriver> sizeBars() {
        List<PciBarDriver> bars = new ArrayList<>();
        int count = isBridge() ? 2 : BARS;
        for (int index = 0; index < count; index++) {
            PciBarDriver bar = PciBarDriver.size(this, index);
            if (bar.size() != 0) {
                bars.add(bar);
                index += bar.is64() ? 1 : 0;
            }
        }
        return bars;
    }

    /**
     * Gives one of the BARs.
     *
     * @param index its index
     * @return it
     * @throws AssertionError if there is none
     */
    public PciBarDriver bar(int index) {
        return bars().stream()
                .filter(bar -> bar.index() == index)
                .findFirst()
                .orElseThrow(() -> new AssertionError(address + " has no BAR " + index));
    }

    static int barOffset(int index) {
        return BAR0 + 4 * index;
    }

    // ---------------------------------------------------------------- capabilities

    /**
     * Finds a capability.
     *
     * @param id its id
     * @return its offset, if there is one
     */
    public OptionalInt capability(int id) {
        for (int offset : capabilities()) {
            if (read(offset, 1) == id) {
                return OptionalInt.of(offset);
            }
        }
        return OptionalInt.empty();
    }

    /**
     * Walks the list of capabilities.
     *
     * @return their offsets, in the order of the list
     * @throws AssertionError if the list does not end, or leaves its place
     */
    public List<Integer> capabilities() {
        List<Integer> offsets = new ArrayList<>();
        if ((read(STATUS, 2) & STATUS_CAPABILITIES) == 0) {
            return offsets;
        }
        for (int at = read(CAPABILITIES, 1); at != 0; at = read(at + 1, 1)) {
            if (at < 0x40 || (at & 3) != 0 || offsets.size() == MAX_CAPABILITIES) {
                throw new AssertionError(
                        address + ": a list of capabilities goes astray at " + at + ": " + offsets);
            }
            offsets.add(at);
        }
        return offsets;
    }

    /**
     * Makes a driver of the function's MSI-X.
     *
     * @return the driver
     * @throws AssertionError if there is no MSI-X
     */
    public MsixDriver msix() {
        return new MsixDriver(this);
    }

    /**
     * Makes a driver of the function's slot for hot plug.
     *
     * @return the driver
     * @throws AssertionError if there is no slot
     */
    public SlotDriver slot() {
        return new SlotDriver(this);
    }

    int requireCapability(int id, String name) {
        return capability(id).orElseThrow(() -> new AssertionError(address + " has no " + name));
    }

    // ---------------------------------------------------------------- bridges

    /** {@return the number of the bus behind the bridge} */
    public int secondaryBus() {
        return read(BUS_NUMBERS + 1, 1);
    }

    /** {@return the highest number behind the bridge} */
    public int subordinateBus() {
        return read(BUS_NUMBERS + 2, 1);
    }

    /**
     * Numbers the buses.
     *
     * @param primary the bus that the bridge is on
     * @param secondary the bus behind it
     * @param subordinate the highest behind it
     */
    public void setBusNumbers(int primary, int secondary, int subordinate) {
        write(BUS_NUMBERS, 1, primary);
        write(BUS_NUMBERS + 1, 1, secondary);
        write(BUS_NUMBERS + 2, 1, subordinate);
    }

    /**
     * Opens the window of memory, or closes it.
     *
     * @param base first address, a multiple of 1 MiB
     * @param last last address; below {@code base} to close it
     */
    public void setMemoryWindow(long base, long last) {
        write(0x20, 4, (int) (base >>> 16 & 0xfff0 | last & 0xfff0_0000L));
    }

    /**
     * Opens the window of prefetchable memory, or closes it.
     *
     * @param base first address, a multiple of 1 MiB
     * @param last last address; below {@code base} to close it
     */
    public void setPrefetchableWindow(long base, long last) {
        write(0x28, 4, (int) (base >>> 32));
        write(0x2c, 4, (int) (last >>> 32));
        write(0x24, 4, (int) (base >>> 16 & 0xfff0 | last & 0xfff0_0000L));
    }

    /**
     * Opens the window of ports, or closes it.
     *
     * @param base first port, a multiple of 4,096
     * @param last last port; below {@code base} to close it
     */
    public void setIoWindow(int base, int last) {
        write(0x1c, 2, base >>> 8 & 0xf0 | last & 0xf000);
    }

    @Override
    public String toString() {
        return "%s %04x:%04x".formatted(address, vendor(), device());
    }
}
