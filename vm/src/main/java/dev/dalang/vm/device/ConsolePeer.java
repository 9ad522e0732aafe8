package dev.dalang.vm.device;

/**
 * The device at the guest's end of a {@link ConsoleBackend}. Called on the host's threads, with no
 * lock of the backend held; a call may come when nothing has changed.
 */
public interface ConsolePeer {
    /** There may be input to {@link ConsoleBackend#receive}. */
    void inputReady();

    /** There is room for output after a refused {@link ConsoleBackend#transmit}. */
    void outputRoom();

    /** The host sends a break: the line is held low for longer than a character. */
    void breakReceived();
}
