package dev.dalang.devices.nvme;

/**
 * Status fields of completions, without the phase (NVMe base 2.0 §3.3.3.2.1): the code, its type
 * from bit 8 on, and whether to repeat the command would be in vain.
 */
final class NvmeStatus {
    /** There is an entry in the error log. */
    static final int MORE = 1 << 13;

    static final int DNR = 1 << 14;

    static final int SUCCESS = 0;
    static final int INVALID_OPCODE = 0x001 | DNR;
    static final int INVALID_FIELD = 0x002 | DNR;
    static final int DATA_TRANSFER_ERROR = 0x004 | DNR;
    static final int INTERNAL_ERROR = 0x006;
    static final int ABORT_REQUESTED = 0x007 | DNR;
    static final int ABORTED_SQ_DELETED = 0x008 | DNR;
    static final int INVALID_NAMESPACE = 0x00b | DNR;
    static final int COMMAND_SEQUENCE = 0x00c | DNR;
    static final int INVALID_SGL_SEGMENT = 0x00d | DNR;
    static final int INVALID_SGL_COUNT = 0x00e | DNR;
    static final int INVALID_SGL_LENGTH = 0x00f | DNR;
    static final int INVALID_SGL_TYPE = 0x011 | DNR;
    static final int INVALID_PRP_OFFSET = 0x013 | DNR;
    static final int WRITE_PROTECTED = 0x020 | DNR;
    static final int LBA_OUT_OF_RANGE = 0x080 | DNR;
    static final int FORMAT_IN_PROGRESS = 0x084;

    static final int CQ_INVALID = 0x100 | DNR;
    static final int INVALID_QUEUE_ID = 0x101 | DNR;
    static final int INVALID_QUEUE_SIZE = 0x102 | DNR;
    static final int ABORT_LIMIT = 0x103 | DNR;
    static final int EVENT_LIMIT = 0x105 | DNR;
    static final int INVALID_VECTOR = 0x108 | DNR;
    static final int INVALID_LOG_PAGE = 0x109 | DNR;
    static final int INVALID_FORMAT = 0x10a | DNR;
    static final int INVALID_QUEUE_DELETION = 0x10c | DNR;
    static final int NOT_SAVEABLE = 0x10d | DNR;
    static final int NOT_CHANGEABLE = 0x10e | DNR;
    static final int NOT_OF_NAMESPACE = 0x10f | DNR;
    static final int COMMAND_SET_REJECTED = 0x12b | DNR;

    static final int WRITE_FAULT = 0x280;
    static final int UNRECOVERED_READ = 0x281;
    static final int COMPARE_FAILURE = 0x285 | DNR;

    private NvmeStatus() {}

    /** How a failure is counted. */
    static NvmeEvent event(int status) {
        return switch (status | DNR) {
            case INVALID_OPCODE -> NvmeEvent.INVALID_OPCODE;
            case INVALID_NAMESPACE -> NvmeEvent.INVALID_NAMESPACE;
            case DATA_TRANSFER_ERROR -> NvmeEvent.BAD_MEMORY;
            case ABORT_REQUESTED, ABORTED_SQ_DELETED -> NvmeEvent.ABORTED;
            case INVALID_SGL_SEGMENT,
                    INVALID_SGL_COUNT,
                    INVALID_SGL_LENGTH,
                    INVALID_SGL_TYPE,
                    INVALID_PRP_OFFSET ->
                    NvmeEvent.INVALID_POINTER;
            case WRITE_PROTECTED -> NvmeEvent.READ_ONLY;
            case LBA_OUT_OF_RANGE -> NvmeEvent.OUT_OF_RANGE;
            case FORMAT_IN_PROGRESS | DNR -> NvmeEvent.BUSY;
            case CQ_INVALID,
                    INVALID_QUEUE_ID,
                    INVALID_QUEUE_SIZE,
                    INVALID_VECTOR,
                    INVALID_QUEUE_DELETION ->
                    NvmeEvent.INVALID_QUEUE;
            case ABORT_LIMIT, EVENT_LIMIT -> NvmeEvent.LIMIT;
            case COMPARE_FAILURE -> NvmeEvent.DIFFERENT;
            case INTERNAL_ERROR | DNR, WRITE_FAULT | DNR, UNRECOVERED_READ | DNR ->
                    NvmeEvent.FAILED;
            default -> NvmeEvent.INVALID_FIELD;
        };
    }
}
