package dev.dalang.pci;

import dev.dalang.testkit.SuspendableLifeCycle;

class PciVirtualConfigMmioLifeCycleTest implements SuspendableLifeCycle<PciVirtualConfigMmio> {
    @Override
    public PciVirtualConfigMmio create() {
        return PciVirtualConfigMmio.of(new PciMachine().root);
    }

    @Override
    public void mutate(PciVirtualConfigMmio front) {
        front.restore(PciVirtualConfigMmio.of(new PciMachine().root, 12).snapshot());
    }
}
