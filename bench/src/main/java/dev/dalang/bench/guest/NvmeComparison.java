package dev.dalang.bench.guest;

import dev.dalang.vm.guest.FetchProgress;
import dev.dalang.vm.guest.Guest;
import dev.dalang.vm.guest.Guests;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What {@link NvmeCommand} compares. */
final class NvmeComparison {
    private static final Pattern PROMPT = Pattern.compile("~ # ");
    private static final Pattern SERVING = Pattern.compile("(?m)^serving ");
    private static final Pattern CLOCK = Pattern.compile("(?m)^clock (\\d+\\.\\d+) ");
    private static final String TELL_TIME = "sed 's/^/clock /' /proc/uptime";
    private static final Duration BOOT_LIMIT = Duration.ofMinutes(5);
    private static final Duration WORK_LIMIT = Duration.ofMinutes(10);

    /** A way to have a disk. */
    private enum Way {
        DALANG("Dalang"),
        SERVED("Dalang's disk in QEMU"),
        QEMU("QEMU's disk in QEMU");

        private final String title;

        Way(String title) {
            this.title = title;
        }
    }

    private record Measured(Way way, Results results) {}

    private final NvmeCommand options;
    private final Guest guest;
    private final Path initrd;
    private final Path work;
    private final Path image;
    private final Path qemu;

    private NvmeComparison(NvmeCommand options, Guests guests, Path work) throws IOException {
        this.options = options;
        this.work = work;
        guest = guests.guest(Guests.DEBIAN, FetchProgress.none());
        initrd = withFio(guests);
        image = filledImage();
        String script = options.root().resolve("build/qemu-unstable").toString();
        qemu = Path.of(HostTools.run(List.of(script)).lines().toList().getLast());
    }

    /** Measures all, and gives the table. */
    static String compare(NvmeCommand options) throws IOException {
        HostTools.say("checking the guest and QEMU");
        Path work = Files.createTempDirectory("dalang-bench");
        try {
            var comparison = new NvmeComparison(options, Guests.inUserCache(), work);
            List<Measured> ways =
                    Stream.of(Way.values())
                            .map(way -> new Measured(way, new Results(way.title)))
                            .toList();
            for (int run = 1; run <= options.runs(); run++) {
                for (Measured way : ways) {
                    comparison.run(
                            "run %d of %d, %s".formatted(run, options.runs(), way.way.title),
                            way.way,
                            way.results);
                }
            }
            return comparison.report(ways.stream().map(Measured::results).toList());
        } finally {
            HostTools.deleteTree(work);
        }
    }

    private Path withFio(Guests guests) throws IOException {
        Path programs = guests.overlay(List.of("e2fsprogs", "fio"), FetchProgress.none());
        Path target = work.resolve("initrd");
        try (OutputStream out = Files.newOutputStream(target)) {
            long bytes = Files.copy(guest.initrd(), out);
            out.write(new byte[(int) (-bytes & 3)]);
            Files.copy(programs, out);
        }
        return target;
    }

    /** An image without holes, so that its blocks are there before anything is measured. */
    private Path filledImage() throws IOException {
        Path file = work.resolve("disk.img");
        byte[] mebibyte = new byte[1 << 20];
        Arrays.fill(mebibyte, (byte) 0x5a);
        try (OutputStream out = Files.newOutputStream(file)) {
            for (int i = 0; i < NvmeReport.DISK_MEBIBYTES; i++) {
                out.write(mebibyte);
            }
        }
        return file;
    }

    private void run(String who, Way way, Results results) {
        if (way != Way.SERVED) {
            measure(who, command(way), results);
            return;
        }
        List<String> serve =
                List.of(
                        launcher(),
                        "serve",
                        "--device",
                        "nvme,file=" + image,
                        "--socket",
                        socket().toString());
        try (var server = Session.start("the server", serve, Map.of())) {
            server.await(SERVING, BOOT_LIMIT);
            measure(who, command(way), results);
        }
    }

    private void measure(String who, List<String> command, Results results) {
        try (var session = Session.start(who, command, Map.of())) {
            session.await(PROMPT, BOOT_LIMIT);
            session.type("until [ -b /dev/nvme0n1 ]; do sleep 0.1; done; " + TELL_TIME);
            var began = session.await(CLOCK, BOOT_LIMIT);
            for (String direction : NvmeReport.DIRECTIONS) {
                for (int depth : NvmeReport.DEPTHS) {
                    String row = NvmeReport.row(direction, depth);
                    session.type(fio(direction, depth));
                    FioResult result =
                            FioResult.of(session.await(FioResult.LINE, WORK_LIMIT).match());
                    if (result.error() != 0) {
                        throw new BenchException(who + ": fio ended with error " + result.error());
                    }
                    double rate = result.reads() + result.writes();
                    results.add(row, rate);
                    HostTools.say("%s: %s %,.0f per second".formatted(who, row, rate));
                }
            }
            session.type(TELL_TIME);
            var ended = session.await(CLOCK, BOOT_LIMIT);
            results.checkClock(
                    Double.parseDouble(ended.match().group(1))
                            - Double.parseDouble(began.match().group(1)),
                    ended.seconds() - began.seconds());
        }
    }

    private String fio(String direction, int depth) {
        return ("fio --name=%s --filename=/dev/nvme0n1 --rw=%s --bs=4k --ioengine=libaio"
                        + " --iodepth=%d --direct=1 --time_based --ramp_time=%d --runtime=%d"
                        + " --output-format=terse")
                .formatted(direction, direction, depth, 2, options.seconds());
    }

    private String launcher() {
        return options.root().resolve("dalang").toString();
    }

    private Path socket() {
        return work.resolve("nvme.sock");
    }

    private List<String> command(Way way) {
        if (way == Way.DALANG) {
            return List.of(
                    launcher(),
                    "run",
                    "--kernel",
                    guest.kernel().toString(),
                    "--initrd",
                    initrd.toString(),
                    "--append",
                    guest.defaultCommandLine(),
                    "--memory",
                    "1G",
                    "--nvme",
                    image.toString());
        }
        List<String> command =
                new ArrayList<>(
                        List.of(
                                qemu.resolve("qemu-system-riscv64").toString(),
                                "-machine",
                                "virt,aia=aplic-imsic,memory-backend=memory",
                                "-object",
                                "memory-backend-memfd,id=memory,share=on,size=1G",
                                "-m",
                                "1G",
                                "-accel",
                                "tcg",
                                "-nodefaults",
                                "-display",
                                "none",
                                "-serial",
                                "stdio",
                                "-kernel",
                                guest.kernel().toString(),
                                "-initrd",
                                initrd.toString(),
                                "-append",
                                guest.defaultCommandLine()));
        if (way == Way.SERVED) {
            command.add("-device");
            command.add(
                    "{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"%s\"}}"
                            .formatted(socket()));
        } else {
            // As Dalang has it: through the host's cache, and a flush reaches the disk.
            command.addAll(
                    List.of(
                            "-drive",
                            "file=" + image + ",format=raw,if=none,id=disk,cache=writeback",
                            "-device",
                            "nvme,drive=disk,serial=qemu"));
        }
        return command;
    }

    private String report(List<Results> ways) {
        String version =
                HostTools.run(List.of(qemu.resolve("qemu-system-riscv64").toString(), "--version"))
                        .lines()
                        .findFirst()
                        .orElse("")
                        .replaceAll("\\(.*|[^0-9.]", "");
        return NvmeReport.of(options, guest.version(), version, ways);
    }
}
