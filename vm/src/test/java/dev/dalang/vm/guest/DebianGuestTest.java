package dev.dalang.vm.guest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.vm.Vm;
import dev.dalang.vm.VmExit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;

/** What the default guest offers at its prompt. */
@Tag("boot")
class DebianGuestTest {
    private static final Duration BOOT = Duration.ofMinutes(4);
    private static final Duration COMMAND = Duration.ofMinutes(2);
    private static final String PROMPT = "~ # ";

    private Vm vm;

    @BeforeEach
    void boot() throws InterruptedException {
        vm = Vm.builder().guest(Guests.debian()).build();
        vm.start();
        vm.console().await(PROMPT, BOOT);
    }

    @AfterEach
    void close() {
        if (vm != null) {
            vm.close();
        }
    }

    private String command(String command) throws InterruptedException {
        vm.console().write(command + "; echo 'end''-of-command'\n");
        String answer = vm.console().await("end-of-command", COMMAND);
        vm.console().await(PROMPT, COMMAND);
        return answer.lines().skip(1).reduce("", (a, b) -> a + b + "\n");
    }

    @Test
    void modulesLoadWithWhatTheyNeedPackedOrNot() throws InterruptedException {
        assertThat(command("modprobe virtio_net && lsmod"))
                .contains("virtio_net", "net_failover", "failover");
        assertThat(command("modprobe squashfs && modprobe 9pnet_virtio && lsmod"))
                .contains("squashfs", "9pnet_virtio", "9pnet");
        // By a device's alias, as the kernel and coldplug ask for them.
        assertThat(command("modprobe virtio:d00000002v00001AF4 && lsmod")).contains("virtio_blk");
        assertThat(vm.console().transcript()).doesNotContain("Invalid ELF", "not found in");
    }

    @Test
    void theShellHasJobControlAndInterruptsWhatRuns() throws InterruptedException {
        assertThat(command("tty")).contains("/dev/ttyS0");
        vm.console().write("echo be''gun; sleep 1000\n");
        vm.console().await("begun", COMMAND);
        vm.console().write("\u0003");
        vm.console().await(PROMPT, COMMAND);

        assertThat(command("echo status $?")).contains("status 130");
    }

    @ParameterizedTest
    @ValueSource(strings = {"poweroff", "poweroff -f", "exit"})
    void theMachineGoesOffInEachWay(String command) throws InterruptedException {
        vm.console().write(command + "\n");

        assertThat(vm.awaitExit(COMMAND)).contains(new VmExit.PoweredOff());
    }
}
