package dev.dalang.pci;

/**
 * What a guest's write to the MSI-X capability or table has changed about where interrupts go, for
 * those who deliver them past {@link MsixConfig#trigger}: a vhost back end or a passthrough backend
 * that was given the router's handle of a vector and signals it by itself.
 *
 * <p>Such a consumer may use the handle ({@link MsixConfig#handle}) only while the vector is
 * neither masked nor the function masked nor MSI-X disabled; at all other times it must call {@link
 * MsixConfig#trigger}, so that the pending bit is set. It looks again at one vector after {@link
 * EntryChanged}, at all of them after {@link Changed}, and at {@link MsixConfig#isEnabled} after
 * every write. A vector may belong to no queue, or to the configuration interrupt: a consumer that
 * does not know the vector ignores it.
 */
public sealed interface MsixStatus extends PciCapStatus {
    /** The function mask was set or cleared: all vectors are concerned. */
    record Changed() implements MsixStatus {
        static final Changed INSTANCE = new Changed();
    }

    /**
     * The mask bit of one vector was set or cleared while the function was not masked. If it was to
     * be cleared and no handle could be had, the vector is masked still.
     *
     * @param vector the vector
     */
    record EntryChanged(int vector) implements MsixStatus {}

    /** Neither. */
    record NothingToDo() implements MsixStatus {
        static final NothingToDo INSTANCE = new NothingToDo();
    }
}
