import org.jspecify.annotations.NullMarked;

/**
 * What stands behind a network card, whatever card it is: the interface of a back end, user-mode
 * network address translation, interfaces of the host's, and packet capture.
 */
@NullMarked
module dev.dalang.net {
    requires transitive dev.dalang.bus;
    requires dev.dalang.linux;
    requires static transitive org.jspecify;

    exports dev.dalang.net;
}
