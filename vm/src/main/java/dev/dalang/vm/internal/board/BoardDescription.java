package dev.dalang.vm.internal.board;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What of a {@code virt} board differs from machine to machine, for its device tree.
 *
 * @param memoryBytes size of the memory at {@link VirtMap#RAM}, unsigned
 * @param harts how many; their ids begin with 0
 * @param isaExtensions the extensions as in {@code riscv,isa-extensions}: single letters first, in
 *     canonical order; without those of the Advanced Interrupt Architecture, which follow from
 *     {@code aia}
 * @param mmuType such as {@code riscv,sv57}
 * @param aia whether interrupts go through APLIC and IMSIC; otherwise through the PLIC
 * @param machineFirmware whether firmware runs in M-mode; otherwise the built-in SBI has taken its
 *     place, and devices of M-mode are disabled in the tree
 * @param bootArguments the kernel's command line, if there is one
 * @param initrd where the initial RAM disk lies, if there is one
 */
public record BoardDescription(
        long memoryBytes,
        int harts,
        List<String> isaExtensions,
        String mmuType,
        boolean aia,
        boolean machineFirmware,
        Optional<String> bootArguments,
        Optional<AddressRange> initrd) {
    /** What a hart of this machine can do, but for the Advanced Interrupt Architecture. */
    public static final List<String> ISA_EXTENSIONS =
            List.of(
                    "i",
                    "m",
                    "a",
                    "f",
                    "d",
                    "c",
                    "zic64b",
                    "zicbom",
                    "zicbop",
                    "zicboz",
                    "ziccamoa",
                    "ziccif",
                    "zicclsm",
                    "ziccrse",
                    "zicntr",
                    "zicond",
                    "zicsr",
                    "zifencei",
                    "zihintpause",
                    "zihpm",
                    "zmmul",
                    "za64rs",
                    "zaamo",
                    "zacas",
                    "zalrsc",
                    "zawrs",
                    "zfa",
                    "zca",
                    "zcd",
                    "zba",
                    "zbb",
                    "zbc",
                    "zbs",
                    "smstateen",
                    "ssccptr",
                    "sscounterenw",
                    "sstc",
                    "sstvala",
                    "sstvecd",
                    "ssu64xl",
                    "svadu",
                    "svinval",
                    "svnapot",
                    "svpbmt",
                    "svvptc");

    /**
     * A range of guest physical addresses.
     *
     * @param start first address, unsigned
     * @param end the address behind it, unsigned
     */
    public record AddressRange(long start, long end) {}

    /** Copies the list. */
    public BoardDescription {
        isaExtensions = List.copyOf(isaExtensions);
    }

    /**
     * Describes a board that was chosen.
     *
     * @param initrd where the initial RAM disk lies, if there is one
     */
    static BoardDescription of(BoardConfiguration configuration, Optional<AddressRange> initrd) {
        return new BoardDescription(
                configuration.memoryBytes(),
                configuration.cpus(),
                ISA_EXTENSIONS,
                "riscv,sv57",
                configuration.hasAia(),
                configuration.startsInMachineMode(),
                configuration.append(),
                initrd);
    }

    /** All extensions of a hart. */
    public List<String> extensions() {
        var extensions = new ArrayList<>(isaExtensions);
        if (aia) {
            extensions.add("smaia");
            extensions.add("ssaia");
        }
        return List.copyOf(extensions);
    }

    /** The older form of the list: single letters run together, the others behind underscores. */
    public String isaString() {
        var letters = new StringBuilder("rv64");
        var names = new StringBuilder();
        for (String extension : extensions()) {
            if (extension.length() == 1) {
                letters.append(extension);
            } else {
                names.append('_').append(extension);
            }
        }
        return letters.append(names).toString();
    }
}
