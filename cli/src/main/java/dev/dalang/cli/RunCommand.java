package dev.dalang.cli;

import dev.dalang.riscv.EngineKind;
import dev.dalang.riscv.HartGroup;
import dev.dalang.virtio.VirtioTransportType;
import dev.dalang.vm.ConfigurationException;
import dev.dalang.vm.Console;
import dev.dalang.vm.FlashFile;
import dev.dalang.vm.GdbPort;
import dev.dalang.vm.InterruptArchitecture;
import dev.dalang.vm.MemorySize;
import dev.dalang.vm.Vm;
import dev.dalang.vm.VmBuilder;
import dev.dalang.vm.VmExit;
import dev.dalang.vm.guest.FetchProgress;
import dev.dalang.vm.guest.Guest;
import dev.dalang.vm.guest.Guests;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

import java.io.PrintWriter;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/** Boots a guest and connects its console. */
@Command(
        name = "run",
        description = "Boot a guest; without options, Debian to a shell prompt.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        sortOptions = false,
        footer = {
            "",
            "Keys while the guest runs on a terminal: Ctrl-A x leaves, Ctrl-A h lists the others.",
            "Exit status: 0 the guest powered off; 1 it panicked or can only trap; 2 a mistake in",
            "the command or a file; 124 a limit was reached; with --bare the program's own code."
        })
final class RunCommand implements Callable<Integer> {
    private static final String EDK2 = "edk2";

    @Spec private CommandSpec spec;

    @Option(
            names = "--kernel",
            paramLabel = "FILE",
            description = "Linux's Image, raw or gzip, or an ELF file; default: Debian's.")
    private @Nullable Path kernel;

    @Option(names = "--initrd", paramLabel = "FILE", description = "The initial RAM disk.")
    private @Nullable Path initrd;

    @Option(
            names = "--initrd-add",
            paramLabel = "DIR",
            description = "Add the files of a directory to it; the guest has them in /host.")
    private @Nullable Path initrdAdd;

    @Option(
            names = "--append",
            paramLabel = "STR",
            description = "The kernel's command line; added to the default guest's own.")
    private @Nullable String append;

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            defaultValue = "512M",
            description = "64M to 16G (default: ${DEFAULT-VALUE}).")
    private String memory = "512M";

    @Option(
            names = "--cpus",
            paramLabel = "N",
            defaultValue = "1",
            description = "How many harts (default: ${DEFAULT-VALUE}).")
    private int cpus = 1;

    @Option(
            names = "--bios",
            paramLabel = "FILE|builtin",
            defaultValue = "builtin",
            description = "Firmware to start in M-mode (default: ${DEFAULT-VALUE}).")
    private String bios = "builtin";

    @Option(
            names = "--firmware",
            paramLabel = "edk2|FILE",
            description = {
                "Firmware to start in S-mode from flash, which finds kernel, initial RAM disk,",
                "command line and ACPI tables through fw_cfg; edk2 is Debian's UEFI firmware. What",
                "it stores is forgotten at the end, unless --flash gives it a file."
            })
    private @Nullable String firmware;

    @Option(
            names = "--flash",
            paramLabel = "FILE[,ro]",
            description = {
                "A file of 32 MiB for the next bank of flash, of which there are two; with ,ro the",
                "guest cannot change it. Firmware in the first is started as by --firmware."
            })
    private List<String> flash = List.of();

    @Option(
            names = "--disk",
            paramLabel = "FILE[,readonly][,KEY=VALUE]...",
            description = {
                "A virtio disk in a raw image or a block device; may be repeated. The guest finds",
                "the first as /dev/vda, and by its serial= in /dev/disk/by-id; other keys:",
                "iops= and rate= hold it to requests and bytes (20M) a second; queues=,",
                "bootindex=, id=, addr=."
            })
    private List<String> disks = List.of();

    @Option(
            names = "--nvme",
            paramLabel = "FILE[,readonly][,KEY=VALUE]...",
            description = {
                "An NVMe disk in a raw image or a block device; may be repeated. The guest finds the",
                "first as /dev/nvme0n1, and by its serial= in /dev/disk/by-id; other keys:",
                "block= (512 or 4096), queues=, bootindex=, id=, addr=."
            })
    private List<String> nvmeDisks = List.of();

    @Option(
            names = "--device",
            paramLabel = "NAME|class=CLASS[,id=ID][,addr=DD.F][,bootindex=N][,KEY=VALUE]",
            description = {
                "Plug a device into the PCI bus; 'dalang devices' lists the names. A class is one",
                "of a --plugin."
            })
    private List<String> devices = List.of();

    @Option(
            names = "--passthrough",
            paramLabel =
                    "vfio-user:SOCKET[,timeout=SECONDS]|vfio:PCI-ADDRESS"
                            + "[,id=ID][,addr=DD.F][,bootindex=N]",
            description = {
                "Plug in a device that another process serves by vfio-user, such as 'dalang serve',",
                "or one of the host's that is bound to vfio-pci; may be repeated. Whoever serves it",
                "sees the guest's memory; one that does not answer in time, 30 seconds unless it is",
                "said, is given up."
            })
    private List<String> passthrough = List.of();

    @Option(
            names = "--net",
            paramLabel = "user[,KEY=VALUE]...|tap=NAME[,KEY=VALUE]...|none",
            description = {
                "A network card and a network that needs no rights (default: user), or an interface",
                "of the host's; may be repeated; keys: host-loopback=on opens the host's loopback at 10.0.2.2,",
                "restrict=on closes all but forwards, hostfwd=tcp:127.0.0.1:2222-:22, mac=,",
                "queues=, rate=, pcap=FILE, bootindex=, id=, addr=."
            })
    private List<String> networks = List.of();

    @Option(
            names = "--transport",
            paramLabel = "pci|mmio",
            description = "What carries virtio devices (default: what each wants, mostly pci).")
    private @Nullable String transport;

    @Option(names = "--packed", description = "Offer packed queues for virtio devices.")
    private boolean packed;

    @Option(
            names = "--plugin",
            paramLabel = "FILE.jar",
            description = "A jar with devices of your own; may be repeated.")
    private List<Path> plugins = List.of();

    @Option(
            names = "--bare",
            paramLabel = "FILE",
            description = "Run an ELF program alone in M-mode, with tohost/fromhost.")
    private @Nullable Path bare;

    @Option(
            names = "--aia",
            paramLabel = "aplic-imsic|none",
            defaultValue = "aplic-imsic",
            description = "The interrupt architecture (default: ${DEFAULT-VALUE}).")
    private String aia = "aplic-imsic";

    @Option(
            names = "--engine",
            paramLabel = "translator|interpreter",
            description = "How harts execute; the guest sees no difference but the speed.")
    private String engine = HartGroup.defaultEngine().toString();

    @Option(
            names = "--hot-code",
            paramLabel = "FILE|none",
            description = {
                "Where the translator keeps what was hot, for a faster next start (default: a file",
                "in the cache directory). It may be deleted at any time."
            })
    private @Nullable String hotCode;

    @Option(
            names = "--console",
            paramLabel = "stdio|file:PATH|none",
            defaultValue = "stdio",
            converter = ConsoleChoice.Converter.class,
            description = "Where the guest's console goes (default: ${DEFAULT-VALUE}).")
    private ConsoleChoice console = new ConsoleChoice.Stdio();

    @Option(
            names = "--console-port",
            paramLabel = "NAME=stdio|file:PATH|socket:PATH|none",
            description = {
                "Connect a port of the virtio console device: hvc0, its console, or a named one,",
                "/dev/virtio-ports/NAME in the guest; may be repeated. A socket is a Unix-domain",
                "one that listens. hvc0=stdio takes the place of the serial console."
            })
    private List<String> consolePorts = List.of();

    @Option(
            names = "--timeout",
            paramLabel = "S",
            converter = Seconds.class,
            description = "End the run after so many seconds.")
    private @Nullable Duration timeout;

    @Option(
            names = "--max-instructions",
            paramLabel = "N",
            description = "End the run after so many instructions of a hart.")
    private @Nullable Long maxInstructions;

    @Option(
            names = "--gdb",
            paramLabel = "PORT[,wait]",
            description = {
                "Let GDB connect to a port of this machine: target remote :PORT. With ,wait the",
                "guest does not begin before a debugger continues it. 0 takes a free port."
            })
    private @Nullable String gdb;

    @Option(
            names = "--trace",
            paramLabel = "DEVICE[,...][,file=FILE]",
            description = {
                "Tell what devices do, known by name or type, with virtual time, on standard error",
                "or in a file: accesses to their registers, interrupts, transfers."
            })
    private @Nullable String trace;

    @Option(
            names = {"-q", "--quiet"},
            description = "Say nothing of one's own but errors.")
    private boolean quiet;

    @Option(names = "--stats", description = "Print figures at exit.")
    private boolean statistics;

    /** Every machine with an operating system has it: guests wait for entropy at their start. */
    private static final String DEFAULT_RNG = "virtio-rng";

    private static final String DEFAULT_NETWORK = "user";

    private RunCommand() {}

    /** Seconds, with a fraction or without. */
    static final class Seconds implements ITypeConverter<Duration> {
        /** The longest time that the clock of a run can count. */
        private static final BigDecimal MAX = BigDecimal.valueOf(Long.MAX_VALUE, 9);

        @Override
        public Duration convert(String value) {
            try {
                BigDecimal seconds = new BigDecimal(value);
                if (seconds.signum() > 0 && seconds.compareTo(MAX) <= 0) {
                    return Duration.ofNanos(seconds.movePointRight(9).longValue());
                }
            } catch (NumberFormatException _) {
                // The message below says it.
            }
            throw new TypeConversionException("expected seconds such as 30 or 0.5, found " + value);
        }
    }

    @Override
    public Integer call() throws InterruptedException {
        PrintWriter err = spec.commandLine().getErr();
        try (ConsolePorts ports = ConsolePorts.parse(consolePorts)) {
            return run(ports, err);
        }
    }

    private int run(ConsolePorts ports, PrintWriter err) throws InterruptedException {
        VmBuilder builder = options().check();
        ConsoleChoice serial = serialConsole(ports);
        ConsoleFile.check(serial);
        if (bare == null) {
            ports.addTo(builder);
        } else if (!consolePorts.isEmpty()) {
            throw new ConfigurationException(
                    "--bare: expected no --console-port beside it, found one");
        }
        TraceOutput.Choice traced = TraceOutput.parse(trace);
        fetch(builder, ports);
        try (TraceOutput tracing = TraceOutput.open(traced);
                Vm vm = tracing.addTo(builder).build();
                ConsoleFile file = ConsoleFile.open(serial)) {
            VmExit exit;
            Optional<String> failure;
            vm.gdbPort().ifPresent(port -> announceGdb(port, err));
            try (ConsoleSession session = ConsoleSession.attach(vm, vm.console(), serial, file);
                    ConsoleSession port = portSession(vm, ports, file);
                    WindowChange _ = followWindow(vm, ports, port)) {
                vm.console().inputMode(inputMode(session.isTerminal()));
                vm.start();
                exit = vm.awaitExit();
                failure = session.failure().or(() -> failureOf(port));
            }
            report(vm, exit, failure, err);
            return failure.isPresent() ? ExitCode.MISTAKE : ExitCode.of(exit);
        }
    }

    /** The serial console, which leaves the standard streams to a port that wants them. */
    private ConsoleChoice serialConsole(ConsolePorts ports) {
        if (ports.stdio().isEmpty() || !(console instanceof ConsoleChoice.Stdio)) {
            return console;
        }
        if (spec.commandLine().getParseResult().hasMatchedOption("--console")) {
            throw new ConfigurationException(
                    "--console-port: expected standard input and output for one console, found"
                            + " --console stdio beside it");
        }
        return new ConsoleChoice.None();
    }

    /** Connects the port that has the standard streams, if there is one. */
    private static @Nullable ConsoleSession portSession(
            Vm vm, ConsolePorts ports, ConsoleFile file) {
        Optional<Console> stdio = ports.stdio();
        if (stdio.isEmpty()) {
            return null;
        }
        return ConsoleSession.attach(vm, stdio.get(), new ConsoleChoice.Stdio(), file);
    }

    /** The virtio console is as large as the terminal that shows it, also when that changes. */
    private static @Nullable WindowChange followWindow(
            Vm vm, ConsolePorts ports, @Nullable ConsoleSession session) {
        if (session == null || !ports.isSystemConsole() || !session.isTerminal()) {
            return null;
        }
        // First, so that no change is missed between the two.
        Optional<WindowChange> change = WindowChange.watch(() -> resize(vm));
        resize(vm);
        return change.orElse(null);
    }

    private static void resize(Vm vm) {
        RawTerminal.size()
                .ifPresent(size -> vm.consoleDevice().ifPresent(device -> device.resize(size)));
    }

    private static Optional<String> failureOf(@Nullable ConsoleSession session) {
        return session == null ? Optional.empty() : session.failure();
    }

    private EngineKind engine() {
        return EngineKind.of(engine)
                .orElseThrow(
                        () ->
                                new ConfigurationException(
                                        "--engine: expected one of %s, found %s"
                                                .formatted(
                                                        Arrays.stream(EngineKind.values())
                                                                .map(EngineKind::toString)
                                                                .collect(Collectors.joining(", ")),
                                                        engine)));
    }

    private static VirtioTransportType transportType(String name) {
        return Arrays.stream(VirtioTransportType.values())
                .filter(type -> type.toString().equals(name))
                .findFirst()
                .orElseThrow(
                        () ->
                                new ConfigurationException(
                                        "--transport: expected pci or mmio, found " + name));
    }

    private VmBuilder options() {
        VmBuilder builder =
                Vm.builder()
                        .memory(MemorySize.parse("--memory", memory))
                        .cpus(cpus)
                        .aia(InterruptArchitecture.of(aia))
                        .engine(engine());
        if (hotCode == null) {
            builder.hotCode(Guests.inUserCache().directory().resolve("hot-code"));
        } else if (!hotCode.equals("none")) {
            builder.hotCode(Path.of(hotCode));
        }
        if (kernel != null) {
            builder.kernel(kernel);
        }
        if (initrd != null) {
            builder.initrd(initrd);
        }
        if (initrdAdd != null) {
            builder.initrdAdd(initrdAdd);
        }
        if (append != null) {
            builder.append(append);
        }
        if (!bios.equals("builtin")) {
            builder.bios(Path.of(bios));
        }
        if (firmware != null) {
            // Debian's is put in the place of its name once it has been fetched.
            builder.firmware(Path.of(firmware));
        }
        flash.forEach(text -> builder.flash(FlashFile.parse(text)));
        disks.forEach(text -> builder.disk(text));
        nvmeDisks.forEach(text -> builder.nvme(text));
        plugins.forEach(builder::plugin);
        devices.forEach(builder::device);
        passthrough.forEach(builder::passthrough);
        if (transport != null) {
            builder.transport(transportType(transport));
        }
        builder.packed(packed);
        if (bare != null) {
            networks.forEach(builder::network);
            builder.bare(bare);
        } else {
            builder.device(DEFAULT_RNG);
            (networks.isEmpty() ? List.of(DEFAULT_NETWORK) : networks).forEach(builder::network);
        }
        if (gdb != null) {
            builder.gdb(GdbPort.parse(gdb));
        }
        if (timeout != null) {
            builder.timeout(timeout);
        }
        if (maxInstructions != null) {
            builder.maxInstructions(maxInstructions);
        }
        return builder;
    }

    /**
     * Gets what comes from the distribution: its firmware if it is named, and the default guest,
     * which what the user brings replaces and which firmware alone boots.
     */
    private void fetch(VmBuilder builder, ConsolePorts ports) {
        ProgressLine line = new ProgressLine(System.err, RawTerminal.isTerminal(2));
        try {
            FetchProgress progress = quiet ? FetchProgress.none() : line;
            if (EDK2.equals(firmware)) {
                builder.firmware(Guests.inUserCache().firmware(EDK2, progress));
                line.finish();
            }
            if (kernel == null && bare == null) {
                bootDefaultGuest(
                        builder,
                        Guests.inUserCache().guest(Guests.DEBIAN, progress),
                        ports.isSystemConsole());
            }
        } finally {
            line.finish();
        }
    }

    private void bootDefaultGuest(VmBuilder builder, Guest guest, boolean isOnVirtioConsole) {
        builder.guest(guest);
        StringBuilder line = new StringBuilder(guest.defaultCommandLine());
        if (isOnVirtioConsole) {
            // The last one named is the system's; messages still go to both.
            line.append(" console=hvc0");
        }
        if (append != null) {
            line.append(' ').append(append);
        }
        builder.append(line.toString());
    }

    /**
     * When input reaches the guest. A person at a terminal may talk to firmware or to a kernel that
     * only polls. A file or a pipe is held until the guest listens, unless what runs can only poll.
     */
    private Console.InputMode inputMode(boolean isTerminal) {
        boolean unknown =
                kernel != null || !bios.equals("builtin") || firmware != null || !flash.isEmpty();
        return bare != null || isTerminal && unknown
                ? Console.InputMode.IMMEDIATE
                : Console.InputMode.HELD;
    }

    private void announceGdb(int port, PrintWriter err) {
        if (!quiet) {
            err.println("dalang: GDB connects with: target remote :" + port);
            err.flush();
        }
    }

    private void report(Vm vm, VmExit exit, Optional<String> failure, PrintWriter err) {
        if (failure.isPresent()) {
            err.println("dalang: " + failure.get());
        } else if (!exit.isSuccess()) {
            err.println("dalang: " + exit.describe());
        }
        if (exit instanceof VmExit.Crashed(Throwable cause)
                && !(cause instanceof ConfigurationException)) {
            cause.printStackTrace(err);
        }
        if (statistics) {
            StatisticsReport.lines(vm.statistics()).forEach(err::println);
        }
        err.flush();
    }
}
