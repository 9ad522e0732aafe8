package dev.dalang.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.vm.VmExit;

import org.junit.jupiter.api.Test;

import java.time.Duration;

class ExitCodeTest {

    @Test
    void anEndThatSomebodyWantedIsZero() {
        assertThat(ExitCode.of(new VmExit.PoweredOff())).isZero();
        assertThat(ExitCode.of(new VmExit.Stopped())).isZero();
        assertThat(ExitCode.of(new VmExit.ResetRequested())).isZero();
    }

    @Test
    void aGuestThatFailsIsOne() {
        assertThat(ExitCode.of(new VmExit.Panicked("x"))).isEqualTo(1);
        assertThat(ExitCode.of(new VmExit.Stuck(0, "x"))).isEqualTo(1);
    }

    @Test
    void aFailureKeepsItsNumberAsFarAsAStatusHoldsIt() {
        assertThat(ExitCode.of(new VmExit.Failed(7))).isEqualTo(7);
        assertThat(ExitCode.of(new VmExit.Failed(255))).isEqualTo(255);
        assertThat(ExitCode.of(new VmExit.Failed(256))).isEqualTo(1);
        assertThat(ExitCode.of(new VmExit.Failed(-1))).isEqualTo(1);
    }

    @Test
    void aLimitIsThatOfTheTimeoutCommand() {
        assertThat(ExitCode.of(new VmExit.TimedOut(Duration.ofSeconds(1)))).isEqualTo(124);
        assertThat(ExitCode.of(new VmExit.InstructionLimitReached(1))).isEqualTo(124);
    }

    @Test
    void aDefectOfOursIsNeitherAMistakeNorTheGuests() {
        assertThat(ExitCode.of(new VmExit.Crashed(new Error()))).isEqualTo(70);
        assertThat(ExitCode.of(new VmExit.Blocked(0, "x"))).isEqualTo(70);
    }
}
