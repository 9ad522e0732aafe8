package dev.dalang.bench.guest;

import dev.dalang.vm.guest.FetchProgress;
import dev.dalang.vm.guest.Guest;
import dev.dalang.vm.guest.Guests;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;

/** The command {@code ./dalang bench soak}: long work of real guests. */
@Command(
        name = "soak",
        description = "Lets real guests work for long; stops at the first failure.",
        subcommands = {SoakCommand.Boots.class, SoakCommand.Stress.class})
public final class SoakCommand implements Runnable {
    private static final Pattern PROMPT = Pattern.compile("~ # ");
    private static final Pattern VERDICT = Pattern.compile("soak-(\\w+) (\\d+) (\\w*)\\s*[\\r\\n]");
    private static final Duration BOOT_LIMIT = Duration.ofMinutes(10);
    private static final Duration ROUND_LIMIT = Duration.ofMinutes(30);
    private static final String STRESS_MEMORY = "4G";

    @Spec private CommandSpec spec;

    @Option(names = "--root", hidden = true)
    private Path root = Path.of("");

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "expected boots or stress, found neither");
    }

    private Path launcher() {
        return root.resolve("dalang");
    }

    // ---- boots ----------------------------------------------------------------------------------

    /** Boots guests. */
    @Command(
            name = "boots",
            description =
                    "Boots the default guest to its prompt and switches it off, again and again.")
    static final class Boots implements Callable<Integer> {
        @ParentCommand private SoakCommand soak;

        @Parameters(
                index = "0",
                paramLabel = "COUNT",
                arity = "0..1",
                defaultValue = "50",
                converter = Words.Positive.class,
                description = "How often (${DEFAULT-VALUE}), for each number of CPUs.")
        private int count;

        @Parameters(
                index = "1..*",
                paramLabel = "CPUS",
                converter = Words.Positive.class,
                description = "How many CPUs: 1, 2 and 4 where nothing is said.")
        private List<Integer> harts = new ArrayList<>();

        /** How often guests are booted, for each number of harts. */
        int count() {
            return count;
        }

        List<Integer> harts() {
            return harts.isEmpty() ? List.of(1, 2, 4) : List.copyOf(harts);
        }

        @Override
        public Integer call() {
            for (int cpus : harts()) {
                double least = Double.MAX_VALUE;
                double most = 0;
                for (int boot = 1; boot <= count; boot++) {
                    double seconds = boot(soak.launcher(), cpus);
                    least = Math.min(least, seconds);
                    most = Math.max(most, seconds);
                    HostTools.say("%d cpus, boot %d: %.2f s".formatted(cpus, boot, seconds));
                }
                System.out.printf(
                        "%d boots with %d cpus, %.1f to %.1f s to the prompt%n",
                        count, cpus, least, most);
            }
            return 0;
        }
    }

    /** Seconds to the prompt of a guest that sees all of its harts, and ends when asked to. */
    private static double boot(Path launcher, int cpus) {
        List<String> command =
                List.of(launcher.toString(), "run", "--cpus", Integer.toString(cpus));
        try (var session = Session.start("a guest with " + cpus + " cpus", command, Map.of())) {
            double prompt = session.await(PROMPT, BOOT_LIMIT).seconds();
            session.type("echo soak-cpus $(grep -c ^processor /proc/cpuinfo) seen");
            int seen = Integer.parseInt(session.await(VERDICT, BOOT_LIMIT).match().group(2));
            if (seen != cpus) {
                throw new BenchException("of %d cpus, the guest saw %d".formatted(cpus, seen));
            }
            session.type("poweroff -f");
            int code = session.awaitEnd(BOOT_LIMIT);
            if (code != 0) {
                throw new BenchException("a guest was switched off, with exit code " + code);
            }
            return prompt;
        }
    }

    // ---- stress ---------------------------------------------------------------------------------

    /** Has a guest do work whose results can be wrong. */
    @Command(
            name = "stress",
            description =
                    "Boots a guest with 4 GiB and the distribution's stress-ng and "
                            + "compiler, and lets them work by turns: stress-ng verifies its results, "
                            + "and the compiler must make of a program, each time, what it made under "
                            + "QEMU.")
    static final class Stress implements Callable<Integer> {
        @ParentCommand private SoakCommand soak;

        @Parameters(
                index = "0",
                paramLabel = "MINUTES",
                arity = "0..1",
                defaultValue = "60",
                converter = Words.Positive.class,
                description = "For how long (${DEFAULT-VALUE}).")
        private int minutes;

        @Parameters(
                index = "1",
                paramLabel = "CPUS",
                arity = "0..1",
                defaultValue = "2",
                converter = Words.Positive.class,
                description = "How many harts (${DEFAULT-VALUE}).")
        private int cpus;

        int minutes() {
            return minutes;
        }

        int cpus() {
            return cpus;
        }

        @Override
        public Integer call() throws IOException {
            stress(new Monitor.Dalang(soak.launcher()), minutes, cpus);
            return 0;
        }
    }

    private static void stress(Monitor.Dalang dalang, long minutes, int cpus) throws IOException {
        Guests guests = Guests.inUserCache();
        Guest guest = guests.guest(Guests.DEBIAN, FetchProgress.none());
        var qemu = Monitor.Qemu.in(guests);
        Path initrd = Files.createTempFile("dalang-soak", ".cpio");
        initrd.toFile().deleteOnExit();
        StressTree.in(guests).addedTo(guest, initrd);
        String expected;
        try (var session = start(qemu, guest, initrd, cpus)) {
            expected = round(session, "compile");
            HostTools.say("QEMU's guest compiled: " + expected);
        }
        int rounds = 0;
        try (var session = start(dalang, guest, initrd, cpus)) {
            double end = session.seconds() + 60 * minutes;
            while (session.seconds() < end) {
                String compiled = round(session, "compile");
                if (!compiled.equals(expected)) {
                    throw new BenchException(
                            "the compiler made %s, and under QEMU %s"
                                    .formatted(compiled, expected));
                }
                round(session, "stress");
                rounds++;
                HostTools.say("round %d, %.0f s".formatted(rounds, session.seconds()));
            }
            System.out.printf(
                    "%d rounds in %.0f s with %d cpus, no wrong result%n",
                    rounds, session.seconds(), cpus);
        }
    }

    private static Session start(Monitor monitor, Guest guest, Path initrd, int cpus) {
        List<String> command = monitor.boot(guest, initrd, STRESS_MEMORY, cpus);
        var session = Session.start(monitor.name(), command, monitor.environment());
        session.await(PROMPT, BOOT_LIMIT);
        return session;
    }

    /** Lets the guest do one piece of work; what it says of the result. */
    private static String round(Session session, String work) {
        session.type(StressTree.command(work));
        var verdict = session.await(VERDICT, ROUND_LIMIT).match();
        if (!verdict.group(2).equals("0")) {
            throw new BenchException(
                    "%s ended with code %s; the last of its output:%n%s"
                            .formatted(work, verdict.group(2), session.tail()));
        }
        return verdict.group(3);
    }
}
