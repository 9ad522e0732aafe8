package dev.dalang.bus;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The seed's example: a device that says what it is asked, registered, written and read. */
class LogDeviceExampleTest {
    private final List<String> printed = new ArrayList<>();

    private final class LogDevice implements DevicePio {
        @Override
        public String label() {
            return "log0";
        }

        @Override
        public String typeId() {
            return "log";
        }

        @Override
        public long pioRead(int base, int offset, int size) {
            printed.add("pio read: base " + base + ", offset " + offset);
            return 0;
        }

        @Override
        public void pioWrite(int base, int offset, int size, long value) {
            printed.add(
                    "pio write: base "
                            + base
                            + ", offset "
                            + offset
                            + ", data "
                            + Long.toHexString(value));
        }
    }

    @Test
    void theDeviceSaysWhatItIsAsked() {
        IoManager manager = IoManager.create();
        manager.registerPio(new PioRange(0, 10), new LogDevice());
        manager.pioWrite(0, MemorySegment.ofArray("ok".getBytes(StandardCharsets.US_ASCII)));
        manager.pioRead(3, 1);
        assertThat(printed)
                .containsExactly(
                        "pio write: base 0, offset 0, data 6b6f", "pio read: base 0, offset 3");
    }
}
