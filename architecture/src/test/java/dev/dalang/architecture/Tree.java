package dev.dalang.architecture;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** The source tree that is under test, with what the build has compiled of it. */
final class Tree {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Pattern MODULE = Pattern.compile("<module>([^<]+)</module>");
    private static final Pattern MANAGED =
            Pattern.compile("<artifactId>dalang-([^<]+)</artifactId>\\s*<version>");

    private Tree() {}

    /** Directories of the Maven modules that hold a Java module, as the parent lists them. */
    static List<String> modules() {
        return find(MODULE, "pom.xml").stream().filter(Tree::holdsJava).toList();
    }

    /** The modules whose versions the BOM manages. */
    static List<String> managedByBom() {
        return find(MANAGED, "bom/pom.xml").stream().filter(name -> !name.equals("bom")).toList();
    }

    private static boolean holdsJava(String module) {
        return Files.exists(ROOT.resolve(module, "src/main/java/module-info.java"));
    }

    private static List<String> find(Pattern pattern, String file) {
        try {
            return pattern.matcher(Files.readString(ROOT.resolve(file)))
                    .results()
                    .map((MatchResult match) -> match.group(1))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The compiled module descriptor of a module. */
    static ClassModel descriptor(String module) {
        return parse(classes(module).resolve("module-info.class"));
    }

    /** All classes that the build made of a module's main sources, by file, descriptors apart. */
    static SortedMap<String, ClassModel> classesOf(String module) {
        Path directory = classes(module);
        try (var files = Files.walk(directory)) {
            var classes = new TreeMap<String, ClassModel>();
            files.filter(file -> file.toString().endsWith(".class"))
                    .filter(file -> !file.endsWith("module-info.class"))
                    .forEach(
                            file ->
                                    classes.put(
                                            directory.relativize(file).toString(), parse(file)));
            return classes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path classes(String module) {
        return ROOT.resolve(module, "target", "classes");
    }

    private static ClassModel parse(Path file) {
        try {
            return ClassFile.of().parse(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
