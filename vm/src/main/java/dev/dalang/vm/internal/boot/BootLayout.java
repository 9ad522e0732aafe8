package dev.dalang.vm.internal.boot;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.vm.ConfigurationException;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What lies where in RAM when a machine boots. Kernel and firmware stand at the bottom, at
 * addresses that they choose; the initial RAM disk and, below it, the device tree at the top, as
 * real loaders put them: below 0xC000_0000 if they fit, so that payloads with 32-bit habits reach
 * them.
 */
public final class BootLayout {
    private static final long LOW_LIMIT = 0xC000_0000L;
    private static final long PAGE_BYTES = GuestMemory.PAGE_BYTES;

    /** Linux maps the device tree with 2 MiB pages, two of them at most. */
    private static final long DEVICE_TREE_ALIGNMENT = 2 << 20;

    private static final long MAX_DEVICE_TREE_BYTES = 1 << 20;

    /** Firmware adds its reserved regions to the tree in place. */
    private static final long DEVICE_TREE_SLACK_BYTES = 64 << 10;

    private final long ramBase;
    private final long ramEnd;
    private final List<Used> used = new ArrayList<>();

    /** Nothing is placed below the images: kernels treat what lies below them specially. */
    private long floor;

    private record Used(String what, long first, long end) {}

    private BootLayout(long ramBase, long ramEnd) {
        this.ramBase = ramBase;
        this.ramEnd = ramEnd;
        this.floor = ramBase;
    }

    /**
     * An empty layout.
     *
     * @param ramBase first address of RAM
     * @param ramBytes its size
     * @return the layout
     */
    public static BootLayout of(long ramBase, long ramBytes) {
        return new BootLayout(ramBase, ramBase + ramBytes);
    }

    /** The first address of RAM. */
    public long ramBase() {
        return ramBase;
    }

    /** The address behind RAM. */
    public long ramEnd() {
        return ramEnd;
    }

    /**
     * Enters an image that was loaded where it wanted to be, and checks that nothing lies there.
     */
    void requireFree(BootFile file, LoadedImage image) {
        for (Used other : used) {
            if (Long.compareUnsigned(image.first(), other.end) < 0
                    && Long.compareUnsigned(other.first, image.end()) < 0) {
                throw file.failure(
                        "0x%x..0x%x overlaps %s at 0x%x..0x%x"
                                .formatted(
                                        image.first(),
                                        image.end(),
                                        other.what,
                                        other.first,
                                        other.end));
            }
        }
        used.add(new Used("what was loaded", image.first(), image.end()));
        floor = Math.max(floor, image.end());
    }

    /**
     * Loads raw firmware at an address.
     *
     * @param file the firmware, raw or ELF
     * @param memory guest memory
     * @param address where a raw file goes
     * @param isZeroed true if memory has never been written
     * @return where it lies
     */
    public LoadedImage loadFirmware(
            BootFile file, GuestMemory memory, long address, boolean isZeroed) {
        LoadedImage image;
        if (ElfFile.isElf(file.readStart(4))) {
            image = ElfFile.parse(file).load(memory, isZeroed);
        } else {
            if (file.size() > ramEnd - address) {
                throw file.failure(
                        "the firmware has %d bytes, but only %d fit between 0x%x and the end of memory"
                                .formatted(file.size(), ramEnd - address, address));
            }
            file.load(0, file.size(), memory, address, "the firmware");
            image = new LoadedImage(address, address, address + file.size());
        }
        requireFree(file, image);
        return image;
    }

    /**
     * Loads a program at the addresses that it names.
     *
     * @param file the program
     * @param elf its headers
     * @param memory guest memory
     * @param isZeroed true if memory has never been written
     * @return where it lies
     */
    public LoadedImage loadProgram(
            BootFile file, ElfFile elf, GuestMemory memory, boolean isZeroed) {
        LoadedImage image = elf.load(memory, isZeroed);
        requireFree(file, image);
        return image;
    }

    /**
     * Loads the initial RAM disk at the top of RAM, at a multiple of the page size.
     *
     * @param initrd its content, which is the kernel's affair
     * @param memory guest memory
     * @return where it lies; the end is that of its content
     */
    public LoadedImage loadInitrd(Initrd initrd, GuestMemory memory) {
        long address = highest(initrd.size(), PAGE_BYTES);
        if (address == 0) {
            throw initrd.failure(
                    "the initial RAM disk has %d bytes, but only %d are free in memory (0x%x..0x%x)"
                            .formatted(initrd.size(), largestGap(), ramBase, ramEnd));
        }
        initrd.load(memory, address);
        var image = new LoadedImage(address, address, address + initrd.size());
        used.add(new Used("the initial RAM disk", image.first(), image.end()));
        return image;
    }

    /**
     * Stores the device tree below everything that already lies at the top of RAM, with room for
     * firmware to add to it.
     *
     * @param tree the flattened device tree
     * @param memory guest memory
     * @return its address
     */
    public long storeDeviceTree(byte[] tree, GuestMemory memory) {
        if (tree.length > MAX_DEVICE_TREE_BYTES) {
            throw new ConfigurationException(
                    "device tree: expected at most %d bytes, found %d; shorten --append"
                            .formatted(MAX_DEVICE_TREE_BYTES, tree.length));
        }
        long needed = tree.length + DEVICE_TREE_SLACK_BYTES;
        long address = highest(needed, DEVICE_TREE_ALIGNMENT);
        if (address == 0) {
            throw new ConfigurationException(
                    ("device tree: needs %d bytes at a multiple of %d, but no such place is free in"
                                    + " memory (0x%x..0x%x); raise --memory")
                            .formatted(needed, DEVICE_TREE_ALIGNMENT, ramBase, ramEnd));
        }
        memory.copyIn(address, tree);
        used.add(new Used("the device tree", address, address + needed));
        return address;
    }

    /** The highest free place below the limit, or else below the end of RAM; 0 if there is none. */
    private long highest(long bytes, long alignment) {
        long limit = Math.min(ramEnd, Math.max(LOW_LIMIT, ramBase));
        long address = highestBelow(limit, bytes, alignment);
        return address != 0 || limit == ramEnd ? address : highestBelow(ramEnd, bytes, alignment);
    }

    private long highestBelow(long limit, long bytes, long alignment) {
        long top = limit;
        while (bytes <= top - floor) {
            long first = (top - bytes) & -alignment;
            if (first < floor) {
                return 0;
            }
            Used obstacle = null;
            for (Used other : used) {
                if (first < other.end && other.first < first + bytes) {
                    obstacle = other;
                }
            }
            if (obstacle == null) {
                return first;
            }
            top = obstacle.first;
        }
        return 0;
    }

    private long largestGap() {
        long largest = 0;
        long from = floor;
        for (Used one : used.stream().sorted(Comparator.comparingLong(Used::first)).toList()) {
            largest = Math.max(largest, one.first - from);
            from = Math.max(from, one.end);
        }
        return Math.max(largest, ramEnd - from);
    }

    static String describe(GuestMemory memory) {
        StringBuilder text = new StringBuilder();
        for (var region : memory.regions()) {
            text.append(text.isEmpty() ? "" : ", ")
                    .append("0x%x..0x%x".formatted(region.base(), region.last()));
        }
        return text.toString();
    }
}
