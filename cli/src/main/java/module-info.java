import org.jspecify.annotations.NullMarked;

/** The dalang command. */
@NullMarked
module dev.dalang.cli {
    requires dev.dalang.vm;
    requires static org.jspecify;
}
