package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.devices.InspectionDevice;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceFactory;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Devices by name, by class, and from a user's jar. */
class DeviceCatalogueTest {
    private static final String DEVICE =
            """
            import dev.dalang.bus.snapshot.Snapshot;
            import dev.dalang.pci.*;
            import java.util.Map;
            public class NAME implements PciDevice {
                MEMBERS
                public PciDeviceSpec spec() {
                    return PciDeviceSpec.builder("mine", 0x1234, 0xabcd).memoryBar(0, 4096).build();
                }
                public long readBar(int bar, long offset, int size) { return 42; }
                public void writeBar(int bar, long offset, int size, long value) {}
                public Snapshot snapshot() { return Snapshot.builder("mine", 1).build(); }
                public void restore(Snapshot snapshot) {}
            }
            """;

    @TempDir private Path directory;

    private Path jar(String name, String members, Class<?>... services) throws IOException {
        String source = DEVICE.replace("NAME", name).replace("MEMBERS", members);
        return PluginJar.of(directory, name, source, services);
    }

    private static void assertMistake(ThrowingCallable call, String... parts) {
        assertThatThrownBy(call)
                .isInstanceOf(ConfigurationException.class)
                .message()
                .startsWith("--")
                .contains("expected")
                .contains(parts)
                .doesNotContain("\n");
    }

    @Test
    void theHouseHasDevicesOfItsOwn() {
        assertThat(DeviceCatalogue.builtIn().list())
                .extracting(DeviceCatalogue.Listed::name)
                .containsExactly("edu", "inspect", "nvme", "root-port", "virtio-rng");
        assertThat(DeviceCatalogue.builtIn().list().getFirst())
                .satisfies(
                        edu -> {
                            assertThat(edu.vendor()).isEqualTo(0x1234);
                            assertThat(edu.device()).isEqualTo(0x11e8);
                            assertThat(edu.description()).isNotBlank();
                            assertThat(edu.plugin()).isEmpty();
                        });
        assertThat(DeviceCatalogue.builtIn().parse("inspect", 0).device())
                .isInstanceOf(InspectionDevice.class);
    }

    @Test
    void aJarNamesItsDevices() throws IOException {
        Path jar = jar("Mine", "", PciDevice.class);
        DeviceCatalogue catalogue = DeviceCatalogue.builtIn().with(jar);
        assertThat(catalogue.list())
                .anySatisfy(
                        mine -> {
                            assertThat(mine.name()).isEqualTo("mine");
                            assertThat(mine.device()).isEqualTo(0xabcd);
                            assertThat(mine.plugin()).contains(jar);
                        });
        catalogue.check();
        PciPlacement first = catalogue.parse("mine,id=x,addr=5", 0);
        assertThat(first.device().readBar(0, 0, 4)).isEqualTo(42);
        assertThat(first.id()).contains("x");
        assertThat(catalogue.parse("mine", 0).device()).isNotSameAs(first.device());
        assertThat(catalogue.parse("class=Mine", 0).device().getClass())
                .isSameAs(first.device().getClass());
        assertThat(catalogue.parse("class=dev.dalang.devices.EduDevice", 0).device().label())
                .isEqualTo("edu");
        assertMistake(() -> catalogue.with(jar), "mine", "taken");
        assertMistake(() -> catalogue.parse("mine,colour=red", 0), "id=ID", "colour=red");
    }

    @Test
    void aClassMayTakeOptions() throws IOException {
        String members =
                """
                public NAME(Map<String, String> options) {
                    if (options.containsKey("bad")) throw new IllegalArgumentException("no bad");
                    this.options = options;
                }
                final Map<String, String> options;
                public String toString() { return options.toString(); }
                """;
        Path jar = jar("Taker", members.replace("NAME", "Taker"));
        DeviceCatalogue catalogue = DeviceCatalogue.builtIn().with(jar);
        assertMistake(catalogue::check, "META-INF/services", "Taker.jar");
        assertThat(catalogue.parse("class=Taker,size=4,id=t", 0).device().toString())
                .isEqualTo("{size=4}");
        catalogue.check();
        assertMistake(() -> catalogue.parse("class=Taker,size=4,size=5", 0), "size", "twice");
        assertThatThrownBy(() -> catalogue.parse("class=Taker,bad=", 0))
                .isInstanceOf(ConfigurationException.class)
                .hasMessage("--device: Taker: no bad");
    }

    @Test
    void aFactoryNamesItsOptions() throws IOException {
        String factory =
                """
                import dev.dalang.pci.*;
                import java.util.Map;
                public class Factory implements PciDeviceFactory {
                    public String name() { return "made"; }
                    public String description() { return "made to order"; }
                    public Map<String, String> options() { return Map.of("size", "how large"); }
                    public PciDevice create(Map<String, String> options) {
                        if (options.isEmpty()) return PciRootPort.of(1);
                        throw new IllegalArgumentException("size " + options.get("size"));
                    }
                }
                """;
        Path jar = PluginJar.of(directory, "Factory", factory, PciDeviceFactory.class);
        DeviceCatalogue catalogue = DeviceCatalogue.builtIn().with(jar);
        assertThat(catalogue.list())
                .anySatisfy(
                        made -> {
                            assertThat(made.name()).isEqualTo("made");
                            assertThat(made.description()).isEqualTo("made to order");
                            assertThat(made.options()).containsEntry("size", "how large");
                        });
        assertThat(catalogue.parse("made", 0).device()).isNotNull();
        assertThat(catalogue.parse("class=Factory", 0).device()).isNotNull();
        assertMistake(() -> catalogue.parse("made,sighs=3", 0), "size=", "sighs=3");
        assertThatThrownBy(() -> catalogue.parse("made,size=3", 0))
                .hasMessage("--device: made: size 3");
    }

    @Test
    void classesThatAreNoDevices() throws IOException {
        DeviceCatalogue house = DeviceCatalogue.builtIn();
        assertMistake(() -> house.parse("class=no.such.Thing", 0), "no.such.Thing");
        assertMistake(() -> house.parse("class=java.lang.String", 0), "java.lang.String");
        assertMistake(() -> house.parse("class=", 0), "class=");
        assertMistake(
                () -> house.parse("nothing", 0),
                "edu, inspect, nvme, root-port, virtio-rng",
                "nothing");
        Path hidden = jar("Hidden", "Hidden() {}");
        assertMistake(() -> house.with(hidden).parse("class=Hidden", 0), "constructor", "Hidden");
        String throwing = "public Thrower() { throw new IllegalStateException(\"broken\"); }";
        Path thrower = jar("Thrower", throwing);
        assertMistake(() -> house.with(thrower).parse("class=Thrower", 0), "Thrower", "broken");
        Path named = jar("Thrower", throwing, PciDevice.class);
        assertMistake(() -> house.with(named), "Thrower.jar", "broken");
    }

    @Test
    void devicesThatCannotBeAttached() throws IOException {
        Path other =
                jar(
                        "Sly",
                        "public void attach(PciHost host) { throw new IllegalStateException(\"no\");"
                                + " }");
        assertMistake(
                () ->
                        Vm.builder()
                                .memory(MemorySize.MiB(64))
                                .plugin(other)
                                .device("class=Sly")
                                .build(),
                "Sly",
                "no");
    }

    @Test
    void filesThatAreNoJars() throws IOException {
        DeviceCatalogue house = DeviceCatalogue.builtIn();
        assertMistake(() -> house.with(directory.resolve("absent.jar")), "absent.jar");
        assertMistake(() -> house.with(directory), directory.toString());
        Path text = Files.writeString(directory.resolve("text.jar"), "not a jar");
        assertMistake(() -> house.with(text), "text.jar");
        Path empty = jar("Empty", "");
        assertMistake(
                () -> Vm.builder().memory(MemorySize.MiB(64)).plugin(empty).check(),
                "Empty.jar",
                "META-INF/services");
        String source = "public class Liar {}";
        Path liar = PluginJar.of(directory, "Liar", source, PciDevice.class);
        assertMistake(() -> house.with(liar), "Liar");
    }
}
