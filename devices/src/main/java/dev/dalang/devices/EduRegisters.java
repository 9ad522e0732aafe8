package dev.dalang.devices;

import java.util.Map;

/** The registers of {@link EduDevice}. */
final class EduRegisters {
    static final Map<Long, String> NAMES =
            Map.ofEntries(
                    Map.entry(0x00L, "identification"),
                    Map.entry(0x04L, "liveness"),
                    Map.entry(0x08L, "factorial"),
                    Map.entry(0x20L, "status"),
                    Map.entry(0x24L, "interrupt status"),
                    Map.entry(0x60L, "raise"),
                    Map.entry(0x64L, "acknowledge"),
                    Map.entry(0x80L, "DMA source"),
                    Map.entry(0x88L, "DMA destination"),
                    Map.entry(0x90L, "DMA count"),
                    Map.entry(0x98L, "DMA command"));

    private EduRegisters() {}
}
