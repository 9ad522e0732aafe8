import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions;
import com.google.googlejavaformat.java.JavaFormatterOptions.Style;
import com.google.googlejavaformat.java.RemoveUnusedImports;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * Holds every Java file of the tree to google-java-format's AOSP style.
 *
 * <p>Arguments: {@code check} or {@code write}, the root of the tree, and a file that remembers
 * which files were found formatted (path, size and time of change), so that a build in which
 * nothing changed parses nothing. Runs from source on the JDK that compiles the project, because
 * the formatter parses only what its own JDK's compiler parses.
 */
final class Format {
    private static final Set<String> SKIPPED = Set.of("target", ".git", ".dalang", ".idea");

    private final boolean write;
    private final Path root;
    private final Path stamp;
    private final Formatter formatter =
            new Formatter(JavaFormatterOptions.builder().style(Style.AOSP).build());
    private final Map<String, String> problems = new ConcurrentHashMap<>();
    private final Set<String> good = ConcurrentHashMap.newKeySet();

    private Format(boolean write, Path root, Path stamp) {
        this.write = write;
        this.root = root;
        this.stamp = stamp;
    }

    public static void main(String[] args) throws IOException {
        if (args.length != 3 || !Set.of("check", "write").contains(args[0])) {
            System.err.println("usage: Format check|write ROOT STAMP");
            System.exit(2);
        }
        Path root = Path.of(args[1]).toRealPath();
        System.exit(new Format(args[0].equals("write"), root, Path.of(args[2])).run());
    }

    private int run() throws IOException {
        Map<String, Path> files = new TreeMap<>();
        collect(files);
        Set<String> known =
                new HashSet<>(Files.exists(stamp) ? Files.readAllLines(stamp) : List.of());
        List<Path> todo = new ArrayList<>();
        files.forEach(
                (line, path) -> {
                    if (known.contains(line)) {
                        good.add(line);
                    } else {
                        todo.add(path);
                    }
                });
        todo.parallelStream().forEach(this::examine);
        // A file under another name first: two builds may run at once.
        Files.createDirectories(stamp.toAbsolutePath().getParent());
        Path fresh =
                stamp.resolveSibling(stamp.getFileName() + "." + ProcessHandle.current().pid());
        Files.write(fresh, good.stream().sorted().collect(Collectors.toList()));
        Files.move(fresh, stamp, StandardCopyOption.REPLACE_EXISTING);

        new TreeMap<>(problems).forEach((path, what) -> System.err.println(path + ": " + what));
        if (!problems.isEmpty() && !write) {
            System.err.println(
                    problems.size()
                            + " file(s) to format; run ./dalang format, or"
                            + " mvn -q -N validate -Dformat.mode=write");
        }
        return problems.isEmpty() ? 0 : 1;
    }

    private void collect(Map<String, Path> files) throws IOException {
        Files.walkFileTree(
                root,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attrs) {
                        return SKIPPED.contains(String.valueOf(dir.getFileName()))
                                ? FileVisitResult.SKIP_SUBTREE
                                : FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attrs) {
                        if (file.toString().endsWith(".java")) {
                            files.put(line(file, attrs), file);
                        }
                        return FileVisitResult.CONTINUE;
                    }
                });
    }

    private String line(Path file, BasicFileAttributes attrs) {
        return root.relativize(file) + " " + attrs.size() + " " + attrs.lastModifiedTime();
    }

    private void examine(Path file) {
        String name = root.relativize(file).toString();
        try {
            String source = Files.readString(file);
            String formatted = format(source);
            if (!formatted.equals(source)) {
                if (!write) {
                    problems.put(name, "is not formatted");
                    return;
                }
                Files.writeString(file, formatted);
                System.out.println("formatted " + name);
            }
            good.add(line(file, Files.readAttributes(file, BasicFileAttributes.class)));
        } catch (FormatterException e) {
            problems.put(name, "cannot be parsed: " + e.getMessage());
        } catch (IOException e) {
            problems.put(name, "cannot be read or written: " + e);
        }
    }

    private String format(String source) throws FormatterException {
        String imports = ImportOrderer.reorderImports(source, Style.AOSP);
        return formatter.formatSource(RemoveUnusedImports.removeUnusedImports(imports));
    }
}
