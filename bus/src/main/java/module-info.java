import org.jspecify.annotations.NullMarked;

/**
 * The ground floor: address ranges and the bus, device interfaces, resources and their allocators,
 * guest memory, interrupt lines and messages, the snapshot value model, virtual time, and jails.
 *
 * <p>Imports nothing of ours and makes no native call.
 */
@NullMarked
module dev.dalang.bus {
    requires static transitive org.jspecify;

    exports dev.dalang.bus;
    exports dev.dalang.bus.interrupt;
    exports dev.dalang.bus.memory;
    exports dev.dalang.bus.resource;
    exports dev.dalang.bus.sandbox;
    exports dev.dalang.bus.snapshot;
    exports dev.dalang.bus.time;
    exports dev.dalang.bus.trace;
}
