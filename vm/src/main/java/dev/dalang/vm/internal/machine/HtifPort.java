package dev.dalang.vm.internal.machine;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.vm.device.ConsoleBackend;

import java.util.OptionalLong;

/**
 * The two words through which bare programs speak to their host: {@code tohost} and {@code
 * fromhost}. A word's bits 63..56 name a device, 55..48 a command, 47..0 carry the payload.
 *
 * <ul>
 *   <li>device 0, payload odd: the program ends with code payload / 2, and 0 is success;
 *   <li>device 0, payload even: the address of a system call's number and arguments; of these only
 *       {@code write} exists, and all go to the console;
 *   <li>device 1, command 1: a character for the console; command 0: a character is asked for.
 * </ul>
 *
 * Polled by one thread, while the program runs.
 */
public final class HtifPort {
    private static final long PAYLOAD = (1L << 48) - 1;
    private static final int SYS_WRITE = 64;

    /** Bounds the time that one call takes; a program asks again for the rest. */
    private static final long MAX_WRITE_BYTES = 4096;

    private final GuestMemory memory;
    private final ConsoleBackend console;
    private final long toHost;
    private final OptionalLong fromHost;

    /**
     * Makes a port.
     *
     * @param memory guest memory
     * @param console where characters go
     * @param toHost address of {@code tohost}, a multiple of 8, in memory
     * @param fromHost address of {@code fromhost}, likewise, if the program has it
     */
    public HtifPort(
            GuestMemory memory, ConsoleBackend console, long toHost, OptionalLong fromHost) {
        this.memory = memory;
        this.console = console;
        this.toHost = toHost;
        this.fromHost = fromHost;
    }

    /**
     * Serves what the program has asked for.
     *
     * @return the code with which the program ended, or empty while it goes on
     */
    public OptionalLong poll() {
        long request = memory.getLongAcquire(toHost);
        if (request == 0) {
            return OptionalLong.empty();
        }
        int device = (int) (request >>> 56);
        int command = (int) (request >>> 48) & 0xFF;
        long payload = request & PAYLOAD;
        if (device == 0 && command == 0 && (payload & 1) != 0) {
            return OptionalLong.of(payload >>> 1);
        }
        // Cleared first: a program that sees the answer may ask again at once.
        memory.setLongRelease(toHost, 0);
        if (device == 0 && command == 0) {
            systemCall(payload);
            answer(1);
        } else if (device == 1 && command == 1) {
            console.transmit((int) payload & 0xFF);
        } else if (device == 1 && command == 0) {
            int octet = console.receive(true);
            if (octet >= 0) {
                answer(1L << 56 | octet);
            }
        }
        return OptionalLong.empty();
    }

    private void systemCall(long block) {
        if ((block & 7) != 0 || !memory.isWritable(block, 32)) {
            return;
        }
        long result = -38; // ENOSYS
        if (memory.readLong(block) == SYS_WRITE) {
            long address = memory.readLong(block + 16);
            long length = memory.readLong(block + 24);
            result = -14; // EFAULT
            if (Long.compareUnsigned(length, MAX_WRITE_BYTES) > 0) {
                length = MAX_WRITE_BYTES;
            }
            if (memory.contains(address, length)) {
                byte[] text = new byte[(int) length];
                memory.copyOut(address, text);
                for (byte octet : text) {
                    console.transmit(Byte.toUnsignedInt(octet));
                }
                result = length;
            }
        }
        memory.writeLong(block, result);
    }

    private void answer(long word) {
        if (fromHost.isPresent()) {
            memory.setLongRelease(fromHost.getAsLong(), word);
        }
    }
}
