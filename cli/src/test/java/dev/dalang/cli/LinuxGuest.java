package dev.dalang.cli;

/** A Linux at the prompt of a shell, whoever its machine is. */
interface LinuxGuest extends AutoCloseable {
    /** What a command prints, in a shell of its own. */
    String command(String command) throws InterruptedException;

    /** Ends the machine if it still runs. */
    @Override
    void close();
}
