package dev.dalang.virtio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.virtio.queue.QueueConfig;
import dev.dalang.virtio.queue.QueueError;
import dev.dalang.virtio.queue.QueueMemory;
import dev.dalang.virtio.queue.QueueSignals;
import dev.dalang.virtio.queue.VirtQueue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

final class VirtioLifeCycleTest {
    private static final long RAM = 0x8000_0000L;

    private final GuestMemory memory =
            GuestMemory.of(new MemoryRegion(RAM, Arena.ofAuto().allocate(1 << 16, 4096)));
    private final List<String> interrupts = new ArrayList<>();

    /** The calls, by the states that allow them (the seed's diagram). */
    private static final Map<String, Set<VirtioState>> ALLOWED =
            Map.of(
                    "activate", EnumSet.of(VirtioState.NEW, VirtioState.INACTIVE),
                    "reset", EnumSet.of(VirtioState.ACTIVE),
                    "sleep", EnumSet.of(VirtioState.NEW, VirtioState.ACTIVE, VirtioState.INACTIVE),
                    "wake",
                            EnumSet.of(
                                    VirtioState.ASLEEP_NEW,
                                    VirtioState.ASLEEP_ACTIVE,
                                    VirtioState.ASLEEP_INACTIVE),
                    "snapshot",
                            EnumSet.of(
                                    VirtioState.ASLEEP_NEW,
                                    VirtioState.ASLEEP_ACTIVE,
                                    VirtioState.ASLEEP_INACTIVE),
                    "restore", EnumSet.of(VirtioState.ASLEEP_NEW, VirtioState.ASLEEP_INACTIVE));

    private VirtioActivation activation(int... indexes) {
        TreeMap<Integer, VirtQueue> queues = new TreeMap<>();
        for (int index : indexes) {
            QueueConfig config = QueueConfig.of(index, 8);
            config.setDescriptorAddress(RAM + 0x1000L * index + 0x100);
            config.setDriverAddress(RAM + 0x1000L * index + 0x400);
            config.setDeviceAddress(RAM + 0x1000L * index + 0x800);
            config.setReady(true);
            queues.put(
                    index,
                    config.activate(
                            QueueMemory.of(memory),
                            new QueueSignals() {
                                @Override
                                public void used(int queue) {}

                                @Override
                                public void broken(int queue, QueueError error) {}
                            }));
        }
        return activation(queues);
    }

    private VirtioActivation activation(Map<Integer, VirtQueue> queues) {
        return VirtioActivation.of(
                "test",
                VirtioFeatures.VIRTIO_F_VERSION_1,
                4,
                new TreeMap<>(queues),
                QueueMemory.of(memory),
                new VirtioInterrupt() {
                    @Override
                    public void queue(int queue) {
                        interrupts.add("queue " + queue);
                    }

                    @Override
                    public void config() {
                        interrupts.add("config");
                    }

                    @Override
                    public void needsReset(String reason) {
                        interrupts.add(reason);
                    }
                },
                DeviceExecutor.inline());
    }

    private VirtioLifeCycle in(VirtioState state, TestVirtioDevice device) {
        VirtioLifeCycle life = new VirtioLifeCycle(device);
        if (state.isActive()) {
            life.activate(activation(0, 2));
        } else if (state == VirtioState.INACTIVE || state == VirtioState.ASLEEP_INACTIVE) {
            life.activate(activation(0, 2));
            life.reset();
        }
        if (state.isAsleep()) {
            life.sleep();
        }
        assertThat(life.state()).isEqualTo(state);
        device.calls.clear();
        return life;
    }

    private Map<String, Consumer<VirtioLifeCycle>> calls() {
        Snapshot good = in(VirtioState.ASLEEP_NEW, new TestVirtioDevice(8, 8, 8)).snapshot();
        return Map.of(
                "activate",
                life -> life.activate(activation(0)),
                "reset",
                VirtioLifeCycle::reset,
                "sleep",
                VirtioLifeCycle::sleep,
                "wake",
                life ->
                        life.wake(
                                life.state().isActive()
                                        ? Optional.of(activation(0, 2))
                                        : Optional.empty()),
                "snapshot",
                VirtioLifeCycle::snapshot,
                "restore",
                life -> life.restore(good));
    }

    /** Rows L5, L6 and L7, at the device: every call in every state. */
    @ParameterizedTest
    @EnumSource(VirtioState.class)
    void aCallThatTheStateDoesNotAllowIsAnErrorThatNamesBoth(VirtioState state) {
        calls().forEach(
                        (name, call) -> {
                            TestVirtioDevice device = new TestVirtioDevice(8, 8, 8);
                            VirtioLifeCycle life = in(state, device);
                            if (ALLOWED.get(name).contains(state)) {
                                call.accept(life);
                                return;
                            }
                            assertThatThrownBy(() -> call.accept(life))
                                    .isInstanceOfSatisfying(
                                            VirtioStateException.class,
                                            error -> {
                                                assertThat(error.state()).isEqualTo(state);
                                                assertThat(error.call()).isEqualTo(name);
                                            })
                                    .hasMessageContaining(name)
                                    .hasMessageContaining(state.toString());
                            assertThat(life.state()).isEqualTo(state);
                            assertThat(device.calls).isEmpty();
                        });
    }

    @Test
    void theArrowsOfTheDiagramLeadWhereTheySay() {
        Map<VirtioState, Map<String, VirtioState>> arrows = new EnumMap<>(VirtioState.class);
        arrows.put(
                VirtioState.NEW,
                Map.of("activate", VirtioState.ACTIVE, "sleep", VirtioState.ASLEEP_NEW));
        arrows.put(
                VirtioState.ACTIVE,
                Map.of("reset", VirtioState.INACTIVE, "sleep", VirtioState.ASLEEP_ACTIVE));
        arrows.put(
                VirtioState.INACTIVE,
                Map.of("activate", VirtioState.ACTIVE, "sleep", VirtioState.ASLEEP_INACTIVE));
        arrows.put(
                VirtioState.ASLEEP_NEW,
                Map.of("wake", VirtioState.NEW, "snapshot", VirtioState.ASLEEP_NEW));
        arrows.put(
                VirtioState.ASLEEP_ACTIVE,
                Map.of("wake", VirtioState.ACTIVE, "snapshot", VirtioState.ASLEEP_ACTIVE));
        arrows.put(
                VirtioState.ASLEEP_INACTIVE,
                Map.of("wake", VirtioState.INACTIVE, "snapshot", VirtioState.ASLEEP_INACTIVE));
        Map<String, Consumer<VirtioLifeCycle>> calls = calls();
        arrows.forEach(
                (from, leads) ->
                        leads.forEach(
                                (call, to) -> {
                                    VirtioLifeCycle life = in(from, new TestVirtioDevice(8, 8, 8));
                                    calls.get(call).accept(life);
                                    assertThat(life.state()).as(from + " " + call).isEqualTo(to);
                                }));
    }

    /** Row L1. */
    @Test
    void aNewDeviceGivesNoQueuesWhenItFallsAsleep() {
        TestVirtioDevice device = new TestVirtioDevice(8);
        VirtioLifeCycle life = new VirtioLifeCycle(device);
        assertThat(life.sleep()).isEmpty();
        life.snapshot();
        life.wake(Optional.empty());
        assertThat(device.calls).containsExactly("sleep", "wake");
        assertThat(life.state()).isEqualTo(VirtioState.NEW);
    }

    /** Row L2. */
    @Test
    void anActiveDeviceGivesBackTheQueuesThatItGot() {
        VirtioLifeCycle life = new VirtioLifeCycle(new TestVirtioDevice(8, 8, 8));
        VirtioActivation given = activation(0, 2);
        life.activate(given);
        assertThat(life.sleep()).contains(given.queues());
        assertThat(life.activation()).isEmpty();
    }

    @Test
    void sleepDropsTheInterruptAndEndsTheHandlers() {
        TestVirtioDevice device = new TestVirtioDevice(8, 8, 8);
        VirtioLifeCycle life = new VirtioLifeCycle(device);
        VirtioActivation given = activation(0, 2);
        life.activate(given);
        given.interrupt().config();
        life.sleep();
        given.interrupt().config();
        given.interrupt().queue(0);
        given.interrupt().needsReset("nobody hears it");
        assertThat(interrupts).containsExactly("config");
        assertThat(given.notifyQueue(0)).isFalse();
        assertThatThrownBy(() -> given.onNotify(0, () -> {})).isInstanceOf(VirtioException.class);
        assertThatThrownBy(() -> given.task("late", () -> {})).isInstanceOf(VirtioException.class);
    }

    @Test
    void aWakeWithOtherQueuesIsAnError() {
        VirtioLifeCycle life = in(VirtioState.ASLEEP_ACTIVE, new TestVirtioDevice(8, 8, 8));
        assertThatThrownBy(() -> life.wake(Optional.empty()))
                .isInstanceOf(VirtioStateException.class)
                .hasMessageContaining("expected its queues");
        assertThatThrownBy(() -> life.wake(Optional.of(activation(0))))
                .isInstanceOf(VirtioStateException.class)
                .hasMessageContaining("{0, 2}")
                .hasMessageContaining("{0}");
        life.wake(Optional.of(activation(0, 2)));
        VirtioLifeCycle other = in(VirtioState.ASLEEP_NEW, new TestVirtioDevice(8, 8, 8));
        assertThatThrownBy(() -> other.wake(Optional.of(activation(0, 2))))
                .isInstanceOf(VirtioStateException.class)
                .hasMessageContaining("expected no queues");
    }

    /** A snapshot leads into the state in which it was taken. */
    @ParameterizedTest
    @EnumSource(names = {"ASLEEP_NEW", "ASLEEP_ACTIVE", "ASLEEP_INACTIVE"})
    void aNewDeviceIsRestoredIntoEachSleepingState(VirtioState saved) {
        TestVirtioDevice from = new TestVirtioDevice(8, 8, 8);
        from.fill = 0x11;
        Snapshot snapshot = in(saved, from).snapshot();
        for (VirtioState start : List.of(VirtioState.ASLEEP_NEW, VirtioState.ASLEEP_INACTIVE)) {
            TestVirtioDevice device = new TestVirtioDevice(8, 8, 8);
            VirtioLifeCycle life = in(start, device);
            life.restore(snapshot);
            assertThat(life.state()).isEqualTo(saved);
            assertThat(life.snapshot()).isEqualTo(snapshot);
            assertThat(device.fill).isEqualTo((byte) 0x11);
            life.wake(saved.isActive() ? Optional.of(activation(0, 2)) : Optional.empty());
            assertThat(life.state()).isEqualTo(saved.awake());
        }
    }

    @Test
    void aSnapshotThatTheDeviceRefusesChangesNothing() {
        Snapshot snapshot = in(VirtioState.ASLEEP_ACTIVE, new TestVirtioDevice(8, 8, 8)).snapshot();
        TestVirtioDevice device = new TestVirtioDevice(8, 8, 8);
        device.refusesRestore = true;
        VirtioLifeCycle life = in(VirtioState.ASLEEP_NEW, device);
        assertThatThrownBy(() -> life.restore(snapshot)).hasMessage("it will not");
        assertThat(life.state()).isEqualTo(VirtioState.ASLEEP_NEW);
        Snapshot awake =
                Snapshot.builder("virtio-life-cycle", 1)
                        .put("state", "ACTIVE")
                        .put("queues", new byte[0])
                        .put("device", device.snapshot())
                        .build();
        assertThatThrownBy(() -> life.restore(awake))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("ACTIVE");
        Snapshot withQueues =
                Snapshot.builder("virtio-life-cycle", 1)
                        .put("state", "ASLEEP_NEW")
                        .put("queues", new byte[] {1})
                        .put("device", device.snapshot())
                        .build();
        assertThatThrownBy(() -> life.restore(withQueues)).isInstanceOf(SnapshotException.class);
    }

    @Test
    void aDeviceThatRefusesToBeActivatedStaysWhatItWas() {
        TestVirtioDevice device = new TestVirtioDevice(8, 8, 8);
        device.refusesActivation = true;
        VirtioLifeCycle life = new VirtioLifeCycle(device);
        VirtioActivation given = activation(0);
        assertThatThrownBy(() -> life.activate(given)).hasMessage("it will not");
        assertThat(life.state()).isEqualTo(VirtioState.NEW);
        assertThatThrownBy(() -> given.task("late", () -> {})).isInstanceOf(VirtioException.class);
        device.refusesActivation = false;
        life.activate(activation(0));
        assertThat(life.state()).isEqualTo(VirtioState.ACTIVE);
    }

    /** Row T19, at the device. */
    @Test
    void aDeviceThatFailsAtItsResetIsInactiveAllTheSame() {
        TestVirtioDevice device = new TestVirtioDevice(8, 8, 8);
        device.refusesReset = true;
        VirtioLifeCycle life = new VirtioLifeCycle(device);
        life.activate(activation(0));
        assertThatThrownBy(life::reset).hasMessage("it will not");
        assertThat(life.state()).isEqualTo(VirtioState.INACTIVE);
        life.activate(activation(0));
        assertThat(life.state()).isEqualTo(VirtioState.ACTIVE);
    }

    /** Row L14, at the device. */
    @Test
    void aDeviceThatRefusesToSleepGoesOn() {
        TestVirtioDevice device = new TestVirtioDevice(8, 8, 8);
        device.refusesSleep = true;
        VirtioLifeCycle life = new VirtioLifeCycle(device);
        VirtioActivation given = activation(0);
        life.activate(given);
        assertThatThrownBy(life::sleep).hasMessage("it will not");
        assertThat(life.state()).isEqualTo(VirtioState.ACTIVE);
        device.calls.clear();
        assertThat(given.notifyQueue(0)).isTrue();
        assertThat(device.calls).containsExactly("notified 0");
    }

    @Test
    void aResetEndsTheQueues() {
        VirtioLifeCycle life = new VirtioLifeCycle(new TestVirtioDevice(8, 8, 8));
        VirtioActivation given = activation(0);
        VirtQueue queue = given.queue(0);
        life.activate(given);
        life.reset();
        assertThat(queue.pop()).isNull();
        assertThat(given.notifyQueue(0)).isFalse();
    }

    @Test
    void whatAHandlerThrowsLeavesTheDeviceInNeedOfAReset() {
        TestVirtioDevice device = new TestVirtioDevice(8, 8, 8);
        device.bindsHandlers = false;
        VirtioLifeCycle life = new VirtioLifeCycle(device);
        VirtioActivation given = activation(0, 1);
        life.activate(given);
        given.onNotify(
                "both",
                () -> {
                    throw new IllegalArgumentException("no");
                },
                0,
                1);
        given.notifyQueue(1);
        assertThat(interrupts)
                .containsExactly("a handler failed: " + new IllegalArgumentException("no"));
    }

    @Test
    void aQueueHasOneHandlerAndMustBeEnabled() {
        TestVirtioDevice device = new TestVirtioDevice(8, 8, 8);
        device.bindsHandlers = false;
        VirtioActivation given = activation(0, 2);
        new VirtioLifeCycle(device).activate(given);
        given.onNotifyInline(0, () -> {});
        assertThatThrownBy(() -> given.onNotify(0, () -> {})).hasMessageContaining("has a handler");
        assertThatThrownBy(() -> given.onNotify(1, () -> {})).hasMessageContaining("queue 1");
        assertThatThrownBy(() -> given.queue(1)).hasMessageContaining("queue 1");
        assertThat(given.notifyQueue(2)).isFalse();
        assertThat(given.notifyQueue(-1)).isFalse();
        assertThat(given.notifyQueue(4)).isFalse();
    }
}
