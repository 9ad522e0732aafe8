package dev.dalang.vm.internal.board;

import dev.dalang.riscv.sbi.SbiPlatform;
import dev.dalang.riscv.sbi.SystemReset;
import dev.dalang.vm.device.ConsoleBackend;

/** What the built-in SBI needs of this board. */
record BoardPlatform(ConsoleBackend console, BoardListener listener) implements SbiPlatform {
    @Override
    public void systemReset(SystemReset reset, boolean systemFailure) {
        if (systemFailure) {
            listener.failed(1);
        } else if (reset == SystemReset.SHUTDOWN) {
            listener.poweredOff();
        } else {
            listener.resetRequested();
        }
    }

    @Override
    public void allHartsStopped() {
        listener.stuck(0, "every hart has stopped itself, and nobody is left to start one");
    }

    @Override
    public int consoleWrite(byte[] bytes, int length) {
        int taken = 0;
        while (taken < length && console.transmit(Byte.toUnsignedInt(bytes[taken]))) {
            taken++;
        }
        return taken;
    }

    @Override
    public int consoleRead(byte[] bytes, int length) {
        int read = 0;
        while (read < length) {
            int octet = console.receive(true);
            if (octet < 0) {
                break;
            }
            bytes[read] = (byte) octet;
            read++;
        }
        return read;
    }
}
