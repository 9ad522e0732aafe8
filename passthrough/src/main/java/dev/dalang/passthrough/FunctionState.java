package dev.dalang.passthrough;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import org.jspecify.annotations.Nullable;

import java.util.Optional;

/**
 * The state of a device in a tree, as who saves the machine sees it: there is one if the device can
 * give it away.
 */
final class FunctionState {
    private static final String TYPE = "passthrough";
    private static final int VERSION = 1;

    private final PassthroughDevice device;
    private final Optional<DeviceMigration> migration;
    private @Nullable SnapshotException cannotStop;
    private volatile boolean isStopped;

    /** Of a device that is brought back in this way when it is lost between two states. */
    FunctionState(PassthroughDevice device, DeviceMigration.Recovery recovery) {
        this.device = device;
        migration = device.backend().migration().map(able -> new DeviceMigration(able, recovery));
    }

    private interface Step {
        void take() throws BackendException;
    }

    private @Nullable SnapshotException attempt(String what, Step step) {
        try {
            step.take();
            return null;
        } catch (BackendException failure) {
            device.note(failure);
            return refused(what, failure);
        }
    }

    private SnapshotException refused(String what, BackendException failure) {
        SnapshotException told =
                new SnapshotException(device.label() + ": " + what + ": " + failure.getMessage());
        told.initCause(failure);
        return told;
    }

    /** Stops the device, if it can; what fails is told by {@link #save}. */
    void stop() {
        migration.ifPresent(
                able -> {
                    isStopped = true;
                    cannotStop = attempt("stop", able::stop);
                });
    }

    /** True from the moment that it was told to stop until it is told to go on. */
    boolean isStopped() {
        return isStopped;
    }

    /** Whether it was told to stop is not of interest any more. */
    void forget() {
        isStopped = false;
    }

    /** Has the device go on; false if it cannot be stopped, and goes on all the time. */
    boolean run() {
        isStopped = false;
        if (migration.isEmpty()) {
            return false;
        }
        attempt("run", migration.get()::run);
        return true;
    }

    Snapshot save() {
        DeviceMigration able = require();
        if (cannotStop != null) {
            throw cannotStop;
        }
        try {
            return Snapshot.builder(TYPE, VERSION).put("state", able.save()).build();
        } catch (BackendException failure) {
            device.note(failure);
            throw refused("take its state", failure);
        }
    }

    void restore(Snapshot snapshot) {
        DeviceMigration able = require();
        byte[] state =
                snapshot.expect(TYPE, VERSION).getBytes("state", DeviceMigration.MAX_STATE_BYTES);
        try {
            able.stop();
            able.load(state);
        } catch (BackendException failure) {
            device.note(failure);
            throw refused("give it a state", failure);
        }
    }

    private DeviceMigration require() {
        return migration.orElseThrow(
                () ->
                        new SnapshotException(
                                device.label()
                                        + ": the device cannot give its state away; a machine"
                                        + " with it cannot be saved or restored"));
    }
}
