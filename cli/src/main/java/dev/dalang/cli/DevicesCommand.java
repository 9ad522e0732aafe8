package dev.dalang.cli;

import dev.dalang.vm.DeviceCatalogue;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;

/** Lists what {@code --device} takes. */
@Command(
        name = "devices",
        description = "List the devices that 'dalang run --device NAME' plugs in.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        footer = {
            "",
            "Every device takes id=ID, its name in statistics and traces, addr=DD.F, its place on",
            "the PCI bus, and bootindex=N; options of its own are listed below it."
        })
final class DevicesCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Option(
            names = "--plugin",
            paramLabel = "FILE.jar",
            description = "List the devices of a jar too; may be repeated.")
    private List<Path> plugins = List.of();

    private DevicesCommand() {}

    @Override
    public Integer call() {
        DeviceCatalogue catalogue = DeviceCatalogue.builtIn();
        for (Path plugin : plugins) {
            catalogue = catalogue.with(plugin);
        }
        catalogue.check();
        PrintWriter out = spec.commandLine().getOut();
        for (DeviceCatalogue.Listed device : catalogue.list()) {
            out.printf(
                    "%-18s %04x:%04x  %s%s%n",
                    device.name(),
                    device.vendor(),
                    device.device(),
                    device.description(),
                    device.plugin().map(jar -> " (" + jar.getFileName() + ")").orElse(""));
            device.options().forEach((key, what) -> out.printf("    %-25s %s%n", key + "=", what));
        }
        out.flush();
        return ExitCode.OK;
    }
}
