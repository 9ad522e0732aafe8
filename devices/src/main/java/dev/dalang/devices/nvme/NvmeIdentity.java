package dev.dalang.devices.nvme;

import dev.dalang.storage.BlockTopology;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/** What Identify tells (NVMe base 2.0 §5.17, NVM command set 1.0 §4.1.5). Any thread. */
final class NvmeIdentity {
    /** Bytes of each of its structures. */
    static final int BYTES = 4096;

    static final int VENDOR = 0x1234;
    static final int DEVICE = 0x4e56;

    /** Aborts that may wait at a time, beside the first. */
    static final int ABORT_LIMIT = 3;

    private static final String MODEL = "Dalang NVMe disk";

    // Which structure is wanted (§5.17.1).
    private static final int NAMESPACE = 0x00;
    private static final int CONTROLLER = 0x01;
    private static final int ACTIVE_NAMESPACES = 0x02;
    private static final int DESCRIPTORS = 0x03;
    private static final int SET_NAMESPACE = 0x05;
    private static final int SET_CONTROLLER = 0x06;
    private static final int SET_ACTIVE_NAMESPACES = 0x07;
    private static final int COMMON_NAMESPACE = 0x08;
    private static final int COMMAND_SETS = 0x1c;

    private static final int OPTIONAL_FORMAT = 1 << 1;

    // Compare, deallocate, write zeros, select, timestamp, verify.
    private static final int OPTIONAL_NVM = 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 6 | 1 << 7;

    /** SGLs of any alignment, bit buckets, and descriptors with more room than is needed. */
    private static final int SGL_SUPPORT = 1 | 1 << 16 | 1 << 18;

    private static final int NVM_SET = 0;

    private final NvmeNamespace namespace;
    private final String serial;
    private final UUID uuid;

    NvmeIdentity(NvmeNamespace namespace, String serial, UUID uuid) {
        this.namespace = namespace;
        this.serial = serial;
        this.uuid = uuid;
    }

    /**
     * Gives a structure.
     *
     * @return null if there is a reason in the command's status
     */
    byte @Nullable [] structure(NvmeCommand command) {
        ByteBuffer page = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        command.status = fill(command, page);
        return command.status == NvmeStatus.SUCCESS ? page.array() : null;
    }

    private int fill(NvmeCommand command, ByteBuffer page) {
        int what = command.word10 & 0xff;
        int set = command.word11 >>> 24;
        return switch (what) {
            case CONTROLLER -> {
                controller(page);
                yield NvmeStatus.SUCCESS;
            }
            case ACTIVE_NAMESPACES -> list(command, page);
            case SET_ACTIVE_NAMESPACES -> set == NVM_SET ? list(command, page) : noSuchSet(command);
            case SET_CONTROLLER -> {
                if (set != NVM_SET) {
                    yield noSuchSet(command);
                }
                // What is verified at a time is bounded as transfers are; zeros are not.
                page.put(0, (byte) NvmCommands.MAX_TRANSFER_SHIFT);
                yield NvmeStatus.SUCCESS;
            }
            case COMMAND_SETS -> {
                page.putLong(0, 1L << NVM_SET);
                yield NvmeStatus.SUCCESS;
            }
            case NAMESPACE, DESCRIPTORS, SET_NAMESPACE, COMMON_NAMESPACE ->
                    ofNamespace(command, what, set, page);
            default -> command.wrong(NvmeStatus.INVALID_FIELD, 40);
        };
    }

    private static int noSuchSet(NvmeCommand command) {
        return command.wrong(NvmeStatus.INVALID_FIELD, 47);
    }

    private int ofNamespace(NvmeCommand command, int what, int set, ByteBuffer page) {
        boolean isAny = command.namespace == NvmeNamespace.ALL && what == NAMESPACE;
        if (command.namespace != NvmeNamespace.ID && !isAny) {
            return command.wrong(NvmeStatus.INVALID_NAMESPACE, 4);
        }
        switch (what) {
            case NAMESPACE -> namespace(page, isAny);
            case DESCRIPTORS -> descriptors(page);
            case COMMON_NAMESPACE -> {
                page.put(8, (byte) (namespace.isReadOnly() ? 1 : 0));
                page.put(14, (byte) (namespace.isFormatting() ? 0 : 1)); // ready
            }
            default -> {
                // What the set adds to a namespace is about protection, of which there is none.
                return set == NVM_SET ? NvmeStatus.SUCCESS : noSuchSet(command);
            }
        }
        return NvmeStatus.SUCCESS;
    }

    /** Those with a greater id than was named. */
    private static int list(NvmeCommand command, ByteBuffer page) {
        if (Integer.compareUnsigned(command.namespace, 0xffff_fffe) >= 0) {
            return command.wrong(NvmeStatus.INVALID_NAMESPACE, 4);
        }
        if (command.namespace == 0) {
            page.putInt(0, NvmeNamespace.ID);
        }
        return NvmeStatus.SUCCESS;
    }

    private static void text(ByteBuffer page, int at, int bytes, String text) {
        page.put(
                at, (text + " ".repeat(bytes - text.length())).getBytes(StandardCharsets.US_ASCII));
    }

    private void controller(ByteBuffer page) {
        page.putShort(0, (short) VENDOR);
        page.putShort(2, (short) VENDOR);
        text(page, 4, 20, serial);
        text(page, 24, 40, MODEL);
        text(page, 64, 8, NvmeLogs.FIRMWARE_REVISION);
        page.put(72, (byte) 6); // commands that are best taken at a time: 2^6
        page.put(77, (byte) NvmCommands.MAX_TRANSFER_SHIFT);
        page.putInt(80, NvmeRegisters.VERSION);
        page.putInt(92, 1 << 8); // tells of namespaces that change
        page.put(111, (byte) 1); // a controller for I/O
        page.putShort(256, (short) OPTIONAL_FORMAT);
        page.put(258, (byte) ABORT_LIMIT);
        page.put(259, (byte) (NvmeEvents.MAX_REQUESTS - 1));
        page.put(260, (byte) (1 | 1 << 1)); // one slot of firmware, which is not written
        page.put(261, (byte) (1 | 1 << 1 | 1 << 2 | 1 << 5)); // health, effects, long, supported
        page.put(262, (byte) (NvmeLogs.ENTRIES - 1));
        page.putShort(266, (short) NvmeFeatures.WARNING_TEMPERATURE);
        page.putShort(268, (short) NvmeFeatures.CRITICAL_TEMPERATURE);
        page.put(512, (byte) (NvmeRegisters.SQ_ENTRY_SHIFT * 0x11));
        page.put(513, (byte) (NvmeRegisters.CQ_ENTRY_SHIFT * 0x11));
        page.putShort(514, (short) SubmissionQueue.MAX_COMMANDS);
        page.putInt(516, NvmeNamespace.ID);
        page.putShort(520, (short) OPTIONAL_NVM);
        page.put(525, (byte) (1 | 3 << 1)); // a volatile cache; a flush may be of all namespaces
        page.putInt(536, SGL_SUPPORT);
        byte[] name =
                ("nqn.2014-08.org.nvmexpress:uuid:" + uuid).getBytes(StandardCharsets.US_ASCII);
        page.put(768, name);
        page.putShort(2048, (short) 2500); // what it would need, in hundredths of a watt
    }

    private void namespace(ByteBuffer page, boolean isAny) {
        BlockTopology topology = namespace.backend().topology();
        if (!isAny) {
            int shift = namespace.shift();
            long blocks = namespace.backend().sizeBytes() >>> shift;
            page.putLong(0, blocks);
            page.putLong(8, blocks);
            page.putLong(16, blocks);
            page.put(24, (byte) (1 << 4)); // the best sizes follow
            page.put(26, (byte) namespace.format());
            page.putLong(48, blocks << shift);
            page.putShort(64, best(topology.physicalBlockBytes(), shift));
            page.putShort(66, best(topology.physicalBlockBytes(), shift));
            page.putShort(68, best(topology.discardBytes(), shift));
            page.putShort(70, best(topology.discardBytes(), shift));
            page.putShort(72, best(topology.optimalIoBytes(), shift));
            page.put(99, (byte) (namespace.isReadOnly() ? 1 : 0));
        }
        page.put(25, (byte) (namespace.formats() - 1));
        page.put(33, (byte) (1 << 3)); // zeros may be written by deallocating
        for (int n = 0; n < namespace.formats(); n++) {
            boolean isBest = 1 << namespace.shift(n) >= topology.physicalBlockBytes();
            page.putInt(128 + 4 * n, namespace.shift(n) << 16 | (isBest ? 0 : 1 << 24));
        }
    }

    /** Less one; 0 is of one block, which says nothing. */
    private static short best(int bytes, int shift) {
        return (short) Math.min(Math.max((bytes >>> shift) - 1, 0), 0xffff);
    }

    private void descriptors(ByteBuffer page) {
        page.put(0, (byte) 3).put(1, (byte) 16);
        page.order(ByteOrder.BIG_ENDIAN);
        page.putLong(4, uuid.getMostSignificantBits());
        page.putLong(12, uuid.getLeastSignificantBits());
        page.order(ByteOrder.LITTLE_ENDIAN);
        page.put(20, (byte) 4).put(21, (byte) 1); // the command set, which is number 0
    }
}
