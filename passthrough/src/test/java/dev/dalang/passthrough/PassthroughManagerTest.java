package dev.dalang.passthrough;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.passthrough.PassthroughException.Kind;
import dev.dalang.passthrough.PassthroughManager.Machine;
import dev.dalang.pci.PciBar;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

import java.util.List;

class PassthroughManagerTest {
    private final PassthroughManager manager = new PassthroughManager();
    private final GuestMemory memory = GuestMemory.of(TestMachine.region(TestMachine.RAM));

    private ScriptedBackend add(String name, IsolationGroup... group) {
        ScriptedBackend.Builder builder =
                ScriptedBackend.builder(new ScriptedConfig(1, 2)).label("host:" + name);
        for (IsolationGroup each : group) {
            builder.group(each);
        }
        ScriptedBackend backend = builder.build();
        manager.add(name, Devices.open(backend));
        return backend;
    }

    private Machine machine(long id) {
        return manager.machine(PassthroughVm.of(id, 1, memory));
    }

    private static void assertRefused(Kind kind, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        PassthroughException.class,
                        refusal -> assertThat(refusal.kind()).isEqualTo(kind));
    }

    @Test
    void aDeviceGoesToOneMachineAtATime() {
        add("a");
        Machine first = machine(1);
        Machine second = machine(2);
        first.assign("a");

        assertRefused(Kind.ALREADY_ASSIGNED, () -> second.assign("a"));
        assertRefused(Kind.NOT_ASSIGNED, () -> second.unassign("a"));
        first.unassign("a");
        assertRefused(Kind.NOT_ASSIGNED, () -> first.unassign("a"));
        second.assign("a");
        assertThat(second.devices()).extracting(PassthroughDevice::label).containsExactly("host:a");
        assertThat(first.devices()).isEmpty();
    }

    @Test
    void aMachineThatEndsGivesEverythingBack() {
        ScriptedBackend a = add("a");
        ScriptedBackend b = add("b");
        try (Machine machine = machine(-1)) {
            machine.assign("a");
            machine.assign("b");
            assertThat(a.mappings()).hasSize(1);
        }
        assertThat(a.mappings()).isEmpty();
        assertThat(b.mappings()).isEmpty();
        assertThat(a.isClosed()).isFalse();
        machine(-1).assign("a");
    }

    @Test
    void aMachineThatIsOverGetsNothing() {
        add("a");
        Machine machine = machine(1);
        machine.close();
        machine.close();
        assertRefused(Kind.CLOSED, () -> machine.assign("a"));
    }

    @Test
    void twoMachinesHaveTwoNumbers() {
        machine(7);
        assertRefused(Kind.BUSY, () -> machine(7));
        machine(8);
    }

    @Test
    void aNameAndAHostDeviceAreTakenOnce() {
        add("a");
        ScriptedBackend same =
                ScriptedBackend.builder(new ScriptedConfig(1, 2)).label("host:a").build();
        PassthroughDevice twin = Devices.open(same);
        assertRefused(Kind.BUSY, () -> manager.add("b", twin));
        ScriptedBackend other =
                ScriptedBackend.builder(new ScriptedConfig(1, 2)).label("host:b").build();
        PassthroughDevice namesake = Devices.open(other);
        assertRefused(Kind.BUSY, () -> manager.add("a", namesake));
        assertThat(manager.names()).containsExactly("a");
        manager.remove("a");
        manager.add("a", twin);
    }

    @Test
    void removingTwiceAndAnUnknownNameAreErrors() {
        ScriptedBackend a = add("a");
        Machine machine = machine(1);
        machine.assign("a");
        manager.remove("a");
        assertThat(a.isClosed()).isTrue();
        assertThat(a.mappings()).isEmpty();
        assertThat(manager.device("a")).isEmpty();
        assertRefused(Kind.UNKNOWN, () -> manager.remove("a"));
        assertRefused(Kind.UNKNOWN, () -> machine.assign("a"));
        assertRefused(Kind.UNKNOWN, () -> machine.unassign("zebra"));
        assertThat(machine.devices()).isEmpty();
    }

    @Test
    void aGroupGoesToOneMachine() {
        IsolationGroup group = new IsolationGroup("12", List.of("a", "b"), List.of());
        add("a", group);
        add("b", group);
        add("c", new IsolationGroup("13", List.of("c"), List.of()));
        Machine first = machine(1);
        Machine second = machine(2);
        first.assign("a");

        assertThatThrownBy(() -> second.assign("b"))
                .isInstanceOfSatisfying(
                        PassthroughException.class,
                        refusal -> assertThat(refusal.kind()).isEqualTo(Kind.ISOLATION))
                .hasMessageContaining("a of the same group 12 belongs to machine 1");
        first.assign("b");
        second.assign("c");
        first.close();
        second.assign("b");
    }

    @Test
    void aGroupThatSomebodyElseIsInIsRefused() {
        ScriptedBackend a =
                add(
                        "a",
                        new IsolationGroup(
                                "4", List.of("a", "0000:00:1f.0"), List.of("0000:00:1f.0")));
        assertThatThrownBy(() -> machine(1).assign("a"))
                .isInstanceOf(PassthroughException.class)
                .hasMessageContaining("0000:00:1f.0");
        assertThat(a.calls()).doesNotContain("reset");
    }

    @Test
    void theManagersEndIsTheDevices() {
        ScriptedBackend a = add("a");
        Machine machine = machine(1);
        machine.assign("a");
        manager.close();
        manager.close();
        assertThat(a.isClosed()).isTrue();
        assertThat(a.calls()).endsWith("reset", "unmap memory 0x80000000+0x10000", "close");
        assertRefused(Kind.CLOSED, () -> machine(2));
        assertRefused(Kind.CLOSED, () -> machine.assign("a"));
    }

    // ---------------------------------------------------------------- in a tree

    @Test
    void aGroupGoesToOneTree() {
        IsolationGroup group = new IsolationGroup("12", List.of("a", "b"), List.of());
        add("a", group);
        ScriptedBackend b = add("b", group);
        machine(1).assign("a");
        TestMachine tree = new TestMachine();
        Machine second = machine(2);
        PassthroughFunction function = second.function("b");
        assertRefused(Kind.ISOLATION, () -> tree.add(function));
        assertThat(tree.root.functions()).hasSize(1);
        assertThat(b.calls()).doesNotContain("reset");
        manager.device("a").orElseThrow().unassign();
        tree.add(second.function("b"));
        assertThat(second.devices()).hasSize(1);
    }

    /** The guest still runs, and the function is still in its tree. */
    @Test
    void aGuestReachesADeviceNoMoreThatWasTakenFromIt() {
        ScriptedBackend backend =
                ScriptedBackend.builder(new ScriptedConfig(1, 2))
                        .bar(PciBar.memory32(0, 4096))
                        .build();
        manager.add("a", Devices.open(backend));
        TestMachine tree = new TestMachine();
        Machine first = machine(1);
        PciFunctionDriver driver = tree.add(first.function("a"));
        driver.enable(PciFunctionDriver.COMMAND_MEMORY);
        long bar = driver.bar(0).address();
        tree.io.mmioWrite(bar, 4, 1);
        assertThat(tree.peek(bar, 4)).isEqualTo(1);

        first.unassign("a");
        machine(2).assign("a");
        backend.clearCalls();
        assertThat(tree.peek(bar, 4)).isEqualTo(0xffff_ffffL);
        tree.io.mmioWrite(bar, 4, 2);
        driver.setCommand(6);
        assertThat(driver.isPresent()).isFalse();
        tree.root.close();

        assertThat(backend.calls()).isEmpty();
        assertThat(manager.device("a").orElseThrow().owner()).hasValue(2);
        assertThat(backend.mappings()).hasSize(1);
    }

    @Test
    void aMachineThatIsOverPlugsNothingIn() {
        add("a");
        Machine machine = machine(1);
        PassthroughFunction function = machine.function("a");
        machine.close();
        assertRefused(Kind.CLOSED, () -> new TestMachine().add(function));
        assertRefused(Kind.UNKNOWN, () -> machine.function("b"));
    }
}
