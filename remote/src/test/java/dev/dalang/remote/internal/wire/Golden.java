package dev.dalang.remote.internal.wire;

import dev.dalang.remote.internal.wire.Request.DeviceInfo;
import dev.dalang.remote.internal.wire.Request.DmaMap;
import dev.dalang.remote.internal.wire.Request.DmaRead;
import dev.dalang.remote.internal.wire.Request.DmaUnmap;
import dev.dalang.remote.internal.wire.Request.DmaWrite;
import dev.dalang.remote.internal.wire.Request.IrqInfo;
import dev.dalang.remote.internal.wire.Request.MigrationRead;
import dev.dalang.remote.internal.wire.Request.MigrationWrite;
import dev.dalang.remote.internal.wire.Request.RegionIoFds;
import dev.dalang.remote.internal.wire.Request.RegionRead;
import dev.dalang.remote.internal.wire.Request.RegionWrite;
import dev.dalang.remote.internal.wire.Request.Reset;
import dev.dalang.remote.internal.wire.Request.WriteMulti;
import dev.dalang.remote.internal.wire.SetIrqs.Action;
import dev.dalang.remote.internal.wire.SetIrqs.Data;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * A message as the specification draws it, byte by byte.
 *
 * @param name of the message
 * @param header its first 16 bytes, in hexadecimal, fields apart
 * @param payload the others, alike
 * @param request what it says
 * @param descriptors how many ride with it
 */
record Golden(String name, String header, String payload, Request request, int descriptors) {
    private static final String QEMU =
            "{\"capabilities\": {\"pgsizes\": 4096, \"max_msg_fds\": 16, \"max_dma_maps\": 65535,"
                    + " \"max_data_xfer_size\": 1048576, \"migration\": {\"max_bitmap_size\":"
                    + " 268435456, \"pgsize\": 4096}, \"write_multiple\": true}}";

    /** What QEMU 11.1 says first. */
    static final byte[] VERSION_OF_QEMU = version(0, QEMU);

    /** What the library in Rust says first. */
    static final byte[] VERSION_OF_RUST =
            version(
                    1,
                    "{\"capabilities\":{\"max_msg_fds\":1,\"max_data_xfer_size\":1048576,"
                            + "\"migration\":{\"pgsize\":4096}}}");

    static final Capabilities EMPTY = Capabilities.NONE;

    static final Capabilities FULL =
            new Capabilities(
                    OptionalInt.of(8),
                    OptionalLong.of(65536),
                    OptionalLong.of(10),
                    OptionalLong.of(4096),
                    Optional.of(new Capabilities.TwinSocket(true, OptionalInt.of(0))),
                    Optional.of(false),
                    Optional.of(
                            new Capabilities.Migration(
                                    OptionalLong.of(4096), OptionalLong.of(99))));

    static final List<Golden> REQUESTS =
            List.of(
                    new Golden(
                            "version",
                            "0100 0100 28000000 00000000 00000000",
                            "0000 0100" + hex("{\"capabilities\":{}}") + "00",
                            new Version(0, 1, Optional.of(EMPTY)),
                            0),
                    new Golden(
                            "version-bare",
                            "0100 0100 14000000 00000000 00000000",
                            "0000 0100",
                            new Version(0, 1, Optional.empty()),
                            0),
                    new Golden(
                            "dma-map",
                            "0200 0200 30000000 00000000 00000000",
                            "20000000 03000000 0010000000000000 0000008000000000"
                                    + " 0000001000000000",
                            new DmaMap(3, 0x1000, 0x8000_0000L, 0x1000_0000L),
                            1),
                    new Golden(
                            "dma-unmap",
                            "0300 0300 28000000 00000000 00000000",
                            "18000000 00000000 0000008000000000 0000001000000000",
                            new DmaUnmap(0, 0x8000_0000L, 0x1000_0000L),
                            0),
                    new Golden(
                            "dma-unmap-all",
                            "0300 0300 28000000 00000000 00000000",
                            "18000000 02000000 0000000000000000 0000000000000000",
                            new DmaUnmap(DmaUnmap.ALL, 0, 0),
                            0),
                    new Golden(
                            "get-info",
                            "ffff 0400 20000000 00000000 00000000",
                            "10000000 00000000 00000000 00000000",
                            new DeviceInfo(16, 0, 0, 0),
                            0),
                    new Golden(
                            "get-region-info",
                            "0500 0500 30000000 00000000 00000000",
                            "20000000 00000000 07000000 00000000 0000000000000000"
                                    + " 0000000000000000",
                            new RegionInfo(32, 7),
                            0),
                    new Golden(
                            "get-region-io-fds",
                            "0600 0600 20000000 00000000 00000000",
                            "10000000 00000000 02000000 00000000",
                            new RegionIoFds(16, 0, 2, 0),
                            0),
                    new Golden(
                            "get-irq-info",
                            "0700 0700 20000000 00000000 00000000",
                            "10000000 00000000 02000000 00000000",
                            new IrqInfo(16, 0, 2, 0),
                            0),
                    new Golden(
                            "set-irqs-eventfds",
                            "0800 0800 24000000 00000000 00000000",
                            "14000000 24000000 02000000 00000000 02000000",
                            new SetIrqs(Data.EVENTFD, Action.TRIGGER, 2, 0, 2),
                            2),
                    new Golden(
                            "set-irqs-disable",
                            "0800 0800 24000000 00000000 00000000",
                            "14000000 21000000 02000000 00000000 00000000",
                            new SetIrqs(Data.NONE, Action.TRIGGER, 2, 0, 0),
                            0),
                    new Golden(
                            "set-irqs-unmask",
                            "0800 0800 24000000 00000000 00000000",
                            "14000000 11000000 00000000 00000000 01000000",
                            new SetIrqs(Data.NONE, Action.UNMASK, 0, 0, 1),
                            0),
                    new Golden(
                            "set-irqs-bool-mask",
                            "0800 0800 26000000 00000000 00000000",
                            "14000000 0a000000 01000000 03000000 02000000 0100",
                            new SetIrqs(
                                    20,
                                    Data.BOOL,
                                    Action.MASK,
                                    1,
                                    3,
                                    2,
                                    Bytes.of(new byte[] {1, 0})),
                            0),
                    new Golden(
                            "region-read",
                            "0900 0900 20000000 00000000 00000000",
                            "3c00000000000000 07000000 04000000",
                            new RegionRead(0x3c, 7, 4),
                            0),
                    new Golden(
                            "region-write",
                            "0a00 0a00 24000000 10000000 00000000",
                            "6000000000000000 00000000 04000000 78563412",
                            new RegionWrite(0x60, 0, Bytes.of(new byte[] {0x78, 0x56, 0x34, 0x12})),
                            0),
                    new Golden(
                            "dma-read",
                            "0b00 0b00 20000000 00000000 00000000",
                            "0010000001000000 0800000000000000",
                            new DmaRead(0x1_0000_1000L, 8),
                            0),
                    new Golden(
                            "dma-write",
                            "0c00 0c00 22000000 00000000 00000000",
                            "0010000001000000 0200000000000000 aabb",
                            new DmaWrite(
                                    0x1_0000_1000L,
                                    Bytes.of(new byte[] {(byte) 0xaa, (byte) 0xbb})),
                            0),
                    new Golden(
                            "reset", "0d00 0d00 10000000 00000000 00000000", "", Reset.INSTANCE, 0),
                    new Golden(
                            "write-multi",
                            "0f00 0f00 48000000 00000000 00000000",
                            "0200000000000000"
                                    + " 6000000000000000 00000000 04000000 0100000000000000"
                                    + " 8800000000000000 01000000 08000000 0102030405060708",
                            new WriteMulti(
                                    List.of(
                                            new RegionWrite(
                                                    0x60, 0, Bytes.of(new byte[] {1, 0, 0, 0})),
                                            new RegionWrite(
                                                    0x88,
                                                    1,
                                                    Bytes.of(
                                                            new byte[] {1, 2, 3, 4, 5, 6, 7, 8})))),
                            0),
                    new Golden(
                            "feature-get-migration",
                            "1000 1000 18000000 00000000 00000000",
                            "10000000 01000100",
                            new Feature(16, Feature.GET | Feature.MIGRATION, Bytes.NONE),
                            0),
                    new Golden(
                            "feature-set-state",
                            "1000 1000 20000000 00000000 00000000",
                            "10000000 02000200 01000000 00000000",
                            new Feature(
                                    16,
                                    Feature.SET | Feature.MIG_DEVICE_STATE,
                                    Bytes.of(new byte[] {1, 0, 0, 0, 0, 0, 0, 0})),
                            0),
                    new Golden(
                            "migration-read",
                            "1100 1100 18000000 00000000 00000000",
                            "08100000 00100000",
                            new MigrationRead(0x1008, 0x1000),
                            0),
                    new Golden(
                            "migration-write",
                            "1200 1200 1b000000 00000000 00000000",
                            "0b000000 03000000 010203",
                            new MigrationWrite(Bytes.of(new byte[] {1, 2, 3})),
                            0));

    static byte[] version(int minor, String json) {
        byte[] text = json.getBytes(StandardCharsets.US_ASCII);
        byte[] payload = new byte[4 + text.length + 1];
        payload[2] = (byte) minor;
        System.arraycopy(text, 0, payload, 4, text.length);
        return payload;
    }

    private static String hex(String text) {
        return HexFormat.of().formatHex(text.getBytes(StandardCharsets.US_ASCII));
    }

    static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex.replace(" ", ""));
    }

    byte[] payloadBytes() {
        return bytes(payload);
    }

    /** Header and payload. */
    byte[] message() {
        return bytes(header + payload);
    }

    /** The header as this code makes it. */
    Header made() {
        int id = Integer.parseInt(header.substring(2, 4) + header.substring(0, 2), 16);
        boolean wantsReply = header.split(" ")[3].equals("00000000");
        return Header.request(id, request.command(), wantsReply, payloadBytes().length);
    }

    @Override
    public String toString() {
        return name;
    }
}
