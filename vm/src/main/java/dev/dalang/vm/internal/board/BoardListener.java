package dev.dalang.vm.internal.board;

/**
 * Who decides about a board's run. Calls come on the threads of harts, which go on afterwards: a
 * listener notes the wish, has the harts stopped, and waits for nothing.
 */
public interface BoardListener {
    /** The guest switches the machine off. */
    void poweredOff();

    /** The guest wants a reboot. */
    void resetRequested();

    /**
     * The guest ends its run with a failure.
     *
     * @param code its number for it, which may be 0
     */
    void failed(long code);

    /**
     * A hart can only trap.
     *
     * @param hart its id
     * @param reason for people
     */
    void stuck(int hart, String reason);
}
