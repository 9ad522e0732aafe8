package dev.dalang.vm;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A server on the host's loopback: who asks with {@code GET} gets content, of anything else it
 * takes the digest.
 */
final class LoopbackServer implements AutoCloseable {
    private static final int PATIENCE_SECONDS = 60;

    private final ServerSocket listener;
    private final byte[] content;
    private final int times;
    private final BlockingQueue<String> uploads = new LinkedBlockingQueue<>();

    LoopbackServer(int bytes) throws IOException {
        this(bytes, 1);
    }

    /** Gives so many bytes so many times over. */
    LoopbackServer(int bytes, int times) throws IOException {
        this.times = times;
        listener = new ServerSocket(0, 256, InetAddress.ofLiteral("127.0.0.1"));
        content = new byte[bytes];
        new SplittableRandom(6).nextBytes(content);
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return listener.getLocalPort();
    }

    String url() {
        return "http://10.0.2.2:" + port() + "/";
    }

    /** The digest of what it gives. */
    String digest() {
        MessageDigest digest = sha256();
        for (int i = 0; i < times; i++) {
            digest.update(content);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** The digest of the next thing that it was given. */
    String uploaded() throws InterruptedException {
        String digest = uploads.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        return digest == null ? "nothing" : digest;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError(impossible);
        }
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket socket = listener.accept();
                Thread.ofVirtual().start(() -> serve(socket));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            InputStream in = socket.getInputStream();
            int first = in.read();
            if (first == 'G') {
                OutputStream out = socket.getOutputStream();
                out.write(
                        "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n"
                                .formatted((long) content.length * times)
                                .getBytes(StandardCharsets.US_ASCII));
                for (int i = 0; i < times; i++) {
                    out.write(content);
                }
                socket.shutdownOutput();
                in.transferTo(OutputStream.nullOutputStream());
                return;
            }
            MessageDigest digest = sha256();
            digest.update((byte) first);
            byte[] bytes = new byte[1 << 16];
            for (int count = in.read(bytes); count >= 0; count = in.read(bytes)) {
                digest.update(bytes, 0, count);
            }
            uploads.add(HexFormat.of().formatHex(digest.digest()));
        } catch (IOException broken) {
            uploads.add("broken: " + broken.getMessage());
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
