package dev.dalang.pci;

import dev.dalang.testkit.SuspendableLifeCycle;

class MsiLifeCycleTest implements SuspendableLifeCycle<MsiConfig> {
    @Override
    public MsiConfig create() {
        MsiConfig msi =
                MsiConfig.create(
                        4,
                        true,
                        true,
                        MsiTargetRouter.create((_, _) -> true, 8),
                        new MsiSource("port0", 0x3420_8086, 0x08));
        msi.writeRegister(1, 0, 4, 0x2800_0000);
        msi.writeRegister(3, 0, 2, 0x40);
        msi.writeRegister(4, 0, 4, 0b0010);
        msi.writeRegister(0, 2, 2, 0x21);
        return msi;
    }

    @Override
    public void mutate(MsiConfig msi) {
        msi.writeRegister(1, 0, 4, 0x2800_1000);
        msi.writeRegister(4, 0, 4, 0b0110);
        msi.trigger(2);
        msi.trigger(0);
        msi.writeRegister(0, 2, 2, 0x11);
    }
}
