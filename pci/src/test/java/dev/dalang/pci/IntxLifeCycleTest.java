package dev.dalang.pci;

import dev.dalang.testkit.RecordingInterruptLine;
import dev.dalang.testkit.SuspendableLifeCycle;

class IntxLifeCycleTest implements SuspendableLifeCycle<IntxLine> {
    @Override
    public IntxLine create() {
        IntxLine intx = IntxLine.create();
        intx.connect(new RecordingInterruptLine());
        return intx;
    }

    @Override
    public void mutate(IntxLine intx) {
        intx.raise();
    }
}
