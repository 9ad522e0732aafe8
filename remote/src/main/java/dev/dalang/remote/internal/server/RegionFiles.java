package dev.dalang.remote.internal.server;

import dev.dalang.bus.memory.MemoryBacking;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.LinuxFile;
import dev.dalang.pci.PciBarMemory;
import dev.dalang.remote.internal.wire.RegionInfo;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The files behind those parts of a device's BARs that a client may map. Immutable. */
final class RegionFiles implements AutoCloseable {
    /**
     * A region's file.
     *
     * @param descriptor what a client gets
     * @param offset where in it the region begins
     * @param areas what of the region it may map
     */
    record RegionFile(Descriptor descriptor, long offset, List<RegionInfo.Area> areas) {}

    private final Map<Integer, RegionFile> byRegion = new HashMap<>();

    /** Those that have a name, which are open for as long as this is. */
    private final List<LinuxFile> opened = new ArrayList<>();

    private RegionFiles() {}

    /**
     * Opens the files.
     *
     * @throws HostIoException if one cannot be
     */
    static RegionFiles open(List<PciBarMemory> memory) throws HostIoException {
        RegionFiles files = new RegionFiles();
        try {
            for (PciBarMemory one : memory) {
                files.add(one);
            }
            return files;
        } catch (HostIoException | RuntimeException | Error failed) {
            files.close();
            throw failed;
        }
    }

    private void add(PciBarMemory memory) throws HostIoException {
        Descriptor descriptor =
                switch (memory.file()) {
                    // The device's own: it is sent, and never closed here.
                    case MemoryBacking.Descriptor(int number, long _) ->
                            Descriptor.of(number, "memory of BAR " + memory.bar());
                    case MemoryBacking.File(var path, long _) -> {
                        LinuxFile file = LinuxFile.open(path, true);
                        opened.add(file);
                        yield file.descriptor();
                    }
                };
        List<RegionInfo.Area> areas =
                memory.areas().stream()
                        .map(area -> new RegionInfo.Area(area.offset(), area.size()))
                        .toList();
        byRegion.put(memory.bar(), new RegionFile(descriptor, memory.file().offset(), areas));
    }

    /** A region's file, if it has one. */
    Optional<RegionFile> of(int region) {
        return Optional.ofNullable(byRegion.get(region));
    }

    @Override
    public void close() {
        opened.forEach(LinuxFile::close);
    }
}
