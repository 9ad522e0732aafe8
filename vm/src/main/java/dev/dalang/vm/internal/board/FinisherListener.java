package dev.dalang.vm.internal.board;

import dev.dalang.vm.device.TestFinisher;

/** What the test finisher tells goes to who decides about the board's run. */
record FinisherListener(BoardListener listener) implements TestFinisher.Listener {
    @Override
    public void poweredOff() {
        listener.poweredOff();
    }

    @Override
    public void failed(int code) {
        listener.failed(code);
    }

    @Override
    public void resetRequested() {
        listener.resetRequested();
    }
}
