package dev.dalang.vm.internal.machine;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.riscv.Hart;
import dev.dalang.riscv.debug.DebuggedMachine;
import dev.dalang.riscv.debug.GdbServer;
import dev.dalang.vm.ConfigurationException;
import dev.dalang.vm.GdbPort;
import dev.dalang.vm.VmExit;
import dev.dalang.vm.internal.board.VirtBoard;

import java.io.IOException;
import java.util.List;

/** Gives a machine to debuggers. */
public final class MachineDebugger implements DebuggedMachine, AutoCloseable {
    private final VirtBoard board;
    private final MachineRun run;
    private final MachineTime time;
    private final GdbServer server;

    /**
     * Opens the port; who connects is served from {@link #start} on.
     *
     * @param port which port
     * @param board the board
     * @param run its run
     * @param time its time
     * @throws ConfigurationException if the port cannot be had
     */
    public MachineDebugger(GdbPort port, VirtBoard board, MachineRun run, MachineTime time) {
        this.board = board;
        this.run = run;
        this.time = time;
        try {
            server = GdbServer.open(this, port.port(), port.waits());
        } catch (IOException e) {
            throw new ConfigurationException(
                    "--gdb: port %d cannot be opened: %s".formatted(port.port(), e.getMessage()),
                    e);
        }
    }

    /** Serves debuggers; before the harts begin. */
    public void start() {
        server.start();
    }

    /** The port that is open. */
    public int port() {
        return server.port();
    }

    /** The run has ended: tells the debugger that is connected, and serves nobody else. */
    public void machineEnded(VmExit exit) {
        server.machineEnded(exit.isSuccess() ? 0 : 1);
    }

    @Override
    public void close() {
        server.close();
    }

    // ---- for the debugger: its thread ---------------------------------------------------------

    @Override
    public List<Hart> harts() {
        return board.harts();
    }

    @Override
    public GuestMemory memory() {
        return board.memory();
    }

    @Override
    public void paused() {
        time.hold(true);
    }

    @Override
    public void resumed() {
        time.hold(false);
    }

    @Override
    public void kill() {
        run.end(new VmExit.Stopped());
    }
}
