package dev.dalang.net;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.zip.CRC32;

/** A server on the host's loopback; each connection has a thread. */
final class Server implements AutoCloseable {
    interface Service {
        void serve(Socket socket, InputStream in, OutputStream out) throws IOException;
    }

    private final ServerSocket listener = new ServerSocket();
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    final List<Throwable> failures = new CopyOnWriteArrayList<>();

    Server(Service service) throws IOException {
        this(InetAddress.ofLiteral("127.0.0.1"), service);
    }

    Server(InetAddress address, Service service) throws IOException {
        listener.bind(new InetSocketAddress(address, 0), 256);
        Thread.ofPlatform().daemon().name("server").start(() -> accept(service));
    }

    private void accept(Service service) {
        while (!listener.isClosed()) {
            try {
                Socket socket = listener.accept();
                sockets.add(socket);
                Thread.ofPlatform().daemon().start(() -> run(service, socket));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void run(Service service, Socket socket) {
        try (socket) {
            service.serve(socket, socket.getInputStream(), socket.getOutputStream());
        } catch (IOException | RuntimeException failure) {
            failures.add(failure);
        }
    }

    int port() {
        return listener.getLocalPort();
    }

    /** Answers each byte with itself, until the end. */
    static void echo(Socket socket, InputStream in, OutputStream out) throws IOException {
        in.transferTo(out);
    }

    /** Takes everything, then answers with its length and its checksum. */
    static void digest(Socket socket, InputStream in, OutputStream out) throws IOException {
        CRC32 crc = new CRC32();
        byte[] some = new byte[1 << 16];
        long total = 0;
        for (int count = in.read(some); count >= 0; count = in.read(some)) {
            crc.update(some, 0, count);
            total += count;
        }
        out.write(
                (total + " " + crc.getValue())
                        .getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    }

    @Override
    public void close() throws IOException {
        listener.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}
