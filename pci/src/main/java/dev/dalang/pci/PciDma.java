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
    private final @Nullable ForeignMachine foreign;
    private final LongAdder transfers = new LongAdder();
    private final LongAdder refused = new LongAdder();
    private final LongAdder failed = new LongAdder();

    /**
     * One whose accesses fail, as if there were no memory, where somebody wants them to; and that
     * asks a foreign machine for what is not in memory here.
     */
    PciDma(
            Supplier<GuestMemory> memory,
            BooleanSupplier isEnabled,
            BooleanSupplier fails,
            @Nullable FunctionTrace trace,
            @Nullable ForeignMachine foreign) {
        this.memory = memory;
        this.isEnabled = isEnabled;
        this.fails = fails;
        this.trace = trace;
        this.foreign = foreign;
    }

    /**
     * Makes a device's way to memory.
     *
     * @param memory gives the memory, at each access
     * @param isEnabled whether the device may reach it at this moment; any thread
     * @return the way
     */
    public static PciDma of(Supplier<GuestMemory> memory, BooleanSupplier isEnabled) {
        return new PciDma(memory, isEnabled, () -> false, null, null);
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
                },
                machine -> {
                    machine.read(address, target);
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
                },
                machine -> {
                    machine.write(address, source);
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
        return run(
                false,
                address,
                Integer.BYTES,
                guest -> guest.readInt(address),
                machine -> (int) readForeign(machine, address, Integer.BYTES));
    }

    /**
     * Reads eight bytes.
     *
     * @param address guest physical address, unsigned
     * @return the value
     * @throws GuestMemoryException with kind {@code REFUSED} or {@code UNMAPPED}
     */
    public long readLong(long address) {
        return run(
                false,
                address,
                Long.BYTES,
                guest -> guest.readLong(address),
                machine -> readForeign(machine, address, Long.BYTES));
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
                },
                machine -> {
                    writeForeign(machine, address, Integer.BYTES, value);
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
                },
                machine -> {
                    writeForeign(machine, address, Long.BYTES, value);
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
            boolean toMemory,
            long address,
            long length,
            Function<GuestMemory, T> access,
            Function<ForeignMachine, T> foreignAccess) {
        try {
            admit(address, length);
            T result = make(address, length, access, foreignAccess);
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

    private <T> T make(
            long address,
            long length,
            Function<GuestMemory, T> access,
            Function<ForeignMachine, T> foreignAccess) {
        try {
            T result = access.apply(memory.get());
            transfers.increment();
            return result;
        } catch (GuestMemoryException fault) {
            if (foreign == null || fault.kind() != Kind.UNMAPPED) {
                failed.increment();
                throw fault;
            }
            return ask(foreign, foreignAccess);
        } catch (IllegalStateException | InternalError gone) {
            if (foreign == null) {
                throw gone;
            }
            // A foreign machine may take its memory back, or cut it off, at any time.
            failed.increment();
            throw new GuestMemoryException(Kind.UNMAPPED, address, length);
        }
    }

    private <T> T ask(ForeignMachine machine, Function<ForeignMachine, T> access) {
        try {
            T result = access.apply(machine);
            transfers.increment();
            return result;
        } catch (GuestMemoryException fault) {
            failed.increment();
            throw fault;
        }
    }

    private static long readForeign(ForeignMachine machine, long address, int bytes) {
        byte[] value = new byte[bytes];
        machine.read(address, MemorySegment.ofArray(value));
        long result = 0;
        for (int n = bytes - 1; n >= 0; n--) {
            result = result << Byte.SIZE | value[n] & 0xff;
        }
        return result;
    }

    private static void writeForeign(ForeignMachine machine, long address, int bytes, long value) {
        byte[] written = new byte[bytes];
        for (int n = 0; n < bytes; n++) {
            written[n] = (byte) (value >>> Byte.SIZE * n);
        }
        machine.write(address, MemorySegment.ofArray(written));
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
