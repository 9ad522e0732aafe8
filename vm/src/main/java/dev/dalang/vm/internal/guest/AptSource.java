package dev.dalang.vm.internal.guest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where this machine gets its distribution from: the address and the keyring of its own package
 * sources, in either of apt's formats (sources.list(5)).
 *
 * <p>Other vendors' sources and the security archive, which has no kernel of its own suite, are
 * passed over. A source that names the distribution's archive keyring wins over one that names no
 * key at all; one that names another key is never taken.
 *
 * @param uris the archive's addresses, as the machine's configuration gives them
 * @param keyring the file with the keys that sign the archive
 */
record AptSource(List<String> uris, Path keyring) {

    /** A file of sources is a few lines; more is not one. */
    private static final long MAX_FILE_BYTES = 1 << 20;

    private static final Set<String> DEBIAN_SUITES =
            Set.of(
                    "buster",
                    "bullseye",
                    "bookworm",
                    "trixie",
                    "forky",
                    "duke",
                    "sid",
                    "oldstable",
                    "stable",
                    "testing",
                    "unstable");

    private static final Pattern ONE_LINE =
            Pattern.compile("deb\\s+(?:\\[([^\\]]*)\\]\\s*)?(\\S+)\\s+(\\S+)\\s+(\\S.*)");

    /** How sure we are that a source is the distribution's. */
    private enum Trust {
        NAMES_THE_KEYRING,
        NAMES_NO_KEY
    }

    private record Candidate(List<String> uris, Trust trust, Optional<Path> keyring) {}

    /**
     * Finds the distribution's source.
     *
     * @param aptDirectory apt's configuration, normally {@code /etc/apt}
     * @param keyringDirectory the system's keyrings, normally {@code /usr/share/keyrings}
     * @return the source, or empty where none of the machine's is the distribution's
     * @throws IOException when a configuration file exists and cannot be read
     */
    static Optional<AptSource> find(Path aptDirectory, Path keyringDirectory) throws IOException {
        List<Candidate> candidates = new ArrayList<>();
        Path mainList = aptDirectory.resolve("sources.list");
        if (Files.isRegularFile(mainList)) {
            readOneLineFormat(mainList, candidates);
        }
        Path parts = aptDirectory.resolve("sources.list.d");
        if (Files.isDirectory(parts)) {
            for (Path file : partsInOrder(parts)) {
                if (file.toString().endsWith(".list")) {
                    readOneLineFormat(file, candidates);
                } else {
                    readDeb822(file, candidates);
                }
            }
        }
        for (Trust trust : Trust.values()) {
            for (Candidate candidate : candidates) {
                if (candidate.trust != trust) {
                    continue;
                }
                Optional<Path> keyring =
                        candidate
                                .keyring
                                .filter(Files::isReadable)
                                .or(() -> systemKeyring(keyringDirectory));
                if (keyring.isPresent()) {
                    return Optional.of(new AptSource(candidate.uris, keyring.get()));
                }
            }
        }
        return Optional.empty();
    }

    /** This source as a deb822 paragraph for one suite and component. */
    String paragraph(String suite, String component) {
        return "Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\nSigned-By: %s\n"
                .formatted(String.join(" ", uris), suite, component, keyring);
    }

    private static List<Path> partsInOrder(Path parts) throws IOException {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(parts)) {
            for (Path file : stream) {
                // apt ignores names with other characters and other endings (sources.list(5)), and
                // so do we: "x.sources.disabled" is switched off.
                if (file.getFileName().toString().matches("[A-Za-z0-9_.-]+\\.(list|sources)")
                        && Files.isRegularFile(file)) {
                    files.add(file);
                }
            }
        }
        files.sort(null);
        return files;
    }

    private static Optional<Path> systemKeyring(Path keyringDirectory) {
        for (String name : List.of("debian-archive-keyring.gpg", "debian-archive-keyring.pgp")) {
            Path keyring = keyringDirectory.resolve(name);
            if (Files.isReadable(keyring)) {
                return Optional.of(keyring);
            }
        }
        return Optional.empty();
    }

    private static void readOneLineFormat(Path file, List<Candidate> candidates)
            throws IOException {
        for (String raw : lines(file)) {
            int comment = raw.indexOf('#');
            Matcher line =
                    ONE_LINE.matcher((comment < 0 ? raw : raw.substring(0, comment)).strip());
            if (!line.matches()) {
                continue;
            }
            String signedBy = "";
            if (line.group(1) != null) {
                for (String option : words(line.group(1))) {
                    if (option.toLowerCase(Locale.ROOT).startsWith("signed-by=")) {
                        signedBy = option.substring("signed-by=".length()).replace(',', ' ');
                    }
                }
            }
            consider(
                    List.of(line.group(2)),
                    List.of(line.group(3)),
                    words(line.group(4)),
                    signedBy,
                    candidates);
        }
    }

    private static void readDeb822(Path file, List<Candidate> candidates) throws IOException {
        Map<String, String> fields = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        String current = "";
        List<String> lines = new ArrayList<>(lines(file));
        lines.add("");
        for (String line : lines) {
            if (line.startsWith("#")) {
                // A comment may stand between a field and its continuation.
                continue;
            }
            if (line.isBlank()) {
                considerParagraph(fields, candidates);
                fields.clear();
                current = "";
            } else if (Character.isWhitespace(line.charAt(0))) {
                if (!current.isEmpty()) {
                    fields.merge(current, line.strip(), (before, more) -> before + "\n" + more);
                }
            } else {
                int colon = line.indexOf(':');
                current = colon < 0 ? "" : line.substring(0, colon).strip();
                if (!current.isEmpty()) {
                    fields.put(current, line.substring(colon + 1).strip());
                }
            }
        }
    }

    private static void considerParagraph(Map<String, String> fields, List<Candidate> candidates) {
        boolean enabled =
                !Set.of("no", "false", "off", "0", "without", "disable")
                        .contains(fields.getOrDefault("Enabled", "yes").toLowerCase(Locale.ROOT));
        if (enabled && words(fields.getOrDefault("Types", "")).contains("deb")) {
            consider(
                    words(fields.getOrDefault("URIs", "")),
                    words(fields.getOrDefault("Suites", "")),
                    words(fields.getOrDefault("Components", "")),
                    fields.getOrDefault("Signed-By", ""),
                    candidates);
        }
    }

    private static void consider(
            List<String> uris,
            List<String> suites,
            List<String> components,
            String signedBy,
            List<Candidate> candidates) {
        List<String> usable = uris.stream().filter(AptSource::isFetchable).toList();
        boolean security =
                suites.stream().allMatch(s -> s.endsWith("-security") || s.endsWith("/updates"));
        if (usable.isEmpty() || security || !components.contains("main")) {
            return;
        }
        if (signedBy.isBlank()) {
            boolean debian = suites.stream().anyMatch(s -> DEBIAN_SUITES.contains(release(s)));
            if (debian) {
                candidates.add(new Candidate(usable, Trust.NAMES_NO_KEY, Optional.empty()));
            }
            return;
        }
        for (String key : words(signedBy)) {
            int slash = key.lastIndexOf('/');
            if (slash >= 0 && key.substring(slash + 1).startsWith("debian-archive-")) {
                candidates.add(
                        new Candidate(usable, Trust.NAMES_THE_KEYRING, Optional.of(Path.of(key))));
                return;
            }
        }
    }

    private static boolean isFetchable(String uri) {
        return uri.matches("[A-Za-z][A-Za-z0-9+.-]*:\\S+") && !uri.startsWith("cdrom:");
    }

    private static String release(String suite) {
        int dash = suite.indexOf('-');
        return dash < 0 ? suite : suite.substring(0, dash);
    }

    private static List<String> words(String text) {
        return Arrays.stream(text.split("\\s+")).filter(word -> !word.isEmpty()).toList();
    }

    private static List<String> lines(Path file) throws IOException {
        if (Files.size(file) > MAX_FILE_BYTES) {
            return List.of();
        }
        // The format is ASCII; a stray byte in a comment must not stop us.
        return Files.readString(file, StandardCharsets.ISO_8859_1).lines().toList();
    }
}
