package dev.dalang.vm.internal.board;

import dev.dalang.bus.BusDevice;
import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.interrupt.MsiTarget;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.sandbox.Jail;
import dev.dalang.bus.sandbox.Sandboxed;
import dev.dalang.bus.time.SystemVirtualClock;
import dev.dalang.bus.time.VirtualClock;
import dev.dalang.bus.trace.IoTracer;
import dev.dalang.bus.trace.LineTracer;
import dev.dalang.devices.nvme.NvmeDevice;
import dev.dalang.pci.PciFunction;
import dev.dalang.pci.PciRoot;
import dev.dalang.riscv.Hart;
import dev.dalang.riscv.HartGroup;
import dev.dalang.riscv.intc.Aclint;
import dev.dalang.riscv.intc.Aplic;
import dev.dalang.riscv.intc.AplicDomain;
import dev.dalang.riscv.intc.Imsic;
import dev.dalang.riscv.intc.Plic;
import dev.dalang.riscv.sbi.SbiFirmware;
import dev.dalang.storage.BlockBackend;
import dev.dalang.virtio.VirtioDevice;
import dev.dalang.virtio.VirtioMmioDevice;
import dev.dalang.virtio.VirtioPciDevice;
import dev.dalang.virtio.block.VirtioBlockDevice;
import dev.dalang.vm.ConfigurationException;
import dev.dalang.vm.device.CfiFlash;
import dev.dalang.vm.device.ConsoleBackend;
import dev.dalang.vm.device.FwCfg;
import dev.dalang.vm.device.GoldfishRtc;
import dev.dalang.vm.device.TestFinisher;
import dev.dalang.vm.device.Uart16550;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedSet;
import java.util.function.IntFunction;
import java.util.stream.Stream;

/**
 * The {@code virt} board: memory, harts, interrupt controllers and platform devices at the places
 * that {@link VirtMap} names. {@link #boot} takes it to the state from which its harts run; who
 * runs them is the caller's affair.
 */
public final class VirtBoard implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(VirtBoard.class.getName());
    private static final int CAUSE_MSI = 3;
    private static final int CAUSE_MTI = 7;
    private static final int CAUSE_SEI = 9;
    private static final int CAUSE_MEI = 11;

    private final BoardConfiguration configuration;
    private final BoardResources resources;
    private final SystemVirtualClock clock;
    private final @Nullable LineTracer tracer;
    private final IoManager io;
    private final GuestMemory memory;
    private final BoardPci pci;
    private final VirtioSlots slots;
    private final VirtBoot boot;
    private final HartGroup group;
    private final Optional<Path> hotCode;
    private final List<Hart> harts = new ArrayList<>();
    private final List<Runnable> resets = new ArrayList<>();
    private final @Nullable SbiFirmware firmware;
    private final @Nullable Aplic aplic;
    private final IntFunction<InterruptLine> wires;
    private boolean memoryIsZeroed = true;
    private OptionalLong toHost = OptionalLong.empty();
    private OptionalLong fromHost = OptionalLong.empty();

    private VirtBoard(
            BoardConfiguration configuration,
            BoardResources resources,
            ConsoleBackend console,
            BoardListener listener)
            throws IOException {
        this.configuration = configuration;
        this.resources = resources;
        clock = resources.clock;
        tracer = tracer(configuration, clock);
        io = IoManager.create(tracer == null ? IoTracer.none() : tracer);
        Arena arena = resources.arena;
        Imsic machineMessages = null;
        Imsic supervisorMessages = null;
        if (configuration.hasAia()) {
            machineMessages = imsic("imsic-m", VirtMap.IMSIC_M);
            supervisorMessages = imsic("imsic-s", VirtMap.IMSIC_S);
        }
        MsiTarget messages = messages(machineMessages, supervisorMessages);
        pci = new BoardPci(configuration, io, resources, messages);
        MemorySegment rom = arena.allocate(VirtMap.ROM_BYTES, GuestMemory.PAGE_BYTES);
        List<MemoryRegion> regions = new ArrayList<>(pci.regions());
        regions.add(new MemoryRegion(VirtMap.ROM, rom.asReadOnly()));
        regions.add(resources.memory(configuration));
        memory = GuestMemory.of(regions);
        boot = new VirtBoot(configuration, memory, rom);
        firmware =
                configuration.startsInMachineMode()
                        ? null
                        : SbiFirmware.of(memory, new BoardPlatform(console, listener));
        hotCode = configuration.hotCode();
        group =
                HartGroup.of(
                        memory,
                        flashRegions(),
                        configuration.engine(),
                        hotCode.map(HotCodeFile::read).orElse(new byte[0]));
        resources.atEnd(group::close);
        for (int id = 0; id < configuration.cpus(); id++) {
            Hart hart = hart(id, listener, machineMessages, supervisorMessages);
            harts.add(hart);
            if (machineMessages != null && supervisorMessages != null) {
                machineMessages.connect(id, hart.interruptLine(CAUSE_MEI));
                supervisorMessages.connect(id, hart.interruptLine(CAUSE_SEI));
            }
        }
        if (firmware != null) {
            firmware.attach(harts);
        }

        if (machineMessages != null && supervisorMessages != null) {
            aplic = aplic(messages);
            wires = aplic::line;
        } else {
            aplic = null;
            wires = plic()::line;
        }
        pci.connect(memory, wires);
        resets.add(pci.root()::reset);
        slots = new VirtioSlots(configuration, io, memory, resources, this::countedWire);
        resets.add(slots::reset);
        aclint();
        platformDevices(console, listener);
        if (tracer != null) {
            checkNames(tracer);
        }
    }

    private static @Nullable LineTracer tracer(
            BoardConfiguration configuration, VirtualClock clock) {
        return configuration
                .tracing()
                .map(tracing -> LineTracer.of(tracing.devices(), clock, tracing.sink()))
                .orElse(null);
    }

    private static void checkNames(LineTracer tracer) {
        if (!tracer.unusedNames().isEmpty()) {
            throw new ConfigurationException(
                    "--trace: expected devices of this machine, which has %s; found %s"
                            .formatted(
                                    String.join(", ", tracer.labels()),
                                    String.join(", ", tracer.unusedNames())));
        }
    }

    /** Where messages go: those that no file takes, nowhere. */
    private static MsiTarget messages(
            @Nullable Imsic machineMessages, @Nullable Imsic supervisorMessages) {
        return (address, data) ->
                supervisorMessages != null && supervisorMessages.signal(address, data)
                        || machineMessages != null && machineMessages.signal(address, data);
    }

    /**
     * Builds a board whose memory is still empty.
     *
     * @param configuration what the user chose
     * @param console what stands behind the serial port
     * @param listener who decides about its run
     * @return the board
     * @throws ConfigurationException if the host has not enough memory
     */
    public static VirtBoard of(
            BoardConfiguration configuration, ConsoleBackend console, BoardListener listener) {
        var resources = new BoardResources();
        try {
            resources.adopt(configuration.devices());
            resources.openFlash(configuration.flash());
            return new VirtBoard(configuration, resources, console, listener);
        } catch (IOException | OutOfMemoryError e) {
            resources.close();
            throw new ConfigurationException(
                    "--memory: the host cannot reserve %d bytes: %s"
                            .formatted(configuration.memoryBytes(), e.getMessage()),
                    e);
        } catch (RuntimeException | Error e) {
            resources.close();
            throw e;
        }
    }

    // ---- assembly ---------------------------------------------------------------------------

    private Hart hart(
            int id,
            BoardListener listener,
            @Nullable Imsic machineMessages,
            @Nullable Imsic supervisorMessages) {
        Hart.Builder builder =
                Hart.builder(id)
                        .group(group)
                        .io(io.hartIo())
                        .clock(clock)
                        .maxInstructions(configuration.maxInstructions())
                        .onTrapLoop(hart -> listener.stuck(hart.id(), TrapReport.of(hart)));
        if (machineMessages != null && supervisorMessages != null) {
            builder.imsic(machineMessages.file(id), supervisorMessages.file(id));
        }
        if (firmware != null) {
            builder.sbi(firmware);
        }
        return builder.build();
    }

    /** Instructions are fetched from flash; loads and stores there go to the device. */
    private List<MemoryRegion> flashRegions() {
        List<MemoryRegion> regions = new ArrayList<>();
        for (int bank = 0; bank < resources.flash.size(); bank++) {
            regions.add(new MemoryRegion(flashBase(bank), resources.flash.get(bank).contents()));
        }
        return regions;
    }

    private static long flashBase(int bank) {
        return VirtMap.FLASH + bank * VirtMap.FLASH_BANK_BYTES;
    }

    private Imsic imsic(String label, long base) {
        Imsic.Builder builder =
                Imsic.builder(base).label(label).identities(VirtMap.IMSIC_IDENTITIES);
        for (int id = 0; id < configuration.cpus(); id++) {
            builder.hart();
        }
        Imsic imsic = builder.build();
        register(imsic, base, imsic.sizeBytes());
        resets.add(imsic::reset);
        return imsic;
    }

    private Aplic aplic(MsiTarget messages) {
        Aplic built = Aplic.builder(VirtMap.WIRES).messages(messages).build();
        register(built.machine(), VirtMap.APLIC_M, AplicDomain.SIZE_BYTES);
        register(built.supervisor(), VirtMap.APLIC_S, AplicDomain.SIZE_BYTES);
        resets.add(built::reset);
        return built;
    }

    private Plic plic() {
        Plic.Builder builder = Plic.builder(VirtMap.WIRES);
        for (Hart hart : harts) {
            builder.hart(hart.interruptLine(CAUSE_MEI), hart.interruptLine(CAUSE_SEI));
        }
        Plic plic = builder.build();
        register(plic, VirtMap.PLIC, plic.sizeBytes());
        resets.add(plic::reset);
        return plic;
    }

    private void aclint() {
        Aclint.Builder builder = Aclint.builder(clock);
        for (Hart hart : harts) {
            builder.hart(hart.interruptLine(CAUSE_MSI), hart.interruptLine(CAUSE_MTI));
        }
        builder.onTimeOffset(ticks -> harts.forEach(hart -> hart.setTimeOffset(ticks)));
        Aclint aclint = builder.build();
        register(aclint, VirtMap.ACLINT, Aclint.SIZE_BYTES);
        resets.add(aclint::reset);
    }

    private void platformDevices(ConsoleBackend console, BoardListener listener) {
        var finisher = new TestFinisher("finisher", new FinisherListener(listener));
        register(finisher, VirtMap.FINISHER, VirtMap.FINISHER_BYTES);

        var uartLine = new DeferredLine();
        var uart = new Uart16550("uart0", uartLine, console);
        uartLine.connect(countedWire(uart, VirtMap.UART_WIRE));
        register(uart, VirtMap.UART, VirtMap.UART_BYTES);
        resets.add(uart::reset);

        var rtcLine = new DeferredLine();
        var rtc = new GoldfishRtc("rtc", clock, rtcLine);
        rtcLine.connect(countedWire(rtc, VirtMap.RTC_WIRE));
        register(rtc, VirtMap.RTC, VirtMap.RTC_BYTES);
        resets.add(rtc::reset);

        for (int bank = 0; bank < resources.flash.size(); bank++) {
            CfiFlash flash = resources.flash.get(bank);
            register(flash, flashBase(bank), flash.size());
            resets.add(flash::reset);
        }

        FwCfg fwCfg = fwCfg();
        register(fwCfg, VirtMap.FW_CFG, VirtMap.FW_CFG_BYTES);
        resets.add(fwCfg::reset);
    }

    private FwCfg fwCfg() {
        FwCfg.Builder builder =
                FwCfg.builder("fw-cfg", memory)
                        .number(FwCfg.FW_CFG_RAM_SIZE, Long.BYTES, configuration.memoryBytes())
                        .number(FwCfg.FW_CFG_NB_CPUS, Short.BYTES, configuration.cpus())
                        .number(FwCfg.FW_CFG_MAX_CPUS, Short.BYTES, configuration.cpus());
        pci.bootOrder().toFile().ifPresent(order -> builder.file(BootOrder.FILE, order));
        if (configuration.startsFromFlash()) {
            configuration
                    .kernel()
                    .ifPresent(path -> builder.kernel(resources.copyOf("--kernel", path)));
            resources.initrd(configuration).ifPresent(builder::initrd);
            configuration.append().ifPresent(builder::commandLine);
            BoardDescription board = BoardDescription.of(configuration, Optional.empty());
            VirtAcpi.files(board, pci.root().bus()).forEach(builder::file);
        }
        return builder.build();
    }

    private void register(DeviceMmio device, long base, long bytes) {
        io.registerMmio(new MmioRange(base, bytes), device);
    }

    private InterruptLine countedWire(BusDevice device, int wire) {
        return io.counters().counting(device, wires.apply(wire));
    }

    // ---- booting ----------------------------------------------------------------------------

    /**
     * Resets everything, loads what the configuration names, and puts the harts at their first
     * instruction. No hart runs meanwhile.
     *
     * @throws ConfigurationException if a file cannot be used; the board then cannot run
     */
    public void boot() {
        // What was still asked of a hart when it stopped belongs to the run before.
        harts.forEach(Hart::runPostedTasks);
        // Before there is anything in memory that a device at work could write over.
        resets.forEach(Runnable::run);
        VirtBoot.Loaded loaded = boot.load(memoryIsZeroed);
        memoryIsZeroed = false;
        toHost = loaded.toHost();
        fromHost = loaded.fromHost();
        group.begin();
        for (Hart hart : harts) {
            hart.reset(loaded.entry());
            hart.fenceInstructions();
            hart.setRegister(10, hart.id());
            hart.setRegister(11, loaded.deviceTree());
        }
        if (firmware != null) {
            if (aplic != null) {
                AplicDelegation.apply(aplic.machine(), configuration.cpus());
            }
            firmware.boot(0, loaded.entry(), loaded.deviceTree());
        }
    }

    // ---- suspending -------------------------------------------------------------------------

    /**
     * Puts the devices to sleep; no hart runs. First come their handlers, which use the devices,
     * then the devices, which complete what is in flight, and time last, which they may ask for.
     * All or nothing; idempotent.
     *
     * @throws RuntimeException what a device threw that would not sleep: everything is awake
     */
    public void sleepDevices() {
        resources.executor.sleep();
        try {
            pci.root().sleep();
            try {
                slots.sleep();
            } catch (RuntimeException | Error refused) {
                pci.root().wake();
                throw refused;
            }
        } catch (RuntimeException | Error refused) {
            resources.executor.wake();
            throw refused;
        }
        clock.sleep();
    }

    /** Wakes the devices, in the opposite order; idempotent. */
    public void wakeDevices() {
        clock.wake();
        slots.wake();
        pci.root().wake();
        resources.executor.wake();
    }

    /**
     * Puts the devices into a jail, or tells them that there is none. Before the start, once.
     *
     * @param jail what closes
     */
    public void enterSandbox(Jail jail) {
        pci.root().enterSandbox(new WithSlots(jail, slots.devices()));
    }

    /** A jail around the devices in slots, beside those on the PCI bus. */
    private record WithSlots(Jail jail, List<VirtioMmioDevice> slots) implements Jail {
        @Override
        public void close(SortedSet<Integer> keepDescriptors) {
            jail.close(keepDescriptors);
        }

        @Override
        public void enter(Collection<? extends Sandboxed> devices) {
            List<Sandboxed> all = new ArrayList<>(devices);
            all.addAll(slots);
            jail.enter(all);
        }
    }

    // ---- parts ------------------------------------------------------------------------------

    /** All harts, in the order of their ids. */
    public List<Hart> harts() {
        return List.copyOf(harts);
    }

    /** What the harts share. */
    public HartGroup hartGroup() {
        return group;
    }

    /** Guest memory. */
    public GuestMemory memory() {
        return memory;
    }

    /** The PCI bus and what is on it. */
    public PciRoot pci() {
        return pci.root();
    }

    /** The virtio devices, whatever carries them. */
    public List<VirtioDevice> virtioDevices() {
        List<VirtioDevice> all = new ArrayList<>();
        for (PciFunction function : pci.root().functions()) {
            if (function.device() instanceof VirtioPciDevice carried) {
                all.add(carried.virtio());
            }
        }
        slots.devices().forEach(slot -> all.add(slot.virtio()));
        return all;
    }

    /** The virtio devices in the slots for them, by slot. */
    public List<VirtioMmioDevice> virtioSlots() {
        return slots.devices();
    }

    /** A virtio disk, by its id. */
    public Optional<BlockBackend> disk(String id) {
        Stream<Object> functions =
                pci.root().functions().stream()
                        .filter(function -> function.id().equals(id))
                        .map(PciFunction::device)
                        .map(
                                device ->
                                        device instanceof VirtioPciDevice virtio
                                                ? virtio.virtio()
                                                : device);
        Stream<VirtioDevice> inSlots =
                slots.devices().stream()
                        .filter(device -> device.label().equals(id))
                        .map(VirtioMmioDevice::virtio);
        return Stream.concat(functions, inSlots)
                .map(VirtBoard::backend)
                .flatMap(Optional::stream)
                .findFirst();
    }

    private static Optional<BlockBackend> backend(Object device) {
        return switch (device) {
            case VirtioBlockDevice disk -> Optional.of(disk.backend());
            case NvmeDevice disk -> Optional.of(disk.backend());
            default -> Optional.empty();
        };
    }

    /** The devices. */
    public IoManager io() {
        return io;
    }

    /** The machine's time; it stands until it is woken. */
    public SystemVirtualClock clock() {
        return clock;
    }

    /** What runs the handlers of devices. */
    public DeviceExecutor executor() {
        return resources.executor;
    }

    /** Where a bare program's {@code tohost} lies, if it has one. */
    public OptionalLong toHost() {
        return toHost;
    }

    /** Where a bare program's {@code fromhost} lies, if it has one. */
    public OptionalLong fromHost() {
        return fromHost;
    }

    /**
     * A wire into the interrupt controller, on behalf of a device.
     *
     * @param device who drives it
     * @param wire 1..95
     * @return the wire, counted for the device
     */
    public InterruptLine wire(BusDevice device, int wire) {
        if (wire < 1 || wire >= VirtMap.WIRES) {
            throw new IllegalArgumentException(
                    "expected an interrupt wire 1..%d, got %d".formatted(VirtMap.WIRES - 1, wire));
        }
        boolean isPci = wire >= VirtMap.PCI_INTX_WIRE && wire < VirtMap.PCI_INTX_WIRE + 4;
        boolean isSlot =
                wire >= VirtMap.VIRTIO_MMIO_WIRE
                        && wire < VirtMap.VIRTIO_MMIO_WIRE + VirtMap.VIRTIO_MMIO_SLOTS;
        if (wire == VirtMap.UART_WIRE || wire == VirtMap.RTC_WIRE || isPci || isSlot) {
            throw new IllegalArgumentException(
                    "interrupt wire " + wire + " belongs to a device of the board");
        }
        return countedWire(device, wire);
    }

    /** Hands out what the trace still holds back. Twice is fine. */
    public void finishTrace() {
        if (tracer != null) {
            tracer.finish();
        }
    }

    private void keepHotCode(Path file) {
        byte[] bytes = group.hotCode();
        if (bytes.length != 0) {
            HotCodeFile.write(file, bytes);
        }
    }

    /** Releases memory and the clock's thread. No hart runs, and nothing else uses the memory. */
    @Override
    public void close() {
        finishTrace();
        hotCode.ifPresent(this::keepHotCode);
        try {
            sleepDevices();
        } catch (RuntimeException refused) {
            // It is the end of the device all the same; it is reset instead.
            LOG.log(System.Logger.Level.WARNING, () -> "a device does not sleep: " + refused);
        }
        resources.close();
    }
}
