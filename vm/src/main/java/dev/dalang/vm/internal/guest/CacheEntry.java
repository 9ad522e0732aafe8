package dev.dalang.vm.internal.guest;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * A thing in the cache: a directory with a manifest and, beside it, the directory of the files that
 * the manifest names. A new content is built under another name, moved into place and then named by
 * the manifest, so that a reader sees the old one, the new one or none, never a half.
 *
 * <p>Reading needs no lock; {@link #replace} and {@link #remove} are called under the cache's lock.
 */
final class CacheEntry {

    private static final String BUILDING = ".building";
    private static final int KEPT_RECIPES = 2;

    private final Path directory;
    private final String recipe;

    /**
     * Names an entry.
     *
     * @param directory where it is or will be
     * @param recipe what makes it; a content made by another recipe counts as missing
     */
    CacheEntry(Path directory, String recipe) {
        this.directory = directory;
        this.recipe = recipe;
    }

    /**
     * What the entry holds.
     *
     * @param version of the package that it came from
     * @param files by name
     */
    record Content(String version, Map<String, Path> files) {}

    /** What a look at the entry gave. */
    sealed interface State {
        /** All files are there and have the recorded hashes. */
        record Good(Content content) implements State {}

        /** Nothing was fetched, or another recipe's result is there. */
        record Missing() implements State {}

        /** Something is there that is not what was recorded; the line says what. */
        record Damaged(String line) implements State {}
    }

    /** Fills a directory and gives the version. */
    @FunctionalInterface
    interface Builder {
        /** Puts files, and only files, into the empty directory. */
        String build(Path target) throws IOException;
    }

    /** Where the entry is. */
    Path directory() {
        return directory;
    }

    /** Compares every file with the manifest; the files are hashed at the same time. */
    State check() throws IOException {
        Path file = manifestFile();
        if (!Files.exists(file)) {
            return new State.Missing();
        }
        Manifest manifest;
        try {
            manifest = Manifest.read(file);
        } catch (NoSuchFileException e) {
            return new State.Missing();
        } catch (IOException e) {
            return new State.Damaged(file + " cannot be read: " + e.getMessage());
        }
        if (!manifest.recipe().equals(recipe)) {
            return new State.Missing();
        }
        Path content = directory.resolve(manifest.directory());
        Map<String, Path> files = new TreeMap<>();
        List<CompletableFuture<@Nullable String>> checks = new ArrayList<>();
        manifest.files()
                .forEach(
                        (name, item) -> {
                            Path path = content.resolve(name);
                            files.put(name, path);
                            checks.add(CompletableFuture.supplyAsync(() -> fault(path, item)));
                        });
        for (CompletableFuture<@Nullable String> check : checks) {
            String fault;
            try {
                fault = check.join();
            } catch (CompletionException e) {
                if (e.getCause() instanceof UncheckedIOException io) {
                    throw io.getCause();
                }
                throw e;
            }
            if (fault != null) {
                return new State.Damaged(fault);
            }
        }
        return new State.Good(new Content(manifest.version(), files));
    }

    private static @Nullable String fault(Path path, Manifest.Item item) {
        try {
            long size = Files.size(path);
            if (size != item.bytes()) {
                return "%s has %d bytes, %d were recorded".formatted(path, size, item.bytes());
            }
            String hash = Hashes.sha256(path);
            return hash.equals(item.sha256())
                    ? null
                    : "%s has SHA-256 %s, %s was recorded".formatted(path, hash, item.sha256());
        } catch (NoSuchFileException e) {
            return path + " is missing";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Builds a new content and puts it in the place of the old; on failure the old one stays. */
    void replace(Builder builder) throws IOException {
        Files.createDirectories(directory);
        removeOthers(Set.of());
        Path building = directory.resolve(BUILDING);
        Files.createDirectory(building);
        try {
            String version = builder.build(building);
            Map<String, Manifest.Item> files = new TreeMap<>();
            try (DirectoryStream<Path> stream = Files.newDirectoryStream(building)) {
                for (Path file : stream) {
                    String hash = Hashes.sha256(file);
                    files.put(
                            file.getFileName().toString(),
                            new Manifest.Item(Files.size(file), hash));
                }
            }
            StringBuilder all = new StringBuilder();
            files.values().forEach(item -> all.append(item.sha256()));
            String name = "content-" + Integer.toHexString(all.toString().hashCode());
            Path content = directory.resolve(name);
            deleteTree(content);
            Files.move(building, content, StandardCopyOption.ATOMIC_MOVE);
            String before = recorded().map(Manifest::directory).orElse(name);
            new Manifest(recipe, version, name, files).write(manifestFile());
            // A machine that runs from the files before this may want them again for a reboot.
            removeOthers(Set.of(before));
        } finally {
            deleteTree(building);
        }
    }

    /**
     * Removes the entry.
     *
     * @return whether there was one
     */
    boolean remove() throws IOException {
        boolean existed = !manifests().isEmpty();
        deleteTree(directory);
        return existed;
    }

    /** The recorded version and size, without a look at the files. */
    Optional<Manifest> recorded() {
        try {
            Manifest manifest = Manifest.read(manifestFile());
            return manifest.recipe().equals(recipe) ? Optional.of(manifest) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private Path manifestFile() {
        return directory.resolve(Manifest.FILE + recipe);
    }

    /** The manifests of all recipes, the youngest first. */
    private List<Path> manifests() throws IOException {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> stream =
                Files.newDirectoryStream(directory, Manifest.FILE + "*")) {
            stream.forEach(files::add);
        }
        Map<Path, FileTime> times = new HashMap<>();
        for (Path file : files) {
            times.put(file, Files.getLastModifiedTime(file));
        }
        files.sort(Comparator.comparing(times::get).reversed());
        return files;
    }

    /**
     * Removes what earlier writers left: all but two recipes' results, so that two versions of this
     * program share a cache in peace, then contents that no manifest names, and unfinished ones.
     */
    private void removeOthers(Set<String> alsoKept) throws IOException {
        List<Path> manifests = manifests();
        Set<String> kept = new HashSet<>(alsoKept);
        for (Path file : manifests.subList(0, Math.min(KEPT_RECIPES, manifests.size()))) {
            try {
                kept.add(Manifest.read(file).directory());
            } catch (IOException _) {
                // A damaged manifest names nothing that could be used.
            }
        }
        for (Path file :
                manifests.subList(Math.min(KEPT_RECIPES, manifests.size()), manifests.size())) {
            Files.delete(file);
        }
        List<Path> others = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
            for (Path path : stream) {
                if (Files.isDirectory(path) && !kept.contains(path.getFileName().toString())) {
                    others.add(path);
                }
            }
        }
        for (Path path : others) {
            deleteTree(path);
        }
    }

    /** Removes a tree without following links; nothing happens where there is none. */
    static void deleteTree(Path root) throws IOException {
        if (!Files.exists(root, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        Files.walkFileTree(
                root,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        Files.delete(file);
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(
                            Path directory, @Nullable IOException failure) throws IOException {
                        if (failure != null) {
                            throw failure;
                        }
                        Files.delete(directory);
                        return FileVisitResult.CONTINUE;
                    }
                });
    }
}
