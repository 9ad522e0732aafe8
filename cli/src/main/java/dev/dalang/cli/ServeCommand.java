package dev.dalang.cli;

import dev.dalang.linux.HostIoException;
import dev.dalang.linux.Linux;
import dev.dalang.pci.PciBridge;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.remote.VfioUserServer;
import dev.dalang.vm.ConfigurationException;
import dev.dalang.vm.DeviceCatalogue;
import dev.dalang.vm.DiskFile;
import dev.dalang.vm.PciPlacement;

import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

/** Serves a device to a machine that is not ours. */
@Command(
        name = "serve",
        description = "Serve a device to another program's machine, by vfio-user.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        footer = {
            "",
            "QEMU 11 has the other end:",
            "  -device '{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"PATH\"}}'",
            "with the guest's memory in a file that is shared; docs/vfio-user.md says more."
        })
final class ServeCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @ArgGroup(multiplicity = "1")
    private What what = new What();

    /** One of these. */
    private static final class What {
        @Option(
                names = "--device",
                required = true,
                paramLabel = "NAME",
                description = "A device and its options, as 'dalang run --device' takes them.")
        private String device = "";

        @Option(
                names = "--disk",
                required = true,
                paramLabel = "FILE",
                description = "A virtio disk and its options, as 'dalang run --disk' takes them.")
        private String disk = "";

        String option() {
            return disk.isEmpty() ? "--device" : "--disk";
        }

        String text() {
            return disk.isEmpty() ? device : disk;
        }

        private What() {}
    }

    @Option(
            names = "--socket",
            required = true,
            paramLabel = "PATH",
            description = "Where clients connect; one at a time.")
    private Path socket = Path.of("");

    @Option(
            names = "--plugin",
            paramLabel = "FILE.jar",
            description = "A jar with devices of your own; may be repeated.")
    private List<Path> plugins = List.of();

    private ServeCommand() {}

    @Override
    public Integer call() {
        if (!Linux.isAvailable()) {
            throw new ConfigurationException("serve: this needs Linux, and native access");
        }
        PciPlacement placement = place();
        if (placement.device() instanceof PciBridge) {
            throw new ConfigurationException(
                    "--device: expected one that is no bridge, found " + what.text());
        }
        if (placement.address().isPresent() || placement.bootIndex().isPresent()) {
            throw new ConfigurationException(
                    ("%s: a device that is served has its addr= and bootindex= where it is used,"
                                    + " found %s")
                            .formatted(what.option(), what.text()));
        }
        try (VfioUserServer server = VfioUserServer.of(placement.device(), socket)) {
            // The socket goes with the process, and the device is told.
            Thread end = Thread.ofPlatform().unstarted(server::close);
            Runtime.getRuntime().addShutdownHook(end);
            announce(placement.device().spec());
            awaitEnd(server, end);
        } catch (HostIoException refused) {
            throw new ConfigurationException("--socket: " + refused.getMessage(), refused);
        }
        return ExitCode.OK;
    }

    private PciPlacement place() {
        if (!what.disk.isEmpty()) {
            return DiskFile.parse(what.disk).open(0);
        }
        DeviceCatalogue catalogue = DeviceCatalogue.builtIn();
        for (Path plugin : plugins) {
            catalogue = catalogue.with(plugin);
        }
        PciPlacement placement = catalogue.parse(what.device, 0);
        catalogue.check();
        return placement;
    }

    private static void awaitEnd(VfioUserServer server, Thread hook) {
        try {
            server.awaitClosed();
        } catch (InterruptedException ended) {
            Runtime.getRuntime().removeShutdownHook(hook);
            Thread.currentThread().interrupt();
        }
    }

    /** Whoever waits for this line finds the socket ready. */
    private void announce(PciDeviceSpec served) {
        PrintWriter out = spec.commandLine().getOut();
        out.printf(
                Locale.ROOT,
                "serving %s (%04x:%04x) at %s%n",
                served.name(),
                served.vendor(),
                served.device(),
                socket);
        out.flush();
    }
}
