package dev.dalang.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.classfile.Attributes;
import java.lang.classfile.attribute.ModuleAttribute;
import java.lang.classfile.attribute.ModuleExportInfo;
import java.lang.classfile.attribute.ModuleRequireInfo;
import java.lang.reflect.AccessFlag;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** A module may use only what stands below it, and shows only what it means to. */
final class LayersTest {
    private static final String OURS = "dev.dalang.";

    /** What each module may require of ours. A module that comes to be gets its line here. */
    private static final Map<String, Set<String>> BELOW =
            Map.ofEntries(
                    Map.entry("bus", Set.of()),
                    Map.entry("tables", Set.of()),
                    Map.entry("testkit", Set.of("bus")),
                    Map.entry("pci", Set.of("bus", "tables")),
                    Map.entry("net", Set.of("bus", "linux")),
                    Map.entry("linux", Set.of()),
                    Map.entry("storage", Set.of("bus", "linux")),
                    Map.entry("virtio", Set.of("bus", "tables", "pci", "net", "storage")),
                    Map.entry("devices", Set.of("bus", "pci", "storage")),
                    Map.entry("remote", Set.of("bus", "linux", "pci")),
                    Map.entry("passthrough", Set.of("bus", "linux", "pci", "tables", "remote")),
                    Map.entry("riscv", Set.of("bus")),
                    Map.entry(
                            "vm",
                            Set.of(
                                    "bus",
                                    "tables",
                                    "linux",
                                    "pci",
                                    "net",
                                    "storage",
                                    "virtio",
                                    "devices",
                                    "passthrough",
                                    "riscv")),
                    Map.entry(
                            "cli",
                            Set.of(
                                    "bus",
                                    "tables",
                                    "linux",
                                    "pci",
                                    "net",
                                    "storage",
                                    "virtio",
                                    "devices",
                                    "remote",
                                    "passthrough",
                                    "riscv",
                                    "vm")),
                    Map.entry(
                            "bench",
                            Set.of(
                                    "bus", "tables", "linux", "pci", "net", "storage", "virtio",
                                    "devices", "remote", "testkit", "riscv", "vm")));

    /** The floors that stand on the JDK alone. */
    private static final Set<String> CORE =
            Set.of(
                    "bus",
                    "tables",
                    "linux",
                    "pci",
                    "net",
                    "storage",
                    "virtio",
                    "passthrough",
                    "riscv");

    static List<String> modules() {
        return Tree.modules();
    }

    @Test
    void everyModuleHasItsPlace() {
        assertThat(BELOW.keySet()).containsExactlyInAnyOrderElementsOf(modules());
    }

    @Test
    void theBomManagesEveryPublishedModule() {
        assertThat(Tree.managedByBom())
                .containsExactlyInAnyOrderElementsOf(
                        modules().stream().filter(module -> !module.equals("bench")).toList());
    }

    @ParameterizedTest
    @MethodSource("modules")
    void aModuleIsNamedAfterItsDirectory(String module) {
        assertThat(descriptor(module).moduleName().name().stringValue()).isEqualTo(OURS + module);
    }

    @ParameterizedTest
    @MethodSource("modules")
    void aModuleRequiresOnlyWhatStandsBelowIt(String module) {
        Set<String> required =
                requires(module).keySet().stream()
                        .filter(name -> name.startsWith(OURS))
                        .map(name -> name.substring(OURS.length()))
                        .collect(Collectors.toSet());
        assertThat(BELOW.get(module)).containsAll(required);
    }

    @ParameterizedTest
    @MethodSource("modules")
    void aCoreFloorNeedsNothingButTheJdkAtRunTime(String module) {
        if (CORE.contains(module)) {
            assertThat(requires(module).entrySet())
                    .filteredOn(entry -> !entry.getValue().has(AccessFlag.STATIC_PHASE))
                    .extracting(Map.Entry::getKey)
                    .allMatch(
                            name ->
                                    name.startsWith("java.")
                                            || name.equals("jdk.jfr")
                                            || name.startsWith(OURS));
        }
    }

    @ParameterizedTest
    @MethodSource("modules")
    void internalsAreExportedToNobody(String module) {
        assertThat(descriptor(module).exports())
                .extracting(
                        (ModuleExportInfo export) -> export.exportedPackage().name().stringValue())
                .noneMatch(name -> name.contains("/internal"));
    }

    @ParameterizedTest
    @MethodSource("modules")
    void aModuleIsNullMarked(String module) {
        var annotations =
                Tree.descriptor(module)
                        .findAttribute(Attributes.runtimeVisibleAnnotations())
                        .orElseThrow()
                        .annotations();
        assertThat(annotations)
                .extracting(annotation -> annotation.className().stringValue())
                .contains("Lorg/jspecify/annotations/NullMarked;");
    }

    private static ModuleAttribute descriptor(String module) {
        return Tree.descriptor(module).findAttribute(Attributes.module()).orElseThrow();
    }

    private static Map<String, ModuleRequireInfo> requires(String module) {
        return descriptor(module).requires().stream()
                .collect(
                        Collectors.toMap(
                                info -> info.requires().name().stringValue(), info -> info));
    }
}
