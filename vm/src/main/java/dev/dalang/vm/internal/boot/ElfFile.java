package dev.dalang.vm.internal.boot;

import dev.dalang.bus.memory.GuestMemory;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** An executable in the ELF format for a 64-bit little-endian RISC-V machine. */
public final class ElfFile {
    private static final int HEADER_BYTES = 64;
    private static final int PROGRAM_HEADER_BYTES = 56;
    private static final int SECTION_HEADER_BYTES = 64;
    private static final int SYMBOL_BYTES = 24;

    private static final int ELFCLASS64 = 2;
    private static final int ELFDATA2LSB = 1;
    private static final int ET_EXEC = 2;
    private static final int ET_DYN = 3;
    private static final int EM_RISCV = 243;
    private static final int PT_LOAD = 1;
    private static final int SHT_SYMTAB = 2;

    /** Tables beyond this size are refused: no kernel's symbols come near it. */
    private static final int MAX_TABLE_BYTES = 64 << 20;

    private final BootFile file;
    private final ByteBuffer header;
    private final List<Segment> segments;

    private ElfFile(BootFile file, ByteBuffer header, List<Segment> segments) {
        this.file = file;
        this.header = header;
        this.segments = segments;
    }

    private record Segment(
            int index,
            long offset,
            long virtualAddress,
            long physicalAddress,
            long fileBytes,
            long memoryBytes) {
        boolean overlaps(Segment other) {
            // Neither wraps: both lie in memory when this is asked.
            return Long.compareUnsigned(physicalAddress, other.physicalAddress + other.memoryBytes)
                            < 0
                    && Long.compareUnsigned(other.physicalAddress, physicalAddress + memoryBytes)
                            < 0;
        }
    }

    static boolean isElf(byte[] start) {
        return start.length >= 4
                && start[0] == 0x7F
                && start[1] == 'E'
                && start[2] == 'L'
                && start[3] == 'F';
    }

    /**
     * Reads and checks the headers.
     *
     * @param file the file, which stays open as long as this is used
     * @return the executable
     */
    public static ElfFile parse(BootFile file) {
        byte[] start = file.readStart(HEADER_BYTES);
        if (!isElf(start)) {
            throw file.failure(
                    "expected an ELF file beginning with 7f454c46, found " + hex(start, 4));
        }
        ByteBuffer header = little(file.read(0, HEADER_BYTES, "the ELF header"));
        expect(file, "class", ELFCLASS64, "64-bit", header.get(4));
        expect(file, "data encoding", ELFDATA2LSB, "little-endian", header.get(5));
        expect(file, "version", 1, "current", header.get(6));
        int type = Short.toUnsignedInt(header.getShort(16));
        if (type != ET_EXEC && type != ET_DYN) {
            throw file.failure("expected ELF type 2 (executable) or 3 (shared), found " + type);
        }
        expect(file, "machine", EM_RISCV, "RISC-V", Short.toUnsignedInt(header.getShort(18)));
        int entryBytes = Short.toUnsignedInt(header.getShort(54));
        int entries = Short.toUnsignedInt(header.getShort(56));
        if (entries == 0) {
            throw file.failure("expected ELF program headers, found 0");
        }
        if (entryBytes != PROGRAM_HEADER_BYTES) {
            throw file.failure(
                    "expected ELF program headers of "
                            + PROGRAM_HEADER_BYTES
                            + " bytes, found "
                            + entryBytes);
        }
        return new ElfFile(file, header, segments(file, header.getLong(32), entries));
    }

    private static List<Segment> segments(BootFile file, long offset, int entries) {
        ByteBuffer table =
                little(
                        file.read(
                                offset,
                                entries * PROGRAM_HEADER_BYTES,
                                "the ELF program header table"));
        List<Segment> segments = new ArrayList<>();
        for (int i = 0; i < entries; i++) {
            int at = i * PROGRAM_HEADER_BYTES;
            Segment segment =
                    new Segment(
                            i,
                            table.getLong(at + 8),
                            table.getLong(at + 16),
                            table.getLong(at + 24),
                            table.getLong(at + 32),
                            table.getLong(at + 40));
            if (table.getInt(at) == PT_LOAD && segment.memoryBytes != 0) {
                segments.add(segment);
            }
        }
        if (segments.isEmpty()) {
            throw file.failure("expected at least one ELF segment to load, found 0");
        }
        return segments;
    }

    /**
     * Copies the segments to their physical addresses.
     *
     * @param memory where they must lie
     * @param isZeroed true if memory has never been written, so that only the bytes of the file
     *     need to be stored
     * @return where the program lies; its entry is a physical address
     */
    public LoadedImage load(GuestMemory memory, boolean isZeroed) {
        long first = segments.getFirst().physicalAddress;
        long end = first;
        for (Segment segment : segments) {
            check(segment, memory);
            long segmentEnd = segment.physicalAddress + segment.memoryBytes;
            first =
                    Long.compareUnsigned(segment.physicalAddress, first) < 0
                            ? segment.physicalAddress
                            : first;
            end = Long.compareUnsigned(segmentEnd, end) > 0 ? segmentEnd : end;
        }
        checkOverlaps();
        long entry = physicalEntry();
        for (Segment segment : segments) {
            file.load(
                    segment.offset,
                    segment.fileBytes,
                    memory,
                    segment.physicalAddress,
                    "ELF segment " + segment.index);
            if (!isZeroed) {
                memory.fill(
                        segment.physicalAddress + segment.fileBytes,
                        segment.memoryBytes - segment.fileBytes,
                        (byte) 0);
            }
        }
        return new LoadedImage(entry, first, end);
    }

    private void check(Segment segment, GuestMemory memory) {
        String name = "ELF segment " + segment.index;
        if (Long.compareUnsigned(segment.fileBytes, segment.memoryBytes) > 0) {
            throw file.failure(
                    "%s: expected at most %s bytes in the file (its size in memory), found %s"
                            .formatted(
                                    name,
                                    Long.toUnsignedString(segment.memoryBytes),
                                    Long.toUnsignedString(segment.fileBytes)));
        }
        if (!memory.isWritable(segment.physicalAddress, segment.memoryBytes)) {
            throw file.failure(
                    "%s: %s bytes at 0x%x lie outside the machine's memory, %s"
                            .formatted(
                                    name,
                                    Long.toUnsignedString(segment.memoryBytes),
                                    segment.physicalAddress,
                                    BootLayout.describe(memory)));
        }
        file.read(segment.offset, 0, name);
        if (segment.fileBytes > file.size() - segment.offset) {
            throw file.failure(
                    "%s needs bytes %d to %d, but the file has only %d"
                            .formatted(
                                    name,
                                    segment.offset,
                                    segment.offset + segment.fileBytes,
                                    file.size()));
        }
    }

    private void checkOverlaps() {
        List<Segment> sorted =
                segments.stream()
                        .sorted(
                                (a, b) ->
                                        Long.compareUnsigned(a.physicalAddress, b.physicalAddress))
                        .toList();
        for (int i = 1; i < sorted.size(); i++) {
            Segment below = sorted.get(i - 1);
            Segment above = sorted.get(i);
            if (below.overlaps(above)) {
                throw file.failure(
                        "ELF segments %d (%d bytes at 0x%x) and %d (at 0x%x) overlap"
                                .formatted(
                                        below.index,
                                        below.memoryBytes,
                                        below.physicalAddress,
                                        above.index,
                                        above.physicalAddress));
            }
        }
    }

    /**
     * A kernel's entry is often a virtual address: the segment that holds it tells the physical.
     */
    private long physicalEntry() {
        long entry = header.getLong(24);
        for (Segment segment : segments) {
            if (Long.compareUnsigned(entry - segment.physicalAddress, segment.memoryBytes) < 0) {
                return entry;
            }
        }
        for (Segment segment : segments) {
            long offset = entry - segment.virtualAddress;
            if (Long.compareUnsigned(offset, segment.memoryBytes) < 0) {
                return segment.physicalAddress + offset;
            }
        }
        throw file.failure("the ELF entry 0x%x lies in no segment".formatted(entry));
    }

    /**
     * Looks up symbols.
     *
     * @param names what to look for
     * @return the values of those that the symbol table has; none if there is no table
     */
    public Map<String, Long> symbols(Set<String> names) {
        long offset = header.getLong(40);
        int entryBytes = Short.toUnsignedInt(header.getShort(58));
        int entries = Short.toUnsignedInt(header.getShort(60));
        Map<String, Long> found = new HashMap<>();
        if (offset == 0 || entries == 0) {
            return found;
        }
        if (entryBytes != SECTION_HEADER_BYTES) {
            throw file.failure(
                    "expected ELF section headers of "
                            + SECTION_HEADER_BYTES
                            + " bytes, found "
                            + entryBytes);
        }
        ByteBuffer sections =
                little(
                        file.read(
                                offset,
                                entries * SECTION_HEADER_BYTES,
                                "the ELF section header table"));
        for (int i = 0; i < entries; i++) {
            int at = i * SECTION_HEADER_BYTES;
            if (sections.getInt(at + 4) == SHT_SYMTAB) {
                int strings = sections.getInt(at + 40);
                if (strings < 0 || strings >= entries) {
                    throw file.failure(
                            "expected an ELF string table below section %d, found %s"
                                    .formatted(entries, Integer.toUnsignedString(strings)));
                }
                collect(
                        table(sections, at, "the ELF symbol table"),
                        table(sections, strings * SECTION_HEADER_BYTES, "the ELF string table"),
                        names,
                        found);
            }
        }
        return found;
    }

    private byte[] table(ByteBuffer sections, int at, String what) {
        long size = sections.getLong(at + 32);
        if (size < 0 || size > MAX_TABLE_BYTES) {
            throw file.failure(
                    "%s: expected at most %d bytes, found %s"
                            .formatted(what, MAX_TABLE_BYTES, Long.toUnsignedString(size)));
        }
        return file.read(sections.getLong(at + 24), (int) size, what);
    }

    private static void collect(
            byte[] symbolTable, byte[] strings, Set<String> names, Map<String, Long> found) {
        ByteBuffer symbols = little(symbolTable);
        for (String name : names) {
            byte[] wanted = (name + "\0").getBytes(StandardCharsets.US_ASCII);
            for (int at = 0; at + SYMBOL_BYTES <= symbolTable.length; at += SYMBOL_BYTES) {
                if (startsWith(strings, symbols.getInt(at), wanted)) {
                    found.put(name, symbols.getLong(at + 8));
                }
            }
        }
    }

    private static boolean startsWith(byte[] strings, int at, byte[] wanted) {
        if (at < 0 || at > strings.length - wanted.length) {
            return false;
        }
        for (int i = 0; i < wanted.length; i++) {
            if (strings[at + i] != wanted[i]) {
                return false;
            }
        }
        return true;
    }

    private static void expect(BootFile file, String field, int wanted, String means, int found) {
        if (found != wanted) {
            throw file.failure(
                    "expected ELF %s %d (%s), found %d".formatted(field, wanted, means, found));
        }
    }

    private static ByteBuffer little(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    static String hex(byte[] bytes, int length) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < Math.min(length, bytes.length); i++) {
            text.append("%02x".formatted(bytes[i]));
        }
        return text.isEmpty() ? "nothing" : text.toString();
    }
}
