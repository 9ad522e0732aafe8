package dev.dalang.vm.internal.guest;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A package file as the signed index describes it.
 *
 * @param name the file's name, a plain name without a directory
 * @param bytes its size
 * @param hashAlgorithm {@code SHA-256} or {@code SHA-512}, as {@link java.security.MessageDigest}
 *     spells it
 * @param hash lower-case hexadecimal
 */
record PackageFile(String name, long bytes, String hashAlgorithm, String hash) {

    /** What {@code apt-get --print-uris} prints: 'URI' name size algorithm:hash. */
    private static final Pattern LINE =
            Pattern.compile("'[^']*' ([A-Za-z0-9][A-Za-z0-9+.:%~_-]*) (\\d{1,12}) (\\w+):(\\w+)");

    /**
     * Reads one line of {@code apt-get download --print-uris}.
     *
     * @return the file, or empty when the line is not of that form or has no strong hash
     */
    static Optional<PackageFile> parse(String line) {
        Matcher matcher = LINE.matcher(line.strip());
        if (!matcher.matches()) {
            return Optional.empty();
        }
        String algorithm =
                switch (matcher.group(3)) {
                    case "SHA256" -> "SHA-256";
                    case "SHA512" -> "SHA-512";
                    default -> "";
                };
        String hash = matcher.group(4).toLowerCase(Locale.ROOT);
        int digits = algorithm.equals("SHA-256") ? 64 : 128;
        if (algorithm.isEmpty() || !hash.matches("[0-9a-f]{" + digits + "}")) {
            return Optional.empty();
        }
        return Optional.of(
                new PackageFile(
                        matcher.group(1), Long.parseLong(matcher.group(2)), algorithm, hash));
    }

    /** The package's name: what stands before the version. */
    String packageName() {
        int underscore = name.indexOf('_');
        return underscore < 0 ? name : name.substring(0, underscore);
    }

    /** The package's version, with the epoch's colon restored. */
    String version() {
        String[] parts = name.split("_", 3);
        return parts.length < 2 ? "" : parts[1].replace("%3a", ":").replace("%3A", ":");
    }
}
