import org.jspecify.annotations.NullMarked;

/**
 * What stands behind a disk, whatever controller it has: the interface of a block back end, images
 * in their formats, and the back end that serves an image.
 */
@NullMarked
module dev.dalang.storage {
    requires dev.dalang.linux;
    requires static transitive org.jspecify;

    exports dev.dalang.storage;
}
