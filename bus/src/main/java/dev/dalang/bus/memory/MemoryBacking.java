package dev.dalang.bus.memory;

import java.nio.file.Path;

/**
 * What a region's bytes are a shared mapping of, for those who hand guest memory to another process
 * (vhost-user, vfio-user) or to a hypervisor. A region without a backing is private to this
 * process.
 */
public sealed interface MemoryBacking {
    /**
     * Where in the object the region begins, in bytes.
     *
     * @return the offset
     */
    long offset();

    /**
     * A file that can be opened by name.
     *
     * @param path the file
     * @param offset where in the file the region begins, in bytes
     */
    record File(Path path, long offset) implements MemoryBacking {
        /** Checks that the offset is not negative. */
        public File {
            requireOffset(offset);
        }
    }

    /**
     * An open descriptor of this process, such as that of a memfd. The region does not own it.
     *
     * @param descriptor the descriptor's number
     * @param offset where in the object the region begins, in bytes
     */
    record Descriptor(int descriptor, long offset) implements MemoryBacking {
        /** Checks that neither number is negative. */
        public Descriptor {
            if (descriptor < 0) {
                throw new IllegalArgumentException(
                        "expected a descriptor of at least 0, got " + descriptor);
            }
            requireOffset(offset);
        }
    }

    private static void requireOffset(long offset) {
        if (offset < 0) {
            throw new IllegalArgumentException("expected an offset of at least 0, got " + offset);
        }
    }
}
