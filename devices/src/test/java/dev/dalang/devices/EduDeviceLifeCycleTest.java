package dev.dalang.devices;

import dev.dalang.testkit.SuspendableLifeCycle;

/** What every device with state must do. */
class EduDeviceLifeCycleTest implements SuspendableLifeCycle<EduDevice> {
    @Override
    public EduDevice create() {
        return new EduDevice();
    }

    @Override
    public void mutate(EduDevice device) {
        device.writeBar(0, 0x04, 4, 5);
        device.writeBar(0, 0x08, 4, 6);
        device.writeBar(0, 0x60, 4, 7);
        device.writeBar(0, 0x80, 8, 8);
    }
}
