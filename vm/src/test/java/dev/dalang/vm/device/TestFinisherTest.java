package dev.dalang.vm.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

class TestFinisherTest {
    private final List<String> events = new ArrayList<>();
    private final TestFinisher finisher =
            new TestFinisher(
                    "finisher",
                    new TestFinisher.Listener() {
                        @Override
                        public void poweredOff() {
                            events.add("off");
                        }

                        @Override
                        public void failed(int code) {
                            events.add("failed " + code);
                        }

                        @Override
                        public void resetRequested() {
                            events.add("reset");
                        }
                    });

    @ParameterizedTest
    @CsvSource({
        "0x5555, off",
        "0x3333, failed 0",
        "0x13333, failed 1",
        "0xffff3333, failed 65535",
        "0x7777, reset",
        "0x12347777, reset",
    })
    void theValueSaysWhatHappens(String value, String event) {
        finisher.mmioWrite(0x10_0000, 0, 4, Long.decode(value));
        assertThat(events).containsExactly(event);
        assertThat(finisher.invalidAccesses()).isZero();
    }

    @Test
    void aHalfWordIsEnough() {
        finisher.mmioWrite(0x10_0000, 0, 2, 0x5555);
        assertThat(events).containsExactly("off");
    }

    @Test
    void otherValuesAndOffsetsDoNothingAndAreCounted() {
        finisher.mmioWrite(0x10_0000, 0, 1, 0x55);
        finisher.mmioWrite(0x10_0000, 0, 4, 0);
        finisher.mmioWrite(0x10_0000, 4, 4, 0x5555);
        assertThat(events).isEmpty();
        assertThat(finisher.invalidAccesses()).isEqualTo(3);
    }

    @Test
    void itReadsAsZero() {
        finisher.mmioWrite(0x10_0000, 0, 4, 0x7777);
        assertThat(finisher.mmioRead(0x10_0000, 0, 4)).isZero();
    }

    @Test
    void itIsNamed() {
        assertThat(finisher.label()).isEqualTo("finisher");
        assertThat(finisher.typeId()).isEqualTo("sifive-test");
    }

    @Test
    void itRestoresItsOwnSnapshotsOnly() {
        finisher.sleep();
        finisher.restore(finisher.snapshot());
        finisher.wake();
        assertThatThrownBy(() -> finisher.restore(Snapshot.builder("other", 1).build()))
                .isInstanceOf(SnapshotException.class);
    }

    @Test
    void randomAccessesNeverThrow() {
        var random = new Random(5555);
        for (int i = 0; i < 10_000; i++) {
            finisher.mmioWrite(0x10_0000, random.nextInt(4096), 1 << (i & 3), random.nextLong());
            assertThat(finisher.mmioRead(0x10_0000, random.nextInt(4096), 1 << (i & 3))).isZero();
        }
    }
}
