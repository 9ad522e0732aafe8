package dev.dalang.riscv.sbi;

/**
 * What the firmware needs of the machine around it. Calls come on the calling hart's thread, from
 * several harts at once, and must not block.
 */
public interface SbiPlatform {
    /**
     * Ends or restarts the machine. The hart that asked executes nothing further; the machine stops
     * the others.
     *
     * @param reset what is asked for
     * @param systemFailure true if the guest gives a failure of the system as its reason
     */
    void systemReset(SystemReset reset, boolean systemFailure);

    /**
     * Hears that the last hart has stopped itself, so that nobody is left who could start one
     * again.
     */
    void allHartsStopped();

    /**
     * Takes bytes for the debug console.
     *
     * @param bytes a buffer that the caller uses again after the call
     * @param length how many of them count, from index 0
     * @return how many were taken, 0..length
     */
    int consoleWrite(byte[] bytes, int length);

    /**
     * Gives bytes of the debug console's input.
     *
     * @param bytes where they go, from index 0
     * @param length how many are wanted
     * @return how many there were, 0..length
     */
    int consoleRead(byte[] bytes, int length);
}
