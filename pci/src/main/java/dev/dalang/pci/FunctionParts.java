package dev.dalang.pci;

import dev.dalang.bus.BusDevice;
import dev.dalang.bus.IoCounters;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.interrupt.MsiTarget;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/** What a function is made of, built from its device's specification; all or nothing. */
final class FunctionParts {
    final PciConfiguration configuration;
    final @Nullable MsixConfig msix;
    final @Nullable MsiConfig msi;
    final IntxLine intx;
    final FunctionInterrupts interrupts;
    final @Nullable PciBus secondary;

    private final PciFunction function;
    private final @Nullable PmConfig power;
    private final List<PciApertures.Grant> grants = new ArrayList<>();
    private SharedInterruptLine.@Nullable Input wire;

    static FunctionParts build(PciFunction function, PciDeviceSpec spec, boolean placedByGuest) {
        return new FunctionParts(function, spec, placedByGuest);
    }

    private FunctionParts(PciFunction function, PciDeviceSpec spec, boolean placedByGuest) {
        this.function = function;
        PciRoot root = function.bus().root();
        PciBridge bridge = function.device() instanceof PciBridge found ? found : null;
        InterruptPin pin =
                spec.hasIntx() ? InterruptPin.ofFunction(function.devfn() & 7) : InterruptPin.NONE;
        configuration = header(function, spec, bridge != null, pin);
        MsiSource source =
                new MsiSource(
                        function.id(),
                        spec.device() << 16 | spec.vendor(),
                        function.address().requesterId());
        FunctionTrace trace = function.trace();
        MsiRouter messages = trace == null ? root.messages() : trace.around(root.messages());
        MsiRouter router = new CountingRouter(messages, root.io().counters(), function);
        addOwn(spec, true);
        msi = spec.msiVectors() > 0 ? addMsi(spec, router, source) : null;
        msix = spec.msixVectors() > 0 ? addMsix(spec, router, source) : null;
        power = spec.hasPowerManagement() ? addPower(spec.wakes()) : null;
        if (spec.isExpress()) {
            configuration.addCapability(
                    PcieCapability.of(
                            function.bus().bridge().isPresent()
                                    ? PciePortType.ENDPOINT
                                    : PciePortType.ROOT_COMPLEX_ENDPOINT));
        }
        addOwn(spec, false);
        intx = IntxLine.create();
        interrupts = FunctionInterrupts.of(msix, msi, intx);
        try {
            addBars(spec, placedByGuest);
            secondary = bridge == null ? null : openBridge(bridge, placedByGuest);
        } catch (RuntimeException | Error failed) {
            grants.forEach(PciApertures.Grant::release);
            throw failed;
        }
        intx.connectStatus(statusBit());
        connectWire(pin);
    }

    private static PciConfiguration header(
            PciFunction function, PciDeviceSpec spec, boolean isBridge, InterruptPin pin) {
        PciConfiguration.Builder header =
                isBridge
                        ? PciConfiguration.bridge(spec.vendor(), spec.device())
                        : PciConfiguration.endpoint(spec.vendor(), spec.device())
                                .subsystem(spec.subsystemVendor(), spec.subsystem());
        if (isBridge && !function.bus().apertures().hasPorts()) {
            header.withoutIoWindow();
        }
        return header.label(function.typeId() + " " + function.id())
                .classCode(spec.classCode())
                .revision(spec.revision())
                .interruptPin(pin.code())
                .build();
    }

    private void addOwn(PciDeviceSpec spec, boolean leading) {
        for (PciDeviceSpec.Capability own : spec.capabilities()) {
            if (own.isLeading() != leading) {
                continue;
            }
            if (own.isExtended()) {
                configuration.addExtendedCapability(own.capability(), own.config().orElse(null));
            } else {
                configuration.addCapability(own.capability(), own.config().orElse(null));
            }
        }
    }

    private PmConfig addPower(boolean wakes) {
        PmCapability capability = new PmCapability(wakes);
        PmConfig config = new PmConfig(capability);
        configuration.addCapability(capability, config);
        return config;
    }

    private MsiConfig addMsi(PciDeviceSpec spec, MsiRouter router, MsiSource source) {
        MsiConfig config =
                MsiConfig.create(spec.msiVectors(), true, spec.hasMsiMasking(), router, source);
        configuration.addCapability(config.capability(), config);
        return config;
    }

    private MsixConfig addMsix(PciDeviceSpec spec, MsiRouter router, MsiSource source) {
        MsixConfig config = MsixConfig.create(spec.msixVectors(), router, source);
        PciDeviceSpec.MsixPlacement place = spec.msixPlacement().orElseThrow();
        configuration.addCapability(
                new MsixCapability(
                        spec.msixVectors(),
                        place.bar(),
                        place.tableOffset(),
                        place.pbaBar(),
                        place.pbaOffset()),
                config);
        return config;
    }

    private void addBars(PciDeviceSpec spec, boolean placedByGuest) {
        for (PciBar bar : spec.bars()) {
            // What cannot be at all is told before anything is asked of the windows.
            configuration.addBar(withoutAddress(bar));
        }
        if (placedByGuest) {
            return;
        }
        PciBus bus = function.bus();
        for (PciBar bar : configuration.bars()) {
            PciApertures.Grant grant =
                    bus.apertures().place(label(), bar, bus.bridge().isPresent());
            grants.add(grant);
            configuration.placeBar(bar.index(), grant.base());
        }
    }

    private static PciBar withoutAddress(PciBar bar) {
        PciBar plain =
                switch (bar.type()) {
                    case MEMORY32 ->
                            bar.index() == PciBar.ROM
                                    ? PciBar.rom(bar.size())
                                    : PciBar.memory32(bar.index(), bar.size());
                    case MEMORY64 -> PciBar.memory64(bar.index(), bar.size());
                    case IO -> PciBar.io(bar.index(), bar.size());
                };
        return bar.prefetchable() ? plain.prefetch() : plain;
    }

    private PciBus openBridge(PciBridge bridge, boolean placedByGuest) {
        PciBus above = function.bus();
        if (placedByGuest) {
            PciApertures none = new PciApertures(null, null, null);
            return new PciBus(above.root(), function, 0, 0, none, true);
        }
        BridgeLayout layout = BridgeLayout.allocate(label(), above, bridge.windows(), grants);
        layout.write(configuration);
        return new PciBus(
                above.root(),
                function,
                layout.secondary(),
                layout.subordinate(),
                layout.apertures(),
                false);
    }

    /** What mistakes are told of. */
    private String label() {
        return function.typeId() + " " + function.id();
    }

    private InterruptLine statusBit() {
        return new InterruptLine() {
            @Override
            public void raise() {
                configuration.setInterruptStatus(true);
            }

            @Override
            public void lower() {
                configuration.setInterruptStatus(false);
            }
        };
    }

    private void connectWire(InterruptPin pin) {
        int number = pin.wire(function.bus().devicesUpwards(function.devfn() >>> 3));
        SharedInterruptLine line = number < 0 ? null : function.bus().root().wire(number);
        if (line != null) {
            wire = line.input();
            intx.connect(function.bus().root().io().counters().counting(function, wire));
        }
    }

    /** An event that wakes the guest; true if it is to be told. */
    boolean signalWake() {
        return power != null && power.signalWake();
    }

    /** What has to stay open for messages to be delivered. */
    List<Integer> keepDescriptors() {
        List<Integer> keep = new ArrayList<>();
        if (msix != null) {
            keep.addAll(msix.keepDescriptors());
        }
        if (msi != null) {
            keep.addAll(msi.keepDescriptors());
        }
        return keep;
    }

    /** True unless a guest switched the function off. */
    boolean isPowered() {
        return power == null || power.powerState() == PmStatus.PowerState.D0;
    }

    /** True if accesses to a BAR are answered, were it not that a guest is finding out its size. */
    boolean decodes(PciBar bar) {
        if (bar.index() == PciBar.ROM) {
            int register = secondary == null ? PciRegisters.REG_ROM : PciRegisters.REG_ROM_TYPE1;
            if ((configuration.readRegister(register) & PciRegisters.PCI_ROM_ADDRESS_ENABLE) == 0) {
                return false;
            }
        }
        return configuration.hasCommand(
                bar.type() == PciBar.Type.IO
                        ? PciRegisters.PCI_COMMAND_IO
                        : PciRegisters.PCI_COMMAND_MEMORY);
    }

    /** A guest wrote into the header of this bridge. */
    void bridgeWritten(int register) {
        PciBus behind = secondary;
        if (behind == null) {
            return;
        }
        switch (register) {
            case PciRegisters.REG_COMMAND,
                    PciRegisters.REG_IO_WINDOW,
                    PciRegisters.REG_MEMORY_WINDOW,
                    PciRegisters.REG_PREFETCHABLE_WINDOW,
                    PciRegisters.REG_PREFETCHABLE_BASE_HIGH,
                    PciRegisters.REG_PREFETCHABLE_LIMIT_HIGH ->
                    behind.root().decoder().sync(behind);
            case PciRegisters.REG_BUS_NUMBERS -> behind.forEach(PciFunction::addressChanged);
            case PciRegisters.REG_INTERRUPT -> {
                int control = configuration.readRegister(PciRegisters.REG_INTERRUPT) >>> 16;
                if ((control & PciRegisters.PCI_BRIDGE_CTL_BUS_RESET) != 0) {
                    behind.forEach(PciFunction::reset);
                    behind.root().decoder().sync(behind);
                }
            }
            default -> {}
        }
    }

    void addressChanged() {
        int requester = function.address().requesterId();
        if (msix != null) {
            msix.setRequesterId(requester);
        }
        if (msi != null) {
            msi.setRequesterId(requester);
        }
    }

    void destroy() {
        if (msix != null) {
            msix.destroy();
        }
        if (msi != null) {
            msi.destroy();
        }
        SharedInterruptLine.Input input = wire;
        if (input != null) {
            input.close();
        }
        configuration.endPciConfigMapping();
        grants.forEach(PciApertures.Grant::release);
    }

    /** Counts the messages of one function. */
    private static final class CountingRouter extends ForwardingRouter {
        private final MsiTarget count;

        CountingRouter(MsiRouter router, IoCounters counters, BusDevice device) {
            super(router);
            this.count = counters.counting(device, (_, _) -> true);
        }

        @Override
        public boolean signal(int handle) {
            return super.signal(handle) && count.signal(0, 0);
        }
    }
}
