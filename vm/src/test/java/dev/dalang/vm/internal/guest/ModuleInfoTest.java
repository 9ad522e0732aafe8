package dev.dalang.vm.internal.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

class ModuleInfoTest {

    @Test
    void dependenciesAndAliasesAreRead() throws IOException {
        byte[] module = TestModule.needing("net-failover,virtio", "virtio:d00000001v*", "net-x");

        assertThat(ModuleInfo.parse(module))
                .isEqualTo(
                        new ModuleInfo(
                                List.of("net_failover", "virtio"),
                                List.of("virtio:d00000001v*", "net-x")));
    }

    @Test
    void aModuleThatNeedsNothingHasNoDependencies() throws IOException {
        assertThat(ModuleInfo.parse(TestModule.needing("")).depends()).isEmpty();
    }

    @Test
    void aModuleCutAnywhereIsRefused() {
        byte[] module = TestModule.needing("a", "b");
        for (int length = 0; length < module.length; length++) {
            byte[] cut = Arrays.copyOf(module, length);
            assertThatThrownBy(() -> ModuleInfo.parse(cut)).isInstanceOf(IOException.class);
        }
    }

    @Test
    void anotherKindOfFileIsRefused() {
        assertThatThrownBy(() -> ModuleInfo.parse(new byte[4096]))
                .hasMessageContaining("not a little-endian ELF-64 file");
    }

    @Test
    void damagedModulesAreRefusedOrReadButNeverCrash() {
        long seed = 20260101;
        Random random = new Random(seed);
        byte[] module = TestModule.needing("a,b", "c", "d");
        for (int round = 0; round < 20_000; round++) {
            byte[] damaged = module.clone();
            for (int i = random.nextInt(1, 5); i > 0; i--) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
            }
            try {
                assertThat(ModuleInfo.parse(damaged)).isNotNull();
            } catch (IOException e) {
                assertThat(e).as("seed %d, round %d", seed, round).hasMessageContaining("module");
            }
        }
    }
}
