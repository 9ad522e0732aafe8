import org.jspecify.annotations.NullMarked;

/** The guest's side, for tests: published, and used by our own tests. Stands on bus alone. */
@NullMarked
module dev.dalang.testkit {
    requires transitive dev.dalang.bus;
    requires transitive org.junit.jupiter.api;
    requires static org.jspecify;

    exports dev.dalang.testkit;
    exports dev.dalang.testkit.net;
    exports dev.dalang.testkit.pci;
    exports dev.dalang.testkit.riscv;
    exports dev.dalang.testkit.virtio;
}
