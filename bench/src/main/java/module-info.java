import org.jspecify.annotations.NullMarked;

/** Benchmarks. Compiled as a module; JMH runs them from the class path. */
@NullMarked
module dev.dalang.bench {
    requires dev.dalang.bus;
    requires dev.dalang.linux;
    requires dev.dalang.pci;
    requires dev.dalang.remote;
    requires dev.dalang.virtio;
    requires dev.dalang.vm;
    requires info.picocli;
    requires jmh.core;
    requires static org.jspecify;

    opens dev.dalang.bench to
            info.picocli;
    opens dev.dalang.bench.guest to
            info.picocli;
    opens dev.dalang.bench.vfiouser to
            info.picocli;
}
