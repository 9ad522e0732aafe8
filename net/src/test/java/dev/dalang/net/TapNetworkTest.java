package dev.dalang.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.dalang.bus.time.SystemVirtualClock;
import dev.dalang.testkit.net.GuestFrame;
import dev.dalang.testkit.net.GuestListener;
import dev.dalang.testkit.net.GuestStack;
import dev.dalang.testkit.net.GuestTcp;
import dev.dalang.testkit.net.Impairment;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A real interface, whose other end is in a network namespace of its own: the machine's network
 * does not notice. Skipped where the machine does not let this user make them.
 */
final class TapNetworkTest {
    private static final int BYTES = 2 << 20;
    private static final String NAMESPACE = "dalang-" + ProcessHandle.current().pid();
    private static final String TAP = "dl" + ProcessHandle.current().pid() % 1_000_000_000;

    private final SystemVirtualClock clock = SystemVirtualClock.running();
    private final CountDownLatch lost = new CountDownLatch(1);
    private final Frame out = new Frame();
    private final GuestFrame in = new GuestFrame();
    private TapNetwork tap;
    private GuestStack stack;

    private static Process start(String... command) throws IOException {
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    private static String run(String command) throws IOException, InterruptedException {
        Process process = start(command.split(" "));
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor() == 0 ? "" : command + ": " + said;
    }

    private static void ip(String arguments) throws IOException, InterruptedException {
        assertThat(run("ip " + arguments)).isEmpty();
    }

    @BeforeEach
    void make() throws IOException, InterruptedException {
        String refused;
        try {
            refused = run("ip netns add " + NAMESPACE);
        } catch (IOException noProgram) {
            refused = noProgram.getMessage();
        }
        assumeTrue(refused.isEmpty(), "no network namespace: " + refused);
        try {
            tap = TapNetwork.open(TAP);
        } catch (IOException notHere) {
            ip("netns del " + NAMESPACE);
            assumeTrue(false, "no interface: " + notHere.getMessage());
        }
        ip("link set " + TAP + " netns " + NAMESPACE);
        // What the guest's stack takes for the gateway.
        ip("-n " + NAMESPACE + " link set " + TAP + " address 52:55:0a:00:02:02");
        ip("-n " + NAMESPACE + " addr add 10.0.2.2/24 dev " + TAP);
        ip("-n " + NAMESPACE + " link set " + TAP + " up");
        stack = new GuestStack(Guest.MAC, this::transmit, Impairment.NONE);
        tap.start(
                clock,
                new FrameSink() {
                    @Override
                    public boolean receive(Frame frame) {
                        return take(frame);
                    }

                    @Override
                    public void readyToSend() {
                        stack.readyToSend();
                    }

                    @Override
                    public void linkLost() {
                        lost.countDown();
                    }
                });
    }

    @AfterEach
    void close() throws IOException, InterruptedException {
        if (stack != null) {
            stack.close();
            tap.close();
            ip("netns del " + NAMESPACE);
        }
        clock.close();
    }

    private boolean transmit(GuestFrame frame) {
        Guest.copy(frame, out);
        return tap.send(out);
    }

    private boolean take(Frame frame) {
        in.clear();
        in.length = frame.length();
        in.data.put(0, frame.data(), 0, frame.length());
        in.needsChecksum = frame.needsChecksum();
        in.checksumStart = frame.checksumStart();
        in.checksumOffset = frame.checksumOffset();
        in.segmentBytes = frame.segmentBytes();
        stack.input(in);
        return true;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void bytesGoThereAndBack(boolean offloads) throws Exception {
        if (offloads) {
            assumeTrue(!tap.receiveOffloads().isEmpty(), "the kernel has no offloads for it");
            stack.offload(true);
            tap.acceptOffloads(tap.receiveOffloads());
        }
        GuestListener listener = stack.listen(7777);
        Process host =
                start(
                        "ip",
                        "netns",
                        "exec",
                        NAMESPACE,
                        "bash",
                        "-c",
                        ("exec 3<>/dev/tcp/10.0.2.15/7777; head -c %1$d /dev/zero >&3;"
                                        + " head -c %1$d <&3 | sha256sum")
                                .formatted(BYTES));
        GuestTcp connection = listener.accept(30_000);
        assertThat(connection.readFully(BYTES)).containsOnly(0);
        byte[] content = new byte[BYTES];
        new SplittableRandom(9).nextBytes(content);
        connection.write(content);
        String said = new String(host.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        assertThat(said)
                .startsWith(
                        HexFormat.of()
                                .formatHex(MessageDigest.getInstance("SHA-256").digest(content)));
        assertThat(tap.refused()).isZero();
    }

    @Test
    void asleepItLeavesFramesWithTheKernel() throws Exception {
        tap.sleep();
        assertThat(tap.snapshot().type()).isEqualTo("tap");
        tap.wake();
        assertThat(stack.ping(Guest.GATEWAY, 100)).isTrue();
    }

    @Test
    void anInterfaceThatGoesAwayIsTold() throws Exception {
        assertThat(stack.ping(Guest.GATEWAY, 100)).isTrue();
        ip("-n " + NAMESPACE + " link del " + TAP);
        assertThat(lost.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(tap.isGone()).isTrue();
        assertThat(stack.isSilent(Guest.GATEWAY, 100)).isTrue();
    }

    @Test
    void anInterfaceThatIsDownRefuses() throws Exception {
        ip("-n " + NAMESPACE + " link set " + TAP + " down");
        assertThat(stack.isSilent(Guest.GATEWAY, 100)).isTrue();
        assertThat(tap.refused()).isPositive();
        ip("-n " + NAMESPACE + " link set " + TAP + " up");
        assertThat(stack.ping(Guest.GATEWAY, 100)).isTrue();
    }

    @Test
    void whatAnotherHasIsRefusedByName() throws Exception {
        // In this namespace there is none of the name any more: one that is not the user's to make.
        String other = "lo";
        assertThatThrownBy(() -> TapNetwork.open(other))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(other)
                .hasMessageContaining("TUNSETIFF");
    }
}
