package dev.dalang.vm;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Serves the files of a directory by HTTP, on the host's loopback. */
final class FileServer implements AutoCloseable {
    private final ServerSocket listener =
            new ServerSocket(0, 64, InetAddress.ofLiteral("127.0.0.1"));
    private final Path directory;

    FileServer(Path directory) throws IOException {
        this.directory = directory;
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return listener.getLocalPort();
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

    /** Answers requests until the other side ends; several may come at once. */
    private void serve(Socket socket) {
        try (socket) {
            BufferedReader in =
                    new BufferedReader(
                            new InputStreamReader(
                                    socket.getInputStream(), StandardCharsets.US_ASCII));
            OutputStream out = socket.getOutputStream();
            for (String request = in.readLine(); request != null; request = in.readLine()) {
                for (String line = in.readLine(); line != null && !line.isEmpty(); ) {
                    line = in.readLine();
                }
                answer(request.split(" "), out);
            }
        } catch (IOException broken) {
            return; // the guest has what it wanted, or says itself that it has not
        }
    }

    private void answer(String[] request, OutputStream out) throws IOException {
        Path name = Path.of(request.length > 1 ? request[1] : "").getFileName();
        Path file = name == null ? directory : directory.resolve(name);
        boolean found = Files.isRegularFile(file);
        byte[] content = found ? Files.readAllBytes(file) : new byte[0];
        out.write(
                ("HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n"
                                .formatted(found ? "200 OK" : "404 Not Found", content.length))
                        .getBytes(StandardCharsets.US_ASCII));
        out.write(content);
        out.flush();
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
