package dev.dalang.vm.internal.board;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.vm.ConfigurationException;
import dev.dalang.vm.internal.board.BoardDescription.AddressRange;
import dev.dalang.vm.internal.boot.BootFile;
import dev.dalang.vm.internal.boot.BootLayout;
import dev.dalang.vm.internal.boot.ElfFile;
import dev.dalang.vm.internal.boot.Initrd;
import dev.dalang.vm.internal.boot.KernelLoader;
import dev.dalang.vm.internal.boot.LoadedImage;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Brings what a {@code virt} board boots into its memory. Files are read anew for each start, as a
 * machine reads its disk anew.
 */
final class VirtBoot {
    private static final int RNG_SEED_BYTES = 32;

    private static final String TO_HOST = "tohost";

    private static final String FROM_HOST = "fromhost";

    private final BoardConfiguration configuration;
    private final GuestMemory memory;
    private final MemorySegment rom;

    /**
     * What was loaded.
     *
     * @param entry where the harts begin: in S-mode under the built-in SBI, otherwise in M-mode
     * @param deviceTree address of the device tree
     * @param toHost address of a bare program's {@code tohost}
     * @param fromHost address of its {@code fromhost}
     */
    record Loaded(long entry, long deviceTree, OptionalLong toHost, OptionalLong fromHost) {}

    VirtBoot(BoardConfiguration configuration, GuestMemory memory, MemorySegment rom) {
        this.configuration = configuration;
        this.memory = memory;
        this.rom = rom;
    }

    /**
     * Loads everything.
     *
     * @param isZeroed true if memory has never been written
     */
    Loaded load(boolean isZeroed) {
        BootLayout layout = BootLayout.of(VirtMap.RAM, configuration.memoryBytes());
        if (configuration.bare().isPresent()) {
            return loadBare(configuration.bare().get(), layout, isZeroed);
        }
        Optional<LoadedImage> firmware = Optional.empty();
        if (configuration.bios().isPresent()) {
            try (BootFile file = BootFile.open("--bios", configuration.bios().get())) {
                firmware = Optional.of(layout.loadFirmware(file, memory, VirtMap.RAM, isZeroed));
            }
        }
        OptionalLong next = OptionalLong.empty();
        Optional<AddressRange> initrd = Optional.empty();
        if (configuration.startsFromFlash()) {
            // Kernel and initial RAM disk wait in fw_cfg.
            next = OptionalLong.of(VirtMap.FLASH);
        } else {
            next = loadKernel(layout, isZeroed);
            initrd = loadInitrd(layout);
        }
        long tree = layout.storeDeviceTree(deviceTree(initrd), memory);
        if (firmware.isEmpty()) {
            if (next.isEmpty()) {
                throw new ConfigurationException(
                        "nothing to boot: expected --kernel, --bios, --firmware, --flash or --bare,"
                                + " found none of them");
            }
            return new Loaded(next.getAsLong(), tree, OptionalLong.empty(), OptionalLong.empty());
        }
        writeRom(ResetRom.bytes(firmware.get().entry(), tree, next.orElse(0), 0));
        return new Loaded(VirtMap.ROM, tree, OptionalLong.empty(), OptionalLong.empty());
    }

    private OptionalLong loadKernel(BootLayout layout, boolean isZeroed) {
        if (configuration.kernel().isEmpty()) {
            return OptionalLong.empty();
        }
        try (BootFile file = BootFile.open("--kernel", configuration.kernel().get())) {
            return OptionalLong.of(KernelLoader.load(file, memory, layout, isZeroed).entry());
        }
    }

    private Optional<AddressRange> loadInitrd(BootLayout layout) {
        Optional<Initrd> content = Initrd.open(configuration.initrd(), configuration.initrdAdd());
        if (content.isEmpty()) {
            return Optional.empty();
        }
        try (Initrd initrd = content.get()) {
            LoadedImage image = layout.loadInitrd(initrd, memory);
            return Optional.of(new AddressRange(image.first(), image.end()));
        }
    }

    private Loaded loadBare(Path path, BootLayout layout, boolean isZeroed) {
        try (BootFile file = BootFile.open("--bare", path)) {
            ElfFile elf = ElfFile.parse(file);
            Map<String, Long> symbols = elf.symbols(Set.of(TO_HOST, FROM_HOST));
            LoadedImage program = layout.loadProgram(file, elf, memory, isZeroed);
            long tree = layout.storeDeviceTree(deviceTree(Optional.empty()), memory);
            return new Loaded(
                    program.entry(),
                    tree,
                    hostWord(file, symbols, TO_HOST),
                    hostWord(file, symbols, FROM_HOST));
        }
    }

    private OptionalLong hostWord(BootFile file, Map<String, Long> symbols, String name) {
        Long address = symbols.get(name);
        if (address == null) {
            return OptionalLong.empty();
        }
        if ((address & 7) != 0 || !memory.isWritable(address, 8)) {
            throw file.failure(
                    "expected %s at a multiple of 8 in memory, found 0x%x"
                            .formatted(name, address));
        }
        return OptionalLong.of(address);
    }

    private byte[] deviceTree(Optional<AddressRange> initrd) {
        byte[] seed = new byte[RNG_SEED_BYTES];
        new SecureRandom().nextBytes(seed);
        return VirtDeviceTree.of(BoardDescription.of(configuration, initrd), seed).toBytes();
    }

    private void writeRom(byte[] bytes) {
        rom.fill((byte) 0);
        MemorySegment.copy(MemorySegment.ofArray(bytes), 0, rom, 0, bytes.length);
    }
}
