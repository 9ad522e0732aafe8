package dev.dalang.bus;

/**
 * A handler that its {@link DeviceExecutor} runs when it has been signalled: the work of one queue,
 * for example. It never runs concurrently with itself; a signal that comes while it runs makes it
 * run once more, so that no wake-up is lost, and signals that come before it has begun are one.
 * What happened before a signal is visible to the run that follows it, and what one run does to the
 * next.
 */
public interface DeviceTask extends AutoCloseable {
    /**
     * The name that the task was given.
     *
     * @return the name
     */
    String name();

    /**
     * Asks for a run. Any thread; never blocks, never allocates; an inline executor runs the
     * handler before it returns, if it can. Does nothing once the task is closed.
     */
    void signal();

    /**
     * How often the handler ended with an exception. The first is logged; none escapes, and the
     * task lives on.
     *
     * @return the number of failed runs
     */
    long failures();

    /**
     * Ends the task: waits until it is out of its handler, unless the handler itself calls this,
     * and never runs it again. Must not be called with a lock that the handler takes. Closing twice
     * does nothing.
     */
    @Override
    void close();
}
