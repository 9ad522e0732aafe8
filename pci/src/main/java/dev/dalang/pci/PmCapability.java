package dev.dalang.pci;

/**
 * The power management capability, 8 bytes (PCI Bus Power Management Interface 1.2 §3.2): version
 * 2, states D0 and D3hot. Its live part is {@link PmConfig}.
 *
 * @param wakes true if the function can signal PME from D0, D3hot and D3cold
 */
public record PmCapability(boolean wakes) implements PciCapability {
    private static final int VERSION = 2;
    private static final int PME_FROM_D0_D3HOT_D3COLD = 0xc800;

    @Override
    public int id() {
        return PciRegisters.PCI_CAP_ID_PM;
    }

    @Override
    public int[] image() {
        return new int[] {(VERSION | (wakes ? PME_FROM_D0_D3HOT_D3COLD : 0)) << 16, 0};
    }

    @Override
    public int[] writableMask() {
        return new int[2];
    }
}
