package dev.dalang.pci;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.bus.memory.GuestMemoryException.Kind;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Guest memory as a device reaches it: only while the driver has enabled bus mastering, here and in
 * every bridge above (PCIe 6.0 §7.5.1.1.3), and only where there is memory. Everything else is a
 * {@link GuestMemoryException}, which is counted; a device that does not catch it drops the access
 * to its BAR within which it came. Values are little-endian. Any thread.
 */
public final class PciDma {
    private final Supplier<GuestMemory> memory;
    private final BooleanSupplier isEnabled;
    private final BooleanSupplier fails;
    private final @Nullable FunctionTrace trace;
    private final LongAdder transfers = new LongAdder();
    private final LongAdder refused = new LongAdder();
    private final LongAdder failed = new LongAdder();

    /** One whose accesses fail, as if there were no memory, where somebody wants them to. */
    PciDma(
            Supplier<GuestMemory> memory,
            BooleanSupplier isEnabled,
            BooleanSupplier fails,
            @Nullable FunctionTrace trace) {
        this.memory = memory;
        this.isEnabled = isEnabled;
        this.fails = fails;
        this.trace = trace;
    }

    /**
     * Makes a device's way to memory.
     *
     * @param memory gives the memory, at each access
     * @param isEnabled whether the device may reach it at this moment; any thread
     * @return the way
     */
    public static PciDma of(Supplier<GuestMemory> memory, BooleanSupplier isEnabled) {
        return new PciDma(memory, isEnabled, () -> false, null);
    }

    /** {@return true while bus mastering is enabled all the way up} */
    public boolean isEnabled() {
        return isEnabled.getAsBoolean();
    }

    /**
     * Gives the memory itself, for who makes many accesses at once.
     *
     * @return the memory; used at once and not kept, so that bus mastering can be turned off
     * @throws GuestMemoryException with kind {@code REFUSED}
     */
    public GuestMemory require() {
        admit(0, 0);
        return memory.get();
    }

    /**
     * Gives the memory itself, whether bus mastering is enabled or not, for who looks at {@link
     * #isEnabled} before each piece of work.
     *
     * @return the memory
     */
    public GuestMemory unchecked() {
        return memory.get();
    }

    /**
     * Fills an array from memory.
     *
     * @param address guest physical address, unsigned
     * @param target where the bytes go; unchanged if this throws
     * @throws GuestMemoryException with kind {@code REFUSED} or {@code UNMAPPED}
     */
    public void read(long address, byte[] target) {
        read(address, MemorySegment.ofArray(target));
    }

    /**
     * Fills a segment from memory.
     *
     * @param address guest physical address, unsigned
     * @param target where the bytes go; unchanged if this throws
     * @throws GuestMemoryException with kind {@code REFUSED} or {@code UNMAPPED}
     */
    public void read(long address, MemorySegment target) {
        run(
                false,
                address,
                target.byteSize(),
                guest -> {
                    guest.copyOut(address, target);
                    return target;
                });
    }

    /**
     * Copies an array into memory.
     *
     * @param address guest physical address, unsigned
     * @param source where the bytes come from
     * @throws GuestMemoryException with kind {@code REFUSED}, {@code UNMAPPED} or {@code READ_ONLY}
     */
    public void write(long address, byte[] source) {
        write(address, MemorySegment.ofArray(source));
    }

    /**
     * Copies a segment into memory.
     *
     * @param address guest physical address, unsigned
     * @param source where the bytes come from
     * @throws GuestMemoryException with kind {@code REFUSED}, {@code UNMAPPED} or {@code READ_ONLY}
     */
    public void write(long address, MemorySegment source) {
        run(
                true,
                address,
                source.byteSize(),
                guest -> {
                    guest.copyIn(address, source);
                    return source;
                });
    }

    /**
     * Reads four bytes.
     *
     * @param address guest physical address, unsigned
     * @return the value
     * @throws GuestMemoryException with kind {@code REFUSED} or {@code UNMAPPED}
     */
    public int readInt(long address) {
        return run(false, address, Integer.BYTES, guest -> guest.readInt(address));
    }

    /**
     * Reads eight bytes.
     *
     * @param address guest physical address, unsigned
     * @return the value
     * @throws GuestMemoryException with kind {@code REFUSED} or {@code UNMAPPED}
     */
    public long readLong(long address) {
        return run(false, address, Long.BYTES, guest -> guest.readLong(address));
    }

    /**
     * Writes four bytes.
     *
     * @param address guest physical address, unsigned
     * @param value the value
     * @throws GuestMemoryException with kind {@code REFUSED}, {@code UNMAPPED} or {@code READ_ONLY}
     */
    public void writeInt(long address, int value) {
        run(
                true,
                address,
                Integer.BYTES,
                guest -> {
                    guest.writeInt(address, value);
                    return value;
                });
    }

    /**
     * Writes eight bytes.
     *
     * @param address guest physical address, unsigned
     * @param value the value
     * @throws GuestMemoryException with kind {@code REFUSED}, {@code UNMAPPED} or {@code READ_ONLY}
     */
    public void writeLong(long address, long value) {
        run(
                true,
                address,
                Long.BYTES,
                guest -> {
                    guest.writeLong(address, value);
                    return value;
                });
    }

    /** {@return accesses that were made} */
    public long transfers() {
        return transfers.sum();
    }

    /** {@return accesses that were refused because bus mastering was off} */
    public long refused() {
        return refused.sum();
    }

    /** {@return accesses that no memory could take} */
    public long failed() {
        return failed.sum();
    }

    private <T> T run(
            boolean toMemory, long address, long length, Function<GuestMemory, T> access) {
        try {
            admit(address, length);
            T result = make(access);
            if (trace != null) {
                trace.transfer(toMemory, address, length, "");
            }
            return result;
        } catch (GuestMemoryException fault) {
            if (trace != null) {
                trace.transfer(toMemory, address, length, ", failed: " + fault.kind());
            }
            throw fault;
        }
    }

    private <T> T make(Function<GuestMemory, T> access) {
        try {
            T result = access.apply(memory.get());
            transfers.increment();
            return result;
        } catch (GuestMemoryException fault) {
            failed.increment();
            throw fault;
        }
    }

    private void admit(long address, long length) {
        if (!isEnabled.getAsBoolean()) {
            refused.increment();
            throw new GuestMemoryException(Kind.REFUSED, address, length);
        }
        if (fails.getAsBoolean()) {
            failed.increment();
            throw new GuestMemoryException(Kind.UNMAPPED, address, length);
        }
    }
}
