package dev.dalang.passthrough;

import dev.dalang.passthrough.PassthroughException.Kind;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Who has which device: devices by name, machines by number. It opens a device once, refuses what
 * isolation forbids, and takes everything back when a machine ends, however it ends. Any thread.
 *
 * {@snippet :
 * try (PassthroughManager.Machine machine = manager.machine(PassthroughVm.of(7, 2, memory))) {
 *     machine.assign("nvme");
 *     // …
 * }
 * }
 */
public final class PassthroughManager implements AutoCloseable {
    private final Object lock = new Object();
    private final Map<String, PassthroughDevice> devices = new LinkedHashMap<>();
    private final Map<Long, Machine> machines = new HashMap<>();
    private boolean closed;

    /** A manager of nothing. */
    public PassthroughManager() {}

    /**
     * Takes a device over, which is closed when it is removed.
     *
     * @param name how it is called here
     * @param device the device
     * @throws PassthroughException if the name is taken, or what the device reaches is reached by
     *     another already ({@link Kind#BUSY}), or the manager is closed; the device is then as it
     *     was
     */
    public void add(String name, PassthroughDevice device) {
        synchronized (lock) {
            requireOpen(name, "add");
            if (devices.containsKey(name)) {
                throw new PassthroughException(
                        Kind.BUSY, name, "add", "another device has this name");
            }
            for (Map.Entry<String, PassthroughDevice> other : devices.entrySet()) {
                if (other.getValue().label().equals(device.label())) {
                    throw new PassthroughException(
                            Kind.BUSY,
                            name,
                            "add",
                            other.getKey() + " is " + device.label() + " already");
                }
            }
            devices.put(name, device);
        }
    }

    /**
     * Gives a device up: the machine that has it loses it.
     *
     * @param name how it is called
     * @throws PassthroughException if there is no such device ({@link Kind#UNKNOWN})
     */
    public void remove(String name) {
        synchronized (lock) {
            PassthroughDevice device = require(name, "remove");
            devices.remove(name);
            device.close();
        }
    }

    /** {@return the names of the devices, in the order in which they came} */
    public List<String> names() {
        synchronized (lock) {
            return List.copyOf(devices.keySet());
        }
    }

    /**
     * Finds a device.
     *
     * @param name how it is called
     * @return the device; empty if there is no such
     */
    public Optional<PassthroughDevice> device(String name) {
        synchronized (lock) {
            return Optional.ofNullable(devices.get(name));
        }
    }

    /**
     * Begins a machine.
     *
     * @param vm the machine
     * @return what its devices are assigned by, and taken back when it is closed
     * @throws PassthroughException if there is a machine of this number ({@link Kind#BUSY})
     */
    public Machine machine(PassthroughVm vm) {
        synchronized (lock) {
            String name = "machine " + Long.toUnsignedString(vm.id());
            requireOpen(name, "begin");
            if (machines.containsKey(vm.id())) {
                throw new PassthroughException(
                        Kind.BUSY, name, "begin", "there is a machine of this number");
            }
            Machine machine = new Machine(vm);
            machines.put(vm.id(), machine);
            return machine;
        }
    }

    /** A machine, until it ends. */
    public final class Machine implements AutoCloseable {
        private final PassthroughVm vm;
        private boolean ended;

        private Machine(PassthroughVm vm) {
            this.vm = vm;
        }

        /** {@return the machine} */
        public PassthroughVm vm() {
            return vm;
        }

        /**
         * Gives the machine a device.
         *
         * @param name how it is called
         * @return the device
         * @throws PassthroughException if there is no such device, a machine has it, it cannot be
         *     kept apart from a device of another's ({@link Kind#ISOLATION}), or it does not do
         *     what it has to; the machine is over ({@link Kind#CLOSED})
         */
        public PassthroughDevice assign(String name) {
            synchronized (lock) {
                requireRunning(name);
                PassthroughDevice device = require(name, "assign");
                requireApart(name, device, vm.id());
                device.assign(vm);
                return device;
            }
        }

        /**
         * Makes a device ready for the machine's tree: it is assigned when the function is added
         * there, on the same terms as by {@link #assign}.
         *
         * @param name how it is called
         * @return the function
         * @throws PassthroughException if there is no such device ({@link Kind#UNKNOWN}), or it
         *     describes itself in a way that no device can
         */
        public PassthroughFunction function(String name) {
            synchronized (lock) {
                PassthroughDevice device = require(name, "describe its function");
                return PassthroughFunction.builder(device)
                        .machine(vm.id())
                        .harts(vm.harts(), vm.hartOf())
                        .admission(() -> admit(name, device))
                        .build();
            }
        }

        private void admit(String name, PassthroughDevice device) {
            synchronized (lock) {
                requireRunning(name);
                if (require(name, "assign") != device) {
                    throw new PassthroughException(
                            Kind.UNKNOWN, name, "assign", "another device has this name now");
                }
                requireApart(name, device, vm.id());
            }
        }

        private void requireRunning(String name) {
            if (ended) {
                throw new PassthroughException(
                        Kind.CLOSED,
                        name,
                        "assign",
                        "machine %s is over".formatted(Long.toUnsignedString(vm.id())));
            }
        }

        /**
         * Takes a device back.
         *
         * @param name how it is called
         * @throws PassthroughException if there is no such device ({@link Kind#UNKNOWN}), or it is
         *     not this machine's ({@link Kind#NOT_ASSIGNED})
         */
        public void unassign(String name) {
            synchronized (lock) {
                PassthroughDevice device = require(name, "unassign");
                if (!hasIt(device)) {
                    throw new PassthroughException(
                            Kind.NOT_ASSIGNED,
                            name,
                            "unassign",
                            "machine %s does not have it"
                                    .formatted(Long.toUnsignedString(vm.id())));
                }
                device.unassign();
            }
        }

        private boolean hasIt(PassthroughDevice device) {
            return device.owner().isPresent() && device.owner().getAsLong() == vm.id();
        }

        /** {@return the devices that it has} */
        public List<PassthroughDevice> devices() {
            synchronized (lock) {
                return devices.values().stream().filter(this::hasIt).toList();
            }
        }

        /** Takes all devices back: the machine is over. Closing twice does nothing. */
        @Override
        public void close() {
            synchronized (lock) {
                if (ended) {
                    return;
                }
                ended = true;
                machines.remove(vm.id());
                devices().forEach(PassthroughDevice::unassign);
            }
        }
    }

    /** Devices of one group go to one machine, and none of them is somebody else's. */
    private void requireApart(String name, PassthroughDevice device, long machine) {
        IsolationGroup group = device.isolationGroup().orElse(null);
        if (group == null) {
            return;
        }
        if (!group.blockers().isEmpty()) {
            throw new PassthroughException(
                    Kind.ISOLATION,
                    name,
                    "assign",
                    "group %s cannot be given away: %s of it is in use on the host"
                            .formatted(group.id(), group.blockers().getFirst()));
        }
        for (Map.Entry<String, PassthroughDevice> other : devices.entrySet()) {
            IsolationGroup with = other.getValue().isolationGroup().orElse(null);
            if (with != null
                    && with.id().equals(group.id())
                    && other.getValue().owner().isPresent()
                    && other.getValue().owner().getAsLong() != machine) {
                throw new PassthroughException(
                        Kind.ISOLATION,
                        name,
                        "assign",
                        "%s of the same group %s belongs to machine %s"
                                .formatted(
                                        other.getKey(),
                                        group.id(),
                                        Long.toUnsignedString(
                                                other.getValue().owner().getAsLong())));
            }
        }
    }

    private PassthroughDevice require(String name, String operation) {
        PassthroughDevice device = devices.get(name);
        if (device == null) {
            throw new PassthroughException(
                    Kind.UNKNOWN, name, operation, "there is no such device; there are " + names());
        }
        return device;
    }

    private void requireOpen(String name, String operation) {
        if (closed) {
            throw new PassthroughException(Kind.CLOSED, name, operation, "the manager is closed");
        }
    }

    /** Ends all machines, and gives all devices up. Closing twice does nothing. */
    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            new ArrayList<>(machines.values()).forEach(Machine::close);
            devices.values().forEach(PassthroughDevice::close);
            devices.clear();
        }
    }
}
