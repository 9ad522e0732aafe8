package dev.dalang.remote;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.UnixListener;
import dev.dalang.linux.UnixSocket;
import dev.dalang.remote.internal.wire.Bytes;
import dev.dalang.remote.internal.wire.Capabilities;
import dev.dalang.remote.internal.wire.Command;
import dev.dalang.remote.internal.wire.Connection;
import dev.dalang.remote.internal.wire.Header;
import dev.dalang.remote.internal.wire.Message;
import dev.dalang.remote.internal.wire.RegionInfo;
import dev.dalang.remote.internal.wire.Request.DeviceInfo;
import dev.dalang.remote.internal.wire.Request.IrqInfo;
import dev.dalang.remote.internal.wire.Request.RegionRead;
import dev.dalang.remote.internal.wire.Request.RegionWrite;
import dev.dalang.remote.internal.wire.Version;
import dev.dalang.remote.internal.wire.Writer;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/** A server that does what a test wants; with each client the same, one after the other. */
final class ScriptServer implements AutoCloseable {
    /** What is done with a client; its connection ends with it. */
    @FunctionalInterface
    interface Script {
        void run(Peer peer) throws IOException;
    }

    /** What it can do. */
    private static final Capabilities MULTIPLE =
            new Capabilities(
                    OptionalInt.empty(),
                    OptionalLong.empty(),
                    OptionalLong.empty(),
                    OptionalLong.empty(),
                    Optional.empty(),
                    Optional.of(true),
                    Optional.empty());

    private final UnixListener listener;
    private final CompletableFuture<Void> served;

    private ScriptServer(UnixListener listener, Script script) {
        this.listener = listener;
        served = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("script server").start(() -> serve(script));
    }

    static ScriptServer start(Path path, Script script) throws HostIoException {
        return new ScriptServer(UnixListener.listen(path), script);
    }

    private void serve(Script script) {
        try {
            for (Optional<UnixSocket> next = listener.accept();
                    next.isPresent();
                    next = listener.accept()) {
                try (UnixSocket socket = next.get();
                        Peer peer = new Peer(socket)) {
                    script.run(peer);
                } catch (HostIoException | GoneException gone) {
                    gone(gone);
                }
            }
            served.complete(null);
        } catch (Throwable failed) {
            served.completeExceptionally(failed);
        }
    }

    /** The client went while it was spoken to, as many a test wants it. */
    private static void gone(IOException how) {
        System.getLogger("script server").log(System.Logger.Level.DEBUG, how.getMessage());
    }

    Path path() {
        return listener.path();
    }

    /** Ends it; what a script met that it should not is thrown here. */
    @Override
    public void close() {
        listener.close();
        served.join();
    }

    /** The client went. */
    static final class GoneException extends IOException {
        private static final long serialVersionUID = 1L;
    }

    /** A client. */
    static final class Peer implements AutoCloseable {
        final UnixSocket socket;
        final Connection connection;
        private final MemorySegment buffer = Arena.ofAuto().allocate(2 << 20);

        Peer(UnixSocket socket) {
            this.socket = socket;
            connection = new Connection(socket);
        }

        Message next() throws IOException {
            return connection.receive().orElseThrow(GoneException::new);
        }

        /** Waits until the client goes. */
        void drain() throws IOException {
            Optional<Message> more = connection.receive();
            while (more.isPresent()) {
                more.get().close();
                more = connection.receive();
            }
        }

        void reply(Message to, byte[] payload, Descriptor... with) throws HostIoException {
            connection.send(Header.reply(to.header(), payload.length), payload, List.of(with));
        }

        void refuse(Message request, int errno) throws HostIoException {
            connection.send(Header.refusal(request.header(), errno), new byte[0], List.of());
        }

        /** Sends bytes as they are. */
        void raw(byte[] bytes, Descriptor... with) throws HostIoException {
            MemorySegment.copy(bytes, 0, buffer, ValueLayout.JAVA_BYTE, 0, bytes.length);
            socket.send(buffer.asSlice(0, bytes.length), List.of(with));
        }

        /** Does what a good server does until it is asked for something else. */
        Message describe() throws IOException {
            return describe(MULTIPLE);
        }

        Message describe(Capabilities capabilities) throws IOException {
            while (true) {
                Message message = next();
                byte[] payload = described(message, capabilities);
                if (payload == null) {
                    return message;
                }
                reply(message, payload);
                message.close();
            }
        }

        /** Does all that comes, as a good server; the end of the client ends it. */
        void obey() throws IOException {
            while (true) {
                try (Message message = describe()) {
                    obey(message);
                }
            }
        }

        void obey(Message message) throws IOException {
            byte[] payload = answer(message);
            if (message.header().wantsReply()) {
                reply(message, payload);
            }
        }

        @Override
        public void close() {
            connection.close();
        }
    }

    /** A whole message. */
    static byte[] message(Header header, byte[] payload) {
        ByteBuffer to =
                ByteBuffer.allocate(Header.BYTES + payload.length).order(ByteOrder.LITTLE_ENDIAN);
        to.putShort((short) header.id()).putShort((short) header.command());
        to.putInt(header.size()).putInt(header.flags()).putInt(header.error()).put(payload);
        return to.array();
    }

    /** What a device of one BAR and four vectors says of itself; null if that is not asked. */
    static byte[] described(Message message, Capabilities capabilities) {
        byte[] payload = message.payload();
        return switch (Command.of(message.header().command()).orElseThrow()) {
            case VERSION -> new Version(0, 1, Optional.of(capabilities)).payload();
            case DEVICE_GET_INFO ->
                    new DeviceInfo(16, DeviceInfo.PCI | DeviceInfo.RESET, 9, 5).payload();
            case DEVICE_GET_REGION_INFO -> {
                int index = RegionInfo.parse(payload).index();
                long size = index == 0 ? 0x2000 : index == 7 ? 256 : 0;
                yield new RegionInfo(32, size == 0 ? 0 : 3, index, size, 0, List.of()).payload();
            }
            case DEVICE_GET_IRQ_INFO -> {
                int kind = IrqInfo.parse(payload).index();
                yield new IrqInfo(16, 1, kind, kind == 2 ? 4 : kind == 0 ? 1 : 0).payload();
            }
            default -> null;
        };
    }

    /** What a good server answers. */
    static byte[] answer(Message message) {
        byte[] payload = message.payload();
        return switch (Command.of(message.header().command()).orElseThrow()) {
            case REGION_READ -> {
                RegionRead read = RegionRead.parse(payload);
                byte[] data = new byte[read.count()];
                for (int n = 0; n < data.length; n++) {
                    data[n] = (byte) (read.offset() + n);
                }
                yield new RegionWrite(read.offset(), read.region(), Bytes.of(data)).payload();
            }
            case REGION_WRITE -> {
                RegionWrite write = RegionWrite.parse(payload);
                yield new RegionRead(write.offset(), write.region(), write.data().length())
                        .payload();
            }
            case DMA_UNMAP -> payload;
            case REGION_WRITE_MULTI -> Writer.of(8).put(Arrays.copyOf(payload, 8)).bytes();
            default -> new byte[0];
        };
    }
}
