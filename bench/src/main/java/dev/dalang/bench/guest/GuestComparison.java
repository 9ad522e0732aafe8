package dev.dalang.bench.guest;

import dev.dalang.vm.guest.FetchProgress;
import dev.dalang.vm.guest.Guest;
import dev.dalang.vm.guest.Guests;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What {@link GuestCommand} compares. */
final class GuestComparison {
    private static final Pattern PROMPT = Pattern.compile("~ # ");
    private static final Duration BOOT_LIMIT = Duration.ofMinutes(5);
    private static final Duration WORK_LIMIT = Duration.ofMinutes(10);
    private static final String IDLE_MEMORY = "2G";
    private static final int PAIR_CPUS = 2;
    private static final long DISK_BYTES = 256L << 20;

    private final GuestCommand options;
    private final Guest guest;
    private final Path initrd;
    private final Path bare;
    private final Path disk;
    private final Path hotCode;
    private final NetworkServer server;

    private GuestComparison(
            GuestCommand options,
            Guest guest,
            Path initrd,
            Path bare,
            Path disk,
            Path hotCode,
            NetworkServer server) {
        this.server = server;
        this.options = options;
        this.guest = guest;
        this.initrd = initrd;
        this.bare = bare;
        this.disk = disk;
        this.hotCode = hotCode;
    }

    /** Measures all, and gives the table. */
    static String compare(GuestCommand options) throws IOException {
        Guests guests = Guests.inUserCache();
        HostTools.say("checking the guest and QEMU, building the workloads");
        Guest guest = guests.guest(Guests.DEBIAN, FetchProgress.none());
        var dalang = new Monitor.Dalang(options.root().resolve("dalang"));
        var qemu = Monitor.Qemu.in(guests);
        Path work = Files.createTempDirectory("dalang-bench");
        try (var server = new NetworkServer()) {
            var workloads = new Workloads(options.root(), work);
            var comparison =
                    new GuestComparison(
                            options,
                            guest,
                            workloads.addedTo(guest.initrd()),
                            workloads.bare(options.divisor()),
                            disk(work),
                            work.resolve("hot-code"),
                            server);
            var ours = new Results(dalang.name());
            var theirs = new Results(qemu.name());
            for (int run = 1; run <= options.runs(); run++) {
                comparison.run(run, dalang, ours);
                comparison.run(run, qemu, theirs);
            }
            ours.checkAgainst(theirs);
            return Report.of(
                    options,
                    ours,
                    theirs,
                    comparison.idle(List.of(dalang, qemu)),
                    workloads.describe(),
                    guest.version());
        } finally {
            HostTools.deleteTree(work);
        }
    }

    /** A disk of holes, which the workloads fill. */
    private static Path disk(Path directory) throws IOException {
        Path disk = directory.resolve("disk.img");
        try (var file = new RandomAccessFile(disk.toFile(), "rw")) {
            file.setLength(DISK_BYTES);
        }
        return disk;
    }

    private void run(int run, Monitor monitor, Results results) {
        String who = "run %d of %d, %s".formatted(run, options.runs(), monitor.name());
        work(who, monitor, results);
        if (options.wants(Report.WARM)) {
            if (run == 1) {
                warm(monitor);
            }
            double prompt = warm(monitor);
            results.add(Report.WARM, prompt);
            HostTools.say("%s: warm prompt %.2f s".formatted(who, prompt));
        }
        if (options.wants(Report.PAIR)) {
            pair(who, monitor, results);
        }
        if (options.wants("integer")) {
            try (var session = start(monitor, monitor.bare(bare))) {
                var line = session.await(Measurement.LINE, WORK_LIMIT);
                Measurement measurement = Measurement.of(line.match());
                results.add(measurement);
                HostTools.say("%s: bare %.2f s".formatted(who, measurement.seconds()));
            }
        }
    }

    private void work(String who, Monitor monitor, Results results) {
        List<String> command = cold(monitor, initrd, options.memory(), 1);
        command.addAll(monitor.disk(disk));
        try (var session = start(monitor, command)) {
            double prompt = session.await(PROMPT, BOOT_LIMIT).seconds();
            results.add(Report.PROMPT, prompt);
            HostTools.say("%s: prompt %.2f s".formatted(who, prompt));
            if (options.only().equals(List.of(Report.WARM))) {
                return;
            }
            session.type("ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up");
            session.await(PROMPT, WORK_LIMIT);
            measure(
                    who,
                    session,
                    "BENCH_PORT=%d bench all %d %s"
                            .formatted(server.port(), options.divisor(), words()),
                    results);
        }
    }

    /**
     * Seconds to the prompt of a machine that knows what was hot in the start before. It is
     * switched off, because what was hot is kept at the end.
     */
    private double warm(Monitor monitor) {
        List<String> command = new ArrayList<>(monitor.boot(guest, initrd, options.memory(), 1));
        command.addAll(monitor.hotCode(Optional.of(hotCode)));
        try (var session = start(monitor, command)) {
            double prompt = session.await(PROMPT, BOOT_LIMIT).seconds();
            session.type("poweroff -f");
            session.awaitEnd(BOOT_LIMIT);
            return prompt;
        }
    }

    /** The command of a machine that knows of no earlier start. */
    private List<String> cold(Monitor monitor, Path initrd, String memory, int cpus) {
        List<String> command = new ArrayList<>(monitor.boot(guest, initrd, memory, cpus));
        command.addAll(monitor.hotCode(Optional.empty()));
        return command;
    }

    /** What takes two CPUs, on a machine with two. */
    private void pair(String who, Monitor monitor, Results results) {
        try (var session = start(monitor, cold(monitor, initrd, options.memory(), PAIR_CPUS))) {
            session.await(PROMPT, BOOT_LIMIT);
            String command = "bench all %d %s".formatted(options.divisor(), Report.PAIR);
            measure(who, session, command, results);
        }
    }

    private static void measure(String who, Session session, String command, Results results) {
        double began = session.seconds();
        session.type(command);
        while (true) {
            var found = session.await(Measurement.LINE, WORK_LIMIT);
            Measurement measurement = Measurement.of(found.match());
            if (measurement.name().equals("all")) {
                results.checkClock(measurement.seconds(), found.seconds() - began);
                if (Long.parseLong(measurement.check()) != 0) {
                    throw new BenchException(who + ": a workload failed");
                }
                return;
            }
            results.add(measurement);
            HostTools.say(
                    "%s: %s %.2f s".formatted(who, measurement.name(), measurement.seconds()));
        }
    }

    private String words() {
        return options.only().stream()
                .filter(word -> !word.equals(Report.WARM))
                .collect(Collectors.joining(" "));
    }

    private Map<String, Idle> idle(List<Monitor> monitors) {
        Map<String, Idle> result = new LinkedHashMap<>();
        if (options.idleSeconds() == 0) {
            return result;
        }
        Duration watch = Duration.ofSeconds(options.idleSeconds());
        for (Monitor monitor : monitors) {
            try (var session = start(monitor, cold(monitor, guest.initrd(), IDLE_MEMORY, 1))) {
                session.await(PROMPT, BOOT_LIMIT);
                Idle idle = Idle.watch(session.process(), watch.dividedBy(3), watch);
                result.put(monitor.name(), idle);
                HostTools.say("%s: %s".formatted(monitor.name(), idle));
            }
        }
        return result;
    }

    private static Session start(Monitor monitor, List<String> command) {
        return Session.start(monitor.name(), command, monitor.environment());
    }
}
