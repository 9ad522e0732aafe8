import org.jspecify.annotations.NullMarked;

/**
 * Calls to Linux, in terms of descriptors and memory segments. It knows nothing of machines, and no
 * other module makes native calls. On other systems it can be loaded and says that it is not
 * available.
 */
@NullMarked
module dev.dalang.linux {
    requires static transitive org.jspecify;

    exports dev.dalang.linux;
}
