package dev.dalang.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Only the module {@code linux} may do what can crash the JVM. */
final class RestrictedMethodsTest {
    /** The restricted methods of JDK 25: owner and name. */
    private static final Set<String> RESTRICTED =
            Set.of(
                    "java/lang/foreign/AddressLayout.withTargetLayout",
                    "java/lang/foreign/Linker.downcallHandle",
                    "java/lang/foreign/Linker.upcallStub",
                    "java/lang/foreign/MemorySegment.reinterpret",
                    "java/lang/foreign/SymbolLookup.libraryLookup",
                    "java/lang/ModuleLayer$Controller.enableNativeAccess",
                    "java/lang/Runtime.load",
                    "java/lang/Runtime.loadLibrary",
                    "java/lang/System.load",
                    "java/lang/System.loadLibrary");

    private static final String UNSAFE = "sun/misc/Unsafe";

    static List<String> modules() {
        return Tree.modules().stream().filter(module -> !module.equals("linux")).toList();
    }

    @ParameterizedTest
    @MethodSource("modules")
    void aModuleCallsNoRestrictedMethod(String module) {
        List<String> found = new ArrayList<>();
        Tree.classesOf(module).forEach((name, model) -> restrictedIn(model, name, found));
        assertThat(found).isEmpty();
    }

    @Test
    void theScannerSeesACall() throws Exception {
        var found = new ArrayList<String>();
        String self = Offender.class.getName().replace('.', '/') + ".class";
        try (var bytes = Offender.class.getClassLoader().getResourceAsStream(self)) {
            var model = java.lang.classfile.ClassFile.of().parse(bytes.readAllBytes());
            restrictedIn(model, "Offender", found);
        }
        assertThat(found).containsExactly("Offender: java/lang/foreign/MemorySegment.reinterpret");
    }

    private static void restrictedIn(ClassModel model, String name, List<String> found) {
        for (PoolEntry entry : model.constantPool()) {
            if (entry instanceof MemberRefEntry member) {
                String owner = member.owner().asInternalName();
                String method = owner + "." + member.name().stringValue();
                if (RESTRICTED.contains(method) || owner.equals(UNSAFE)) {
                    found.add(name + ": " + method);
                }
            }
        }
    }

    /** Calls what it must not. */
    private static final class Offender {
        @SuppressWarnings("unused")
        static MemorySegment enlarge(MemorySegment segment) {
            return segment.reinterpret(1);
        }
    }
}
