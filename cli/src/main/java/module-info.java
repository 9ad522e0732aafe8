import org.jspecify.annotations.NullMarked;

/** The dalang command. */
@NullMarked
module dev.dalang.cli {
    requires dev.dalang.remote;
    requires dev.dalang.vm;
    requires info.picocli;
    requires jdk.unsupported; // signals, see WindowChange
    requires static org.jspecify;

    opens dev.dalang.cli to
            info.picocli;
}
