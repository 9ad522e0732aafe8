package dev.dalang.remote;

import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.devices.EduDevice;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.Linux;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;

/** An edu device that is served, and a client of its server. */
abstract class ServedEduFixture {
    static final int CONFIGURATION = ScriptClient.CONFIGURATION;
    static final int INTX = 0;
    static final int MSI = 1;
    static final int MSIX = 2;

    // Registers of the device.
    static final int LIVENESS = 0x04;
    static final int FACTORIAL = 0x08;
    static final int RAISE = 0x60;
    static final int ACKNOWLEDGE = 0x64;
    static final int RAISED_VECTOR = 1;

    /** The BAR made for MSI-X. */
    static final int TABLE = 5;

    static final long RAM = 0x8000_0000L;

    @TempDir Path directory;
    VfioUserServer server;
    ScriptClient client;

    @BeforeEach
    void serve() throws IOException {
        assumeThat(Linux.isAvailable()).isTrue();
        server = VfioUserServer.of(new EduDevice(), directory.resolve("edu.sock"));
        client = ScriptClient.connect(server.path());
    }

    @AfterEach
    void end() {
        if (server != null) {
            client.close();
            server.close();
        }
    }

    static EventDescriptor event() throws HostIoException {
        return EventDescriptor.create("an interrupt");
    }

    void raise() throws IOException {
        client.write(0, RAISE, 4, 1);
    }
}
