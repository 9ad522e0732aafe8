package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.time.Duration;

/** GDB at the distribution's own kernel: virtual addresses, page tables, harts that sleep. */
@Tag("boot")
class GdbGuestTest {
    private static final Duration BOOT = Duration.ofMinutes(4);
    private static final Duration COMMAND = Duration.ofMinutes(1);
    private static final String PROMPT = "~ # ";

    @Test
    void kernelFunctionIsStoppedSteppedAndLeft() throws Exception {
        try (Vm vm =
                Vm.builder().guest(Guests.debian()).cpus(2).gdb(new GdbPort(0, false)).build()) {
            vm.start();
            vm.console().await(PROMPT, BOOT);
            long function = symbol(vm, "do_sys_openat2");
            long banner = symbol(vm, "linux_banner");
            try (Gdb gdb = Gdb.connect(vm.gdbPort().orElseThrow())) {
                assertThat(gdb.ask("info threads")).contains("hart 0", "hart 1");
                // Most of a Linux hart's life is spent in the kernel's idle loop.
                assertThat(gdb.value("(unsigned long) $satp >> 60")).isBetween(8L, 10L);
                assertThat(gdb.ask("x/s " + hex(banner))).contains("Linux version");

                gdb.ask("break *" + hex(function));
                gdb.send("continue");
                vm.console().write("cat /proc/version\n");
                assertThat(gdb.receive()).contains("Breakpoint 1");
                assertThat(gdb.value("$pc")).isEqualTo(function);
                assertThat(gdb.value("$priv")).isEqualTo(1);
                // Its second argument is the file's name, in the memory of the process.
                assertThat(gdb.ask("x/s $a1")).contains("\"/");
                gdb.ask("delete");
                gdb.ask("stepi");
                assertThat(gdb.value("$pc")).isNotEqualTo(function);
                // Its caller is where it returns to.
                long caller = gdb.value("$ra");
                gdb.ask("tbreak *" + hex(caller));
                gdb.ask("continue");
                assertThat(gdb.value("$pc")).isEqualTo(caller);
                gdb.ask("detach");
            }
            vm.console().await("Linux version", COMMAND);
            vm.console().await(PROMPT, COMMAND);
            vm.console().write("poweroff -f\n");
            assertThat(vm.awaitExit(COMMAND)).contains(new VmExit.PoweredOff());
        }
    }

    private static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }

    private static long symbol(Vm vm, String name) throws InterruptedException {
        vm.console().write("grep -w " + name + " /proc/kallsyms; echo 'fou''nd'\n");
        String answer = vm.console().await("found", COMMAND);
        vm.console().await(PROMPT, COMMAND);
        return answer.lines()
                .filter(line -> line.matches("[0-9a-f]{16} [a-zA-Z] " + name + "\\s*"))
                .mapToLong(line -> Long.parseUnsignedLong(line.substring(0, 16), 16))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no symbol " + name + " in " + answer));
    }
}
