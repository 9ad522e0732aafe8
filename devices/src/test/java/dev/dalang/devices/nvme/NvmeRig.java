package dev.dalang.devices.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.interrupt.MsiTarget;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.pci.MsiTargetRouter;
import dev.dalang.pci.PciConfigMmio;
import dev.dalang.pci.PciFunction;
import dev.dalang.pci.PciRoot;
import dev.dalang.testkit.RecordingInterruptLine;
import dev.dalang.testkit.ScriptedMsiTarget;
import dev.dalang.testkit.pci.EcamDriver;
import dev.dalang.testkit.pci.MsixDriver;
import dev.dalang.testkit.pci.PciBarDriver;
import dev.dalang.testkit.pci.PciFunctionDriver;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** A machine with an NVMe disk, and a driver for it, from the specification alone. */
final class NvmeRig implements AutoCloseable {
    static final long RAM = 0x8000_0000L;
    static final int RAM_BYTES = 16 << 20;
    static final int PAGE = 4096;
    static final int ADMIN_ENTRIES = 32;
    static final int ENABLE = 0x0046_0001;
    static final int SQES_CQES = 0x0046_0000;
    static final long MESSAGE = 0x2800_0000L;

    private static final long ECAM = 0x3000_0000L;
    private static final int DISK_BYTES = 1 << 20;

    /** A completion. */
    record Done(long result, int sqHead, int queue, int id, int status) {
        /** The status code and its type, without the bits beside them. */
        int code() {
            return status & 0x7ff;
        }

        boolean mayNotRetry() {
            return (status & NvmeStatus.DNR) != 0;
        }
    }

    /** A pair of queues. */
    final class Queue {
        final int id;
        final long submissions;
        final int entries;
        final long completions;
        final int completionEntries;
        int tail;
        int head;
        int phase = 1;

        Queue(int id, long submissions, int entries, long completions, int completionEntries) {
            this.id = id;
            this.submissions = submissions;
            this.entries = entries;
            this.completions = completions;
            this.completionEntries = completionEntries;
        }

        /** Puts an entry into the queue, without ringing. */
        int add(NvmeEntry entry) {
            int id = nextId++ & 0x7fff;
            entry.id(id);
            memory.copyIn(submissions + 64L * tail, entry.bytes());
            tail = (tail + 1) % entries;
            return id;
        }

        void ring() {
            ringTail(this.id, tail);
        }

        int submit(NvmeEntry entry) {
            int id = add(entry);
            ring();
            return id;
        }

        /** The next completion, if there is one; the driver then says that it has seen it. */
        Done poll() {
            Done done = peek();
            if (done != null) {
                ringHead(id, head);
            }
            return done;
        }

        Done peek() {
            long at = completions + 16L * head;
            int last = memory.getIntAcquire(at + 12);
            if ((last >>> 16 & 1) != phase) {
                return null;
            }
            head = (head + 1) % completionEntries;
            phase ^= head == 0 ? 1 : 0;
            int word2 = memory.readInt(at + 8);
            return new Done(
                    memory.readLong(at), word2 & 0xffff, word2 >>> 16, last & 0xffff, last >>> 17);
        }

        /** Has an entry done, by a device that does it at once. */
        Done run(NvmeEntry entry) {
            int id = submit(entry);
            Done done = poll();
            assertThat(done).as("a completion").isNotNull();
            assertThat(done.id()).isEqualTo(id);
            return done;
        }

        void ok(NvmeEntry entry) {
            assertThat(run(entry).status()).isZero();
        }
    }

    final ScriptedDisk disk;
    final NvmeDevice device;
    final IoManager io = IoManager.create();
    final Arena arena = Arena.ofShared();
    final int ramBytes;
    final GuestMemory memory;
    final ScriptedMsiTarget messages;
    final List<RecordingInterruptLine> wires =
            Stream.generate(RecordingInterruptLine::new).limit(4).toList();
    final ManualVirtualClock clock = new ManualVirtualClock();
    final DeviceExecutor executor;
    final PciRoot root;
    final PciFunction function;
    final PciFunctionDriver pci;
    final PciBarDriver bar;
    final MsixDriver msix;

    /** Where the next pages come from: reset by {@link #recycle}. */
    private long free;

    private long mark;
    int nextId;
    int stride = 4;
    Queue admin;

    NvmeRig() {
        this(new ScriptedDisk(DISK_BYTES));
    }

    NvmeRig(ScriptedDisk disk) {
        this(disk, DeviceExecutor.inline(), builder -> builder.queues(4));
    }

    NvmeRig(ScriptedDisk disk, DeviceExecutor executor, UnaryOperator<NvmeDevice.Builder> options) {
        this(disk, executor, options, RAM_BYTES);
    }

    NvmeRig(
            ScriptedDisk disk,
            DeviceExecutor executor,
            UnaryOperator<NvmeDevice.Builder> options,
            int ramBytes) {
        this(disk, executor, options, ramBytes, new ScriptedMsiTarget(), Optional.empty());
    }

    /** One whose messages go to another target than the one that remembers them. */
    static NvmeRig withMessagesTo(MsiTarget target, ScriptedDisk disk) {
        return new NvmeRig(
                disk,
                DeviceExecutor.inline(),
                options -> options.queues(4),
                RAM_BYTES,
                new ScriptedMsiTarget(),
                Optional.of(target));
    }

    private NvmeRig(
            ScriptedDisk disk,
            DeviceExecutor executor,
            UnaryOperator<NvmeDevice.Builder> options,
            int ramBytes,
            ScriptedMsiTarget messages,
            Optional<MsiTarget> target) {
        this.disk = disk;
        this.messages = messages;
        this.ramBytes = ramBytes;
        memory = GuestMemory.of(new MemoryRegion(RAM, arena.allocate(ramBytes, PAGE)));
        this.executor = executor;
        device = options.apply(NvmeDevice.builder(disk).serial("rig")).build();
        root =
                PciRoot.builder(io, memory, clock)
                        .memory32(new MmioRange(0x4000_0000L, 1 << 28))
                        .memory64(new MmioRange(0x4_0000_0000L, 1L << 30))
                        .messages(MsiTargetRouter.create(target.orElse(messages), 256))
                        .wires(wires.stream().map(InterruptLine.class::cast).toList())
                        .executor(executor)
                        .build();
        function = root.bus().add(device);
        io.registerMmio(new MmioRange(ECAM, 1 << 28), PciConfigMmio.ecam(root));
        pci = new EcamDriver(io, ECAM).find(NvmeIdentity.VENDOR, NvmeIdentity.DEVICE).orElseThrow();
        bar = pci.bar(0);
        msix = pci.msix();
        pci.enable(PciFunctionDriver.COMMAND_MASTER);
        recycleAll();
    }

    // ---------------------------------------------------------------- memory

    void recycleAll() {
        free = RAM;
        mark = RAM;
    }

    /** Gives back the pages that were taken since {@link #keep}. */
    void recycle() {
        free = mark;
    }

    void keep() {
        mark = free;
    }

    /** So many bytes from a page's begin on. */
    long pages(long bytes) {
        long at = free;
        free += (bytes + PAGE - 1) / PAGE * PAGE;
        if (free > RAM + ramBytes) {
            throw new IllegalStateException("the driver has no memory left");
        }
        return at;
    }

    long put(byte[] bytes) {
        long at = pages(bytes.length);
        memory.copyIn(at, bytes);
        return at;
    }

    byte[] get(long address, int bytes) {
        byte[] content = new byte[bytes];
        memory.copyOut(address, content);
        return content;
    }

    // ---------------------------------------------------------------- registers

    long read(int offset) {
        return bar.read(offset, 4);
    }

    void write(int offset, long value) {
        bar.write(offset, 4, value);
    }

    int status() {
        return (int) read(NvmeRegisters.CSTS);
    }

    void ringTail(int queue, int tail) {
        write(NvmeRegisters.DOORBELLS + 2 * queue * stride, tail);
    }

    void ringHead(int queue, int head) {
        write(NvmeRegisters.DOORBELLS + (2 * queue + 1) * stride, head);
    }

    // ---------------------------------------------------------------- the life of a controller

    /** Enables messages of all vectors: number {@code n} comes with data {@code 100 + n}. */
    void useMessages() {
        msix.enable();
        for (int vector = 0; vector < 5; vector++) {
            msix.route(vector, MESSAGE, 100 + vector);
        }
    }

    /** Enables the controller. */
    void start() {
        start(ENABLE, ADMIN_ENTRIES);
        assertThat(status()).isEqualTo(NvmeRegisters.CSTS_RDY);
    }

    void start(int cc, int entries) {
        recycleAll();
        long submissions = pages(64L * entries);
        long completions = pages(16L * entries);
        clear(submissions, completions, entries);
        write(NvmeRegisters.AQA, entries - 1 | entries - 1 << 16);
        bar.write(NvmeRegisters.ASQ, 8, submissions);
        bar.write(NvmeRegisters.ACQ, 8, completions);
        write(NvmeRegisters.CC, cc);
        admin = new Queue(0, submissions, entries, completions, entries);
        keep();
    }

    private void clear(long submissions, long completions, int entries) {
        memory.fill(submissions, 64L * entries, (byte) 0);
        memory.fill(completions, 16L * entries, (byte) 0);
    }

    void stop() {
        write(NvmeRegisters.CC, SQES_CQES);
    }

    /** Makes a pair of queues. */
    Queue queue(int id, int entries) {
        return queue(id, entries, entries, 0);
    }

    Queue queue(int id, int entries, int completionEntries, int vector) {
        long submissions = pages(64L * entries);
        long completions = pages(16L * completionEntries);
        memory.fill(completions, 16L * completionEntries, (byte) 0);
        admin.ok(createCompletions(id, completions, completionEntries, vector));
        admin.ok(createSubmissions(id, submissions, entries, id));
        keep();
        return new Queue(id, submissions, entries, completions, completionEntries);
    }

    static NvmeEntry createCompletions(int id, long at, int entries, int vector) {
        return NvmeEntry.of(AdminCommands.CREATE_COMPLETIONS)
                .prps(at, 0)
                .word(10, id | entries - 1 << 16)
                .word(11, 3 | vector << 16);
    }

    static NvmeEntry createSubmissions(int id, long at, int entries, int completions) {
        return NvmeEntry.of(AdminCommands.CREATE_SUBMISSIONS)
                .prps(at, 0)
                .word(10, id | entries - 1 << 16)
                .word(11, 1 | completions << 16);
    }

    // ---------------------------------------------------------------- commands

    byte[] identify(int what, int namespace) {
        long page = pages(PAGE);
        admin.ok(
                NvmeEntry.of(AdminCommands.IDENTIFY)
                        .namespace(namespace)
                        .prps(page, 0)
                        .word(10, what));
        return get(page, PAGE);
    }

    byte[] log(int page, int bytes) {
        long at = pages(bytes);
        admin.ok(log(page, bytes, at));
        return get(at, bytes);
    }

    static NvmeEntry log(int page, int bytes, long at) {
        return NvmeEntry.of(AdminCommands.GET_LOG_PAGE)
                .namespace(NvmeNamespace.ALL)
                .prps(at, at + PAGE)
                .word(10, page | bytes / 4 - 1 << 16);
    }

    static NvmeEntry blocks(int opcode, long block, int count) {
        return NvmeEntry.of(opcode).namespace(1).block(block).word(12, count - 1);
    }

    /** PRPs for bytes that follow each other in memory, with a list where one is needed. */
    NvmeEntry over(NvmeEntry entry, long address, int bytes) {
        long second = (address & -PAGE) + PAGE;
        long end = address + bytes;
        if (end <= second) {
            return entry.prps(address, 0);
        }
        if (end <= second + PAGE) {
            return entry.prps(address, second);
        }
        int pages = (int) ((end - second + PAGE - 1) / PAGE);
        long list = pages(8L * pages);
        for (int n = 0; n < pages; n++) {
            memory.writeLong(list + 8L * n, second + (long) PAGE * n);
        }
        return entry.prps(address, list);
    }

    NvmeEntry read(long block, int count, long address, int bytes) {
        return over(blocks(NvmCommands.READ, block, count), address, bytes);
    }

    NvmeEntry write(long block, int count, long address, int bytes) {
        return over(blocks(NvmCommands.WRITE, block, count), address, bytes);
    }

    @Override
    public void close() {
        disk.release();
        executor.close();
        root.close();
        arena.close();
    }
}
