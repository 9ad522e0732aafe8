package dev.dalang.bench.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import picocli.CommandLine;

final class SoakCommandTest {
    private static Object parse(String... words) {
        var parsed = new CommandLine(new SoakCommand()).parseArgs(words);
        return parsed.subcommand().commandSpec().userObject();
    }

    @Test
    void fiftyBootsWithOneTwoAndFourHartsAreTheDefault() {
        var boots = (SoakCommand.Boots) parse("--root=tree", "boots");
        assertThat(boots.count()).isEqualTo(50);
        assertThat(boots.harts()).containsExactly(1, 2, 4);
        var few = (SoakCommand.Boots) parse("boots", "3", "8", "1");
        assertThat(few.count()).isEqualTo(3);
        assertThat(few.harts()).containsExactly(8, 1);
    }

    @Test
    void anHourWithTwoHartsIsTheDefault() {
        var stress = (SoakCommand.Stress) parse("stress");
        assertThat(stress.minutes()).isEqualTo(60);
        assertThat(stress.cpus()).isEqualTo(2);
        var few = (SoakCommand.Stress) parse("stress", "5", "4");
        assertThat(few.minutes()).isEqualTo(5);
        assertThat(few.cpus()).isEqualTo(4);
    }
}
