package dev.dalang.vm.internal.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.Map;

class CacheTest {

    @Test
    void theUsersDirectoryFollowsTheEnvironment() {
        assertThat(Cache.userDirectory(Map.of("XDG_CACHE_HOME", "/var/c"), "/home/u"))
                .isEqualTo(Path.of("/var/c/dalang"));
    }

    @Test
    void withoutTheVariableItIsBelowTheHome() {
        assertThat(Cache.userDirectory(Map.of(), "/home/u"))
                .isEqualTo(Path.of("/home/u/.cache/dalang"));
    }

    @Test
    void anEmptyOrRelativeVariableIsIgnored() {
        Path below = Path.of("/home/u/.cache/dalang");

        assertThat(Cache.userDirectory(Map.of("XDG_CACHE_HOME", ""), "/home/u")).isEqualTo(below);
        assertThat(Cache.userDirectory(Map.of("XDG_CACHE_HOME", "c"), "/home/u")).isEqualTo(below);
    }
}
