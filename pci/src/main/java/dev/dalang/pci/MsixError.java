package dev.dalang.pci;

/** What a function could not do about one of its vectors; see {@link MsixException}. */
public enum MsixError {
    /** The router gave no handle. */
    ALLOCATE,
    /** The router did not take the route. */
    ROUTE,
    /** The router did not take a handle back. */
    RELEASE,
    /** The snapshot is of something else, or holds what no function can have. */
    INVALID_SNAPSHOT
}
