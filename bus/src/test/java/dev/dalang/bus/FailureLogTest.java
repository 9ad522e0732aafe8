package dev.dalang.bus;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** A device that fails is counted each time, and logged once: guests do not fill the log. */
class FailureLogTest {
    private static final Logger LOG = Logger.getLogger(IoManager.class.getName());

    /** Keeps warnings, and leaves other tests' to others. */
    private static final class Listener extends Handler {
        final List<String> warnings = new CopyOnWriteArrayList<>();

        @Override
        public void publish(LogRecord entry) {
            if (entry.getLevel().equals(Level.WARNING)) {
                warnings.add(entry.getMessage());
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }

    /** Fails whatever it is asked. */
    private static final class Broken extends TestDevice {
        Broken(String id) {
            super(id);
        }

        @Override
        public long mmioRead(long base, long offset, int size) {
            throw new IllegalStateException("broken\r\nfake log line");
        }

        @Override
        public void mmioWrite(long base, long offset, int size, long value) {
            throw new AssertionError("broken");
        }
    }

    private final Listener listener = new Listener();
    private final IoManager io = IoManager.create();

    @BeforeEach
    void listen() {
        LOG.addHandler(listener);
    }

    @AfterEach
    void listenNoMore() {
        LOG.removeHandler(listener);
    }

    private List<String> warningsOf(String id) {
        return listener.warnings.stream().filter(text -> text.contains(id)).toList();
    }

    @Test
    void aDeviceThatFailsAThousandTimesIsLoggedOnce() {
        io.registerMmio(new MmioRange(0x1000, 0x100), new Broken("broken-once"));
        for (int access = 0; access < 500; access++) {
            io.mmioRead(0x1000, 4);
            io.mmioWrite(0x1010, 2, access);
        }

        assertThat(io.counters().devices().getFirst().errors()).isEqualTo(1000);
        assertThat(warningsOf("broken-once"))
                .singleElement()
                .asString()
                .contains("4 bytes", "0x1000", "broken??fake log line", "only counted");
    }

    @Test
    void eachDeviceThatFailsIsLogged() {
        io.registerMmio(new MmioRange(0x1000, 0x100), new Broken("broken-a"));
        io.registerMmio(new MmioRange(0x2000, 0x100), new Broken("broken-b"));
        for (int access = 0; access < 3; access++) {
            io.mmioRead(0x1000, 4);
            io.mmioRead(0x2000, 4);
        }

        assertThat(warningsOf("broken-a")).hasSize(1);
        assertThat(warningsOf("broken-b")).hasSize(1);
    }

    @Test
    void aDeviceThatWorksIsNotLogged() {
        io.registerMmio(new MmioRange(0x1000, 0x100), new TestDevice("sound"));
        io.mmioRead(0x1000, 4);

        assertThat(warningsOf("sound")).isEmpty();
    }
}
