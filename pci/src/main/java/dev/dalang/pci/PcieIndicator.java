package dev.dalang.pci;

/** What the lamps of a slot show, as a driver sets them (PCIe 6.0 §7.5.3.10). */
public enum PcieIndicator {
    /** Never set by a driver. */
    RESERVED(0),
    /** On. */
    ON(1),
    /** Blinking. */
    BLINK(2),
    /** Off. */
    OFF(3);

    private static final int POWER_SHIFT = 8;
    private static final int ATTENTION_SHIFT = 6;

    private final int code;

    PcieIndicator(int code) {
        this.code = code;
    }

    private static PcieIndicator of(int code) {
        return switch (code & 3) {
            case 1 -> ON;
            case 2 -> BLINK;
            case 3 -> OFF;
            default -> RESERVED;
        };
    }

    static PcieIndicator powerOf(int slotControl) {
        return of(slotControl >>> POWER_SHIFT);
    }

    static PcieIndicator attentionOf(int slotControl) {
        return of(slotControl >>> ATTENTION_SHIFT);
    }

    /** The value in slot control, of the power indicator. */
    int power() {
        return code << POWER_SHIFT;
    }
}
