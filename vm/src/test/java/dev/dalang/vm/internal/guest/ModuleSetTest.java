package dev.dalang.vm.internal.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

class ModuleSetTest {

    @TempDir private Path directory;
    private ModuleSet modules;

    @BeforeEach
    void open() throws IOException {
        modules = new ModuleSet(directory.resolve("spool"));
    }

    @AfterEach
    void close() throws IOException {
        modules.close();
        modules.close();
        assertThat(directory).isEmptyDirectory();
    }

    private void add(String path, byte[] content) throws IOException {
        modules.add(path, new ByteArrayInputStream(content));
    }

    @Test
    void whatAModuleNeedsComesBeforeIt() throws IOException {
        add("kernel/net-top.ko", TestModule.needing("left,right"));
        add("kernel/left.ko", TestModule.needing("base"));
        add("kernel/right.ko.xz", TestDeb.xz(TestModule.needing("base")));
        add("kernel/base.ko", TestModule.needing(""));
        add("kernel/other.ko", TestModule.needing(""));

        Map<String, ModuleSet.Module> chosen = modules.withDependencies(List.of("net_top"));

        assertThat(chosen.keySet()).containsExactly("base", "left", "right", "net_top");
    }

    @Test
    void theListOfNeedsEndsWithWhatIsLoadedFirst() throws IOException {
        add("top.ko", TestModule.needing("middle,base"));
        add("middle.ko", TestModule.needing("base"));
        add("base.ko", TestModule.needing(""));
        Map<String, ModuleSet.Module> chosen = modules.withDependencies(List.of("top"));

        List<ModuleSet.Module> needs = ModuleSet.needs(chosen.get("top"), chosen);

        assertThat(needs).extracting(ModuleSet.Module::name).containsExactly("middle", "base");
    }

    @Test
    void aPackedModuleIsHadBothWays() throws IOException {
        byte[] plain = TestModule.needing("");
        byte[] packed = TestDeb.xz(plain);
        add("kernel/fs/x.ko.xz", packed);

        ModuleSet.Module module = modules.withDependencies(List.of("x")).get("x");

        assertThat(module.content()).isEqualTo(plain);
        assertThat(module.path()).isEqualTo("kernel/fs/x.ko");
        assertThat(module.packedPath()).isEqualTo("kernel/fs/x.ko.xz");
        assertThat(modules.packed("x")).isEqualTo(packed);
    }

    @Test
    void aWantedModuleThatDoesNotExistIsPassedOver() throws IOException {
        assertThat(modules.withDependencies(List.of("built_in"))).isEmpty();
    }

    @Test
    void aNeededModuleThatDoesNotExistIsAnError() throws IOException {
        add("x.ko", TestModule.needing("gone"));

        assertThatThrownBy(() -> modules.withDependencies(List.of("x")))
                .hasMessage("the kernel package lacks the module gone");
    }

    @Test
    void modulesThatNeedEachOtherAreAnError() throws IOException {
        add("x.ko", TestModule.needing("y"));
        add("y.ko", TestModule.needing("x"));

        assertThatThrownBy(() -> modules.withDependencies(List.of("x")))
                .hasMessageContaining("need each other");
    }
}
