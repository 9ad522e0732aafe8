package dev.dalang.bench.guest;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** What the guests' network workloads talk to, on the host's loopback (bench/guest/net.c). */
final class NetworkServer implements AutoCloseable {
    private static final int PIECE = 1 << 16;
    private static final int REQUEST = 64;

    private final ServerSocket listener;

    NetworkServer() throws IOException {
        listener = new ServerSocket(0, 256, InetAddress.ofLiteral("127.0.0.1"));
        Thread.ofPlatform().daemon().name("network-server").start(this::accept);
    }

    int port() {
        return listener.getLocalPort();
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket socket = listener.accept();
                Thread.ofPlatform().daemon().start(() -> serve(socket));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private static void serve(Socket socket) {
        try (socket) {
            socket.setTcpNoDelay(true);
            InputStream in = socket.getInputStream();
            OutputStream out = socket.getOutputStream();
            DataInputStream head = new DataInputStream(in);
            int what = head.read();
            long amount = Long.reverseBytes(head.readLong());
            switch (what) {
                case 'S' -> send(out, amount);
                case 'T' -> take(in, out, amount);
                case 'E' -> echo(in, out, amount);
                default -> HostTools.say("the guest asks for " + what);
            }
            in.transferTo(OutputStream.nullOutputStream());
        } catch (IOException gone) {
            HostTools.say("a connection of the guest's broke: " + gone.getMessage());
        }
    }

    private static void send(OutputStream out, long bytes) throws IOException {
        byte[] piece = new byte[PIECE];
        for (int i = 0; i < PIECE; i++) {
            piece[i] = (byte) (i * 31 >>> 3);
        }
        for (long left = bytes; left > 0; left -= PIECE) {
            out.write(piece, 0, (int) Math.min(left, PIECE));
        }
    }

    private static void take(InputStream in, OutputStream out, long bytes) throws IOException {
        byte[] piece = new byte[PIECE];
        ByteBuffer words = ByteBuffer.wrap(piece).order(ByteOrder.LITTLE_ENDIAN);
        long sum = 0;
        for (long left = bytes; left > 0; left -= PIECE) {
            int wanted = (int) Math.min(left, PIECE);
            if (in.readNBytes(piece, 0, wanted) < wanted) {
                throw new IOException(left + " bytes are missing");
            }
            for (int i = 0; i + Long.BYTES <= wanted; i += Long.BYTES) {
                sum += words.getLong(i);
            }
        }
        words.putLong(0, sum);
        out.write(piece, 0, Long.BYTES);
    }

    private static void echo(InputStream in, OutputStream out, long requests) throws IOException {
        byte[] request = new byte[REQUEST];
        for (long i = 0; i < requests; i++) {
            if (in.readNBytes(request, 0, REQUEST) < REQUEST) {
                throw new IOException("the guest ended after " + i + " of " + requests);
            }
            out.write(request);
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
