package dev.dalang.bus.memory;

/** Told when somebody other than a hart's own fast path writes to a page that is watched. */
@FunctionalInterface
public interface PageWatcher {
    /**
     * The bytes of a watched page have changed. Called after the write, on the writing thread; the
     * watch of that page is cleared before the call.
     *
     * @param pageAddress guest physical address of the page
     */
    void pageWritten(long pageAddress);
}
