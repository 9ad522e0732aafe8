package dev.dalang.vm;

import dev.dalang.bus.BusDevice;
import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.sandbox.Jail;
import dev.dalang.bus.time.VirtualClock;
import dev.dalang.pci.PciRoot;
import dev.dalang.riscv.Hart;
import dev.dalang.storage.BlockBackend;
import dev.dalang.virtio.console.VirtioConsoleDevice;
import dev.dalang.vm.internal.board.BoardConfiguration;
import dev.dalang.vm.internal.board.VirtBoard;
import dev.dalang.vm.internal.machine.HtifPort;
import dev.dalang.vm.internal.machine.MachineDebugger;
import dev.dalang.vm.internal.machine.MachineRun;
import dev.dalang.vm.internal.machine.MachineTime;
import dev.dalang.vm.internal.machine.ObservedConsole;
import dev.dalang.vm.internal.machine.PanicWatch;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A virtual machine: a RISC-V {@code virt} board in this process.
 *
 * {@snippet :
 * try (var vm = Vm.builder().memory(MiB(512)).guest(Guests.debian()).build()) {
 *     vm.start();
 *     vm.console().await("~ #", Duration.ofSeconds(60));
 *     vm.console().write("uname -a\n");
 *     String answer = vm.console().await("~ #", Duration.ofSeconds(10));
 *     vm.stop();
 * }
 * }
 *
 * <p>A machine runs once: from {@link #start} until the guest powers it off, something else of
 * {@link VmExit} happens, or {@link #stop} is called. {@link #close} releases its memory and its
 * threads; nobody may use {@link #memory} after that.
 *
 * <p>All methods may be called on any thread, but {@link #stop}, {@link #close} and {@link
 * #awaitExit} not on a hart's or a device's, that is, not by a device from inside an access or a
 * handler.
 */
public final class Vm implements AutoCloseable {
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final Duration OUTPUT_TIMEOUT = Duration.ofSeconds(1);

    private enum State {
        BUILT,
        STARTED,
        CLOSED
    }

    private final String name;
    private final Console console;
    private final ObservedConsole observed;
    private final VirtBoard board;
    private final MachineRun run;
    private final MachineTime time;
    private final @Nullable MachineDebugger debugger;
    private final Object lifecycle = new Object();
    private State state = State.BUILT;

    private Vm(
            String name,
            Console console,
            ObservedConsole observed,
            VirtBoard board,
            MachineRun run,
            Optional<GdbPort> gdb) {
        this.name = name;
        this.console = console;
        this.observed = observed;
        this.board = board;
        this.run = run;
        this.time = new MachineTime(board.clock(), board.executor());
        this.debugger = gdb.map(port -> new MachineDebugger(port, board, run, time)).orElse(null);
    }

    /**
     * Begins a machine.
     *
     * @return a builder with the defaults
     */
    public static VmBuilder builder() {
        return new VmBuilder();
    }

    static Vm of(
            BoardConfiguration configuration,
            boolean reboot,
            Optional<Duration> timeout,
            Optional<GdbPort> gdb) {
        String name = "dalang-" + COUNT.incrementAndGet();
        var run =
                new MachineRun(
                        new MachineRun.Options(
                                name, reboot, timeout, configuration.maxInstructions()));
        Console console = Console.create();
        try {
            var observed = new ObservedConsole(console.backend());
            VirtBoard board = VirtBoard.of(configuration, observed, run);
            try {
                board.boot();
                console.attachOutput(new PanicWatch(run::panicked));
                return new Vm(name, console, observed, board, run, gdb);
            } catch (RuntimeException | Error e) {
                board.close();
                throw e;
            }
        } catch (RuntimeException | Error e) {
            console.close();
            throw e;
        }
    }

    /**
     * Starts the harts, and returns at once.
     *
     * @throws IllegalStateException if the machine was started before, or is closed
     */
    public void start() {
        synchronized (lifecycle) {
            if (state == State.STARTED) {
                throw new IllegalStateException(
                        "the machine was started before; build another one");
            }
            if (state == State.CLOSED) {
                throw new IllegalStateException("the machine is closed");
            }
            board.enterSandbox(Jail.none());
            state = State.STARTED;
            Optional<HtifPort> htif =
                    board.toHost().isEmpty()
                            ? Optional.empty()
                            : Optional.of(
                                    new HtifPort(
                                            board.memory(),
                                            observed,
                                            board.toHost().getAsLong(),
                                            board.fromHost()));
            if (debugger != null) {
                debugger.start();
            }
            run.start(board, time, htif, this::ended);
        }
    }

    private void ended(VmExit exit) {
        console.endOutput("the machine ended: " + exit.describe());
        if (debugger != null) {
            debugger.machineEnded(exit);
        }
    }

    /**
     * Ends the run and waits until all harts stand and the console's streams have what the guest
     * wrote. Does nothing if the machine does not run. Harts that a device holds up are waited for
     * for a few seconds; then the run has ended with {@link VmExit.Blocked}.
     */
    public void stop() {
        if (isStarted()) {
            run.end(new VmExit.Stopped());
            run.join();
            flushConsole();
        }
    }

    /**
     * Why the run ended.
     *
     * @return the reason, or empty while it has not ended
     */
    public Optional<VmExit> exit() {
        return run.exit();
    }

    /**
     * Waits for the end of the run.
     *
     * @return why it ended
     * @throws IllegalStateException if the machine was not started
     * @throws InterruptedException if the calling thread is interrupted
     */
    public VmExit awaitExit() throws InterruptedException {
        return awaitExit(Duration.ofNanos(Long.MAX_VALUE)).orElseThrow();
    }

    /**
     * Waits for the end of the run, with a limit.
     *
     * @param timeout how long
     * @return why it ended, or empty if it goes on
     * @throws IllegalStateException if the machine was not started
     * @throws InterruptedException if the calling thread is interrupted
     */
    public Optional<VmExit> awaitExit(Duration timeout) throws InterruptedException {
        if (!isStarted()) {
            throw new IllegalStateException("the machine was not started");
        }
        Optional<VmExit> exit = run.awaitExit(timeout);
        if (exit.isPresent()) {
            console.flush(OUTPUT_TIMEOUT);
        }
        return exit;
    }

    /**
     * The serial console. It outlives the run, until the machine is closed.
     *
     * @return the console
     */
    public Console console() {
        return console;
    }

    /**
     * The virtio console device, to resize consoles, and to look at what it counts.
     *
     * @return the device; empty if {@link VmBuilder#consolePort} was not chosen
     */
    public Optional<VirtioConsoleDevice> consoleDevice() {
        return board.virtioDevices().stream()
                .filter(VirtioConsoleDevice.class::isInstance)
                .map(VirtioConsoleDevice.class::cast)
                .findFirst();
    }

    /**
     * Guest memory.
     *
     * @return the memory; nobody may use it once the machine is closed
     */
    public GuestMemory memory() {
        return board.memory();
    }

    /**
     * The machine's time, which stands while the machine does not run.
     *
     * @return the clock
     */
    public VirtualClock clock() {
        return board.clock();
    }

    /**
     * The PCI bus: what is on it, slots that devices can be plugged into while the machine runs,
     * and what it counts.
     *
     * @return the tree
     */
    public PciRoot pci() {
        return board.pci();
    }

    /**
     * Makes a disk larger while the machine runs, or before; the guest hears of it.
     *
     * @param id the disk's, as {@link DiskFile#id} and {@link NvmeFile#id} say
     * @param bytes the size, a multiple of the disk's block, not less than before
     * @throws ConfigurationException if there is no such disk, it cannot be of that size, or the
     *     host refuses; its size is as before
     */
    public void resizeDisk(String id, long bytes) {
        BlockBackend disk =
                board.disk(id)
                        .orElseThrow(
                                () ->
                                        new ConfigurationException(
                                                "expected the id of a disk, found " + id));
        try {
            disk.resize(bytes);
        } catch (IOException | IllegalArgumentException refused) {
            throw new ConfigurationException(id + ": " + refused.getMessage(), refused);
        }
    }

    /**
     * The port on which the machine waits for GDB, from its start to its end.
     *
     * @return the port, or empty if {@link VmBuilder#gdb} was not chosen
     */
    public OptionalInt gdbPort() {
        return debugger == null ? OptionalInt.empty() : OptionalInt.of(debugger.port());
    }

    /**
     * The devices, to look at, to add and to remove.
     *
     * @return the manager
     */
    public IoManager io() {
        return board.io();
    }

    /**
     * Puts a device at a range of guest physical addresses, before the start or while the machine
     * runs. {@code 0x1100_0000..0x1FFF_FFFF} is free on this board.
     *
     * @param base first address, unsigned
     * @param bytes size of the range
     * @param device the device; thread-safe, or made so by {@code Synchronized}
     * @throws IllegalArgumentException if the range touches memory, which would hide the device, or
     *     is none
     * @throws dev.dalang.bus.BusException if it overlaps another device
     */
    public void addDevice(long base, long bytes, DeviceMmio device) {
        var range = new MmioRange(base, bytes);
        for (var region : memory().regions()) {
            if (range.overlaps(new MmioRange(region.base(), region.size()))) {
                throw new IllegalArgumentException(
                        "%s: 0x%x..0x%x overlaps memory at 0x%x..0x%x"
                                .formatted(
                                        device.label(),
                                        base,
                                        base + (bytes - 1),
                                        region.base(),
                                        region.last()));
            }
        }
        board.io().registerMmio(range, device);
    }

    /**
     * An interrupt wire of the board for a device of the user's. Wires 12 to 31 are used by nobody
     * else on this board.
     *
     * @param device who drives it; its interrupts are counted
     * @param wire 1..95, the number that the guest's interrupt controller knows it by
     * @return the wire
     * @throws IllegalArgumentException if there is no such wire, or it belongs to the board
     */
    public InterruptLine interruptLine(BusDevice device, int wire) {
        return board.wire(device, wire);
    }

    /**
     * What the machine has done so far.
     *
     * @return a moment's figures
     */
    public VmStatistics statistics() {
        IoManager io = board.io();
        List<DeviceStatistics> devices =
                io.counters().devices().stream()
                        .map(
                                counts ->
                                        new DeviceStatistics(
                                                counts.id(),
                                                counts.typeId(),
                                                counts.reads(),
                                                counts.writes(),
                                                counts.interrupts()))
                        .toList();
        long instructions =
                run.instructionsBeforeReset()
                        + board.harts().stream().mapToLong(Hart::instructionsRetired).sum();
        var firstLine = observed.firstLineNanos();
        return new VmStatistics(
                run.wallTime(),
                instructions,
                board.hartGroup().statistics(),
                firstLine.isEmpty()
                        ? Optional.empty()
                        : Optional.of(run.sinceStart(firstLine.getAsLong())),
                run.resets(),
                devices,
                io.counters().unmappedReads(),
                io.counters().unmappedWrites());
    }

    /**
     * Stops the machine if it runs, and releases what it holds: memory that a hart may still use,
     * because a device holds it up, not before the device lets go of it. Closing twice is fine.
     */
    @Override
    public void close() {
        synchronized (lifecycle) {
            if (state == State.CLOSED) {
                return;
            }
            stop();
            state = State.CLOSED;
            if (debugger != null) {
                debugger.close();
            }
            console.close();
            board.finishTrace();
            run.whenHartsAreGone(name + "-release", board::close);
        }
    }

    private boolean isStarted() {
        synchronized (lifecycle) {
            return state == State.STARTED;
        }
    }

    private void flushConsole() {
        try {
            console.flush(OUTPUT_TIMEOUT);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
