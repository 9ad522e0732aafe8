package dev.dalang.devices;

import dev.dalang.testkit.SuspendableLifeCycle;

/** What every device with state must do. */
class InspectionDeviceLifeCycleTest implements SuspendableLifeCycle<InspectionDevice> {
    @Override
    public InspectionDevice create() {
        return new InspectionDevice();
    }

    @Override
    public void mutate(InspectionDevice device) {
        device.writeVirtualConfig(5, 0x123);
    }
}
