package dev.dalang.vm.internal.plugin;

import dev.dalang.devices.nvme.NvmeDevice;
import dev.dalang.storage.BlockBackend;
import dev.dalang.storage.DiskException;
import dev.dalang.storage.DiskFormat;
import dev.dalang.storage.ImageBackend;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.zip.CRC32;

/** The NVMe disks of the house: what is asked for by name, and what stands behind them. */
public final class NvmeKind {
    private static final String FILE = "file";
    private static final String READONLY = "readonly";
    private static final String SERIAL = "serial";
    private static final String QUEUES = "queues";
    private static final String BLOCK = "block";

    private NvmeKind() {}

    /** The kind, for the catalogue. */
    public static DeviceKind nvme() {
        Map<String, String> options = new TreeMap<>();
        options.put(FILE, "a raw image, or a block device of the host's");
        options.put(READONLY, "on, or off (default)");
        options.put(SERIAL, "up to 20 characters (default: made of the file's path)");
        options.put(QUEUES, "1 to %d (default: %d)".formatted(maxQueues(), queues()));
        options.put(BLOCK, "bytes of a block: 512 or 4096 (default: the file's)");
        return DeviceKind.of(
                "nvme", "an NVMe disk", options, NvmeDevice::defaultSpec, NvmeKind::make);
    }

    private static int maxQueues() {
        return NvmeDevice.MAX_QUEUES;
    }

    private static int queues() {
        return NvmeDevice.DEFAULT_QUEUES;
    }

    private static NvmeDevice make(Map<String, String> options) {
        String file = options.get(FILE);
        if (file == null || file.isEmpty()) {
            throw new IllegalArgumentException("expected file= with a raw image, found none");
        }
        try {
            return open(
                    Path.of(file),
                    isOn(options.getOrDefault(READONLY, "off")),
                    Optional.ofNullable(options.get(SERIAL)),
                    number(options, QUEUES, NvmeDevice.DEFAULT_QUEUES),
                    number(options, BLOCK, 0));
        } catch (DiskException unusable) {
            throw new IllegalArgumentException(unusable.getMessage(), unusable);
        }
    }

    private static boolean isOn(String text) {
        return switch (text) {
            case "on" -> true;
            case "off" -> false;
            default ->
                    throw new IllegalArgumentException(
                            "expected readonly= with on or off, found " + text);
        };
    }

    private static int number(Map<String, String> options, String key, int otherwise) {
        String text = options.get(key);
        if (text == null) {
            return otherwise;
        }
        if (text.matches("[0-9]{1,9}")) {
            return Integer.parseInt(text);
        }
        throw new IllegalArgumentException(
                "expected %s= with a number, found %s".formatted(key, text));
    }

    /**
     * Opens a file and makes a disk of it, which closes it.
     *
     * @param file a raw image, or a block device
     * @param readOnly whether the guest can only read it
     * @param serial empty for one made of the file's path
     * @param queues as of {@link NvmeDevice.Builder#queues}
     * @param blockBytes the size of blocks, or 0 for that of the file
     * @return the disk
     * @throws DiskException if the file cannot be a disk
     * @throws IllegalArgumentException if a value cannot be; the file is closed
     */
    public static NvmeDevice open(
            Path file, boolean readOnly, Optional<String> serial, int queues, int blockBytes)
            throws DiskException {
        String path = file.toAbsolutePath().normalize().toString();
        BlockBackend backend =
                ImageBackend.threaded(
                        DiskFormat.RAW.open(file, readOnly), ImageBackend.DEFAULT_THREADS);
        try {
            return NvmeDevice.builder(backend)
                    .serial(serial.orElseGet(() -> serialOf(path)))
                    .identity(path)
                    .queues(queues)
                    .blockBytes(blockBytes)
                    .build();
        } catch (RuntimeException | Error refused) {
            backend.close();
            throw refused;
        }
    }

    private static String serialOf(String path) {
        CRC32 sum = new CRC32();
        sum.update(path.getBytes(StandardCharsets.UTF_8));
        return "dalang-%08x".formatted(sum.getValue());
    }
}
