package dev.dalang.cli;

import dev.dalang.linux.HostIoException;
import dev.dalang.linux.Linux;
import dev.dalang.pci.PciBridge;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.remote.VfioUserServer;
import dev.dalang.vm.ConfigurationException;
import dev.dalang.vm.DeviceCatalogue;
import dev.dalang.vm.PciPlacement;

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

    @Option(
            names = "--device",
            required = true,
            paramLabel = "NAME",
            description = "The device and its options, as 'dalang run --device' takes them.")
    private String device = "";

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
        DeviceCatalogue catalogue = DeviceCatalogue.builtIn();
        for (Path plugin : plugins) {
            catalogue = catalogue.with(plugin);
        }
        PciPlacement placement = catalogue.parse(device, 0);
        catalogue.check();
        if (placement.device() instanceof PciBridge) {
            throw new ConfigurationException(
                    "--device: expected one that is no bridge, found " + device);
        }
        if (placement.address().isPresent() || placement.bootIndex().isPresent()) {
            throw new ConfigurationException(
                    "--device: a device that is served has its addr= and bootindex= where it is"
                            + " used, found "
                            + device);
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

    private static void awaitEnd(VfioUserServer server, Thread hook) {
        try {
            server.awaitClosed();
        } catch (InterruptedException ended) {
            Runtime.getRuntime().removeShutdownHook(hook);
            Thread.currentThread().interrupt();
        }
    }

    /** Whoever waits for this line finds the socket ready. */
    private void announce(PciDeviceSpec what) {
        PrintWriter out = spec.commandLine().getOut();
        out.printf(
                Locale.ROOT,
                "serving %s (%04x:%04x) at %s%n",
                what.name(),
                what.vendor(),
                what.device(),
                socket);
        out.flush();
    }
}
