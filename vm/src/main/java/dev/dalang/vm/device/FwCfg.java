package dev.dalang.vm.device;

import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * QEMU's firmware configuration device: numbered items and named files that the host has for
 * firmware and kernels. The guest selects an item and reads it, through the data register or by DMA
 * into its memory; items that were added as writable it may also write, by DMA.
 *
 * <p>Registers: data at offset 0 (accesses of any size take the next bytes in order), selector at 8
 * (2 bytes, big-endian), DMA address at 16 (8 bytes, or 4 and 4 of which the lower ones start the
 * transfer; big-endian). Other accesses read as zero, are dropped, and are counted. A transfer
 * whose description or buffer is not memory ends with the error bit and changes nothing.
 *
 * <p>Any thread. A transfer happens on the hart that asks for it, before its store completes.
 */
public final class FwCfg implements DeviceMmio, Suspendable {
    /** Bytes of the register window. */
    public static final int WINDOW_BYTES = 24;

    /** Four letters that say what this is. */
    public static final int FW_CFG_SIGNATURE = 0x00;

    /** What the interface can do. */
    public static final int FW_CFG_ID = 0x01;

    /** The machine's UUID, 16 bytes. */
    public static final int FW_CFG_UUID = 0x02;

    /** Bytes of memory, 64 bits. */
    public static final int FW_CFG_RAM_SIZE = 0x03;

    /** Number of harts, 16 bits. */
    public static final int FW_CFG_NB_CPUS = 0x05;

    /** Bytes of the kernel, 32 bits. */
    public static final int FW_CFG_KERNEL_SIZE = 0x08;

    /** Bytes of the initial RAM disk, 32 bits. */
    public static final int FW_CFG_INITRD_SIZE = 0x0b;

    /** Greatest number of harts, 16 bits. */
    public static final int FW_CFG_MAX_CPUS = 0x0f;

    /** The kernel. */
    public static final int FW_CFG_KERNEL_DATA = 0x11;

    /** The initial RAM disk. */
    public static final int FW_CFG_INITRD_DATA = 0x12;

    /** Bytes of the command line with its final null character, 32 bits. */
    public static final int FW_CFG_CMDLINE_SIZE = 0x14;

    /** The command line with its final null character. */
    public static final int FW_CFG_CMDLINE_DATA = 0x15;

    /** The list of files. */
    public static final int FW_CFG_FILE_DIR = 0x19;

    /** Selector of the first file. */
    public static final int FW_CFG_FILE_FIRST = 0x20;

    private static final int FW_CFG_WRITE_CHANNEL = 0x4000;
    private static final int FW_CFG_ARCH_LOCAL = 0x8000;
    private static final int FW_CFG_ENTRY_MASK = ~(FW_CFG_WRITE_CHANNEL | FW_CFG_ARCH_LOCAL);

    private static final int FW_CFG_VERSION = 0x01;
    private static final int FW_CFG_VERSION_DMA = 0x02;

    private static final int DMA_ERROR = 0x01;
    private static final int DMA_READ = 0x02;
    private static final int DMA_SKIP = 0x04;
    private static final int DMA_SELECT = 0x08;
    private static final int DMA_WRITE = 0x10;

    /** Bytes of a transfer's description: control, length, address; all big-endian. */
    private static final int DMA_ACCESS_BYTES = 16;

    private static final int REGISTER_DATA = 0;
    private static final int REGISTER_SELECTOR = 8;
    private static final int REGISTER_DMA = 16;

    /** "QEMU CFG" as the bytes of a little-endian number. */
    private static final long DMA_SIGNATURE = 0x4746_4320_554d_4551L;

    private static final int FILE_NAME_BYTES = 56;
    private static final String TYPE = "fw-cfg";
    private static final String FILE_TYPE = "fw-cfg-file";
    private static final int VERSION = 1;

    private final Object lock = new Object();
    private final String label;
    private final GuestMemory memory;
    private final @Nullable FwCfgItem[] items;
    private final @Nullable FwCfgItem[] architectureItems;
    private final List<FwCfgItem> writableItems;

    // Guarded by the lock.
    private int selector;
    private @Nullable FwCfgItem selected;
    private long position;
    private final ByteBuffer access = ByteBuffer.allocate(DMA_ACCESS_BYTES);
    private int dmaAddressHigh;
    private long dmaErrors;
    private long invalidAccesses;

    private FwCfg(Builder builder) {
        label = builder.label;
        memory = builder.memory;
        items = new FwCfgItem[FW_CFG_FILE_FIRST + builder.files.size()];
        architectureItems = new FwCfgItem[FW_CFG_FILE_FIRST];
        builder.items.forEach(
                (key, item) -> {
                    boolean local = (key & FW_CFG_ARCH_LOCAL) != 0;
                    (local ? architectureItems : items)[key & FW_CFG_ENTRY_MASK] = item;
                });
        int key = FW_CFG_FILE_FIRST;
        for (FwCfgItem file : builder.files.values()) {
            items[key++] = file;
        }
        items[FW_CFG_FILE_DIR] =
                new FwCfgItem("directory", MemorySegment.ofArray(directory(builder.files)));
        writableItems = builder.files.values().stream().filter(FwCfgItem::isWritable).toList();
        select(FW_CFG_SIGNATURE);
    }

    /**
     * Begins a device that holds the signature and the version only.
     *
     * @param label its name, such as {@code fwcfg}
     * @param memory where transfers go
     * @return the builder
     */
    public static Builder builder(String label, GuestMemory memory) {
        return new Builder(label, memory);
    }

    private static byte[] directory(Map<String, FwCfgItem> files) {
        var directory = ByteBuffer.allocate(4 + files.size() * (8 + FILE_NAME_BYTES));
        directory.putInt(files.size());
        int key = FW_CFG_FILE_FIRST;
        for (FwCfgItem file : files.values()) {
            directory.putInt((int) file.size()).putShort((short) key++).putShort((short) 0);
            byte[] name = file.name().getBytes(StandardCharsets.US_ASCII);
            directory.put(name).put(new byte[FILE_NAME_BYTES - name.length]);
        }
        return directory.array();
    }

    @Override
    public String label() {
        return label;
    }

    @Override
    public String typeId() {
        return TYPE;
    }

    /** {@return how many transfers ended with the error bit} */
    public long dmaErrors() {
        synchronized (lock) {
            return dmaErrors;
        }
    }

    /** {@return how many accesses met no register} */
    public long invalidAccesses() {
        synchronized (lock) {
            return invalidAccesses;
        }
    }

    /** Selects the first item, as after power-on; what the guest has written stays. */
    public void reset() {
        synchronized (lock) {
            select(FW_CFG_SIGNATURE);
            dmaAddressHigh = 0;
        }
    }

    @Override
    public long mmioRead(long base, long offset, int size) {
        synchronized (lock) {
            if (offset == REGISTER_DATA) {
                return next(size);
            }
            if (offset >= REGISTER_DMA && offset <= WINDOW_BYTES - size) {
                int shift = (int) (offset - REGISTER_DMA) * Byte.SIZE;
                return DMA_SIGNATURE >>> shift & -1L >>> (Long.SIZE - size * Byte.SIZE);
            }
            invalidAccesses++;
            return 0;
        }
    }

    @Override
    public void mmioWrite(long base, long offset, int size, long value) {
        synchronized (lock) {
            if (offset == REGISTER_SELECTOR && size == 2) {
                select(Short.reverseBytes((short) value) & 0xffff);
            } else if (offset == REGISTER_DMA && size == 8) {
                transfer(Long.reverseBytes(value));
            } else if (offset == REGISTER_DMA && size == 4) {
                dmaAddressHigh = Integer.reverseBytes((int) value);
            } else if (offset == REGISTER_DMA + 4 && size == 4) {
                long low = Integer.toUnsignedLong(Integer.reverseBytes((int) value));
                transfer((long) dmaAddressHigh << 32 | low);
            } else {
                // Writing through the data register is history: dropped as by QEMU since 2.4.
                invalidAccesses++;
            }
        }
    }

    private void select(int key) {
        selector = key;
        selected = item(key);
        position = 0;
    }

    private @Nullable FwCfgItem item(int key) {
        @Nullable FwCfgItem[] kind = (key & FW_CFG_ARCH_LOCAL) != 0 ? architectureItems : items;
        int index = key & FW_CFG_ENTRY_MASK;
        return index < kind.length ? kind[index] : null;
    }

    /** The next bytes of the item, the first one lowest; zeros behind its end. */
    private long next(int size) {
        FwCfgItem item = selected;
        long value = 0;
        for (int i = 0; i < size && item != null && position < item.size(); i++) {
            long octet = item.content().get(ValueLayout.JAVA_BYTE, position++) & 0xff;
            value |= octet << i * Byte.SIZE;
        }
        return value;
    }

    /** Serves the description at this address. Fields are read once, then checked, then used. */
    private void transfer(long description) {
        dmaAddressHigh = 0;
        if (!memory.isWritable(description, DMA_ACCESS_BYTES)) {
            dmaErrors++;
            return;
        }
        // Bulk copies: the description may lie across two regions of memory.
        memory.copyOut(description, access.array());
        int control = access.getInt(0);
        long length = Integer.toUnsignedLong(access.getInt(4));
        long address = access.getLong(8);
        if ((control & DMA_SELECT) != 0) {
            select(control >>> 16);
        }
        boolean done = true;
        if ((control & DMA_READ) != 0) {
            done = read(address, length);
        } else if ((control & DMA_WRITE) != 0) {
            done = write(address, length);
        } else if ((control & DMA_SKIP) != 0) {
            position += Math.min(length, remaining());
        }
        if (!done) {
            dmaErrors++;
        }
        // The guest polls the control word: it sees the data first.
        VarHandle.releaseFence();
        access.putInt(0, done ? 0 : DMA_ERROR);
        memory.copyIn(description, access.array(), 0, Integer.BYTES);
    }

    private long remaining() {
        return selected == null ? 0 : selected.size() - position;
    }

    private boolean read(long address, long length) {
        if (!memory.isWritable(address, length)) {
            return false;
        }
        long count = Math.min(length, remaining());
        if (selected != null && count != 0) {
            memory.copyIn(address, selected.content().asSlice(position, count));
            position += count;
        }
        if (count != length) {
            memory.fill(address + count, length - count, (byte) 0);
        }
        return true;
    }

    private boolean write(long address, long length) {
        FwCfgItem item = selected;
        if (item == null
                || !item.isWritable()
                || length > remaining()
                || !memory.contains(address, length)) {
            return false;
        }
        memory.copyOut(address, item.content().asSlice(position, length));
        position += length;
        item.written();
        return true;
    }

    @Override
    public void sleep() {
        // It acts only within an access.
    }

    @Override
    public void wake() {
        // As above.
    }

    @Override
    public Snapshot snapshot() {
        synchronized (lock) {
            var files = new ArrayList<Snapshot>();
            for (FwCfgItem item : writableItems) {
                files.add(
                        Snapshot.builder(FILE_TYPE, VERSION)
                                .put("name", item.name())
                                .put("content", item.copy())
                                .build());
            }
            return Snapshot.builder(TYPE, VERSION)
                    .put("selector", selector)
                    .put("position", position)
                    .put("dmaAddressHigh", Integer.toUnsignedLong(dmaAddressHigh))
                    .put("files", files)
                    .build();
        }
    }

    /**
     * {@inheritDoc}
     *
     * <p>Files that the guest has written get their bytes back without their owners being told: who
     * acts on them saves what it made of them itself.
     */
    @Override
    public void restore(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        int newSelector = snapshot.getInt("selector", 0, 0xffff);
        FwCfgItem item = item(newSelector);
        long newPosition = snapshot.getLong("position");
        long size = item == null ? 0 : item.size();
        if (newPosition < 0 || newPosition > size) {
            throw new SnapshotException(
                    "fw-cfg.position: expected 0..%d, got %d".formatted(size, newPosition));
        }
        long newHigh = snapshot.getLong("dmaAddressHigh");
        if (newHigh >>> 32 != 0) {
            throw new SnapshotException(
                    "fw-cfg.dmaAddressHigh: expected 32 bits, got 0x%x".formatted(newHigh));
        }
        List<byte[]> contents = contents(snapshot.getList("files"));
        synchronized (lock) {
            select(newSelector);
            position = newPosition;
            dmaAddressHigh = (int) newHigh;
            for (int i = 0; i < contents.size(); i++) {
                writableItems.get(i).content().copyFrom(MemorySegment.ofArray(contents.get(i)));
            }
        }
    }

    private List<byte[]> contents(List<Snapshot> files) {
        if (files.size() != writableItems.size()) {
            throw new SnapshotException(
                    "fw-cfg.files: expected %d, got %d"
                            .formatted(writableItems.size(), files.size()));
        }
        var contents = new ArrayList<byte[]>();
        for (int i = 0; i < files.size(); i++) {
            FwCfgItem item = writableItems.get(i);
            Snapshot file = files.get(i).expect(FILE_TYPE, VERSION);
            byte[] content = file.getBytes("content", (int) item.size());
            if (!file.getString("name").equals(item.name()) || content.length != item.size()) {
                throw new SnapshotException(
                        "fw-cfg.files: expected %s of %d bytes, got %s of %d bytes"
                                .formatted(
                                        item.name(),
                                        item.size(),
                                        file.getString("name"),
                                        content.length));
            }
            contents.add(content);
        }
        return contents;
    }

    /**
     * Collects the items. Each key and each name is used once; the methods throw {@link
     * IllegalArgumentException} for one that is not allowed or is taken.
     */
    public static final class Builder {
        private final String label;
        private final GuestMemory memory;
        private final Map<Integer, FwCfgItem> items = new TreeMap<>();
        private final Map<String, FwCfgItem> files = new TreeMap<>();

        private Builder(String label, GuestMemory memory) {
            this.label = label;
            this.memory = memory;
            item(FW_CFG_SIGNATURE, "QEMU".getBytes(StandardCharsets.US_ASCII));
            number(FW_CFG_ID, Integer.BYTES, FW_CFG_VERSION | FW_CFG_VERSION_DMA);
        }

        /**
         * Adds an item.
         *
         * @param key below 0x20, or that with bit 15 set; not that of the directory
         * @param content the bytes, which are copied
         * @return this builder
         */
        public Builder item(int key, byte[] content) {
            return item(key, MemorySegment.ofArray(content.clone()));
        }

        /**
         * Adds an item.
         *
         * @param key below 0x20, or that with bit 15 set; not that of the directory
         * @param content the bytes, which are not copied: they stay, accessible from every thread,
         *     as long as the device is used; less than 4 GiB
         * @return this builder
         */
        public Builder item(int key, MemorySegment content) {
            int index = key & ~FW_CFG_ARCH_LOCAL;
            if (index < 0 || index >= FW_CFG_FILE_FIRST || key == FW_CFG_FILE_DIR) {
                throw new IllegalArgumentException(
                        "fw_cfg: expected a key below 0x20 but 0x19, got 0x%x".formatted(key));
            }
            var item = new FwCfgItem("0x%x".formatted(key), checked(content));
            if (items.putIfAbsent(key, item) != null) {
                throw new IllegalArgumentException(
                        "fw_cfg: the item 0x%x is given twice".formatted(key));
            }
            return this;
        }

        /**
         * Adds an item that is a little-endian number.
         *
         * @param key as in {@link #item(int, byte[])}
         * @param bytes its width, 1..8
         * @param value the number
         * @return this builder
         */
        public Builder number(int key, int bytes, long value) {
            var content = new ByteArrayOutputStream();
            var number =
                    ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value);
            content.write(number.array(), 0, bytes);
            return item(key, content.toByteArray());
        }

        /**
         * Adds the kernel that firmware is to boot, under QEMU's keys.
         *
         * @param content as in {@link #item(int, MemorySegment)}
         * @return this builder
         */
        public Builder kernel(MemorySegment content) {
            return number(FW_CFG_KERNEL_SIZE, Integer.BYTES, content.byteSize())
                    .item(FW_CFG_KERNEL_DATA, content);
        }

        /**
         * Adds the kernel's initial RAM disk, under QEMU's keys.
         *
         * @param content as in {@link #item(int, MemorySegment)}
         * @return this builder
         */
        public Builder initrd(MemorySegment content) {
            return number(FW_CFG_INITRD_SIZE, Integer.BYTES, content.byteSize())
                    .item(FW_CFG_INITRD_DATA, content);
        }

        /**
         * Adds the kernel's command line, under QEMU's keys.
         *
         * @param text the command line, without a null character
         * @return this builder
         */
        public Builder commandLine(String text) {
            byte[] content = (text + "\0").getBytes(StandardCharsets.UTF_8);
            return number(FW_CFG_CMDLINE_SIZE, Integer.BYTES, content.length)
                    .item(FW_CFG_CMDLINE_DATA, content);
        }

        /**
         * Adds a file.
         *
         * @param name such as {@code etc/boot-menu-wait}; 1 to 55 ASCII characters
         * @param content the bytes, which are copied
         * @return this builder
         */
        public Builder file(String name, byte[] content) {
            return file(name, MemorySegment.ofArray(content.clone()));
        }

        /**
         * Adds a file.
         *
         * @param name as in {@link #file(String, byte[])}
         * @param content as in {@link #item(int, MemorySegment)}
         * @return this builder
         */
        public Builder file(String name, MemorySegment content) {
            return add(new FwCfgItem(name, checked(content)));
        }

        /**
         * Adds a file that the guest may write; its size does not change.
         *
         * @param name as in {@link #file(String, byte[])}
         * @param initial the bytes at first
         * @param onWrite gets a copy of all of the bytes after each write; called on the writing
         *     hart's thread, and must not wait for anything
         * @return this builder
         */
        public Builder writableFile(String name, byte[] initial, Consumer<byte[]> onWrite) {
            return add(new FwCfgItem(name, initial, onWrite));
        }

        /** {@return the device} */
        public FwCfg build() {
            return new FwCfg(this);
        }

        private Builder add(FwCfgItem file) {
            String name = file.name();
            boolean ascii = name.chars().allMatch(c -> c > ' ' && c < 0x7f);
            if (name.isEmpty() || name.length() >= FILE_NAME_BYTES || !ascii) {
                throw new IllegalArgumentException(
                        "fw_cfg: expected a file name of 1 to 55 ASCII characters, got \"%s\""
                                .formatted(name));
            }
            if (files.size() > 0x3fff - FW_CFG_FILE_FIRST) {
                throw new IllegalArgumentException(
                        "fw_cfg: expected at most %d files".formatted(0x4000 - FW_CFG_FILE_FIRST));
            }
            if (files.putIfAbsent(name, file) != null) {
                throw new IllegalArgumentException(
                        "fw_cfg: the file \"%s\" is given twice".formatted(name));
            }
            return this;
        }

        private static MemorySegment checked(MemorySegment content) {
            if (content.byteSize() >>> 32 != 0) {
                throw new IllegalArgumentException(
                        "fw_cfg: expected less than 4 GiB, got %d bytes"
                                .formatted(content.byteSize()));
            }
            return content;
        }
    }
}
