package dev.dalang.bus;

/** Runs a handler where it is signalled. */
final class InlineExecutor extends AbstractExecutor {
    @Override
    void dispatch(ExecutorTask task) {
        while (task.runOnce()) {
            // Signalled meanwhile.
        }
    }
}
