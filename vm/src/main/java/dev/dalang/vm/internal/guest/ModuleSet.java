package dev.dalang.vm.internal.guest;

import org.tukaani.xz.XZInputStream;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The modules of a kernel package, kept in a spool file while the package is read, since what is
 * needed is known only when all have been seen.
 */
final class ModuleSet implements AutoCloseable {

    /** The largest module of the distribution's kernel has 16 MiB. */
    private static final int MAX_MODULE_BYTES = 64 << 20;

    private final FileChannel spool;
    private final Map<String, Spooled> spooled = new TreeMap<>();
    private long end;

    private record Spooled(String path, long offset, int bytes) {}

    /** A module, ready to be put into an initial file system. */
    static final class Module {
        private final String name;
        private final String packedPath;
        private final byte[] content;
        private final ModuleInfo info;

        Module(String name, String packedPath, byte[] content, ModuleInfo info) {
            this.name = name;
            this.packedPath = packedPath;
            this.content = content;
            this.info = info;
        }

        /** Its name, with underscores. */
        String name() {
            return name;
        }

        /** Where it lies below the directory of modules; ends in {@code .ko}. */
        String path() {
            return packedPath.substring(0, packedPath.lastIndexOf(".ko") + 3);
        }

        /** The same as the package has it, which may end in {@code .ko.xz}. */
        String packedPath() {
            return packedPath;
        }

        /** The uncompressed module, not a copy. */
        byte[] content() {
            return content;
        }

        /** What it says of itself. */
        ModuleInfo info() {
            return info;
        }
    }

    /**
     * Makes an empty set.
     *
     * @param spoolFile is made, and is removed by {@link #close()}
     */
    ModuleSet(Path spoolFile) throws IOException {
        spool =
                FileChannel.open(
                        spoolFile,
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.DELETE_ON_CLOSE);
    }

    /** Whether this is the path of a module. */
    static boolean isModule(String path) {
        return path.endsWith(".ko") || path.endsWith(".ko.xz");
    }

    /**
     * Takes a module in.
     *
     * @param path below the directory of modules, ending in {@code .ko} or {@code .ko.xz}
     */
    void add(String path, InputStream content) throws IOException {
        byte[] bytes = content.readNBytes(MAX_MODULE_BYTES + 1);
        requireSize(path, bytes);
        String file = path.substring(path.lastIndexOf('/') + 1);
        String name = ModuleInfo.normalised(file.substring(0, file.indexOf(".ko")));
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        for (long at = end; buffer.hasRemaining(); ) {
            at += spool.write(buffer, at);
        }
        spooled.put(name, new Spooled(path, end, bytes.length));
        end += bytes.length;
    }

    /**
     * The wanted modules that exist, and all that they need. A wanted module that does not exist is
     * passed over: another version of the kernel may have it built in.
     *
     * @return by name; what a module needs comes before it
     */
    Map<String, Module> withDependencies(List<String> wanted) throws IOException {
        Map<String, Module> result = new LinkedHashMap<>();
        for (String name : wanted) {
            if (spooled.containsKey(name)) {
                load(name, result, new LinkedHashSet<>());
            }
        }
        return result;
    }

    private void load(String name, Map<String, Module> result, Set<String> path)
            throws IOException {
        if (result.containsKey(name)) {
            return;
        }
        Spooled found = spooled.get(name);
        if (found == null) {
            throw new IOException("the kernel package lacks the module " + name);
        }
        if (!path.add(name)) {
            throw new IOException("the modules " + String.join(", ", path) + " need each other");
        }
        byte[] content = content(found);
        ModuleInfo info = ModuleInfo.parse(content);
        for (String needed : info.depends()) {
            load(needed, result, path);
        }
        path.remove(name);
        result.put(name, new Module(name, found.path, content, info));
    }

    /** A module's bytes as the package has them. */
    byte[] packed(String name) throws IOException {
        Spooled found = spooled.get(name);
        if (found == null) {
            throw new IOException("the kernel package lacks the module " + name);
        }
        return packed(found);
    }

    private byte[] packed(Spooled found) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(found.bytes);
        while (buffer.hasRemaining()) {
            if (spool.read(buffer, found.offset + buffer.position()) < 0) {
                throw new IOException("the spool file of the kernel modules was cut");
            }
        }
        return buffer.array();
    }

    private byte[] content(Spooled found) throws IOException {
        byte[] packed = packed(found);
        if (!found.path.endsWith(".xz")) {
            return packed;
        }
        try (InputStream xz = new XZInputStream(new ByteArrayInputStream(packed))) {
            byte[] bytes = xz.readNBytes(MAX_MODULE_BYTES + 1);
            requireSize(found.path, bytes);
            return bytes;
        }
    }

    private static void requireSize(String path, byte[] bytes) throws IOException {
        if (bytes.length > MAX_MODULE_BYTES) {
            throw new IOException(path + " has more than " + MAX_MODULE_BYTES + " bytes");
        }
    }

    /**
     * All modules that a module needs, directly or not, in the order of modules.dep(5): what is
     * loaded first comes last.
     *
     * @param all the result of {@link #withDependencies(List)}
     */
    static List<Module> needs(Module module, Map<String, Module> all) {
        Set<String> seen = new HashSet<>();
        Deque<String> pending = new ArrayDeque<>(module.info().depends());
        while (!pending.isEmpty()) {
            String name = pending.pop();
            Module needed = all.get(name);
            if (needed != null && seen.add(name)) {
                pending.addAll(needed.info().depends());
            }
        }
        List<Module> result = new ArrayList<>();
        for (Module candidate : all.values()) {
            if (seen.contains(candidate.name())) {
                result.addFirst(candidate);
            }
        }
        return result;
    }

    @Override
    public void close() throws IOException {
        spool.close();
    }
}
