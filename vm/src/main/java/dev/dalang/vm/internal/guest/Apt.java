package dev.dalang.vm.internal.guest;

import dev.dalang.vm.guest.FetchProgress;
import dev.dalang.vm.guest.GuestException;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The machine's package manager, working on a state of its own in the cache directory: it never
 * reads or writes the machine's lists, cache or database, and needs no special rights. Signatures
 * are verified by apt against the distribution's archive keyring; what was downloaded is compared
 * here once more with the hash in the signed index.
 *
 * <p>The caller holds the cache's lock.
 */
final class Apt {

    private static final String SUITE = "trixie";

    /**
     * The archive's other name for the suite while it is the current release. Its signed index and
     * its lists are files of their own, so one name may hold together while a mirror renews the
     * other.
     */
    private static final String ALIAS = "stable";

    private static final String COMPONENT = "main";
    private static final String ARCHITECTURE = "riscv64";

    /** More output than this is not an answer to any of our questions; the rest is dropped. */
    private static final int MAX_OUTPUT_BYTES = 4 << 20;

    private static final Pattern PACKAGE_NAME = Pattern.compile("[a-z0-9][a-z0-9+.-]+");

    /**
     * What overrides the machine's own apt.conf, as a file because only a file can clear a list.
     * The machine's hooks, pins and default release are about the machine, not about the guest.
     */
    private static final String CONFIGURATION =
            """
            #clear APT::Update::Pre-Invoke;
            #clear APT::Update::Post-Invoke;
            #clear APT::Update::Post-Invoke-Success;
            #clear APT::Default-Release;
            #clear APT::Architectures;
            APT::Architecture "riscv64";
            APT::Architectures { "riscv64"; };
            APT::Install-Recommends "false";
            APT::Update::Error-Mode "any";
            Acquire::Languages "none";
            Acquire::PDiffs "false";
            Acquire::Retries "2";
            Dir::Etc::sourcelist "/dev/null";
            Dir::Etc::preferences "/dev/null";
            Dir::Etc::preferencesparts "/dev/null";
            Dir::State::status "/dev/null";
            """;

    private final AptHost host;
    private final Path state;
    private final FetchProgress progress;

    private Apt(AptHost host, Path state, FetchProgress progress) {
        this.host = host;
        this.state = state;
        this.progress = progress;
    }

    /**
     * Prepares a private state and brings its package lists up to date.
     *
     * @param host the machine's package manager
     * @param state the directory of the private state; made when missing
     * @throws GuestException when the machine's configuration names no source of the distribution
     *     or the lists cannot be fetched
     */
    static Apt open(AptHost host, Path state, FetchProgress progress) throws IOException {
        AptSource source =
                AptSource.find(host.configuration(), host.keyrings())
                        .orElseThrow(
                                () ->
                                        new GuestException(
                                                "the package sources in "
                                                        + host.configuration()
                                                        + " name no Debian archive; "
                                                        + AptHost.PASS_YOUR_OWN));
        Files.createDirectories(state.resolve("etc"));
        Files.createDirectories(state.resolve("lists/partial"));
        Files.createDirectories(state.resolve("cache/archives/partial"));
        Files.createDirectories(state.resolve("packages"));
        Files.writeString(state.resolve("apt.conf"), CONFIGURATION);
        Apt apt = new Apt(host, state, progress);
        apt.update(source);
        return apt;
    }

    private void update(AptSource source) throws IOException {
        progress.step("Reading the package lists of Debian " + SUITE);
        try {
            update(source, SUITE);
        } catch (GuestException e) {
            if (!isOutOfStep(e)) {
                throw e;
            }
            progress.step("Reading them as " + ALIAS + ": the archive's lists are out of step");
            try {
                update(source, ALIAS);
                requireSuite();
            } catch (GuestException again) {
                Files.deleteIfExists(sources());
                e.addSuppressed(again);
                throw e;
            }
        }
    }

    private void update(AptSource source, String name) throws IOException {
        Files.writeString(sources(), source.paragraph(name, COMPONENT));
        run("fetch the package lists", host.aptGet(), List.of("update"));
    }

    private Path sources() {
        return state.resolve("etc/debian.sources");
    }

    /** Whether a list is not the one that the signed index describes. */
    private static boolean isOutOfStep(GuestException e) {
        String why = String.valueOf(e.getMessage());
        return why.contains("File has unexpected size") || why.contains("Hash Sum mismatch");
    }

    /** Refuses lists of another release, which the alias means before and after this one. */
    private void requireSuite() throws IOException {
        try (DirectoryStream<Path> indexes =
                Files.newDirectoryStream(state.resolve("lists"), "*Release")) {
            for (Path index : indexes) {
                try (Stream<String> lines = Files.lines(index, StandardCharsets.ISO_8859_1)) {
                    if (lines.anyMatch(("Codename: " + SUITE)::equals)) {
                        return;
                    }
                }
            }
        }
        throw new GuestException("the archive's " + ALIAS + " is not " + SUITE);
    }

    /**
     * The one package that {@code name} depends on and whose name matches {@code pattern}: what a
     * metapackage stands for.
     */
    String dependency(String name, Pattern pattern) throws IOException {
        String record =
                run(
                        "look up " + name,
                        host.aptCache(),
                        List.of("show", "--no-all-versions", checked(name)));
        for (String line : record.lines().toList()) {
            if (line.startsWith("Depends:")) {
                for (String clause : line.substring("Depends:".length()).split("[,|]")) {
                    String wanted = clause.strip().split("[\\s(:]", 2)[0];
                    if (pattern.matcher(wanted).matches()) {
                        return checked(wanted);
                    }
                }
            }
        }
        throw new GuestException(
                "cannot look up " + name + ": the archive has no such package for " + ARCHITECTURE);
    }

    /** The packages and everything that they need, in no particular order. */
    List<String> closure(List<String> names) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("install", "-y", "--print-uris"));
        names.forEach(name -> arguments.add(checked(name)));
        String what = "work out what " + String.join(", ", names) + " needs";
        String answer = run(what, host.aptGet(), arguments);
        Pattern uri = Pattern.compile("'[^']*' ([^_ ]+)_\\S+ \\d+ \\S+");
        List<String> all = new ArrayList<>();
        for (String line : answer.lines().toList()) {
            Matcher matcher = uri.matcher(line.strip());
            if (matcher.matches()) {
                all.add(checked(matcher.group(1)));
            }
        }
        if (all.isEmpty()) {
            throw new GuestException("cannot " + what + ": the answer names no package");
        }
        return all;
    }

    /**
     * Downloads packages, going on where an earlier attempt was cut, and compares each with the
     * signed index.
     *
     * @return the files by package name; they stay until {@link #discard(Map)}
     */
    Map<String, Downloaded> download(List<String> names) throws IOException {
        List<PackageFile> files = index(names);
        long total = files.stream().mapToLong(PackageFile::bytes).sum();
        Path directory = state.resolve("packages");
        requireSpace(directory, total, "download " + names.size() + " packages");
        for (PackageFile file : files) {
            Path path = directory.resolve(file.name());
            if (Files.exists(path) && Files.size(path) > file.bytes()) {
                Files.delete(path);
            }
        }
        progress.step(
                files.size() == 1
                        ? "Downloading " + files.getFirst().packageName()
                        : "Downloading " + files.size() + " packages");
        List<String> arguments = new ArrayList<>(List.of("-q", "download"));
        names.forEach(name -> arguments.add(checked(name)));
        String what = "download " + String.join(", ", names.subList(0, Math.min(3, names.size())));
        try {
            Runnable tick = () -> progress.advanced(sizeNow(files), total);
            run(what, host.aptGet(), arguments, directory, tick);
        } catch (OutOfSpaceException e) {
            // What is on the disk helps nobody while the disk is full.
            for (PackageFile file : files) {
                Files.deleteIfExists(directory.resolve(file.name()));
            }
            throw e.line();
        } catch (GuestException e) {
            throw new GuestException(
                    "%s (%d of %d bytes are here; the same command goes on from there)"
                            .formatted(e.getMessage(), sizeNow(files), total),
                    e);
        }
        Map<String, Downloaded> result = new TreeMap<>();
        for (PackageFile file : files) {
            Path path = directory.resolve(file.name());
            verify(file, path);
            result.put(file.packageName(), new Downloaded(file, path));
        }
        progress.advanced(total, total);
        return result;
    }

    /** A package file on this machine whose hash is the one in the signed index. */
    record Downloaded(PackageFile file, Path path) {}

    /** Removes downloaded packages and the lists, which the next fetch has to renew anyway. */
    void discard(Map<String, Downloaded> packages) throws IOException {
        for (Downloaded downloaded : packages.values()) {
            Files.deleteIfExists(downloaded.path());
        }
    }

    private List<PackageFile> index(List<String> names) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("download", "--print-uris"));
        names.forEach(name -> arguments.add(checked(name)));
        String answer = run("look up " + String.join(", ", names), host.aptGet(), arguments);
        List<PackageFile> files = new ArrayList<>();
        answer.lines().forEach(line -> PackageFile.parse(line).ifPresent(files::add));
        if (files.size() != names.size()) {
            throw new GuestException(
                    "cannot look up %s: %d packages were asked for, %d were found with a hash"
                            .formatted(String.join(", ", names), names.size(), files.size()));
        }
        return files;
    }

    private long sizeNow(List<PackageFile> files) {
        long sum = 0;
        for (PackageFile file : files) {
            try {
                Path path = state.resolve("packages").resolve(file.name());
                sum += Math.min(Files.size(path), file.bytes());
            } catch (IOException _) {
                // Not there yet: nothing to add.
            }
        }
        return sum;
    }

    private static void verify(PackageFile file, Path path) throws IOException {
        long size = Files.exists(path) ? Files.size(path) : 0;
        if (size != file.bytes()) {
            throw new GuestException(
                    "%s has %d bytes, the signed index says %d"
                            .formatted(path, size, file.bytes()));
        }
        String hash = Hashes.of(path, file.hashAlgorithm());
        if (!hash.equals(file.hash())) {
            Files.delete(path);
            throw new GuestException(
                    "%s has %s %s, the signed index says %s; it was removed"
                            .formatted(path, file.hashAlgorithm(), hash, file.hash()));
        }
    }

    /** Refuses early, with numbers, what would fill the disk. */
    static void requireSpace(Path directory, long neededBytes, String what) throws IOException {
        long free = Files.getFileStore(directory).getUsableSpace();
        if (free < neededBytes) {
            throw new GuestException(
                    "cannot %s: %s has %d MiB free, %d MiB are needed"
                            .formatted(what, directory, free >> 20, (neededBytes >> 20) + 1));
        }
    }

    private static String checked(String name) {
        if (!PACKAGE_NAME.matcher(name).matches()) {
            throw new GuestException("'" + name + "' is not the name of a package");
        }
        return name;
    }

    /** Carries the line of a failure that a full disk caused. */
    private static final class OutOfSpaceException extends IOException {
        private static final long serialVersionUID = 1L;
        private final transient GuestException line;

        OutOfSpaceException(GuestException line) {
            super(line);
            this.line = line;
        }

        GuestException line() {
            return line;
        }
    }

    private String run(String what, Path program, List<String> arguments) throws IOException {
        // Not the directory of the packages: apt does not name files that are there already.
        return run(what, program, arguments, state, () -> {});
    }

    private String run(
            String what, Path program, List<String> arguments, Path directory, Runnable tick)
            throws IOException {
        List<String> command = new ArrayList<>();
        command.add(program.toString());
        command.add("--config-file=" + state.resolve("apt.conf"));
        option(command, "Dir::Etc::sourceparts", state.resolve("etc"));
        option(command, "Dir::State::Lists", state.resolve("lists"));
        option(command, "Dir::Cache", state.resolve("cache"));
        if ("root".equals(System.getProperty("user.name"))) {
            // The unprivileged user that apt would change to cannot enter root's cache directory.
            command.add("-o");
            command.add("APT::Sandbox::User=root");
        }
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.directory(directory.toFile());
        builder.environment().put("LC_ALL", "C");
        builder.environment().put("DEBIAN_FRONTEND", "noninteractive");
        builder.redirectErrorStream(true);
        builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        Process process = builder.start();
        Thread killer = new Thread(process::destroy, "dalang-apt-stop");
        Runtime.getRuntime().addShutdownHook(killer);
        Output output = new Output(process.getInputStream());
        Thread reader = Thread.ofVirtual().start(output);
        try {
            while (!process.waitFor(100, TimeUnit.MILLISECONDS)) {
                tick.run();
            }
            reader.join();
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
            throw new GuestException("cannot " + what + ": interrupted", e);
        } finally {
            try {
                Runtime.getRuntime().removeShutdownHook(killer);
            } catch (IllegalStateException e) {
                // The machine is going down already and the hook does its work.
                process.destroy();
            }
        }
        if (process.exitValue() != 0) {
            throw failure(what, output.text(), process.exitValue());
        }
        return output.text();
    }

    private GuestException failure(String what, String output, int exitValue)
            throws OutOfSpaceException {
        List<String> errors =
                output.lines().filter(line -> line.startsWith("E: ")).map(Apt::shortened).toList();
        for (String error : errors) {
            if (error.contains("No space left")) {
                throw new OutOfSpaceException(
                        new GuestException(
                                "cannot %s: no space left on the device of %s"
                                        .formatted(what, state)));
            }
        }
        String why =
                errors.isEmpty()
                        ? host.aptGet() + " ended with code " + exitValue
                        : errors.getFirst();
        return new GuestException("cannot " + what + ": " + why);
    }

    private static String shortened(String line) {
        String text = line.substring("E: ".length()).strip();
        return text.length() > 300 ? text.substring(0, 300) + "…" : text;
    }

    private static void option(List<String> command, String name, Path value) {
        command.add("-o");
        command.add(name + "=" + value);
    }

    /**
     * Drains a process's output so that it never blocks; keeps the first part. To be read when its
     * thread has ended.
     */
    private static final class Output implements Runnable {
        private final InputStream in;
        private final StringBuilder text = new StringBuilder();

        Output(InputStream in) {
            this.in = in;
        }

        @Override
        public void run() {
            byte[] buffer = new byte[8192];
            try (in) {
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    if (text.length() < MAX_OUTPUT_BYTES) {
                        text.append(new String(buffer, 0, n, StandardCharsets.ISO_8859_1));
                    }
                }
            } catch (IOException e) {
                // The process is gone; its exit value tells the rest.
            }
        }

        String text() {
            return text.toString();
        }
    }
}
