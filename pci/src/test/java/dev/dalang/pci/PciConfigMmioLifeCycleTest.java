package dev.dalang.pci;

import dev.dalang.testkit.SuspendableLifeCycle;

class PciConfigMmioLifeCycleTest implements SuspendableLifeCycle<PciConfigMmio> {
    @Override
    public PciConfigMmio create() {
        return PciConfigMmio.ecam(new PciMachine().root);
    }

    @Override
    public void mutate(PciConfigMmio front) {
        front.restore(PciConfigMmio.of(new PciMachine().root, 8).snapshot());
    }
}
