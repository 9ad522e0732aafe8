package dev.dalang.bench.guest;

import dev.dalang.vm.guest.FetchProgress;
import dev.dalang.vm.guest.Guest;
import dev.dalang.vm.guest.GuestException;
import dev.dalang.vm.guest.Guests;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A virtual machine monitor that takes part: how its processes are started. */
interface Monitor {
    /** Its name and version, for the table. */
    String name();

    /**
     * The command that boots a guest, its console on the standard streams, with an edu device, and
     * a network card with the monitor's own network and the host's loopback behind it.
     */
    List<String> boot(Guest guest, Path initrd, String memory, int cpus);

    /** What is added to that command for a virtio disk, in a raw image. */
    List<String> disk(Path image);

    /**
     * What is added to that command for a monitor that keeps, from run to run, what was hot.
     *
     * @param place a file, or none for a start that knows of no earlier one
     */
    List<String> hotCode(Optional<Path> place);

    /** The command that runs a program on the bare machine, its UART on the standard streams. */
    List<String> bare(Path program);

    /** What the commands' environment needs beside ours. */
    default Map<String, String> environment() {
        return Map.of();
    }

    /**
     * Dalang, as the launcher of the source tree starts it.
     *
     * @param launcher the script
     */
    record Dalang(Path launcher) implements Monitor {
        @Override
        public String name() {
            return "Dalang";
        }

        @Override
        public List<String> boot(Guest guest, Path initrd, String memory, int cpus) {
            return List.of(
                    launcher.toString(),
                    "run",
                    "--kernel",
                    guest.kernel().toString(),
                    "--initrd",
                    initrd.toString(),
                    "--append",
                    guest.defaultCommandLine(),
                    "--memory",
                    memory,
                    "--cpus",
                    Integer.toString(cpus),
                    "--device",
                    "edu",
                    "--net",
                    "user,host-loopback=on");
        }

        @Override
        public List<String> disk(Path image) {
            return List.of("--disk", image.toString());
        }

        @Override
        public List<String> hotCode(Optional<Path> place) {
            return List.of("--hot-code", place.map(Path::toString).orElse("none"));
        }

        @Override
        public List<String> bare(Path program) {
            List<String> command = new ArrayList<>(List.of(launcher.toString(), "run"));
            command.addAll(hotCode(Optional.empty()));
            command.addAll(List.of("--bare", program.toString()));
            return command;
        }
    }

    /**
     * The distribution's QEMU 10 in a root of its own, so that it is the same one whatever this
     * machine's release is.
     *
     * @param root where its files are
     * @param version as it says
     */
    record Qemu(Path root, String version) implements Monitor {
        private static final String SUITE = "trixie";
        private static final String PROGRAM = "usr/bin/qemu-system-riscv64";
        private static final String LIBRARIES = "usr/lib/x86_64-linux-gnu";
        private static final String LOADER = "usr/lib64/ld-linux-x86-64.so.2";

        /**
         * Finds the root in the guests' cache directory, or makes it there from the machine's own
         * package sources.
         */
        static Qemu in(Guests guests) {
            Path root = guests.directory().resolve("bench/qemu-" + SUITE);
            if (!Files.exists(root.resolve(PROGRAM))) {
                make(root, sources(guests));
            }
            var unnamed = new Qemu(root, "");
            List<String> command = unnamed.program();
            command.add("--version");
            String answer = HostTools.run(command, unnamed.environment());
            String version = answer.lines().findFirst().orElse("").replaceAll("\\(.*", "");
            return new Qemu(root, version.replaceAll("[^0-9.]", ""));
        }

        /** The sources file that the fetch of a guest derived from the machine's own. */
        static Path sources(Guests guests) {
            Path sources = guests.directory().resolve("apt/etc/debian.sources");
            if (!Files.exists(sources)) {
                try {
                    guests.fetch(Guests.DEBIAN, FetchProgress.none());
                } catch (GuestException e) {
                    throw new BenchException(String.valueOf(e.getMessage()), e);
                }
            }
            return sources;
        }

        private static void make(Path root, Path sources) {
            HostTools.need("mmdebstrap");
            HostTools.say("fetching QEMU of " + SUITE);
            Path building = root.resolveSibling("building-" + ProcessHandle.current().pid());
            try {
                Files.createDirectories(root.getParent());
                HostTools.run(
                        List.of(
                                "mmdebstrap",
                                "--quiet",
                                "--variant=extract",
                                "--aptopt=APT::Install-Recommends \"false\"",
                                "--include=qemu-system-misc,opensbi,libc6,libgcc-s1",
                                SUITE,
                                building.toString(),
                                sources.toString()));
                Files.move(building, root, StandardCopyOption.ATOMIC_MOVE);
            } catch (IOException e) {
                throw new BenchException("cannot make " + root + ": " + e.getMessage(), e);
            }
        }

        @Override
        public String name() {
            return "QEMU " + version;
        }

        @Override
        public List<String> boot(Guest guest, Path initrd, String memory, int cpus) {
            List<String> command = machine(memory, cpus);
            command.addAll(
                    List.of(
                            "-kernel",
                            guest.kernel().toString(),
                            "-initrd",
                            initrd.toString(),
                            "-append",
                            guest.defaultCommandLine(),
                            "-device",
                            "edu",
                            "-netdev",
                            "user,id=net",
                            "-device",
                            "virtio-net-pci,netdev=net,romfile="));
            return command;
        }

        /** As Dalang has it: through the host's cache, and a flush reaches the disk. */
        @Override
        public List<String> disk(Path image) {
            return List.of(
                    "-drive",
                    "file=" + image + ",format=raw,if=none,id=disk,cache=writeback",
                    "-device",
                    "virtio-blk-pci,drive=disk");
        }

        @Override
        public List<String> hotCode(Optional<Path> place) {
            return List.of();
        }

        @Override
        public List<String> bare(Path program) {
            List<String> command = machine("128M", 1);
            command.addAll(List.of("-bios", "none", "-kernel", program.toString()));
            return command;
        }

        @Override
        public Map<String, String> environment() {
            // Without it, modules of the machine's own QEMU are tried.
            return Map.of("QEMU_MODULE_DIR", root.resolve(LIBRARIES + "/qemu").toString());
        }

        private List<String> machine(String memory, int cpus) {
            List<String> command = program();
            command.addAll(
                    List.of(
                            "-machine",
                            "virt,aia=aplic-imsic",
                            "-accel",
                            "tcg",
                            "-smp",
                            Integer.toString(cpus),
                            "-m",
                            memory,
                            "-nodefaults",
                            "-display",
                            "none",
                            "-serial",
                            "stdio"));
            return command;
        }

        private List<String> program() {
            return new ArrayList<>(
                    List.of(
                            root.resolve(LOADER).toString(),
                            "--library-path",
                            root.resolve(LIBRARIES).toString(),
                            root.resolve(PROGRAM).toString(),
                            "-L",
                            root.resolve("usr/share/qemu").toString(),
                            "-L",
                            root.resolve("usr/share/opensbi").toString()));
        }
    }
}
