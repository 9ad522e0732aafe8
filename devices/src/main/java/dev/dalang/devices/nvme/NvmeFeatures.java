package dev.dalang.devices.nvme;

import dev.dalang.bus.snapshot.Snapshot;

/** What the driver can set and get (NVMe base 2.0 §5.27). None is kept without power. */
final class NvmeFeatures {
    static final int ARBITRATION = 0x01;
    static final int POWER_MANAGEMENT = 0x02;
    static final int TEMPERATURE_THRESHOLD = 0x04;
    static final int ERROR_RECOVERY = 0x05;
    static final int VOLATILE_WRITE_CACHE = 0x06;
    static final int NUMBER_OF_QUEUES = 0x07;
    static final int INTERRUPT_COALESCING = 0x08;
    static final int INTERRUPT_VECTOR = 0x09;
    static final int WRITE_ATOMICITY = 0x0a;
    static final int ASYNCHRONOUS_EVENTS = 0x0b;
    static final int TIMESTAMP = 0x0e;
    static final int COMMAND_SET_PROFILE = 0x19;

    /** Bytes of a timestamp. */
    static final int TIMESTAMP_BYTES = 8;

    /** What the device is warm, in kelvins: nothing heats it. */
    static final int TEMPERATURE = 313;

    static final int WARNING_TEMPERATURE = 343;
    static final int CRITICAL_TEMPERATURE = 353;

    private static final String TYPE = "nvme-features";
    private static final int VERSION = 1;
    private static final int VALUES = 0x20;
    private static final int COALESCING_DISABLED = 1 << 16;
    private static final int UNDER = 1 << 20;
    private static final long MILLIS_MASK = (1L << 48) - 1;
    private static final long NANOS_PER_MILLI = 1_000_000;

    // Bits of what a feature can do (§5.15.1).
    private static final int OF_NAMESPACE = 1 << 1;
    private static final int CHANGEABLE = 1 << 2;

    private final NvmeController controller;
    private final int maxQueues;

    // Guarded by this object's lock.
    private final int[] values = new int[VALUES];
    private int underThreshold;
    private final boolean[] isNotCoalesced;
    private long timestampMillis;
    private long timestampNanos;
    private boolean isTimestampSet;

    NvmeFeatures(NvmeController controller, int maxQueues) {
        this.controller = controller;
        this.maxQueues = maxQueues;
        isNotCoalesced = new boolean[maxQueues + 1];
        reset();
    }

    /** As at power-on, but for the time. */
    synchronized void reset() {
        for (int id = 0; id < VALUES; id++) {
            values[id] = initial(id);
        }
        underThreshold = 0;
        java.util.Arrays.fill(isNotCoalesced, false);
    }

    private int initial(int id) {
        return switch (id) {
            case TEMPERATURE_THRESHOLD -> WARNING_TEMPERATURE;
            case VOLATILE_WRITE_CACHE -> 1;
            case NUMBER_OF_QUEUES -> maxQueues - 1 | maxQueues - 1 << 16;
            default -> 0;
        };
    }

    static boolean exists(int id) {
        return switch (id) {
            case ARBITRATION,
                    POWER_MANAGEMENT,
                    TEMPERATURE_THRESHOLD,
                    ERROR_RECOVERY,
                    VOLATILE_WRITE_CACHE,
                    NUMBER_OF_QUEUES,
                    INTERRUPT_COALESCING,
                    INTERRUPT_VECTOR,
                    WRITE_ATOMICITY,
                    ASYNCHRONOUS_EVENTS,
                    TIMESTAMP,
                    COMMAND_SET_PROFILE ->
                    true;
            default -> false;
        };
    }

    // ---------------------------------------------------------------- what the controller asks

    synchronized boolean isWriteCacheEnabled() {
        return (values[VOLATILE_WRITE_CACHE] & 1) != 0;
    }

    /** How many submission queues the driver may make, beside the admin queue. */
    synchronized int submissionQueues() {
        return (values[NUMBER_OF_QUEUES] & 0xffff) + 1;
    }

    synchronized int completionQueues() {
        return (values[NUMBER_OF_QUEUES] >>> 16) + 1;
    }

    synchronized boolean wantsEvent(int bit) {
        return (values[ASYNCHRONOUS_EVENTS] >>> bit & 1) != 0;
    }

    /** True if the driver has drawn the lines so that the device is too warm or too cold. */
    synchronized boolean isTemperatureOutside() {
        return TEMPERATURE >= values[TEMPERATURE_THRESHOLD] || TEMPERATURE <= underThreshold;
    }

    // ---------------------------------------------------------------- commands

    /** Checks what set and get have in common; a status. */
    private static int check(NvmeCommand command, int id) {
        if (!exists(id)) {
            return command.wrong(NvmeStatus.INVALID_FIELD, 40);
        }
        int namespace = command.namespace;
        if (id == ERROR_RECOVERY) {
            return namespace == NvmeNamespace.ID || namespace == NvmeNamespace.ALL
                    ? NvmeStatus.SUCCESS
                    : command.wrong(NvmeStatus.INVALID_NAMESPACE, 4);
        }
        if (namespace != 0 && namespace != NvmeNamespace.ALL) {
            return command.wrong(
                    namespace == NvmeNamespace.ID
                            ? NvmeStatus.NOT_OF_NAMESPACE
                            : NvmeStatus.INVALID_NAMESPACE,
                    4);
        }
        return NvmeStatus.SUCCESS;
    }

    /**
     * Sets a feature, but for the timestamp.
     *
     * @return a status
     */
    int set(NvmeCommand command) {
        int id = command.word10 & 0xff;
        int status = checkSet(command);
        if (status != NvmeStatus.SUCCESS) {
            return status;
        }
        int value = command.word11;
        int wrong =
                switch (id) {
                    case POWER_MANAGEMENT -> (value & 0x1f) != 0 ? 44 : 0; // one state
                    case TEMPERATURE_THRESHOLD -> setThreshold(value);
                    case NUMBER_OF_QUEUES -> setQueues(command, value);
                    case INTERRUPT_VECTOR -> setVector(value);
                    case COMMAND_SET_PROFILE -> (value & 0x1ff) != 0 ? 44 : 0; // one set
                    default -> set(id, value);
                };
        if (wrong == -1) {
            return NvmeStatus.COMMAND_SEQUENCE;
        }
        return wrong == 0
                ? NvmeStatus.SUCCESS
                : command.wrong(
                        id == COMMAND_SET_PROFILE
                                ? NvmeStatus.COMMAND_SET_REJECTED
                                : NvmeStatus.INVALID_FIELD,
                        wrong);
    }

    /** Checks a command that sets a feature; a status. */
    int checkSet(NvmeCommand command) {
        if (command.word10 < 0) {
            return command.wrong(NvmeStatus.NOT_SAVEABLE, 40);
        }
        return check(command, command.word10 & 0xff);
    }

    private synchronized int set(int id, int value) {
        values[id] = value & settable(id);
        return 0;
    }

    private static int settable(int id) {
        return switch (id) {
            case ARBITRATION -> 0xffff_ff07;
            case ERROR_RECOVERY -> 0xffff;
            case VOLATILE_WRITE_CACHE, WRITE_ATOMICITY -> 1;
            case INTERRUPT_COALESCING -> 0xffff;
            case ASYNCHRONOUS_EVENTS -> 0x1ff;
            default -> 0;
        };
    }

    /** There is one sensor, whose temperature is that of the whole. */
    private synchronized int setThreshold(int value) {
        int select = value >>> 16 & 0xf;
        int kind = value >>> 20 & 3;
        if (select != 0 && select != 0xf || kind > 1) {
            return 46;
        }
        if (kind == 0) {
            values[TEMPERATURE_THRESHOLD] = value & 0xffff;
        } else {
            underThreshold = value & 0xffff;
        }
        return 0;
    }

    private int setQueues(NvmeCommand command, int value) {
        int submissions = value & 0xffff;
        int completions = value >>> 16;
        if (submissions == 0xffff || completions == 0xffff) {
            return 44;
        }
        if (controller.queues().hasIoQueues()) {
            return -1;
        }
        int granted =
                Math.min(submissions, maxQueues - 1) | Math.min(completions, maxQueues - 1) << 16;
        synchronized (this) {
            values[NUMBER_OF_QUEUES] = granted;
        }
        command.result = granted & 0xffff_ffffL;
        return 0;
    }

    private synchronized int setVector(int value) {
        int vector = value & 0xffff;
        if (vector >= isNotCoalesced.length) {
            return 44;
        }
        isNotCoalesced[vector] = (value & COALESCING_DISABLED) != 0;
        return 0;
    }

    /**
     * Tells a feature's value in the command's result.
     *
     * @return a status
     */
    int get(NvmeCommand command) {
        int id = command.word10 & 0xff;
        int select = command.word10 >>> 8 & 7;
        int status = check(command, id);
        if (status != NvmeStatus.SUCCESS) {
            return status;
        }
        if (select > 3) {
            return command.wrong(NvmeStatus.INVALID_FIELD, 41);
        }
        if (select == 3) {
            command.result = CHANGEABLE | (id == ERROR_RECOVERY ? OF_NAMESPACE : 0);
            return NvmeStatus.SUCCESS;
        }
        return current(command, id, select != 0);
    }

    /** What would be saved is the value at power-on. */
    private synchronized int current(NvmeCommand command, int id, boolean isInitial) {
        int value = isInitial ? initial(id) : values[id];
        if (id == TEMPERATURE_THRESHOLD) {
            int select = command.word11 >>> 16 & 0xf;
            if (select != 0 || (command.word11 >>> 20 & 3) > 1) {
                return command.wrong(NvmeStatus.INVALID_FIELD, 46);
            }
            if ((command.word11 & UNDER) != 0) {
                value = isInitial ? 0 : underThreshold;
            }
        } else if (id == INTERRUPT_VECTOR) {
            int vector = command.word11 & 0xffff;
            if (vector >= isNotCoalesced.length) {
                return command.wrong(NvmeStatus.INVALID_FIELD, 44);
            }
            value = vector | (!isInitial && isNotCoalesced[vector] ? COALESCING_DISABLED : 0);
        }
        command.result = value & 0xffff_ffffL;
        return NvmeStatus.SUCCESS;
    }

    // ---------------------------------------------------------------- time

    /** Takes over the driver's time (§5.27.1.13). */
    synchronized void setTimestamp(long value) {
        timestampMillis = value & MILLIS_MASK;
        timestampNanos = controller.nanos();
        isTimestampSet = true;
    }

    /** The time since the driver said it, or since power-on. */
    synchronized long timestamp(boolean isInitial) {
        if (isInitial) {
            return 0;
        }
        long passed = (controller.nanos() - timestampNanos) / NANOS_PER_MILLI;
        long origin = isTimestampSet ? 1L << 49 : 0;
        return timestampMillis + passed & MILLIS_MASK | origin;
    }

    /** The power was off: there is no time yet. */
    synchronized void resetTimestamp() {
        timestampMillis = 0;
        timestampNanos = controller.nanos();
        isTimestampSet = false;
    }

    // ---------------------------------------------------------------- snapshots

    synchronized Snapshot snapshot() {
        long[] saved = new long[VALUES];
        for (int id = 0; id < VALUES; id++) {
            saved[id] = values[id];
        }
        long[] vectors = new long[isNotCoalesced.length];
        for (int n = 0; n < vectors.length; n++) {
            vectors[n] = isNotCoalesced[n] ? 1 : 0;
        }
        return Snapshot.builder(TYPE, VERSION)
                .put("values", saved)
                .put("under-threshold", underThreshold)
                .put("vectors", vectors)
                .put("timestamp", timestampMillis)
                .put("timestamp-nanos", timestampNanos)
                .put("timestamp-set", isTimestampSet)
                .build();
    }

    /** What a snapshot holds; nothing has changed yet. */
    Runnable prepare(Snapshot snapshot) {
        long[] saved = snapshot.expect(TYPE, VERSION).getLongs("values", VALUES);
        int under = snapshot.getInt("under-threshold", 0, 0xffff);
        long[] vectors = snapshot.getLongs("vectors", isNotCoalesced.length);
        long millis = snapshot.getLong("timestamp");
        long nanos = snapshot.getLong("timestamp-nanos");
        boolean isSet = snapshot.getBoolean("timestamp-set");
        return () -> restore(saved, under, vectors, millis, nanos, isSet);
    }

    private synchronized void restore(
            long[] saved, int under, long[] vectors, long millis, long nanos, boolean isSet) {
        for (int id = 0; id < VALUES; id++) {
            int value = (int) saved[id];
            values[id] =
                    switch (id) {
                        case TEMPERATURE_THRESHOLD -> value & 0xffff;
                        case NUMBER_OF_QUEUES -> granted(value);
                        default -> value & settable(id);
                    };
        }
        underThreshold = under;
        for (int n = 0; n < vectors.length; n++) {
            isNotCoalesced[n] = vectors[n] != 0;
        }
        timestampMillis = millis & MILLIS_MASK;
        timestampNanos = nanos;
        isTimestampSet = isSet;
    }

    private int granted(int value) {
        return Math.min(value & 0xffff, maxQueues - 1)
                | Math.min(value >>> 16, maxQueues - 1) << 16;
    }
}
