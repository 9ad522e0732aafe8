package dev.dalang.bench.guest;

import dev.dalang.vm.guest.FetchProgress;
import dev.dalang.vm.guest.Guest;
import dev.dalang.vm.guest.GuestException;
import dev.dalang.vm.guest.Guests;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** The command {@code ./dalang bench soak}: long work of real guests, see {@link #HELP}. */
public final class Soak {
    private static final String HELP =
            """
            Usage: dalang bench soak boots [COUNT [CPUS...]]
                   dalang bench soak stress [MINUTES [CPUS]]

            boots   boots the default guest to its prompt and switches it off, COUNT (50) times for
                    each number of CPUS (1 2 4)
            stress  boots CPUS (2) harts with 4 GiB and the distribution's stress-ng and compiler,
                    and lets them work by turns for MINUTES (60): stress-ng verifies its results,
                    and the compiler must make of a program, each time, what it made under QEMU

            Stops at the first failure, with exit code 1 and the end of the guest's console.
            """;

    private static final Pattern PROMPT = Pattern.compile("~ # ");
    private static final Pattern VERDICT = Pattern.compile("soak-(\\w+) (\\d+) (\\w*)\\s*[\\r\\n]");
    private static final Duration BOOT_LIMIT = Duration.ofMinutes(10);
    private static final Duration ROUND_LIMIT = Duration.ofMinutes(30);
    private static final String STRESS_MEMORY = "4G";

    private Soak() {}

    /**
     * Runs until done or failed.
     *
     * @param args the root of the source tree, then the arguments
     */
    public static void main(String[] args) {
        Locale.setDefault(Locale.ROOT);
        if (args.length < 2 || List.of(args).contains("--help")) {
            System.out.print(HELP);
            System.exit(args.length < 2 ? 2 : 0);
            return;
        }
        List<String> words = List.of(args).subList(2, args.length);
        try {
            List<Integer> numbers = numbers(words);
            Path launcher = Path.of(args[0]).resolve("dalang");
            switch (args[1]) {
                case "boots" -> boots(launcher, numbers);
                case "stress" -> stress(new Monitor.Dalang(launcher), numbers);
                default -> throw new IllegalArgumentException(args[1]);
            }
        } catch (IllegalArgumentException e) {
            HostTools.say("soak does not know '%s'; see --help".formatted(e.getMessage()));
            System.exit(2);
        } catch (BenchException | GuestException | IOException e) {
            HostTools.say(String.valueOf(e.getMessage()));
            System.exit(1);
        }
    }

    private static List<Integer> numbers(List<String> words) {
        List<Integer> numbers = new ArrayList<>();
        for (String word : words) {
            if (!word.matches("[1-9][0-9]{0,5}")) {
                throw new IllegalArgumentException(word);
            }
            numbers.add(Integer.parseInt(word));
        }
        return numbers;
    }

    private static int number(List<Integer> numbers, int index, int usual) {
        return numbers.size() > index ? numbers.get(index) : usual;
    }

    // ---- boots ----------------------------------------------------------------------------------

    private static void boots(Path launcher, List<Integer> numbers) {
        int count = number(numbers, 0, 50);
        List<Integer> harts =
                numbers.size() > 1 ? numbers.subList(1, numbers.size()) : List.of(1, 2, 4);
        for (int cpus : harts) {
            double least = Double.MAX_VALUE;
            double most = 0;
            for (int boot = 1; boot <= count; boot++) {
                double seconds = boot(launcher, cpus);
                least = Math.min(least, seconds);
                most = Math.max(most, seconds);
                HostTools.say("%d cpus, boot %d: %.2f s".formatted(cpus, boot, seconds));
            }
            System.out.printf(
                    "%d boots with %d cpus, %.1f to %.1f s to the prompt%n",
                    count, cpus, least, most);
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

    private static void stress(Monitor.Dalang dalang, List<Integer> numbers) throws IOException {
        long minutes = number(numbers, 0, 60);
        int cpus = number(numbers, 1, 2);
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
