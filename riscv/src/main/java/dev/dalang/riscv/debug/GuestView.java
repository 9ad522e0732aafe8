package dev.dalang.riscv.debug;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.riscv.Hart;
import dev.dalang.riscv.PrivilegeMode;

import java.util.Arrays;
import java.util.List;

/**
 * Registers and memory of a hart that stands, as it sees them, without side effects: memory goes
 * through the hart's page tables whatever they permit, sets none of their bits, and ends where
 * there is a device. On the hart's thread.
 */
final class GuestView {
    private static final int PAGE = 4096;

    private GuestView() {}

    static long register(Hart hart, int number) {
        if (number < TargetDescription.PC) {
            return hart.register(number);
        }
        if (number == TargetDescription.PC) {
            return hart.pc();
        }
        if (number < TargetDescription.FIRST_CSR) {
            return hart.fpRegister(number - TargetDescription.FIRST_F);
        }
        if (number == TargetDescription.PRIVILEGE) {
            return hart.privilege().encoding();
        }
        return hart.csr(number - TargetDescription.FIRST_CSR);
    }

    static void setRegister(Hart hart, int number, long value) {
        if (number < TargetDescription.PC) {
            hart.setRegister(number, value);
        } else if (number == TargetDescription.PC) {
            hart.setPc(value);
        } else if (number < TargetDescription.FIRST_CSR) {
            hart.setFpRegister(number - TargetDescription.FIRST_F, value);
        } else if (number == TargetDescription.PRIVILEGE) {
            for (PrivilegeMode mode : PrivilegeMode.values()) {
                if (mode.encoding() == value) {
                    hart.setPrivilege(mode);
                }
            }
        } else {
            hart.setCsr(number - TargetDescription.FIRST_CSR, value);
        }
    }

    /** {@return as many of the bytes as can be read, from the first on} */
    static byte[] read(Hart hart, GuestMemory memory, long address, int length) {
        byte[] bytes = new byte[length];
        int done = 0;
        while (done < length) {
            long at = address + done;
            int piece = Math.min(length - done, PAGE - (int) (at & PAGE - 1));
            long physical = hart.translate(at).orElse(-1L);
            if (physical == -1 || !memory.contains(physical, piece)) {
                break;
            }
            memory.copyOut(physical, bytes, done, piece);
            done += piece;
        }
        return done == length ? bytes : Arrays.copyOf(bytes, done);
    }

    /** Writes all bytes, or {@return false} and has written none. */
    static boolean write(Hart hart, GuestMemory memory, long address, byte[] bytes) {
        for (boolean dry : List.of(true, false)) {
            int done = 0;
            while (done < bytes.length) {
                long at = address + done;
                int piece = Math.min(bytes.length - done, PAGE - (int) (at & PAGE - 1));
                long physical = hart.translate(at).orElse(-1L);
                if (physical == -1 || !memory.isWritable(physical, piece)) {
                    return false;
                }
                if (!dry) {
                    memory.copyIn(physical, bytes, done, piece);
                }
                done += piece;
            }
        }
        return true;
    }
}
