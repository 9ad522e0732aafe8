package dev.dalang.vm.device;

import dev.dalang.bus.interrupt.InterruptLine;

/** A wire whose level a test can see. */
final class TestLine implements InterruptLine {
    private volatile boolean raised;

    @Override
    public void raise() {
        raised = true;
    }

    @Override
    public void lower() {
        raised = false;
    }

    boolean isRaised() {
        return raised;
    }
}
