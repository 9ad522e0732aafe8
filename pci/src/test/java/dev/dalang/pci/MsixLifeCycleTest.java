package dev.dalang.pci;

import dev.dalang.testkit.SuspendableLifeCycle;

class MsixLifeCycleTest implements SuspendableLifeCycle<MsixConfig> {
    @Override
    public MsixConfig create() {
        MsixConfig config =
                MsixConfig.create(
                        3,
                        MsiTargetRouter.create((_, _) -> true, 8),
                        new MsiSource("disk0", 0x1042_1af4, 0x10));
        config.writeMsixCapability(2, 2, 0x8000);
        for (int vector = 0; vector < 2; vector++) {
            config.writeMsixTable(16L * vector, 8, 0x2800_0000L);
            config.writeMsixTable(16L * vector + 8, 8, vector);
        }
        return config;
    }

    @Override
    public void mutate(MsixConfig config) {
        config.writeMsixTable(0, 4, 0x1000);
        config.writeMsixTable(28, 4, 1);
        config.trigger(1);
        config.trigger(0);
        config.writeMsixCapability(2, 2, 0xc000);
    }
}
