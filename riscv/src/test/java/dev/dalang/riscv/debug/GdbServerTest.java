package dev.dalang.riscv.debug;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.GuestIo;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.riscv.Hart;
import dev.dalang.riscv.HartGroup;
import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;

/** Two harts that count, and a debugger that speaks the protocol by hand. */
class GdbServerTest {
    private static final long RAM = 0x8000_0000L;
    private static final long DATA = RAM + 0x1_0000;
    private static final long SEED = Long.getLong("dalang.seed", 7);
    private static final String LETTERS = "?gGpPmMXZzHTqQv0123456789abcdef,:;=-+";
    private static final int A0 = 10;
    private static final int A1 = 11;

    private static final GuestIo NO_DEVICES =
            new GuestIo() {
                @Override
                public long load(long address, int size) {
                    throw new AssertionError("a debugger's access reached a device");
                }

                @Override
                public void store(long address, int size, long value) {
                    throw new AssertionError("a debugger's access reached a device");
                }
            };

    private final GuestMemory memory =
            GuestMemory.of(new MemoryRegion(RAM, Arena.ofAuto().allocate(1 << 20, 4096)));
    private final List<Hart> harts = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final AtomicInteger pauses = new AtomicInteger();
    private final AtomicInteger kills = new AtomicInteger();

    private final DebuggedMachine machine =
            new DebuggedMachine() {
                @Override
                public List<Hart> harts() {
                    return harts;
                }

                @Override
                public GuestMemory memory() {
                    return memory;
                }

                @Override
                public void paused() {
                    pauses.set(1);
                }

                @Override
                public void resumed() {
                    pauses.set(0);
                }

                @Override
                public void kill() {
                    kills.incrementAndGet();
                }
            };

    private final GdbServer server;
    private final Client client;

    GdbServerTest() throws IOException {
        // +0 addi a0, a0, 1; +4 sd a0, 0(a1); +8 ld a2, 8(a1); +12 j +0
        memory.copyIn(
                RAM,
                Assembler.assemble(
                        RAM,
                        a -> {
                            Label loop = a.here();
                            a.addi(A0, A0, 1);
                            a.sd(A0, 0, A1);
                            a.ld(12, 8, A1);
                            a.j(loop);
                        }));
        HartGroup group = HartGroup.of(memory);
        for (int id = 0; id < 2; id++) {
            Hart hart =
                    Hart.builder(id)
                            .group(group)
                            .io(NO_DEVICES)
                            .clock(new ManualVirtualClock())
                            .build();
            hart.reset(RAM);
            hart.setRegister(A1, DATA + 0x1000L * id);
            harts.add(hart);
        }
        server = GdbServer.open(machine, 0, true);
        server.start();
        harts.forEach(hart -> threads.add(Thread.ofPlatform().daemon().start(hart::run)));
        client = new Client(server.port());
    }

    @AfterEach
    void end() throws InterruptedException {
        client.close();
        server.close();
        for (int i = 0; i < threads.size(); i++) {
            while (threads.get(i).isAlive()) {
                harts.get(i).stop();
                threads.get(i).join(20);
            }
        }
    }

    /** Sends packets and reads answers, and fails rather than wait for ever. */
    private static final class Client implements AutoCloseable {
        private final Socket socket;
        private final InputStream in;

        Client(int port) throws IOException {
            socket = new Socket(InetAddress.getLoopbackAddress(), port);
            socket.setSoTimeout(60_000);
            in = socket.getInputStream();
        }

        void raw(String text) throws IOException {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
        }

        void send(String data) throws IOException {
            socket.getOutputStream().write(PacketReader.encode(data));
        }

        String receive() throws IOException {
            StringBuilder data = new StringBuilder();
            int c = in.read();
            while (c == '+') {
                c = in.read();
            }
            assertThat(c).isEqualTo('$');
            for (c = in.read(); c != '#'; c = in.read()) {
                assertThat(c).isNotNegative();
                data.append((char) c);
            }
            in.readNBytes(2);
            return data.toString();
        }

        String ask(String data) throws IOException {
            send(data);
            return receive();
        }

        @Override
        public void close() {
            try {
                socket.close();
            } catch (IOException _) {
                // Closed as far as this test can tell.
            }
        }
    }

    private long register(int number) throws Exception {
        return Hex.fromLittleEndian(client.ask("p" + Integer.toHexString(number)));
    }

    @Test
    void machineThatWaitsHasExecutedNothing() throws Exception {
        assertThat(client.ask("?")).isEqualTo("T05thread:1;");
        assertThat(register(TargetDescription.PC)).isEqualTo(RAM);
        assertThat(register(A0)).isZero();
        assertThat(pauses).hasValue(1);
        assertThat(client.ask("qfThreadInfo")).isEqualTo("m1,2");
        assertThat(client.ask("qsThreadInfo")).isEqualTo("l");
        assertThat(client.ask("qC")).isEqualTo("QC1");
        assertThat(client.ask("T2")).isEqualTo("OK");
        assertThat(client.ask("T3")).isEqualTo("E01");
    }

    @Test
    void stepExecutesOneInstructionOfOneHart() throws Exception {
        assertThat(client.ask("vCont;s:1")).isEqualTo("T05thread:1;");
        assertThat(register(TargetDescription.PC)).isEqualTo(RAM + 4);
        assertThat(register(A0)).isEqualTo(1);
        client.ask("Hg2");
        assertThat(register(TargetDescription.PC)).isEqualTo(RAM);
        assertThat(client.ask("s")).isEqualTo("T05thread:2;");
        assertThat(register(TargetDescription.PC)).isEqualTo(RAM + 4);
    }

    @Test
    void breakpointsStopBeforeTheirInstructionAndCanBePassed() throws Exception {
        assertThat(client.ask("Z0,80000004,4")).isEqualTo("OK");
        assertThat(client.ask("vCont;c:1")).isEqualTo("T05swbreak:;thread:1;");
        assertThat(register(TargetDescription.PC)).isEqualTo(RAM + 4);
        assertThat(register(A0)).isEqualTo(1);
        assertThat(client.ask("vCont;c:1")).isEqualTo("T05swbreak:;thread:1;");
        assertThat(register(A0)).isEqualTo(2);
        assertThat(client.ask("z0,80000004,4")).isEqualTo("OK");
        assertThat(client.ask("Z1,8000000c,4")).isEqualTo("OK");
        assertThat(client.ask("vCont;c:1")).isEqualTo("T05hwbreak:;thread:1;");
        assertThat(register(TargetDescription.PC)).isEqualTo(RAM + 12);
    }

    @Test
    void watchpointsStopBeforeTheAccessAndCanBePassed() throws Exception {
        assertThat(client.ask("Z2,80010004,4")).isEqualTo("OK");
        assertThat(client.ask("vCont;c:1")).isEqualTo("T05watch:80010004;thread:1;");
        assertThat(register(TargetDescription.PC)).isEqualTo(RAM + 4);
        assertThat(memory.readLong(DATA)).isZero();
        assertThat(client.ask("vCont;c:1")).isEqualTo("T05watch:80010004;thread:1;");
        assertThat(memory.readLong(DATA)).isEqualTo(1);
        client.ask("z2,80010004,4");
        assertThat(client.ask("Z3,80010008,8")).isEqualTo("OK");
        assertThat(client.ask("vCont;c:1")).isEqualTo("T05rwatch:80010008;thread:1;");
        assertThat(register(TargetDescription.PC)).isEqualTo(RAM + 8);
        assertThat(memory.readLong(DATA)).isEqualTo(2);
        client.ask("z3,80010008,8");
        assertThat(client.ask("Z4,80010000,10")).isEqualTo("OK");
        assertThat(client.ask("vCont;c:1")).isEqualTo("T05awatch:80010000;thread:1;");
        assertThat(memory.readLong(DATA)).isEqualTo(2);
        assertThat(client.ask("vCont;c:1")).isEqualTo("T05awatch:80010008;thread:1;");
        assertThat(memory.readLong(DATA)).isEqualTo(3);
    }

    @Test
    void controlCStopsHartsThatRun() throws Exception {
        client.send("c");
        while (memory.readLong(DATA) < 1000 || memory.readLong(DATA + 0x1000) < 1000) {
            Thread.onSpinWait();
        }
        assertThat(pauses).hasValue(0);
        client.raw("\u0003");
        assertThat(client.receive()).isEqualTo("T02thread:1;");
        assertThat(pauses).hasValue(1);
        assertThat(register(A0)).isGreaterThanOrEqualTo(1000);
        long before = register(A0);
        assertThat(register(A0)).isEqualTo(before);
    }

    @Test
    void registersCanBeReadAndWritten() throws Exception {
        assertThat(client.ask("Pa=efbeadde00000000")).isEqualTo("OK");
        assertThat(register(A0)).isEqualTo(0xdead_beefL);
        String all = client.ask("g");
        assertThat(all).hasSize(65 * 16);
        assertThat(all.substring(A0 * 16, A0 * 16 + 16)).isEqualTo("efbeadde00000000");
        assertThat(client.ask("G" + all.replace("efbeadde", "78563412"))).isEqualTo("OK");
        assertThat(register(A0)).isEqualTo(0x1234_5678L);
        assertThat(client.ask("P21=0100000000000080")).isEqualTo("OK");
        assertThat(register(33)).isEqualTo(0x8000_0000_0000_0001L);
        // mscratch, fcsr, the hart's number and the mode.
        assertThat(client.ask("P381=1122334455667788")).isEqualTo("OK");
        assertThat(register(65 + 0x340)).isEqualTo(0x8877_6655_4433_2211L);
        assertThat(client.ask("p44")).hasSize(8);
        client.ask("Hg2");
        assertThat(register(65 + 0xf14)).isEqualTo(1);
        assertThat(register(TargetDescription.PRIVILEGE)).isEqualTo(3);
    }

    @Test
    void memoryCanBeReadAndWrittenAndDevicesAreLeftAlone() throws Exception {
        assertThat(client.ask("M80020ffe,4:01020304")).isEqualTo("OK");
        assertThat(client.ask("m80020ffe,4")).isEqualTo("01020304");
        assertThat(client.ask("X80020000,3:a}\u0003b")).isEqualTo("E01");
        assertThat(client.ask("X80020000,3:a#b")).isEqualTo("OK");
        assertThat(client.ask("m80020000,3")).isEqualTo("612362");
        assertThat(client.ask("m10000000,4")).isEqualTo("E14");
        // Of a stretch that ends in the void comes what there is.
        assertThat(client.ask("m800ffffe,4")).isEqualTo("0000");
        assertThat(client.ask("M800ffffe,4:01020304")).isEqualTo("E14");
        assertThat(memory.readShort(RAM + 0xf_fffe)).isZero();
        assertThat(client.ask("mffffffffffffffff,8")).isEqualTo("E14");
    }

    @Test
    void codeThatIsWrittenIsExecuted() throws Exception {
        byte[] code = Assembler.assemble(RAM, a -> a.addi(A0, A0, 100));
        client.ask("vCont;s:1");
        client.ask("P20=0000008000000000");
        assertThat(client.ask("M80000000,4:" + Hex.text(code, 4))).isEqualTo("OK");
        client.ask("vCont;s:1");
        assertThat(register(A0)).isEqualTo(101);
    }

    @Test
    void malformedPacketsAreAnsweredAndHurtNobody() throws Exception {
        String[] bad = {
            "p",
            "pzz",
            "p1042",
            "p-1",
            "P1",
            "P1=",
            "P1=0",
            "P1=001122334455667788",
            "m",
            "m1",
            "m,",
            "mx,1",
            "m1,x",
            "m11111111111111111,1",
            "M1,1",
            "M1,1:0",
            "M1,2:00",
            "M80020000,1:zz",
            "X1,2:0",
            "Z0",
            "Z0,1",
            "Z2,1,0",
            "Z2,1,fffff",
            "zx,1,1",
            "H",
            "Hgx",
            "Hg9",
            "T",
            "vCont;",
            "vCont;x",
            "vCont;s:9",
            "vCont;s:",
            "cx",
            "sx",
            "G00",
            "qThreadExtraInfo,x",
            "qXfer:features:read:target.xml:x,1",
            "qXfer:features:read:target.xml:1"
        };
        for (String packet : bad) {
            assertThat(client.ask(packet)).as(packet).isIn("E01", "E14");
        }
        for (String packet : List.of("", "!", "R", "vFile:open", "qFoo", "Q", "Z9,1,1", "\u00ff")) {
            assertThat(client.ask(packet)).as(packet).isEmpty();
        }
        client.raw("garbage$g#00");
        client.raw("$" + "x".repeat(100_000) + "#00");
        client.raw("$m8000$?#3f");
        assertThat(skipNacks()).isEqualTo("T05thread:1;");
        assertThat(register(A0)).isZero();
    }

    private String skipNacks() throws IOException {
        int c = client.in.read();
        while (c == '-' || c == '+') {
            c = client.in.read();
        }
        assertThat(c).isEqualTo('$');
        StringBuilder data = new StringBuilder();
        for (c = client.in.read(); c != '#'; c = client.in.read()) {
            data.append((char) c);
        }
        client.in.readNBytes(2);
        return data.toString();
    }

    /** Random packets never end the session: the last question is answered. */
    @Test
    void noiseHurtsNobody() throws Exception {
        SplittableRandom random = new SplittableRandom(SEED);
        client.ask("QStartNoAckMode");
        for (int round = 0; round < 5_000; round++) {
            String packet = noise(random, "?gGpPmMXZzHTqQv0123");
            assertThat(client.ask(packet)).as("seed %d: %s", SEED, packet).isNotNull();
        }
        assertThat(client.ask("?")).startsWith("T05");
    }

    /** While harts run there is nothing to be asked of them; all but an interrupt is refused. */
    @Test
    void noiseIsRefusedWhileHartsRun() throws Exception {
        SplittableRandom random = new SplittableRandom(SEED);
        client.ask("QStartNoAckMode");
        client.send("vCont;c");
        for (int round = 0; round < 1_000; round++) {
            String packet = noise(random, "?gGpPmMXZzHTqQvcsDk");
            assertThat(client.ask(packet)).as("seed %d: %s", SEED, packet).isEqualTo("E01");
        }
        client.raw("\u0003");
        assertThat(client.receive()).isEqualTo("T02thread:1;");
        assertThat(kills).hasValue(0);
    }

    private static String noise(SplittableRandom random, String first) {
        StringBuilder packet = new StringBuilder();
        packet.append(first.charAt(random.nextInt(first.length())));
        for (int i = random.nextInt(12); i > 0; i--) {
            packet.append(LETTERS.charAt(random.nextInt(LETTERS.length())));
        }
        return packet.toString();
    }

    @Test
    void watchpointsAreMetByASingleStep() throws Exception {
        assertThat(client.ask("Z2,80010000,8")).isEqualTo("OK");
        assertThat(client.ask("vCont;s:1")).isEqualTo("T05thread:1;");
        assertThat(client.ask("vCont;s:1")).isEqualTo("T05watch:80010000;thread:1;");
        assertThat(register(TargetDescription.PC)).isEqualTo(RAM + 4);
        assertThat(memory.readLong(DATA)).isZero();
        assertThat(client.ask("vCont;s:1")).isEqualTo("T05thread:1;");
        assertThat(register(TargetDescription.PC)).isEqualTo(RAM + 8);
        assertThat(memory.readLong(DATA)).isEqualTo(1);
    }

    @Test
    void targetDescriptionComesInPieces() throws Exception {
        assertThat(client.ask("qSupported:multiprocess+;swbreak+"))
                .contains("qXfer:features:read+", "PacketSize=4000", "vContSupported+");
        StringBuilder xml = new StringBuilder();
        String part;
        do {
            part = client.ask("qXfer:features:read:target.xml:%x,1ff".formatted(xml.length()));
            xml.append(part, 1, part.length());
        } while (part.charAt(0) == 'm');
        assertThat(xml.toString())
                .isEqualTo(TargetDescription.xml())
                .contains("riscv:rv64", "\"satp\" bitsize=\"64\"", "org.gnu.gdb.riscv.fpu");
    }

    @Test
    void detachFreesTheHartsWithoutTheirBreakpoints() throws Exception {
        client.ask("Z0,80000004,4");
        assertThat(client.ask("D")).isEqualTo("OK");
        while (memory.readLong(DATA) < 1000) {
            Thread.onSpinWait();
        }
        try (Client next = new Client(server.port())) {
            assertThat(next.ask("?")).isEqualTo("T05thread:1;");
            assertThat(Hex.fromLittleEndian(next.ask("pa"))).isGreaterThanOrEqualTo(1000);
        }
    }

    @Test
    void killIsPassedOnAndTheEndOfTheMachineIsTold() throws Exception {
        client.send("k");
        while (kills.get() == 0) {
            Thread.onSpinWait();
        }
        try (Client next = new Client(server.port())) {
            assertThat(next.ask("?")).isEqualTo("T05thread:1;");
            server.machineEnded(5);
            assertThat(next.receive()).isEqualTo("W05");
            assertThat(next.in.read()).isEqualTo(-1);
        }
    }
}
