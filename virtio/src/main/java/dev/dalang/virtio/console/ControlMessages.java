package dev.dalang.virtio.console;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** The messages of the control queues (virtio 1.3 §5.3.6.2): port, event, value, and the rest. */
final class ControlMessages {
    static final int VIRTIO_CONSOLE_DEVICE_READY = 0;
    static final int VIRTIO_CONSOLE_DEVICE_ADD = 1;
    static final int VIRTIO_CONSOLE_DEVICE_REMOVE = 2;
    static final int VIRTIO_CONSOLE_PORT_READY = 3;
    static final int VIRTIO_CONSOLE_CONSOLE_PORT = 4;
    static final int VIRTIO_CONSOLE_RESIZE = 5;
    static final int VIRTIO_CONSOLE_PORT_OPEN = 6;
    static final int VIRTIO_CONSOLE_PORT_NAME = 7;

    static final int BYTES = 8;

    private ControlMessages() {}

    static byte[] message(int port, int event, int value) {
        return begin(0, port, event, value).array();
    }

    static byte[] name(int port, String name) {
        byte[] text = name.getBytes(StandardCharsets.UTF_8);
        return begin(text.length, port, VIRTIO_CONSOLE_PORT_NAME, 1).put(text).array();
    }

    /** Columns come first; kernels of Linux before 6.16 without a fix took them for the rows. */
    static byte[] size(int port, ConsoleSize size) {
        return begin(4, port, VIRTIO_CONSOLE_RESIZE, 0)
                .putShort((short) size.columns())
                .putShort((short) size.rows())
                .array();
    }

    private static ByteBuffer begin(int more, int port, int event, int value) {
        return ByteBuffer.allocate(BYTES + more)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(port)
                .putShort((short) event)
                .putShort((short) value);
    }
}
