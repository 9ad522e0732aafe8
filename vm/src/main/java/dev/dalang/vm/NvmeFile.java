package dev.dalang.vm;

import dev.dalang.devices.nvme.NvmeDevice;
import dev.dalang.storage.DiskException;
import dev.dalang.vm.internal.plugin.NvmeKind;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * An NVMe disk of the machine, and what it lies in: a raw image, or a block device of the host's.
 * The file is locked against other machines while it is in use.
 *
 * @param file the image
 * @param readOnly whether the guest can only read it
 * @param serial up to 20 characters, by which the guest can find it; empty for one that is made of
 *     the file's path
 * @param id what counters, snapshots and {@link Vm#resizeDisk} call it; empty for {@code nvme0} and
 *     so on, by its place among the NVMe disks
 * @param bootIndex as of {@link PciPlacement}
 * @param address as of {@link PciPlacement}
 * @param queues how many pairs of queues it has, 1 to {@link NvmeDevice#MAX_QUEUES}; a guest uses
 *     as many as it has harts
 * @param blockBytes the size of its blocks, 512 or 4096; 0 for that of the file
 */
public record NvmeFile(
        Path file,
        boolean readOnly,
        Optional<String> serial,
        Optional<String> id,
        OptionalInt bootIndex,
        Optional<PciPlacement.Address> address,
        int queues,
        int blockBytes) {
    private static final String READONLY = "readonly";
    private static final Set<String> KEYS =
            Set.of("serial", "id", "bootindex", "queues", "block", "addr");

    /** Checks what can be judged without a look at the file. */
    public NvmeFile {
        if (queues < 1 || queues > NvmeDevice.MAX_QUEUES) {
            throw wrong("queues= with 1 to " + NvmeDevice.MAX_QUEUES, queues);
        }
        if (blockBytes != 0 && blockBytes != 512 && blockBytes != 4096) {
            throw wrong("block= with 512 or 4096", blockBytes);
        }
        if (bootIndex.orElse(0) < 0) {
            throw wrong("bootindex= with a number from 0", bootIndex.getAsInt());
        }
        if (serial.isPresent() && !serial.get().matches("[!-~]{1,20}")) {
            throw wrong("serial= with 1 to 20 printable characters of ASCII", serial.orElseThrow());
        }
        id.ifPresent(PciPlacement::checkedId);
    }

    private static ConfigurationException wrong(String expected, Object found) {
        return new ConfigurationException(
                "--nvme: expected %s, found %s".formatted(expected, found));
    }

    /**
     * A disk that the guest can write, without any options.
     *
     * @param file the image
     * @return the disk
     */
    public static NvmeFile of(Path file) {
        return new NvmeFile(
                file,
                false,
                Optional.empty(),
                Optional.empty(),
                OptionalInt.empty(),
                Optional.empty(),
                NvmeDevice.DEFAULT_QUEUES,
                0);
    }

    /**
     * Reads the command's way to write it: {@code
     * FILE[,readonly][,serial=S][,id=ID][,bootindex=N][,queues=N][,block=512|4096][,addr=DD.F]}.
     *
     * @param text the text
     * @return what it says
     * @throws ConfigurationException if it says nothing that can be
     */
    public static NvmeFile parse(String text) {
        String[] parts = text.split(",", -1);
        Map<String, String> values = new HashMap<>();
        for (int i = 1; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            String key = equals < 0 ? parts[i] : parts[i].substring(0, equals);
            if (equals < 0 ? !key.equals(READONLY) : !KEYS.contains(key)) {
                throw wrong(
                        "readonly, serial=, id=, bootindex=, queues=, block= or addr= after the"
                                + " file",
                        parts[i]);
            }
            if (values.put(key, parts[i].substring(equals + 1)) != null) {
                throw wrong(key + " once", "it twice");
            }
        }
        return new NvmeFile(
                path(parts[0]),
                values.containsKey(READONLY),
                Optional.ofNullable(values.get("serial")),
                Optional.ofNullable(values.get("id")),
                values.containsKey("bootindex")
                        ? OptionalInt.of(number(values, "bootindex", 0))
                        : OptionalInt.empty(),
                Optional.ofNullable(values.get("addr")).map(PciPlacement.Address::parse),
                number(values, "queues", NvmeDevice.DEFAULT_QUEUES),
                number(values, "block", 0));
    }

    private static int number(Map<String, String> values, String key, int otherwise) {
        String text = values.get(key);
        if (text == null) {
            return otherwise;
        }
        if (text.matches("[0-9]{1,9}")) {
            return Integer.parseInt(text);
        }
        throw wrong(key + "= with a number from 0", text);
    }

    private static Path path(String name) {
        if (name.isEmpty()) {
            throw wrong("a file", "none");
        }
        try {
            return Path.of(name);
        } catch (InvalidPathException wrong) {
            throw new ConfigurationException("--nvme: " + wrong.getMessage(), wrong);
        }
    }

    /**
     * Opens the file and makes the disk, which closes it.
     *
     * @param index how many NVMe disks there were before
     * @throws ConfigurationException if the file cannot be a disk
     */
    PciPlacement open(int index) {
        try {
            return new PciPlacement(
                    NvmeKind.open(file, readOnly, serial, queues, blockBytes),
                    id.or(() -> Optional.of("nvme" + index)),
                    address,
                    bootIndex);
        } catch (DiskException | IllegalArgumentException unusable) {
            throw new ConfigurationException("--nvme: " + unusable.getMessage(), unusable);
        }
    }
}
