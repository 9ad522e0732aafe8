package dev.dalang.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.UnixSocket;
import dev.dalang.remote.internal.wire.Bytes;
import dev.dalang.remote.internal.wire.Capabilities;
import dev.dalang.remote.internal.wire.Command;
import dev.dalang.remote.internal.wire.Connection;
import dev.dalang.remote.internal.wire.Header;
import dev.dalang.remote.internal.wire.Message;
import dev.dalang.remote.internal.wire.Request;
import dev.dalang.remote.internal.wire.Request.DmaMap;
import dev.dalang.remote.internal.wire.Request.DmaRead;
import dev.dalang.remote.internal.wire.Request.DmaUnmap;
import dev.dalang.remote.internal.wire.Request.DmaWrite;
import dev.dalang.remote.internal.wire.Request.RegionRead;
import dev.dalang.remote.internal.wire.Request.RegionWrite;
import dev.dalang.remote.internal.wire.SetIrqs;
import dev.dalang.remote.internal.wire.SetIrqs.Action;
import dev.dalang.remote.internal.wire.SetIrqs.Data;
import dev.dalang.remote.internal.wire.Version;
import dev.dalang.remote.internal.wire.Writer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A client that does what a test wants, one message after the other. */
final class ScriptClient implements AutoCloseable {
    static final int CONFIGURATION = 7;

    final Connection connection;

    /** Memory that the server reaches by messages, by address. */
    final Map<Long, byte[]> remote = new TreeMap<>();

    /** If above 0, transfers of the server's are refused with this number. */
    int refuseTransfers;

    int transfers;
    private int nextId = 0x100;

    private ScriptClient(Connection connection) {
        this.connection = connection;
    }

    /** One that has said nothing yet. */
    static ScriptClient silent(Path path) throws HostIoException {
        return new ScriptClient(new Connection(UnixSocket.connect(path)));
    }

    static ScriptClient connect(Path path) throws IOException {
        ScriptClient client = silent(path);
        try {
            client.call(new Version(0, 1, Optional.of(Capabilities.NONE)));
            return client;
        } catch (IOException | RuntimeException | Error failed) {
            client.close();
            throw failed;
        }
    }

    /** Sends a request, serves the device's transfers meanwhile, and gives what the reply says. */
    byte[] call(Request request, Descriptor... descriptors) throws IOException {
        return call(request.command(), request.payload(), descriptors);
    }

    byte[] call(Command command, byte[] payload, Descriptor... descriptors) throws IOException {
        int id = nextId++ & 0xffff;
        connection.send(
                Header.request(id, command, true, payload.length), payload, List.of(descriptors));
        while (true) {
            try (Message message = connection.receive().orElseThrow(GoneException::new)) {
                Header reply = message.header();
                if (reply.isRequest()) {
                    serve(message);
                    continue;
                }
                assertThat(reply.isReply()).isTrue();
                assertThat(reply.id()).isEqualTo(id);
                assertThat(reply.command()).isEqualTo(command.number());
                assertThat(message.descriptors()).isZero();
                if (reply.isError()) {
                    assertThat(message.payload()).isEmpty();
                    throw new RefusedException(reply.error());
                }
                return message.payload();
            }
        }
    }

    /** Sends a request, and gives the reply with what rides with it. */
    Message ask(Request request) throws IOException {
        int id = nextId++ & 0xffff;
        byte[] payload = request.payload();
        connection.send(
                Header.request(id, request.command(), true, payload.length), payload, List.of());
        Message message = connection.receive().orElseThrow(GoneException::new);
        Header reply = message.header();
        assertThat(reply.isReply()).isTrue();
        assertThat(reply.isError()).isFalse();
        assertThat(reply.id()).isEqualTo(id);
        assertThat(reply.command()).isEqualTo(request.command().number());
        return message;
    }

    /** Sends a request to which there is no reply. */
    void post(Request request) throws IOException {
        byte[] payload = request.payload();
        connection.send(
                Header.request(nextId++ & 0xffff, request.command(), false, payload.length),
                payload,
                List.of());
    }

    void refused(Errno errno, Request request, Descriptor... descriptors) {
        assertThatThrownBy(() -> call(request, descriptors))
                .isInstanceOfSatisfying(
                        RefusedException.class,
                        refused -> assertThat(Errno.of(refused.errno)).contains(errno));
    }

    private void serve(Message message) throws HostIoException {
        Header header = message.header();
        transfers++;
        byte[] reply = null;
        if (refuseTransfers == 0) {
            reply =
                    switch (Command.of(header.command()).orElseThrow()) {
                        case DMA_READ -> {
                            DmaRead read = DmaRead.parse(message.payload());
                            byte[] from = remote.get(read.address() & -4096);
                            int at = (int) (read.address() & 4095);
                            byte[] part = Arrays.copyOfRange(from, at, at + (int) read.count());
                            yield new DmaWrite(read.address(), Bytes.of(part)).payload();
                        }
                        case DMA_WRITE -> {
                            DmaWrite write = DmaWrite.parse(message.payload());
                            byte[] data = write.data().array();
                            System.arraycopy(
                                    data,
                                    0,
                                    remote.get(write.address() & -4096),
                                    (int) (write.address() & 4095),
                                    data.length);
                            yield new DmaRead(write.address(), data.length).payload();
                        }
                        default -> throw new AssertionError(header);
                    };
        }
        connection.send(
                reply == null
                        ? Header.refusal(header, refuseTransfers)
                        : Header.reply(header, reply.length),
                reply == null ? new byte[0] : reply,
                List.of());
    }

    // ---------------------------------------------------------------- what a driver does

    long read(int region, long offset, int bytes) throws IOException {
        byte[] reply = call(new RegionRead(offset, region, bytes));
        RegionWrite data = RegionWrite.parse(reply);
        assertThat(data.offset()).isEqualTo(offset);
        assertThat(data.region()).isEqualTo(region);
        assertThat(data.data().length()).isEqualTo(bytes);
        byte[] value = Arrays.copyOf(data.data().array(), 8);
        return ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    void write(int region, long offset, int bytes, long value) throws IOException {
        RegionWrite write = new RegionWrite(offset, region, data(bytes, value));
        assertThat(RegionRead.parse(call(write))).isEqualTo(new RegionRead(offset, region, bytes));
    }

    static Bytes data(int bytes, long value) {
        return Bytes.of(Arrays.copyOf(Writer.of(8).putLong(value).bytes(), bytes));
    }

    /** Memory decoding and bus mastering on. */
    void enable() throws IOException {
        write(CONFIGURATION, 4, 2, 6);
    }

    void map(long address, long bytes, Descriptor... memory) throws IOException {
        assertThat(call(new DmaMap(3, 0, address, bytes), memory)).isEmpty();
    }

    void unmap(long address, long bytes) throws IOException {
        DmaUnmap unmap = new DmaUnmap(0, address, bytes);
        assertThat(DmaUnmap.parse(call(unmap))).isEqualTo(unmap);
    }

    void events(int kind, int start, EventDescriptor... events) throws IOException {
        Descriptor[] descriptors =
                Arrays.stream(events).map(EventDescriptor::descriptor).toArray(Descriptor[]::new);
        call(
                new SetIrqs(Data.EVENTFD, Action.TRIGGER, kind, start, descriptors.length),
                descriptors);
    }

    void irqs(Data data, Action action, int kind, int start, int count) throws IOException {
        assertThat(call(new SetIrqs(data, action, kind, start, count))).isEmpty();
    }

    @Override
    public void close() {
        connection.close();
    }

    /** The server refused. */
    static final class RefusedException extends IOException {
        private static final long serialVersionUID = 1L;

        final int errno;

        RefusedException(int errno) {
            super("refused: " + errno);
            this.errno = errno;
        }
    }

    /** The server closed the connection. */
    static final class GoneException extends IOException {
        private static final long serialVersionUID = 1L;
    }
}
