package dev.dalang.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.vm.Vm;
import dev.dalang.vm.VmBuilder;
import dev.dalang.vm.VmExit;

import java.time.Duration;

/** A Linux in a machine of ours, at the prompt of a shell on its serial port. */
final class DalangGuest implements LinuxGuest {
    private static final String PROMPT = "~ # ";

    /** Long, for machines that have much else to do. */
    private static final Duration LIMIT = Duration.ofMinutes(10);

    private final Vm vm;

    private DalangGuest(Vm vm) {
        this.vm = vm;
    }

    /** Builds and starts the machine; the guest is on its way. */
    static DalangGuest start(VmBuilder builder) {
        Vm vm = builder.build();
        vm.start();
        return new DalangGuest(vm);
    }

    /** Waits until the guest has booted. */
    void awaitPrompt() throws InterruptedException {
        vm.console().await(PROMPT, LIMIT);
        command("dmesg -n 1");
    }

    @Override
    public String command(String command) throws InterruptedException {
        // The markers are not what the terminal echoes.
        vm.console().write("(echo 'answer'':'; " + command + "); echo 'end''-of-answer'\n");
        vm.console().await("answer:\r\n", LIMIT);
        String answer = vm.console().await("end-of-answer", LIMIT);
        vm.console().await(PROMPT, LIMIT);
        return answer.substring(0, answer.length() - "end-of-answer".length()).replace("\r", "");
    }

    void powerOff() throws InterruptedException {
        vm.console().write("poweroff -f\n");
        assertThat(vm.awaitExit(LIMIT)).contains(new VmExit.PoweredOff());
    }

    @Override
    public void close() {
        vm.close();
    }
}
