package dev.dalang.remote;

import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.linux.Linux;
import dev.dalang.remote.internal.wire.Command;
import dev.dalang.remote.internal.wire.Message;
import dev.dalang.remote.internal.wire.Writer;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** A client of a server that a test plays at a path of its own. */
abstract class HostileServerFixture {
    static final Duration LONG = Duration.ofMinutes(10);
    static final long RAM = 0x8000_0000L;
    static final DmaMemory NO_MEMORY = DmaMemory.of(GuestMemory.of(List.of()));

    @TempDir Path directory;
    Path path;
    final BlockingQueue<VfioUserException> losses = new LinkedBlockingQueue<>();

    @BeforeEach
    void onLinux() {
        assumeThat(Linux.isAvailable()).isTrue();
        path = directory.resolve("hostile.sock");
    }

    VfioUserClient connect(Duration timeout) throws VfioUserException {
        return VfioUserClient.builder(path).timeout(timeout).onLoss(losses::add).connect();
    }

    /** The answer of a good server; to a question about migration as well. */
    static byte[] good(Message message) {
        if (message.header().command() == Command.DEVICE_FEATURE.number()) {
            return Writer.of(16).putInt(16).putInt(1 << 16 | 1).putLong(1).bytes();
        }
        return ScriptServer.answer(message);
    }
}
