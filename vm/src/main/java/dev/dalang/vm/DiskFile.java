package dev.dalang.vm;

import dev.dalang.bus.time.RateLimiter;
import dev.dalang.storage.BlockBackend;
import dev.dalang.storage.DiskException;
import dev.dalang.storage.DiskFormat;
import dev.dalang.storage.ImageBackend;
import dev.dalang.virtio.VirtioPciDevice;
import dev.dalang.virtio.block.VirtioBlockDevice;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A disk of the machine, and what it lies in: a raw image, or a block device of the host's. It is a
 * virtio disk; the file is locked against other machines while it is in use.
 *
 * @param file the image
 * @param readOnly whether the guest can only read it
 * @param serial up to 20 characters, by which the guest can find it; empty for none
 * @param id what counters, snapshots and {@link Vm#resizeDisk} call it; empty for {@code disk0} and
 *     so on, by its place among the disks
 * @param bootIndex as of {@link PciPlacement}
 * @param address as of {@link PciPlacement}
 * @param queues how many queues it has, 1 to {@link VirtioBlockDevice#MAX_QUEUES}
 * @param iops requests that it takes in a second of the guest's time, at most; 0 for any number
 * @param bytesPerSecond bytes that its requests move in such a second, at most; 0 for any number
 */
public record DiskFile(
        Path file,
        boolean readOnly,
        Optional<String> serial,
        Optional<String> id,
        OptionalInt bootIndex,
        Optional<PciPlacement.Address> address,
        int queues,
        long iops,
        long bytesPerSecond) {
    private static final String ACCEPTED =
            "readonly, serial=, id=, bootindex=, queues=, iops=, rate= or addr= after the file";

    /** Checks what can be judged without a look at the file. */
    public DiskFile {
        if (queues < 1 || queues > VirtioBlockDevice.MAX_QUEUES) {
            throw new ConfigurationException(
                    "--disk: expected queues= with 1 to %d, found %d"
                            .formatted(VirtioBlockDevice.MAX_QUEUES, queues));
        }
        requireRate("iops", iops);
        requireRate("rate", bytesPerSecond);
        if (bootIndex.orElse(0) < 0) {
            throw new ConfigurationException(
                    "--disk: expected bootindex= with a number from 0, found "
                            + bootIndex.getAsInt());
        }
        serial.ifPresent(DiskFile::requireSerial);
        id.ifPresent(PciPlacement::checkedId);
    }

    private static void requireRate(String key, long perSecond) {
        if (perSecond < 0 || perSecond > RateLimiter.MAX) {
            throw new ConfigurationException(
                    "--disk: expected %s= with 1 to %d a second, found %d"
                            .formatted(key, RateLimiter.MAX, perSecond));
        }
    }

    private static void requireSerial(String text) {
        if (!text.matches("[!-~]{1,20}")) {
            throw new ConfigurationException(
                    "--disk: expected serial= with 1 to 20 printable characters of ASCII, found "
                            + text);
        }
    }

    /**
     * A disk that the guest can write, without any options.
     *
     * @param file the image
     * @return the disk
     */
    public static DiskFile of(Path file) {
        return new DiskFile(
                file,
                false,
                Optional.empty(),
                Optional.empty(),
                OptionalInt.empty(),
                Optional.empty(),
                1,
                0,
                0);
    }

    /**
     * Reads the command's way to write it: {@code
     * FILE[,readonly][,serial=S][,id=ID][,bootindex=N][,queues=N][,iops=N][,rate=SIZE][,addr=DD.F]},
     * where the rate is the bytes of a second, {@code 20M} for example.
     *
     * @param text the text
     * @return what it says
     * @throws ConfigurationException if it says nothing that can be
     */
    public static DiskFile parse(String text) {
        String[] parts = text.split(",", -1);
        Options options = new Options();
        Set<String> seen = new HashSet<>();
        for (int i = 1; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            String key = equals < 0 ? parts[i] : parts[i].substring(0, equals);
            options.take(key, equals < 0 ? Optional.empty() : value(parts[i], equals), parts[i]);
            if (!seen.add(key)) {
                throw new ConfigurationException(
                        "--disk: expected %s once, found it twice".formatted(key));
            }
        }
        return new DiskFile(
                path(parts[0]),
                options.readOnly,
                options.serial,
                options.id,
                options.bootIndex,
                options.address,
                options.queues,
                options.iops,
                options.bytesPerSecond);
    }

    private static Optional<String> value(String part, int equals) {
        return Optional.of(part.substring(equals + 1));
    }

    private static Path path(String name) {
        if (name.isEmpty()) {
            throw new ConfigurationException("--disk: expected a file, found none");
        }
        try {
            return Path.of(name);
        } catch (InvalidPathException wrong) {
            throw new ConfigurationException("--disk: " + wrong.getMessage(), wrong);
        }
    }

    /** What stands behind the file's name. */
    private static final class Options {
        private boolean readOnly;
        private Optional<String> serial = Optional.empty();
        private Optional<String> id = Optional.empty();
        private OptionalInt bootIndex = OptionalInt.empty();
        private Optional<PciPlacement.Address> address = Optional.empty();
        private int queues = 1;
        private long iops;
        private long bytesPerSecond;

        void take(String key, Optional<String> value, String part) {
            if (value.isEmpty() != key.equals("readonly")) {
                throw unknown(part);
            }
            String text = value.orElse("");
            switch (key) {
                case "readonly" -> readOnly = true;
                case "serial" -> serial = Optional.of(text);
                case "id" -> id = Optional.of(text);
                case "bootindex" -> bootIndex = OptionalInt.of(number(key, text));
                case "queues" -> queues = number(key, text);
                case "iops" -> iops = positive(key, number(key, text));
                case "rate" ->
                        bytesPerSecond = positive(key, MemorySize.parse("--disk: rate=", text));
                case "addr" -> address = Optional.of(PciPlacement.Address.parse(text));
                default -> throw unknown(part);
            }
        }

        private static ConfigurationException unknown(String part) {
            return new ConfigurationException("--disk: expected " + ACCEPTED + ", found " + part);
        }

        /** No limit is no key. */
        private static long positive(String key, long perSecond) {
            if (perSecond == 0) {
                throw new ConfigurationException(
                        "--disk: expected %s= with at least 1 a second, found 0".formatted(key));
            }
            return perSecond;
        }

        private static int number(String key, String text) {
            if (text.matches("[0-9]{1,9}")) {
                return Integer.parseInt(text);
            }
            throw new ConfigurationException(
                    "--disk: expected %s= with a number from 0, found %s".formatted(key, text));
        }
    }

    /**
     * Opens the file and makes the disk, which closes it when it is detached.
     *
     * @param index how many disks there were before, from 0
     * @return the disk as a PCI function, and its place
     * @throws ConfigurationException if the file cannot be a disk
     */
    public PciPlacement open(int index) {
        BlockBackend backend;
        try {
            backend =
                    ImageBackend.threaded(
                            DiskFormat.RAW.open(file, readOnly), ImageBackend.DEFAULT_THREADS);
        } catch (DiskException unusable) {
            throw new ConfigurationException("--disk: " + unusable.getMessage(), unusable);
        }
        VirtioBlockDevice.Builder disk = VirtioBlockDevice.builder(backend).queues(queues);
        serial.ifPresent(disk::serial);
        disk.rate(rate(iops), rate(bytesPerSecond));
        return new PciPlacement(
                VirtioPciDevice.of(disk.build()),
                id.or(() -> defaultId(index)),
                address,
                bootIndex);
    }

    private static RateLimiter.Rate rate(long perSecond) {
        return perSecond == 0 ? RateLimiter.Rate.UNLIMITED : RateLimiter.Rate.of(perSecond);
    }

    private static Optional<String> defaultId(int index) {
        return Optional.of("disk" + index);
    }
}
