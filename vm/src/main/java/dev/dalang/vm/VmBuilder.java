package dev.dalang.vm;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.pci.PciDevice;
import dev.dalang.riscv.EngineKind;
import dev.dalang.riscv.HartGroup;
import dev.dalang.virtio.VirtioPciDevice;
import dev.dalang.virtio.VirtioTransportType;
import dev.dalang.virtio.console.VirtioConsoleDevice;
import dev.dalang.vm.guest.Firmware;
import dev.dalang.vm.guest.Guest;
import dev.dalang.vm.internal.board.BoardConfiguration;
import dev.dalang.vm.internal.board.FlashBank;
import dev.dalang.vm.internal.board.VirtMap;
import dev.dalang.vm.internal.board.VirtioChoice;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Describes a machine. Every option has the name of the command's flag and of the configuration
 * key; what it is given is checked in {@link #build}. One thread.
 */
public final class VmBuilder {
    /** The smallest memory: 64 MiB. */
    public static final long MIN_MEMORY_BYTES = 64L << 20;

    /** The largest memory: 16 GiB. */
    public static final long MAX_MEMORY_BYTES = 16L << 30;

    /** The greatest number of harts. */
    public static final int MAX_CPUS = 128;

    /** The longest command line, in bytes of UTF-8. */
    public static final int MAX_APPEND_BYTES = 4095;

    private long memory = 512L << 20;
    private int cpus = 1;
    private @Nullable Guest guest;
    private @Nullable Path kernel;
    private @Nullable Path initrd;
    private @Nullable Path initrdAdd;
    private @Nullable String append;
    private @Nullable Path bios;
    private @Nullable FlashBank firmware;
    private @Nullable FlashBank firmwareVariables;
    private final List<FlashFile> flash = new ArrayList<>();
    private @Nullable Path bare;
    private InterruptArchitecture aia = InterruptArchitecture.APLIC_IMSIC;
    private EngineKind engine = HartGroup.defaultEngine();
    private @Nullable Path hotCode;
    private @Nullable Duration timeout;
    private long maxInstructions = Long.MAX_VALUE;
    private boolean reboot = true;
    private @Nullable GdbPort gdb;
    private @Nullable DeviceTracing tracing;
    private DeviceCatalogue catalogue = DeviceCatalogue.builtIn();
    private final List<PciPlacement> devices = new ArrayList<>();
    private final List<PassthroughOption> passthrough = new ArrayList<>();
    private final List<ConsolePort> consolePorts = new ArrayList<>();
    private @Nullable VirtioTransportType transport;
    private boolean packed;
    private final List<DiskFile> disks = new ArrayList<>();
    private final List<NvmeFile> nvmeDisks = new ArrayList<>();
    private final List<NetworkOption> networks = new ArrayList<>();
    private boolean noNetwork;

    VmBuilder() {}

    /**
     * Sets the size of memory; default 512 MiB. The host pays only for what the guest touches.
     *
     * @param bytes {@link #MIN_MEMORY_BYTES} to {@link #MAX_MEMORY_BYTES}, a multiple of 4096
     * @return this
     */
    public VmBuilder memory(long bytes) {
        this.memory = bytes;
        return this;
    }

    /**
     * Sets the number of harts; default 1. Each has a thread of its own.
     *
     * @param count 1 to {@link #MAX_CPUS}
     * @return this
     */
    public VmBuilder cpus(int count) {
        this.cpus = count;
        return this;
    }

    /**
     * Boots a guest: its kernel, its initial RAM disk and its command line, as far as they are not
     * set by {@link #kernel}, {@link #initrd} and {@link #append}.
     *
     * @param choice a guest that is on this machine
     * @return this
     */
    public VmBuilder guest(Guest choice) {
        this.guest = choice;
        return this;
    }

    /**
     * Boots a kernel: Linux's {@code Image}, raw or compressed with gzip, or an ELF file at its
     * physical addresses.
     *
     * @param file the kernel
     * @return this
     */
    public VmBuilder kernel(Path file) {
        this.kernel = file;
        return this;
    }

    /**
     * Gives the kernel an initial RAM disk.
     *
     * @param file its content
     * @return this
     */
    public VmBuilder initrd(Path file) {
        this.initrd = file;
        return this;
    }

    /**
     * Adds the files of a directory to the initial RAM disk: the guest finds them below {@code
     * /host}, with their modes and symbolic links, as root's. They take twice their size of the
     * guest's memory while it boots. Files, directories and links only.
     *
     * @param directory is read anew at each start
     * @return this
     */
    public VmBuilder initrdAdd(Path directory) {
        this.initrdAdd = directory;
        return this;
    }

    /**
     * Sets the kernel's command line.
     *
     * @param commandLine at most {@link #MAX_APPEND_BYTES} bytes of UTF-8
     * @return this
     */
    public VmBuilder append(String commandLine) {
        this.append = commandLine;
        return this;
    }

    /**
     * Starts firmware in M-mode, which starts the kernel; default: the built-in SBI.
     *
     * @param file the firmware, such as OpenSBI's {@code fw_dynamic.bin}, raw or ELF
     * @return this
     */
    public VmBuilder bios(Path file) {
        this.bios = file;
        return this;
    }

    /**
     * Fills the next bank of flash; there are two, and both are empty by default. With a bank that
     * is filled, the machine starts the firmware in it in S-mode, and the kernel, the initial RAM
     * disk and the command line are given to that firmware through {@code fw_cfg}.
     *
     * @param content the file, and whether the guest may change it
     * @return this
     */
    public VmBuilder flash(FlashFile content) {
        flash.add(content);
        return this;
    }

    /**
     * Starts firmware in S-mode, such as UEFI's, from the first bank of flash; {@link #flash} then
     * fills the second. The firmware gets the kernel, the initial RAM disk and the command line
     * through {@code fw_cfg}, and ACPI's tables of the machine.
     *
     * @param file the firmware, of at most 32 MiB; it is not changed
     * @return this
     */
    public VmBuilder firmware(Path file) {
        this.firmware = FlashBank.firmware(file);
        this.firmwareVariables = null;
        return this;
    }

    /**
     * Starts the distribution's UEFI firmware, as {@link #firmware(Path)} does. Without {@link
     * #flash} its variables are those of a new machine, and forgotten at the end.
     *
     * @param uefi what {@link dev.dalang.vm.guest.Guests#firmware(String)} gives for {@code edk2}
     * @return this
     * @throws dev.dalang.vm.guest.GuestException if it is other firmware
     */
    public VmBuilder firmware(Firmware uefi) {
        this.firmware = FlashBank.firmware(uefi.file("RISCV_VIRT_CODE.fd"));
        this.firmwareVariables = FlashBank.initialVariables(uefi.file("RISCV_VIRT_VARS.fd"));
        return this;
    }

    /**
     * Runs a bare program in M-mode, alone: an ELF file at its physical addresses. It ends the run
     * through {@code tohost} or the test finisher.
     *
     * @param file the program
     * @return this
     */
    public VmBuilder bare(Path file) {
        this.bare = file;
        return this;
    }

    /**
     * Sets how interrupts reach the harts; default {@link InterruptArchitecture#APLIC_IMSIC}.
     *
     * @param architecture the choice
     * @return this
     */
    public VmBuilder aia(InterruptArchitecture architecture) {
        this.aia = architecture;
        return this;
    }

    /**
     * Sets how the harts execute; default {@link HartGroup#defaultEngine}. The guest sees no
     * difference but the speed.
     *
     * @param kind the choice
     * @return this
     */
    public VmBuilder engine(EngineKind kind) {
        this.engine = kind;
        return this;
    }

    /**
     * Names a file that keeps what code was hot, so that the next machine with the same guest is
     * fast sooner; default none. It is read when the machine is built and replaced when it is
     * closed; machines may share it, and it may be deleted at any time. What it says is never
     * trusted: a wrong one costs time and nothing else.
     *
     * @param file need not exist yet
     * @return this
     */
    public VmBuilder hotCode(Path file) {
        this.hotCode = file;
        return this;
    }

    /**
     * Plugs a device into the PCI bus.
     *
     * @param device the device, for this machine alone
     * @return this
     */
    public VmBuilder device(PciDevice device) {
        return device(new PciPlacement(device, Optional.empty(), Optional.empty()));
    }

    /**
     * Plugs a device into the PCI bus, at a certain place or under a certain name.
     *
     * @param placement the device, for this machine alone, and its place
     * @return this
     */
    public VmBuilder device(PciPlacement placement) {
        devices.add(placement);
        return this;
    }

    /**
     * Makes the devices of a jar known by name, for {@link #device(String)} after this.
     *
     * @param jar a jar as {@link DeviceCatalogue#with} takes it
     * @return this
     * @throws ConfigurationException if it cannot be used
     */
    public VmBuilder plugin(Path jar) {
        catalogue = catalogue.with(jar);
        return this;
    }

    /**
     * Plugs a device into the PCI bus that is known by name.
     *
     * @param text as {@link DeviceCatalogue#parse} takes it, such as {@code edu}
     * @return this
     * @throws ConfigurationException if the text is wrong
     */
    public VmBuilder device(String text) {
        return device(catalogue.parse(text, devices.size()));
    }

    /**
     * Plugs a disk in; may be repeated. Disks come after the other devices, in their order.
     *
     * @param disk the disk, whose file is opened by {@link #build}
     * @return this
     */
    public VmBuilder disk(DiskFile disk) {
        disks.add(disk);
        return this;
    }

    /**
     * Plugs a disk in; may be repeated.
     *
     * @param text as {@link DiskFile#parse} takes it
     * @return this
     * @throws ConfigurationException if the text is wrong
     */
    public VmBuilder disk(String text) {
        return disk(DiskFile.parse(text));
    }

    /**
     * Plugs an NVMe disk in; may be repeated. They come after the other disks, in their order.
     *
     * @param disk the disk, whose file is opened by {@link #build}
     * @return this
     */
    public VmBuilder nvme(NvmeFile disk) {
        nvmeDisks.add(disk);
        return this;
    }

    /**
     * Plugs an NVMe disk in; may be repeated.
     *
     * @param text as {@link NvmeFile#parse} takes it
     * @return this
     * @throws ConfigurationException if it cannot be taken
     */
    public VmBuilder nvme(String text) {
        return nvme(NvmeFile.parse(text));
    }

    /**
     * Adds a port to the machine's virtio console device, which it then has; default: none. {@link
     * Vm#consoleDevice} resizes it while the machine runs.
     *
     * @param port the port, and what is behind it
     * @return this
     */
    public VmBuilder consolePort(ConsolePort port) {
        consolePorts.add(port);
        return this;
    }

    /**
     * Chooses what carries virtio devices: PCI functions, or the board's eight slots for
     * virtio-mmio; default: what each device wants, which is PCI as a rule.
     *
     * @param type the choice, for all of them
     * @return this
     */
    public VmBuilder transport(VirtioTransportType type) {
        this.transport = type;
        return this;
    }

    /**
     * Offers packed queues to the drivers of virtio devices; default false.
     *
     * @param offered whether they are offered
     * @return this
     */
    public VmBuilder packed(boolean offered) {
        this.packed = offered;
        return this;
    }

    /**
     * Plugs in a device that another process serves by vfio-user, or one of the host's that is
     * bound to {@code vfio-pci} (never tried on hardware); may be called more than once. The
     * guest's memory is then one that the other process sees, as far as the device's server is
     * trusted with all of it. When the server ends, the guest reads all ones of its device.
     *
     * @param text {@code vfio-user:SOCKET[,timeout=SECONDS][,id=ID][,addr=DD.F][,bootindex=N]},
     *     with the path at which the server listens when the machine is built, and the time that it
     *     may take for an answer before the device is lost, 0.001 to 86400 seconds (30 by default);
     *     or {@code vfio:PCI-ADDRESS} and the same without a time
     * @return this
     * @throws ConfigurationException if the text is wrong
     */
    public VmBuilder passthrough(String text) {
        passthrough.add(PassthroughOption.parse(text));
        return this;
    }

    /**
     * Plugs a network card in, with a network behind it; may be repeated. Default: none. Ports and
     * files that it names are opened by {@link #build}, for each machine anew.
     *
     * @param text {@code user} for a network of the guest's own, {@code tap=NAME} for an interface
     *     of the host's, each with options, or {@code none}: {@code
     *     user[,host-loopback=on][,restrict=on][,hostfwd=tcp:127.0.0.1:2222-:22][,mac=…]
     *     [,queues=N][,pcap=FILE][,bootindex=N][,id=ID][,addr=DD.F]}
     * @return this
     * @throws ConfigurationException if the text is wrong, or {@code none} is not alone
     */
    public VmBuilder network(String text) {
        Optional<NetworkOption> option = NetworkOption.parse(text);
        if (noNetwork || option.isEmpty() && !networks.isEmpty()) {
            throw new ConfigurationException("--net: expected none alone, found more than it");
        }
        noNetwork = option.isEmpty();
        option.ifPresent(networks::add);
        return this;
    }

    /**
     * Ends the run after some host time; default: never.
     *
     * @param limit more than nothing; what exceeds 292 years is never reached
     * @return this
     */
    public VmBuilder timeout(Duration limit) {
        this.timeout = limit;
        return this;
    }

    /**
     * Ends the run when a hart has executed so many instructions since the last reset; default: no
     * limit.
     *
     * @param limit 1 or more
     * @return this
     */
    public VmBuilder maxInstructions(long limit) {
        this.maxInstructions = limit;
        return this;
    }

    /**
     * Chooses what a reboot of the guest does; default true.
     *
     * @param restarts true: the machine starts again in place; false: the run ends with {@link
     *     VmExit.ResetRequested}
     * @return this
     */
    public VmBuilder reboot(boolean restarts) {
        this.reboot = restarts;
        return this;
    }

    /**
     * Opens a port for GDB, on the loopback interface; default: none. All harts are threads of the
     * debugger, and stand together; so does the machine's time, though not that of {@link
     * #timeout}. While no debugger is connected it costs nothing.
     *
     * @param port which port, and whether the machine waits for a debugger
     * @return this
     */
    public VmBuilder gdb(GdbPort port) {
        this.gdb = port;
        return this;
    }

    /**
     * Traces devices; default: none.
     *
     * @param choice which, and where to
     * @return this
     */
    public VmBuilder trace(DeviceTracing choice) {
        this.tracing = choice;
        return this;
    }

    /**
     * Checks the options that can be judged without a look at any file, so that a mistake is known
     * before something is fetched for the machine.
     *
     * @return this
     * @throws ConfigurationException if an option cannot be used
     */
    public VmBuilder check() {
        if (memory < MIN_MEMORY_BYTES || memory > MAX_MEMORY_BYTES) {
            throw new ConfigurationException(
                    "--memory: expected %d to %d bytes (64M to 16G), found %d"
                            .formatted(MIN_MEMORY_BYTES, MAX_MEMORY_BYTES, memory));
        }
        if (memory % GuestMemory.PAGE_BYTES != 0) {
            throw new ConfigurationException(
                    "--memory: expected a multiple of %d bytes, found %d"
                            .formatted(GuestMemory.PAGE_BYTES, memory));
        }
        if (cpus < 1 || cpus > MAX_CPUS) {
            throw new ConfigurationException(
                    "--cpus: expected 1 to %d, found %d".formatted(MAX_CPUS, cpus));
        }
        if (maxInstructions < 1) {
            throw new ConfigurationException(
                    "--max-instructions: expected 1 or more, found " + maxInstructions);
        }
        Duration limit = timeout;
        if (limit != null && (limit.isZero() || limit.isNegative())) {
            throw new ConfigurationException(
                    "--timeout: expected more than 0 seconds, found " + limit);
        }
        int banks = firmware == null ? VirtMap.FLASH_BANKS : VirtMap.FLASH_BANKS - 1;
        if (flash.size() > banks) {
            throw new ConfigurationException(
                    firmware == null
                            ? "--flash: expected at most %d banks, found %d"
                                    .formatted(banks, flash.size())
                            : "--flash: expected at most %d bank beside --firmware, found %d"
                                    .formatted(banks, flash.size()));
        }
        if (initrdAdd != null && bare != null) {
            throw new ConfigurationException(
                    "--bare: expected no --initrd-add beside it, found one");
        }
        if (firmware != null && bare != null) {
            throw new ConfigurationException("--bare: expected no --firmware beside it, found one");
        }
        checkedCommandLine(append);
        catalogue.check();
        return this;
    }

    /**
     * Checks everything, reserves the memory, and loads what is to be booted.
     *
     * @return a machine that can be started
     * @throws ConfigurationException if an option or a file cannot be used; nothing is left behind
     */
    public Vm build() {
        check();
        List<PciPlacement> opened = new ArrayList<>();
        try {
            for (DiskFile disk : disks) {
                opened.add(disk.open(opened.size()));
            }
            for (int i = 0; i < nvmeDisks.size(); i++) {
                opened.add(nvmeDisks.get(i).open(i));
            }
            if (!consolePorts.isEmpty()) {
                VirtioConsoleDevice console = ConsolePort.open(consolePorts);
                opened.add(
                        new PciPlacement(
                                VirtioPciDevice.of(console), Optional.empty(), Optional.empty()));
            }
            for (int i = 0; i < networks.size(); i++) {
                opened.add(networks.get(i).make(i));
            }
            for (PassthroughOption option : passthrough) {
                opened.add(option.make(cpus, aia == InterruptArchitecture.APLIC_IMSIC));
            }
            List<PciPlacement> all = new ArrayList<>(devices);
            all.addAll(opened);
            return Vm.of(
                    configuration(all),
                    reboot,
                    Optional.ofNullable(timeout),
                    Optional.ofNullable(gdb));
        } catch (RuntimeException | Error failed) {
            opened.forEach(VmBuilder::giveUp);
            throw failed;
        }
    }

    /** Lets go what stands behind a device of a machine that was not built; twice is fine. */
    private static void giveUp(PciPlacement opened) {
        if (opened.device() instanceof VirtioPciDevice carried) {
            carried.virtio().detach();
        } else {
            opened.device().detach();
        }
    }

    private BoardConfiguration configuration(List<PciPlacement> allDevices) {
        Guest chosen = guest;
        boolean isBare = bare != null;
        if (isBare && (kernel != null || initrd != null || bios != null || chosen != null)) {
            throw new ConfigurationException(
                    "--bare: expected no --kernel, --initrd, --bios or guest beside it, found one");
        }
        Path bootKernel = kernel != null || chosen == null ? kernel : chosen.kernel();
        // A kernel of the user's own does not get the guest's initial RAM disk: modules differ.
        Path bootInitrd =
                initrd != null || kernel != null || chosen == null ? initrd : chosen.initrd();
        if (bootInitrd != null && bootKernel == null) {
            throw new ConfigurationException("--initrd: expected --kernel beside it, found none");
        }
        if (initrdAdd != null && bootKernel == null) {
            throw new ConfigurationException(
                    "--initrd-add: expected --kernel or a guest beside it, found none");
        }
        String line = append;
        if (line == null && chosen != null) {
            line = chosen.defaultCommandLine();
        }
        return new BoardConfiguration(
                memory,
                cpus,
                Optional.ofNullable(bootKernel),
                Optional.ofNullable(bootInitrd),
                Optional.ofNullable(initrdAdd),
                checkedCommandLine(line),
                Optional.ofNullable(bios),
                flashBanks(),
                Optional.ofNullable(bare),
                aia,
                engine,
                allDevices,
                new VirtioChoice(Optional.ofNullable(transport), packed),
                maxInstructions,
                Optional.ofNullable(tracing),
                Optional.ofNullable(hotCode));
    }

    private List<FlashBank> flashBanks() {
        var banks = new ArrayList<FlashBank>();
        if (firmware != null) {
            banks.add(firmware);
        }
        flash.forEach(file -> banks.add(FlashBank.of(file)));
        if (firmwareVariables != null && banks.size() < VirtMap.FLASH_BANKS) {
            banks.add(firmwareVariables);
        }
        return banks;
    }

    private static Optional<String> checkedCommandLine(@Nullable String line) {
        if (line == null) {
            return Optional.empty();
        }
        int bytes = line.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > MAX_APPEND_BYTES) {
            throw new ConfigurationException(
                    "--append: expected at most %d bytes, found %d"
                            .formatted(MAX_APPEND_BYTES, bytes));
        }
        int control = (int) line.chars().takeWhile(c -> c >= ' ' && c != 0x7F).count();
        if (control < line.length()) {
            throw new ConfigurationException(
                    "--append: expected no control characters, found 0x%02x at position %d"
                            .formatted((int) line.charAt(control), control));
        }
        return Optional.of(line);
    }
}
