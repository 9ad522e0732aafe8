package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** The distribution's GDB, told what to do line by line. */
final class Gdb implements AutoCloseable {
    private static final String PROGRAM = "gdb-multiarch";
    private static final String END = "<<end of the answer>>";

    private final Process process;
    private final OutputStream in;
    private final BufferedReader out;

    private Gdb(Process process) {
        this.process = process;
        this.in = process.getOutputStream();
        this.out =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /** Starts it and connects it, or aborts the test where there is none. */
    static Gdb connect(int port) throws IOException {
        Process process;
        try {
            process =
                    new ProcessBuilder(
                                    PROGRAM,
                                    "-q",
                                    "-nx",
                                    "-iex",
                                    "set prompt",
                                    "-iex",
                                    "set remotetimeout 60")
                            .redirectErrorStream(true)
                            .start();
        } catch (IOException _) {
            return abort("no " + PROGRAM + " (apt-get install gdb-multiarch)");
        }
        Gdb gdb = new Gdb(process);
        gdb.ask("set pagination off");
        gdb.ask("set confirm off");
        gdb.ask("set width 0");
        gdb.ask("set debuginfod enabled off");
        gdb.ask("set disassemble-next-line off");
        assertThat(gdb.ask("target remote :" + port)).contains("Remote debugging using");
        return gdb;
    }

    /** Gives it a command, and does not wait for the answer. */
    void send(String command) throws IOException {
        in.write((command + "\necho " + END + "\\n\n").getBytes(StandardCharsets.UTF_8));
        in.flush();
    }

    /** Waits for the answer to what was sent. */
    String receive() throws IOException {
        StringBuilder answer = new StringBuilder();
        String line;
        while ((line = out.readLine()) != null) {
            if (line.endsWith(END)) {
                return answer.append(line, 0, line.length() - END.length()).toString();
            }
            answer.append(line).append('\n');
        }
        throw new IOException("gdb has ended: " + answer);
    }

    /** Gives it a command and waits for the answer. */
    String ask(String command) throws IOException {
        send(command);
        return receive();
    }

    /** The value of an expression. */
    long value(String expression) throws IOException {
        String answer = ask("output/x " + expression).strip();
        assertThat(answer).as(expression).startsWith("0x");
        return Long.parseUnsignedLong(answer.substring(2), 16);
    }

    /** Control-C. */
    void interrupt() throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
    }

    /** Ends it; what it was connected to goes on. */
    @Override
    public void close() throws IOException {
        try {
            in.write("quit\n".getBytes(StandardCharsets.UTF_8));
            in.close();
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (IOException _) {
            // It has ended by itself.
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
