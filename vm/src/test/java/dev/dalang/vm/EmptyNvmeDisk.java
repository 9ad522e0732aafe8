package dev.dalang.vm;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.pci.PciDma;
import dev.dalang.pci.PciHost;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A disk full of zeros with as much of NVM Express 1.3 as a firmware's driver uses that polls: no
 * interrupts, transfers of at most two pages, nothing that is written is kept.
 */
final class EmptyNvmeDisk implements PciDevice {
    private static final int PAGE = 4096;
    private static final int BLOCK_SHIFT = 9;
    private static final long BLOCKS = 2048;
    private static final int QUEUES = 4;
    private static final int CC = 0x14;
    private static final int CSTS = 0x1c;
    private static final int AQA = 0x24;
    private static final int ASQ = 0x28;
    private static final int ACQ = 0x30;
    private static final int DOORBELLS = 0x1000;

    /** 64 entries, contiguous queues, ready within 500 ms, the NVM command set, pages of 4 KiB. */
    private static final long CAPABILITIES = 63 | 1L << 16 | 1L << 24 | 1L << 37;

    private static final class Ring {
        private long base;
        private int size;
        private int at;
        private int phase = 1;
        private int completions;

        private void set(long address, int entries) {
            base = address;
            size = entries;
            at = 0;
            phase = 1;
        }
    }

    private final ByteBuffer registers =
            ByteBuffer.allocate(0x40).order(ByteOrder.LITTLE_ENDIAN).putLong(0, CAPABILITIES);
    private final Ring[] submissions = new Ring[QUEUES];
    private final Ring[] completions = new Ring[QUEUES];
    private PciDma memory;

    EmptyNvmeDisk() {
        registers.putInt(0x08, 0x1_0300);
        Arrays.setAll(submissions, _ -> new Ring());
        Arrays.setAll(completions, _ -> new Ring());
    }

    @Override
    public PciDeviceSpec spec() {
        return PciDeviceSpec.builder("empty-nvme", 0x1b36, 0x0010)
                .classCode(0x01_0802)
                .memoryBar64(0, 0x4000)
                .intx()
                .build();
    }

    @Override
    public void attach(PciHost host) {
        memory = host.memory();
    }

    @Override
    public long readBar(int bar, long offset, int size) {
        if (offset + size > registers.capacity()) {
            return 0;
        }
        return size == 8
                ? registers.getLong((int) offset)
                : registers.getInt((int) offset & ~3) & 0xffff_ffffL;
    }

    @Override
    public void writeBar(int bar, long offset, int size, long value) {
        if (offset >= DOORBELLS) {
            int index = (int) (offset - DOORBELLS) / 4;
            if (index % 2 == 0 && index / 2 < QUEUES) {
                serve(index / 2, (int) value);
            }
        } else if (offset >= CC && offset + size <= registers.capacity()) {
            if (size == 8) {
                registers.putLong((int) offset, value);
            } else {
                registers.putInt((int) offset, (int) value);
            }
            if (offset == CC) {
                control((int) value);
            }
        }
    }

    private void control(int value) {
        boolean isEnabled = (value & 1) != 0;
        boolean shutsDown = (value >> 14 & 3) != 0;
        registers.putInt(CSTS, (isEnabled ? 1 : 0) | (shutsDown ? 2 << 2 : 0));
        if (isEnabled) {
            int sizes = registers.getInt(AQA);
            submissions[0].set(registers.getLong(ASQ), (sizes & 0xfff) + 1);
            completions[0].set(registers.getLong(ACQ), (sizes >> 16 & 0xfff) + 1);
        }
    }

    private void serve(int queue, int tail) {
        Ring ring = submissions[queue];
        while (ring.size != 0 && tail < ring.size && ring.at != tail) {
            ByteBuffer command = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
            memory.read(ring.base + 64L * ring.at, command.array());
            ring.at = (ring.at + 1) % ring.size;
            if (queue == 0) {
                administer(command);
            } else if (command.get(0) == 0x02) {
                zero(command, (command.getShort(48) & 0xffff) + 1 << BLOCK_SHIFT);
            }
            complete(queue, ring, command.getShort(2) & 0xffff);
        }
    }

    private void administer(ByteBuffer command) {
        int queue = command.getShort(40) & QUEUES - 1;
        int size = (command.getShort(42) & 0xffff) + 1;
        switch (command.get(0)) {
            case 0x01 -> {
                submissions[queue].set(command.getLong(24), size);
                submissions[queue].completions = command.getShort(46) & QUEUES - 1;
            }
            case 0x05 -> completions[queue].set(command.getLong(24), size);
            case 0x06 -> memory.write(command.getLong(24), identify(command.get(40)));
            default -> {
                // Features and the like: granted, and nothing comes of it.
            }
        }
    }

    private static byte[] identify(int what) {
        ByteBuffer page = ByteBuffer.allocate(PAGE).order(ByteOrder.LITTLE_ENDIAN);
        if (what == 0) {
            page.putLong(0, BLOCKS).putLong(8, BLOCKS).putLong(16, BLOCKS);
            page.putInt(128, BLOCK_SHIFT << 16);
        } else if (what == 1) {
            page.putShort(0, (short) 0x1b36).putShort(2, (short) 0x1af4);
            String names = "empty".repeat(4) + "Empty disk" + " ".repeat(30) + "1       ";
            page.put(4, names.getBytes(StandardCharsets.US_ASCII));
            page.put(77, (byte) 1).putInt(80, 0x1_0300);
            page.put(512, (byte) 0x66).put(513, (byte) 0x44).putInt(516, 1);
        }
        return page.array();
    }

    private void zero(ByteBuffer command, int bytes) {
        long first = command.getLong(24);
        int inFirst = (int) Math.min(bytes, PAGE - (first & PAGE - 1));
        memory.write(first, new byte[inFirst]);
        memory.write(command.getLong(32), new byte[Math.min(bytes - inFirst, PAGE)]);
    }

    private void complete(int queue, Ring from, int command) {
        Ring ring = completions[from.completions];
        ByteBuffer entry = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        entry.putInt(8, from.at | queue << 16).putInt(12, command | ring.phase << 16);
        memory.write(ring.base + 16L * ring.at, entry.array());
        if (++ring.at == ring.size) {
            ring.at = 0;
            ring.phase ^= 1;
        }
    }

    @Override
    public Snapshot snapshot() {
        return Snapshot.builder("empty-nvme", 1).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        snapshot.expect("empty-nvme", 1);
    }
}
