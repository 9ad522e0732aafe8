package dev.dalang.vm.guest;

/**
 * Hears how a fetch goes on. Calls come from the thread that fetches, one at a time, and should
 * return soon.
 */
public interface FetchProgress {

    /**
     * A step begins; the one before has ended.
     *
     * @param what the step in a few words, such as "Reading the package lists"
     */
    void step(String what);

    /**
     * The current step has moved on. Called about ten times a second while something is downloaded
     * or unpacked.
     *
     * @param doneBytes what is done, from 0 to {@code totalBytes}
     * @param totalBytes the whole, greater than 0
     */
    void advanced(long doneBytes, long totalBytes);

    /**
     * Something that the user should know, such as "the cached kernel is damaged, fetching it
     * again".
     *
     * @param line one line
     */
    void notice(String line);

    /**
     * A listener that hears nothing.
     *
     * @return the listener
     */
    static FetchProgress none() {
        return new FetchProgress() {
            @Override
            public void step(String what) {}

            @Override
            public void advanced(long doneBytes, long totalBytes) {}

            @Override
            public void notice(String line) {}
        };
    }
}
