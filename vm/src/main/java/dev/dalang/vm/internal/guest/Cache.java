package dev.dalang.vm.internal.guest;

import dev.dalang.vm.guest.FetchProgress;
import dev.dalang.vm.guest.GuestException;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The cache directory: entries made by recipes, the package manager's private state, and the lock.
 * Turns every failure into a line for the user.
 */
public final class Cache {

    private final Path directory;
    private final Supplier<AptHost> host;

    /**
     * Names a cache.
     *
     * @param directory is made when something is fetched
     * @param host finds the package manager; asked only when something is fetched
     */
    public Cache(Path directory, Supplier<AptHost> host) {
        this.directory = directory;
        this.host = host;
    }

    /**
     * What an entry holds.
     *
     * @param version of the package that it came from
     * @param files by name
     */
    public record Content(String version, Map<String, Path> files) {

        /** One of the files, which the entry's recipe always makes. */
        public Path file(String name) {
            Path file = files.get(name);
            if (file == null) {
                throw new GuestException(
                        "the cache entry of version %s has no file %s".formatted(version, name));
            }
            return file;
        }
    }

    /**
     * What a manifest records.
     *
     * @param version of the package that the entry came from
     * @param bytes the sum of its files
     */
    public record Recorded(String version, long bytes) {}

    /** The user's cache directory by the XDG base directory specification. */
    public static Path userDirectory(Map<String, String> environment, String home) {
        String xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
        // A relative path is to be ignored, says the specification.
        Path base = xdg.startsWith("/") ? Path.of(xdg) : Path.of(home, ".cache");
        return base.resolve("dalang");
    }

    /** Where everything is. */
    public Path directory() {
        return directory;
    }

    /** What is recorded of an entry, without a look at its files. */
    public Optional<Recorded> recorded(String path, Recipe recipe) {
        return entry(path, recipe)
                .recorded()
                .map(
                        manifest ->
                                new Recorded(
                                        manifest.version(),
                                        manifest.files().values().stream()
                                                .mapToLong(Manifest.Item::bytes)
                                                .sum()));
    }

    /** An entry: as it is where it is whole, made where it is missing or damaged. */
    public Content get(String path, String name, Recipe recipe, FetchProgress progress) {
        CacheEntry entry = entry(path, recipe);
        try {
            if (entry.check() instanceof CacheEntry.State.Good(CacheEntry.Content content)) {
                return publish(content);
            }
            Files.createDirectories(directory);
            try (CacheLock _ = CacheLock.acquire(directory, progress)) {
                // Another may have made it while this one waited.
                switch (entry.check()) {
                    case CacheEntry.State.Good(CacheEntry.Content content) -> {
                        return publish(content);
                    }
                    case CacheEntry.State.Damaged(String line) ->
                            progress.notice(line + "; fetching " + name + " again");
                    case CacheEntry.State.Missing() -> {}
                }
                return make(entry, name, recipe, progress);
            }
        } catch (IOException e) {
            throw failure("fetch", name, e);
        }
    }

    /** Makes an entry even where one is. */
    public Content renew(String path, String name, Recipe recipe, FetchProgress progress) {
        try {
            Files.createDirectories(directory);
            try (CacheLock _ = CacheLock.acquire(directory, progress)) {
                return make(entry(path, recipe), name, recipe, progress);
            }
        } catch (IOException e) {
            throw failure("fetch", name, e);
        }
    }

    /** Removes an entry, and says whether there was one. */
    public boolean remove(String path, String name, Recipe recipe) {
        CacheEntry entry = entry(path, recipe);
        if (!Files.exists(entry.directory())) {
            return false;
        }
        try (CacheLock _ = CacheLock.acquire(directory, FetchProgress.none())) {
            return entry.remove();
        } catch (IOException e) {
            throw failure("remove", name, e);
        }
    }

    private Content make(CacheEntry entry, String name, Recipe recipe, FetchProgress progress)
            throws IOException {
        entry.replace(target -> recipe.make(host, directory.resolve("apt"), progress, target));
        return switch (entry.check()) {
            case CacheEntry.State.Good(CacheEntry.Content content) -> publish(content);
            case CacheEntry.State.Damaged(String line) ->
                    throw new IOException("the disk gives back other bytes: " + line);
            case CacheEntry.State.Missing() ->
                    throw new IOException(name + " vanished while it was made");
        };
    }

    private static Content publish(CacheEntry.Content content) {
        return new Content(content.version(), Map.copyOf(content.files()));
    }

    private CacheEntry entry(String path, Recipe recipe) {
        return new CacheEntry(directory.resolve(path), recipe.id());
    }

    private GuestException failure(String verb, String name, IOException e) {
        String why;
        if (e instanceof AccessDeniedException denied) {
            why = "access to " + denied.getFile() + " is denied";
        } else if (e instanceof FileSystemException file && file.getReason() != null) {
            why = file.getFile() + ": " + file.getReason();
        } else {
            String message = e.getMessage();
            why = message == null ? e.getClass().getSimpleName() : message;
            if (why.contains("No space left")) {
                why = "no space left on the device of " + directory;
            }
        }
        return new GuestException(
                "cannot %s %s: %s".formatted(verb, name, why.lines().findFirst().orElse("")), e);
    }
}
