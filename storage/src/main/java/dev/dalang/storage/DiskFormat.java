package dev.dalang.storage;

import dev.dalang.storage.internal.HostFile;
import dev.dalang.storage.internal.RawImage;

import java.nio.file.Path;

/**
 * The formats of disk images. A format is always named: what a file holds was written by a guest,
 * which could make it look like another format, one that names files of the host's.
 */
public enum DiskFormat {
    /** The disk byte by byte: a regular file, or a block device of the host's. */
    RAW("raw");

    private final String text;

    DiskFormat(String text) {
        this.text = text;
    }

    /**
     * Opens an image. A regular file is locked while it is open: one who writes, or any number who
     * only read.
     *
     * @param file there must be one
     * @param readOnly whether the disk is only read
     * @return the image
     * @throws DiskException if it cannot be opened as such; the message says why
     */
    public DiskImage open(Path file, boolean readOnly) throws DiskException {
        return switch (this) {
            case RAW -> RawImage.of(HostFile.open(file, !readOnly));
        };
    }

    /** {@return the name of the format} */
    @Override
    public String toString() {
        return text;
    }
}
