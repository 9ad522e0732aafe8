package dev.dalang.devices.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.devices.nvme.NvmeRig.Done;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The commands of the admin queue. */
class NvmeAdminTest {
    private static final int PAGE = 4096;

    private final NvmeRig rig = new NvmeRig();

    @BeforeEach
    void start() {
        rig.start();
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private static NvmeEntry entry(int opcode) {
        return NvmeEntry.of(opcode);
    }

    private int code(NvmeEntry entry) {
        return rig.admin.run(entry).code();
    }

    private static ByteBuffer fields(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static String text(byte[] bytes, int at, int length) {
        return new String(bytes, at, length, StandardCharsets.US_ASCII).strip();
    }

    // ---------------------------------------------------------------- identify

    @Test
    void theControllerSaysWhatItIs() {
        byte[] page = rig.identify(1, 0);
        ByteBuffer fields = fields(page);
        assertThat(fields.getShort(0)).isEqualTo((short) 0x1234);
        assertThat(text(page, 4, 20)).isEqualTo("rig");
        assertThat(text(page, 24, 40)).isEqualTo("Dalang NVMe disk");
        assertThat(page[77]).as("1 MiB at most").isEqualTo((byte) 8);
        assertThat(fields.getInt(80)).isEqualTo(0x2_0000);
        assertThat(page[111]).as("for I/O").isEqualTo((byte) 1);
        assertThat(page[512]).isEqualTo((byte) 0x66);
        assertThat(page[513]).isEqualTo((byte) 0x44);
        assertThat(fields.getInt(516)).as("namespaces").isEqualTo(1);
        assertThat(page[525] & 1).as("a volatile cache").isEqualTo(1);
        assertThat(fields.getInt(536) & 3).as("SGLs").isEqualTo(1);
        assertThat(text(page, 768, 68)).startsWith("nqn.2014-08.org.nvmexpress:uuid:");
    }

    @Test
    void theNamespaceSaysWhatItIs() {
        byte[] page = rig.identify(0, 1);
        ByteBuffer fields = fields(page);
        assertThat(fields.getLong(0)).isEqualTo(2048);
        assertThat(fields.getLong(8)).isEqualTo(2048);
        assertThat(page[25]).as("formats, less one").isEqualTo((byte) 1);
        assertThat(page[26]).as("the first").isZero();
        assertThat(page[130]).isEqualTo((byte) 9);
        assertThat(page[134]).isEqualTo((byte) 12);
        assertThat(fields.getShort(64)).as("writes of 4 KiB are best").isEqualTo((short) 7);
        assertThat(rig.identify(0, -1)[25]).as("of any namespace").isEqualTo((byte) 1);
        assertThat(fields(rig.identify(0, -1)).getLong(0)).isZero();
        assertThat(rig.identify(5, 1)).as("nothing for the set").containsOnly(0);
        assertThat(rig.identify(8, 1)[14]).as("ready").isEqualTo((byte) 1);
    }

    @Test
    void namespacesAreListedAndDescribed() {
        assertThat(fields(rig.identify(2, 0)).getInt(0)).isEqualTo(1);
        assertThat(rig.identify(2, 1)).containsOnly(0);
        assertThat(fields(rig.identify(7, 0)).getInt(0)).isEqualTo(1);
        byte[] page = rig.identify(3, 1);
        assertThat(page[0]).as("a UUID").isEqualTo((byte) 3);
        assertThat(page[1]).isEqualTo((byte) 16);
        assertThat(Arrays.copyOfRange(page, 4, 20)).isNotEqualTo(new byte[16]);
        assertThat(page[20]).as("the command set").isEqualTo((byte) 4);
        assertThat(page[24]).isZero();
        assertThat(page[25]).as("no more").isZero();
        assertThat(fields(rig.identify(0x1c, 0)).getLong(0)).isEqualTo(1);
        assertThat(rig.identify(6, 0)[0]).as("verified at once").isEqualTo((byte) 8);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, 0x00b", "0, 2, 0x00b", "2, -1, 0x00b", "2, -2, 0x00b", "3, 0, 0x00b",
        "4, 1, 0x002", "0x10, 0, 0x002", "0x13, 0, 0x002", "0xff, 0, 0x002", "8, 2, 0x00b",
        "0x2000005, 1, 0x002", "0x2000006, 0, 0x002", "0x2000007, 0, 0x002"
    })
    void whatCannotBeToldIsRefused(String what, int namespace, String expected) {
        int both = Integer.decode(what);
        NvmeEntry identify =
                entry(AdminCommands.IDENTIFY)
                        .namespace(namespace)
                        .prps(rig.pages(PAGE), 0)
                        .word(10, both & 0xffff)
                        .word(11, both & 0xff00_0000);
        assertThat(code(identify)).isEqualTo(Integer.decode(expected));
    }

    @Test
    void unknownCommandsAreRefused() {
        int refused = 0;
        for (int opcode = 0; opcode < 256; opcode++) {
            int known = opcode;
            if (Arrays.stream(AdminCommands.OPCODES).noneMatch(one -> one == known)) {
                Done done = rig.admin.run(entry(opcode).namespace(1));
                assertThat(done.code()).isEqualTo(0x001);
                assertThat(done.mayNotRetry()).isTrue();
                refused++;
            }
        }
        assertThat(rig.device.count(NvmeEvent.INVALID_OPCODE)).isEqualTo(refused);
        assertThat(code(entry(AdminCommands.GET_FEATURES).word(10, 1).flags(1))).isEqualTo(0x002);
    }

    @Test
    void pagesThatAreNotMemoryAreAnError() {
        assertThat(code(entry(AdminCommands.IDENTIFY).word(10, 1).prps(0x1000, 0)))
                .isEqualTo(0x004);
        assertThat(code(entry(AdminCommands.IDENTIFY).word(10, 1).prps(NvmeRig.RAM + 2, 0)))
                .isEqualTo(0x013);
    }

    // ---------------------------------------------------------------- queues

    @Test
    void completionQueuesThatCannotBeAreRefused() {
        long at = rig.pages(PAGE);
        assertThat(code(NvmeRig.createCompletions(0, at, 8, 0))).isEqualTo(0x101);
        assertThat(code(NvmeRig.createCompletions(5, at, 8, 0))).isEqualTo(0x101);
        assertThat(code(NvmeRig.createCompletions(1, at, 1, 0))).isEqualTo(0x102);
        assertThat(code(NvmeRig.createCompletions(1, at, 1025, 0))).isEqualTo(0x102);
        assertThat(code(NvmeRig.createCompletions(1, at + 64, 8, 0))).isEqualTo(0x013);
        assertThat(code(NvmeRig.createCompletions(1, at, 8, 0).word(11, 2))).isEqualTo(0x002);
        assertThat(code(NvmeRig.createCompletions(1, at, 8, 1))).as("a wire").isEqualTo(0x108);
        rig.useMessages();
        assertThat(code(NvmeRig.createCompletions(1, at, 8, 5))).isEqualTo(0x108);
        rig.admin.ok(NvmeRig.createCompletions(1, at, 8, 4));
        assertThat(code(NvmeRig.createCompletions(1, at, 8, 4))).isEqualTo(0x101);
        assertThat(rig.device.count(NvmeEvent.INVALID_QUEUE)).isEqualTo(7);
    }

    @Test
    void submissionQueuesThatCannotBeAreRefused() {
        long at = rig.pages(PAGE);
        rig.admin.ok(NvmeRig.createCompletions(1, at, 8, 0));
        assertThat(code(NvmeRig.createSubmissions(0, at, 8, 1))).isEqualTo(0x101);
        assertThat(code(NvmeRig.createSubmissions(5, at, 8, 1))).isEqualTo(0x101);
        assertThat(code(NvmeRig.createSubmissions(1, at, 1, 1))).isEqualTo(0x102);
        assertThat(code(NvmeRig.createSubmissions(1, at, 2000, 1))).isEqualTo(0x102);
        assertThat(code(NvmeRig.createSubmissions(1, at, 8, 0))).isEqualTo(0x101);
        assertThat(code(NvmeRig.createSubmissions(1, at, 8, 5))).isEqualTo(0x101);
        assertThat(code(NvmeRig.createSubmissions(1, at, 8, 2))).isEqualTo(0x100);
        assertThat(code(NvmeRig.createSubmissions(1, at + 8, 8, 1))).isEqualTo(0x013);
        assertThat(code(NvmeRig.createSubmissions(1, at, 8, 1).word(11, 1 << 16))).isEqualTo(0x002);
        rig.admin.ok(NvmeRig.createSubmissions(1, at, 8, 1));
        assertThat(code(NvmeRig.createSubmissions(1, at, 8, 1))).isEqualTo(0x101);
    }

    @Test
    void queuesNeedTheirEntriesToHaveASize() {
        rig.stop();
        rig.start(1, NvmeRig.ADMIN_ENTRIES);
        long at = rig.pages(PAGE);
        assertThat(code(NvmeRig.createCompletions(1, at, 8, 0))).isEqualTo(0x002);
        rig.write(NvmeRegisters.CC, NvmeRig.ENABLE);
        rig.admin.ok(NvmeRig.createCompletions(1, at, 8, 0));
    }

    @Test
    void queuesAreDeletedInTheirOrder() {
        NvmeRig.Queue queue = rig.queue(1, 8);
        assertThat(code(entry(AdminCommands.DELETE_COMPLETIONS).word(10, 1))).isEqualTo(0x10c);
        rig.admin.ok(entry(AdminCommands.DELETE_SUBMISSIONS).word(10, 1));
        assertThat(code(entry(AdminCommands.DELETE_SUBMISSIONS).word(10, 1))).isEqualTo(0x101);
        rig.admin.ok(entry(AdminCommands.DELETE_COMPLETIONS).word(10, 1));
        assertThat(code(entry(AdminCommands.DELETE_COMPLETIONS).word(10, 1))).isEqualTo(0x101);
        for (int id : new int[] {0, 2, 5, 0xffff}) {
            assertThat(code(entry(AdminCommands.DELETE_SUBMISSIONS).word(10, id))).isEqualTo(0x101);
            assertThat(code(entry(AdminCommands.DELETE_COMPLETIONS).word(10, id))).isEqualTo(0x101);
        }
        queue.submit(NvmeEntry.of(NvmCommands.FLUSH).namespace(1));
        assertThat(queue.poll()).isNull();
        assertThat(rig.device.count(NvmeEvent.INVALID_DOORBELL)).isEqualTo(1);
        rig.recycleAll();
        rig.pages(8 * PAGE);
        rig.queue(1, 8).ok(NvmeEntry.of(NvmCommands.FLUSH).namespace(1));
    }

    // ---------------------------------------------------------------- features

    private NvmeEntry set(int feature, int value) {
        return entry(AdminCommands.SET_FEATURES).word(10, feature).word(11, value);
    }

    private long get(int feature, int value) {
        Done done =
                rig.admin.run(entry(AdminCommands.GET_FEATURES).word(10, feature).word(11, value));
        assertThat(done.status()).isZero();
        return done.result();
    }

    @Test
    void theNumberOfQueuesIsGrantedAndKept() {
        assertThat(rig.admin.run(set(7, 99 | 1 << 16)).result()).isEqualTo(3 | 1 << 16);
        assertThat(get(7, 0)).isEqualTo(3 | 1 << 16);
        assertThat(code(set(7, 0xffff))).isEqualTo(0x002);
        assertThat(code(set(7, 0xffff << 16))).isEqualTo(0x002);
        long at = rig.pages(PAGE);
        assertThat(code(NvmeRig.createCompletions(3, at, 8, 0))).isEqualTo(0x101);
        rig.queue(2, 8);
        assertThat(code(set(7, 0))).as("there are queues").isEqualTo(0x00c);
        rig.stop();
        rig.start();
        assertThat(get(7, 0)).as("all of them").isEqualTo(3 | 3 << 16);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 0xff030207, 0xff030207",
        "2, 0, 0",
        "6, 0, 0",
        "8, 0x1234, 0x1234",
        "10, 1, 1",
        "11, 0x1ff, 0x1ff",
        "25, 0, 0"
    })
    void featuresAreKeptUntilTheReset(int feature, String value, String kept) {
        long before = get(feature, 0);
        rig.admin.ok(set(feature, (int) Long.decode(value).longValue()));
        assertThat(get(feature, 0)).isEqualTo(Long.decode(kept));
        assertThat(get(feature | 1 << 8, 0)).as("at power-on").isEqualTo(before);
        assertThat(get(feature | 2 << 8, 0)).as("saved").isEqualTo(before);
        assertThat(get(feature | 3 << 8, 0)).as("can be changed, and no more").isEqualTo(4);
        rig.stop();
        rig.start();
        assertThat(get(feature, 0)).isEqualTo(before);
    }

    @Test
    void eachVectorHasItsCoalescing() {
        rig.admin.ok(set(9, 3 | 1 << 16));
        assertThat(get(9, 3)).isEqualTo(3 | 1 << 16);
        assertThat(get(9, 2)).isEqualTo(2);
        assertThat(code(set(9, 5))).isEqualTo(0x002);
        assertThat(code(entry(AdminCommands.GET_FEATURES).word(10, 9).word(11, 5)))
                .isEqualTo(0x002);
    }

    @Test
    void errorRecoveryIsOfTheNamespace() {
        rig.admin.ok(set(5, 0x1_0007).namespace(1));
        Done done = rig.admin.run(entry(AdminCommands.GET_FEATURES).namespace(1).word(10, 5));
        assertThat(done.result()).isEqualTo(7);
        assertThat(code(set(5, 0))).isEqualTo(0x00b);
        assertThat(code(set(6, 0).namespace(1))).isEqualTo(0x10f);
        assertThat(code(set(6, 0).namespace(2))).isEqualTo(0x00b);
    }

    @Test
    void featuresThatCannotBeAreRefused() {
        assertThat(code(set(2, 1))).as("another power state").isEqualTo(0x002);
        assertThat(code(set(25, 1))).as("another profile").isEqualTo(0x12b);
        assertThat(code(set(6 | 1 << 31, 0))).as("to be saved").isEqualTo(0x10d);
        assertThat(code(set(0, 0))).isEqualTo(0x002);
        assertThat(code(set(3, 0))).isEqualTo(0x002);
        assertThat(code(set(0xc0, 0))).isEqualTo(0x002);
        assertThat(code(entry(AdminCommands.GET_FEATURES).word(10, 6 | 4 << 8))).isEqualTo(0x002);
        assertThat(code(set(4, 2 << 16))).as("another sensor").isEqualTo(0x002);
        assertThat(code(set(4, 2 << 20))).isEqualTo(0x002);
    }

    @Test
    void theTimeIsTheDriversAndGoesOn() {
        long at = rig.pages(PAGE);
        rig.memory.writeLong(at, 0x1234_5678_9abcL);
        rig.admin.ok(set(14, 0).prps(at, 0));
        rig.clock.advance(5_000_000_000L);
        rig.memory.writeLong(at, 0);
        rig.admin.ok(entry(AdminCommands.GET_FEATURES).word(10, 14).prps(at, 0));
        assertThat(rig.memory.readLong(at)).isEqualTo(0x1234_5678_9abcL + 5000 | 1L << 49);
        rig.device.reset();
        rig.start();
        long again = rig.pages(PAGE);
        rig.admin.ok(entry(AdminCommands.GET_FEATURES).word(10, 14).prps(again, 0));
        assertThat(rig.memory.readLong(again)).as("since power-on").isZero();
        assertThat(code(set(14, 0).prps(0x1000, 0))).isEqualTo(0x004);
    }

    // ---------------------------------------------------------------- logs

    @Test
    void pagesOfTheLogAreThoseItLists() {
        ByteBuffer supported = fields(rig.log(0, 1024));
        for (int page = 0; page < 256; page++) {
            int status = code(NvmeRig.log(page, 512, rig.pages(PAGE)));
            assertThat(status).isEqualTo((supported.getInt(4 * page) & 1) != 0 ? 0 : 0x109);
            rig.recycle();
        }
    }

    @Test
    void healthCountsWhatWasMoved() {
        NvmeRig.Queue queue = rig.queue(1, 8);
        queue.ok(rig.read(0, 2000, rig.pages(1 << 20), 2000 * 512));
        queue.ok(rig.write(0, 1, rig.pages(PAGE), 512));
        rig.clock.advance(2 * 3_600_000_000_000L);
        ByteBuffer health = fields(rig.log(2, 512));
        assertThat(health.get(0)).as("warnings").isZero();
        assertThat(health.getShort(1)).as("kelvins").isEqualTo((short) 313);
        assertThat(health.getLong(32)).as("thousands of sectors").isEqualTo(2);
        assertThat(health.getLong(48)).isEqualTo(1);
        assertThat(health.getLong(64)).isEqualTo(1);
        assertThat(health.getLong(80)).isEqualTo(1);
        assertThat(health.getLong(112)).isEqualTo(1);
        assertThat(health.getLong(128)).as("hours").isEqualTo(2);
        long page = rig.pages(PAGE);
        rig.admin.ok(NvmeRig.log(2, 512, page).namespace(1));
        assertThat(code(NvmeRig.log(2, 512, page).namespace(2))).isEqualTo(0x00b);
        assertThat(code(NvmeRig.log(1, 512, page).namespace(1))).isEqualTo(0x002);
    }

    @Test
    void aPartOfAPageIsGiven() {
        long page = rig.pages(PAGE);
        rig.memory.fill(page, PAGE, (byte) 9);
        rig.admin.ok(NvmeRig.log(3, 8, page).word(12, 8));
        assertThat(text(rig.get(page, 8), 0, 8)).isEqualTo("1.0");
        assertThat(rig.memory.readByte(page + 8)).isEqualTo((byte) 9);
        rig.admin.ok(NvmeRig.log(3, 4096, page).word(12, 508)); // what is behind its end is not
        assertThat(rig.memory.readByte(page + 4)).isNotEqualTo((byte) 9);
        rig.admin.ok(NvmeRig.log(3, 4, page).word(12, 512));
        assertThat(code(NvmeRig.log(3, 4, page).word(12, 516))).isEqualTo(0x002);
        assertThat(code(NvmeRig.log(3, 4, page).word(12, 2))).isEqualTo(0x002);
        assertThat(code(NvmeRig.log(3, 4, page).word(13, 1))).isEqualTo(0x002);
        assertThat(code(NvmeRig.log(3, 4, page).word(14, 1 << 31))).isEqualTo(0x002);
        assertThat(code(NvmeRig.log(3, 4, page).word(11, 0xffff))).as("too long").isEqualTo(0x002);
    }

    @Test
    void effectsAreThoseOfTheCommandsThatThereAre() {
        ByteBuffer effects = fields(rig.log(5, 4096));
        assertThat(effects.getInt(4 * 0x06)).isEqualTo(1);
        assertThat(effects.getInt(4 * 0x80)).isEqualTo(7 | 2 << 16);
        assertThat(effects.getInt(4 * 0x84)).isZero();
        assertThat(effects.getInt(1024 + 4)).as("a write").isEqualTo(3);
        assertThat(effects.getInt(1024 + 8)).as("a read").isEqualTo(1);
        assertThat(fields(rig.log(0x12, 1024)).getInt(4 * 6) & 1).isEqualTo(1);
    }

    @Test
    void theErrorLogIsARing() {
        for (int n = 0; n < 100; n++) {
            rig.admin.run(entry(0xff));
        }
        ByteBuffer log = fields(rig.log(1, 4096));
        assertThat(log.getLong(0)).isEqualTo(100);
        assertThat(log.getLong(63 * 64)).isEqualTo(37);
        assertThat(fields(rig.log(2, 512)).getLong(176)).isEqualTo(100);
    }

    // ---------------------------------------------------------------- events

    private int requestEvent() {
        return rig.admin.submit(entry(AdminCommands.ASYNCHRONOUS_EVENT));
    }

    @Test
    void requestsForEventsAreLimited() {
        for (int n = 0; n < 4; n++) {
            requestEvent();
            assertThat(rig.admin.poll()).isNull();
        }
        assertThat(code(entry(AdminCommands.ASYNCHRONOUS_EVENT))).isEqualTo(0x105);
        assertThat(rig.device.count(NvmeEvent.LIMIT)).isEqualTo(1);
    }

    @Test
    void aNamespaceThatGrowsIsAnEvent() {
        rig.admin.ok(set(11, 1 << 8));
        int request = requestEvent();
        rig.disk.resize(2 << 20);
        Done event = rig.admin.poll();
        assertThat(event.id()).isEqualTo(request);
        assertThat(event.result()).isEqualTo(0x04_00_02);
        assertThat(fields(rig.identify(0, 1)).getLong(0)).isEqualTo(4096);

        requestEvent();
        rig.disk.resize(3 << 20);
        assertThat(rig.admin.poll()).as("told before the log was read").isNull();
        assertThat(fields(rig.log(4, 4096)).getInt(0)).isEqualTo(1);
        assertThat(rig.admin.poll()).as("the log told it").isNull();
        assertThat(fields(rig.log(4, 4096)).getInt(0)).as("and no more").isZero();
        rig.disk.resize(4 << 20);
        assertThat(rig.admin.poll().result()).isEqualTo(0x04_00_02);
    }

    @Test
    void eventsThatNobodyWantsAreNone() {
        requestEvent();
        rig.disk.resize(2 << 20);
        assertThat(rig.admin.poll()).isNull();
        rig.admin.ok(set(4, 300)); // too warm, and nobody asked to be warned
        assertThat(fields(rig.log(2, 512)).get(0)).isEqualTo((byte) 2);
        rig.admin.submit(set(11, 1 << 1));
        assertThat(rig.admin.poll().result()).as("comes before the answer").isEqualTo(0x02_01_01);
        assertThat(rig.admin.poll().status()).isZero();
    }

    @Test
    void aThresholdBelowTheTemperatureIsAnEvent() {
        rig.admin.ok(set(11, 1 << 1));
        int request = requestEvent();
        rig.admin.ok(set(4, 314));
        assertThat(rig.admin.poll()).isNull();
        int id = rig.admin.submit(set(4, 313));
        Done first = rig.admin.poll();
        Done second = rig.admin.poll();
        assertThat(new int[] {first.id(), second.id()}).containsExactlyInAnyOrder(id, request);
        assertThat(get(4, 0)).isEqualTo(313);
        rig.admin.ok(set(4, 343));
        rig.admin.ok(set(4, 320 | 1 << 20)); // too cold
        assertThat(get(4, 1 << 20)).isEqualTo(320);
        assertThat(fields(rig.log(2, 512)).get(0)).isEqualTo((byte) 2);
    }

    @Test
    void anEventThatCameFirstWaitsForItsRequest() {
        rig.ringTail(4, 0);
        int request = requestEvent();
        assertThat(rig.admin.poll().id()).isEqualTo(request);
        assertThat(rig.device.count(NvmeEvent.EVENT)).isEqualTo(1);
    }

    // ---------------------------------------------------------------- aborts

    private NvmeEntry abort(int queue, int command) {
        return entry(AdminCommands.ABORT).word(10, queue | command << 16);
    }

    @Test
    void aRequestForAnEventIsTakenBack() {
        int request = requestEvent();
        int abort = rig.admin.submit(abort(0, request));
        Done taken = rig.admin.poll();
        assertThat(taken.id()).isEqualTo(request);
        assertThat(taken.code()).isEqualTo(0x007);
        Done done = rig.admin.poll();
        assertThat(done.id()).isEqualTo(abort);
        assertThat(done.result()).isZero();
    }

    @Test
    void aCommandInFlightIsTakenBackBeforeTheAbortEnds() {
        NvmeRig.Queue queue = rig.queue(1, 8);
        rig.disk.hold();
        int read = queue.submit(rig.read(0, 1, rig.pages(PAGE), 512));
        int abort = rig.admin.submit(abort(1, read));
        assertThat(rig.admin.poll()).isNull();
        assertThat(rig.admin.run(abort(1, read)).result()).as("twice").isEqualTo(1);
        rig.disk.release();
        assertThat(queue.poll().code()).isEqualTo(0x007);
        Done done = rig.admin.poll();
        assertThat(done.id()).isEqualTo(abort);
        assertThat(done.result()).isZero();
        assertThat(rig.device.count(NvmeEvent.ABORTED)).isEqualTo(1);
    }

    @Test
    void whatIsNotThereCannotBeTakenBack() {
        assertThat(rig.admin.run(abort(0, 77)).result()).isEqualTo(1);
        assertThat(rig.admin.run(abort(3, 0)).result()).isEqualTo(1);
        assertThat(rig.admin.run(abort(0xffff, 0)).result()).isEqualTo(1);
        // Nor itself.
        assertThat(rig.admin.run(abort(0, rig.nextId & 0x7fff)).result()).isEqualTo(1);
    }

    @Test
    void abortsAreLimited() {
        NvmeRig.Queue queue = rig.queue(1, 16);
        rig.disk.hold();
        int first = -1;
        for (int n = 0; n < 5; n++) {
            int id = queue.submit(rig.read(n, 1, rig.pages(PAGE), 512));
            first = n == 0 ? id : first;
        }
        for (int n = 0; n < 4; n++) {
            rig.admin.submit(abort(1, first + n));
        }
        assertThat(rig.admin.run(abort(1, first + 4)).code()).isEqualTo(0x103);
        rig.disk.release();
        for (int n = 0; n < 4; n++) {
            assertThat(rig.admin.poll().result()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void aNewRequestIsTakenAfterTheReset(int n) {
        for (int k = 0; k < n; k++) {
            requestEvent();
        }
        rig.stop();
        rig.start();
        for (int k = 0; k < 4; k++) {
            requestEvent();
        }
        assertThat(rig.admin.poll()).isNull();
    }
}
