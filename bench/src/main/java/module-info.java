import org.jspecify.annotations.NullMarked;

/** Benchmarks. */
@NullMarked
module dev.dalang.bench {
    requires dev.dalang.bus;
    requires static org.jspecify;
}
