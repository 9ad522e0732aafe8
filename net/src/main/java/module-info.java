import org.jspecify.annotations.NullMarked;

/**
 * What stands behind a network card, whatever card it is: the interface of a back end, user-mode
 * network address translation, and packet capture.
 */
@NullMarked
module dev.dalang.net {
    requires transitive dev.dalang.bus;
    requires static transitive org.jspecify;

    exports dev.dalang.net;
}
