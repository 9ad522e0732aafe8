package dev.dalang.devices.nvme;

import dev.dalang.testkit.SuspendableLifeCycle;

/** What every device with state must do. */
class NvmeDeviceLifeCycleTest implements SuspendableLifeCycle<NvmeDevice> {
    @Override
    public NvmeDevice create() {
        return NvmeDevice.builder(new ScriptedDisk(1 << 16)).build();
    }

    @Override
    public void mutate(NvmeDevice device) {
        device.writeBar(0, NvmeRegisters.AQA, 4, 0x1f_001f);
        device.writeBar(0, NvmeRegisters.ASQ, 8, 0x8000_1000L);
        device.writeBar(0, NvmeRegisters.INTMS, 4, 5);
    }
}
