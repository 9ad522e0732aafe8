package dev.dalang.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.interrupt.MsiTarget;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

class IoCountersTest {
    private final IoManager io = IoManager.create();
    private final IoCounters counters = io.counters();

    @Test
    void countsAreByLabelWhateverTheOrderOfRegistration() {
        io.registerMmio(new MmioRange(0x2000, 16), new TestDevice("b"));
        io.registerMmio(new MmioRange(0x1000, 16), new TestDevice("a"));
        io.mmioRead(0x1000, 4);
        io.mmioWrite(0x2000, 4, 0);
        io.mmioWrite(0x2000, 4, 0);
        assertThat(counters.devices())
                .containsExactly(
                        new DeviceCounts("a", "test", 1, 0, 0, 0),
                        new DeviceCounts("b", "test", 0, 2, 0, 0));
    }

    @Test
    void countsOutliveADeviceAndGoOnWithItsSuccessor() {
        TestDevice first = new TestDevice("disk0");
        io.registerMmio(new MmioRange(0x1000, 16), first);
        io.mmioRead(0x1000, 4);
        io.deregister(first);
        assertThat(counters.devices()).hasSize(1);
        io.registerMmio(new MmioRange(0x5000, 16), new TestDevice("disk0"));
        io.mmioRead(0x5000, 4);
        assertThat(counters.devices())
                .containsExactly(new DeviceCounts("disk0", "test", 2, 0, 0, 0));
    }

    @Test
    void missesAreCountedWhoeverMakesThem() {
        assertThatExceptionOfType(BusException.class).isThrownBy(() -> io.mmioRead(0, 4));
        assertThatExceptionOfType(BusException.class).isThrownBy(() -> io.pioRead(0, 4));
        assertThatExceptionOfType(BusException.class).isThrownBy(() -> io.pioWrite(0, 4, 0));
        GuestIo hart = io.hartIo();
        hart.load(0, 4);
        hart.attach();
        hart.load(0, 4);
        hart.store(0, 4, 0);
        hart.detach();
        assertThat(counters.unmappedReads()).isEqualTo(4);
        assertThat(counters.unmappedWrites()).isEqualTo(2);
    }

    @Test
    void aWiresRisesAreInterruptsOfItsDevice() {
        List<String> seen = new ArrayList<>();
        InterruptLine line =
                counters.counting(
                        new TestDevice("uart0"),
                        new InterruptLine() {
                            @Override
                            public void raise() {
                                seen.add("raise");
                            }

                            @Override
                            public void lower() {
                                seen.add("lower");
                            }
                        });
        line.raise();
        line.raise();
        line.lower();
        line.lower();
        line.set(true);
        assertThat(counters.devices())
                .containsExactly(new DeviceCounts("uart0", "test", 0, 0, 0, 2));
        assertThat(seen).containsExactly("raise", "raise", "lower", "lower", "raise");
    }

    @Test
    void messagesThatAreTakenAreInterruptsOfTheirSender() {
        MsiTarget target =
                counters.counting(new TestDevice("net0"), (address, _) -> address == 0x1000);
        assertThat(target.signal(0x1000, 1)).isTrue();
        assertThat(target.signal(0x2000, 1)).isFalse();
        assertThat(counters.devices())
                .containsExactly(new DeviceCounts("net0", "test", 0, 0, 0, 1));
    }

    @Test
    void aSnapshotGivesTheCountsToAnotherMachine() {
        io.registerMmio(new MmioRange(0x1000, 16), new TestDevice("a"));
        io.registerMmio(new MmioRange(0x2000, 16), new TestDevice("unused"));
        GuestIo hart = io.hartIo();
        hart.attach();
        hart.load(0x1000, 4);
        hart.load(0x9000, 4);
        hart.detach();
        io.mmioWrite(0x1000, 4, 0);
        Snapshot saved = counters.snapshot();

        IoManager other = IoManager.create();
        other.registerMmio(new MmioRange(0x7000, 16), new TestDevice("late"));
        GuestIo otherHart = other.hartIo();
        otherHart.attach();
        otherHart.load(0x7000, 4);
        otherHart.detach();
        other.counters().restore(saved);
        assertThat(other.counters().devices())
                .contains(
                        new DeviceCounts("a", "test", 1, 1, 0, 0),
                        new DeviceCounts("late", "test", 0, 0, 0, 0));
        assertThat(other.counters().unmappedReads()).isEqualTo(1);
        assertThat(other.counters().snapshot()).isEqualTo(saved);
        other.mmioRead(0x7000, 4);
        assertThat(other.counters().devices())
                .contains(new DeviceCounts("late", "test", 1, 0, 0, 0));
    }

    @Test
    void aSnapshotWithTheSameDeviceTwiceIsRefused() {
        io.registerMmio(new MmioRange(0x1000, 16), new TestDevice("a"));
        io.mmioRead(0x1000, 4);
        Snapshot good = counters.snapshot();
        List<Snapshot> twice = new ArrayList<>(good.getList("devices"));
        twice.addAll(good.getList("devices"));
        Snapshot bad =
                Snapshot.builder(good.type(), good.version())
                        .put("devices", twice)
                        .put("unmapped-reads", 5)
                        .put("unmapped-writes", 0)
                        .build();
        assertThatExceptionOfType(SnapshotException.class)
                .isThrownBy(() -> counters.restore(bad))
                .withMessageContaining("twice");
        assertThat(counters.snapshot()).isEqualTo(good);
    }
}
