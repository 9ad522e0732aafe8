package dev.dalang.vm.internal.board;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.BusDevice;
import dev.dalang.riscv.Hart;
import dev.dalang.riscv.HartGroup;
import dev.dalang.riscv.HartState;
import dev.dalang.riscv.PrivilegeMode;
import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.vm.Console;
import dev.dalang.vm.InterruptArchitecture;
import dev.dalang.vm.internal.boot.ElfBuilder;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

class VirtBoardTest {
    private static final long ENTRY = VirtMap.RAM + (2 << 20);

    @TempDir private Path directory;
    private final Console console = Console.create();

    @AfterEach
    void tearDown() {
        console.close();
    }

    private VirtBoard board(int cpus, InterruptArchitecture aia) throws IOException {
        byte[] code = Assembler.assemble(ENTRY, a -> a.j(0));
        Path kernel =
                Files.write(
                        directory.resolve("kernel.elf"),
                        new ElfBuilder().segment(ENTRY, code, code.length).entry(ENTRY).build());
        VirtBoard board =
                VirtBoard.of(
                        new BoardConfiguration(
                                64 << 20,
                                cpus,
                                Optional.of(kernel),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                List.of(),
                                Optional.empty(),
                                aia,
                                HartGroup.defaultEngine(),
                                List.of(),
                                VirtioChoice.DEFAULT,
                                Long.MAX_VALUE,
                                Optional.empty(),
                                Optional.empty()),
                        console.backend(),
                        new Nobody());
        board.boot();
        return board;
    }

    @Test
    void firmwareLeavesTheBootHartInSupervisorModeAndTheOthersStopped() throws IOException {
        try (VirtBoard board = board(3, InterruptArchitecture.APLIC_IMSIC)) {
            Hart boot = board.harts().getFirst();
            assertThat(boot.privilege()).isEqualTo(PrivilegeMode.S);
            assertThat(boot.pc()).isEqualTo(ENTRY);
            assertThat(board.memory().readInt(boot.register(11))).isEqualTo(0xEDFE0DD0);
            assertThat(board.harts())
                    .extracting(Hart::state)
                    .containsExactly(HartState.STARTED, HartState.STOPPED, HartState.STOPPED);
        }
    }

    @Test
    void whatWasAskedOfAHartBeforeAResetIsForgotten() throws IOException {
        try (VirtBoard board = board(2, InterruptArchitecture.APLIC_IMSIC)) {
            Hart second = board.harts().get(1);
            second.post(hart -> hart.setState(HartState.STARTED));

            board.boot();
            second.runPostedTasks();

            assertThat(second.state()).isEqualTo(HartState.STOPPED);
        }
    }

    @Test
    void resetTakesEverythingBack() throws IOException {
        try (VirtBoard board = board(2, InterruptArchitecture.NONE)) {
            Hart boot = board.harts().getFirst();
            boot.step(10);
            boot.setCsr(0x180, 8L << 60);
            boot.setRegister(5, 77);
            board.memory().writeInt(ENTRY, 0);

            board.boot();

            assertThat(boot.csr(0x180)).isZero();
            assertThat(boot.register(5)).isZero();
            assertThat(boot.instructionsRetired()).isZero();
            boot.step(10);
            assertThat(boot.pc()).as("the kernel, loaded again, spins").isEqualTo(ENTRY);
        }
    }

    /** With the set-up that firmware does in the domain of M-mode. */
    @Test
    void aplicSendsItsMessagesToTheSupervisorsFiles() throws IOException {
        try (VirtBoard board = board(4, InterruptArchitecture.APLIC_IMSIC)) {
            // domaincfg: IE and DM; source 20 rising edge; target hart 3, identity 9; enabled.
            board.io().mmioWrite(VirtMap.APLIC_S, 4, 0x104);
            board.io().mmioWrite(VirtMap.APLIC_S + 4 + 19 * 4, 4, 4);
            board.io().mmioWrite(VirtMap.APLIC_S + 0x3004 + 19 * 4, 4, 3 << 18 | 9);
            board.io().mmioWrite(VirtMap.APLIC_S + 0x1EDC, 4, 20);
            Hart target = board.harts().get(3);
            // siselect eidelivery, eie0: deliver, and let identity 9 through.
            target.setCsr(0x150, 0x70);
            target.setCsr(0x151, 1);
            target.setCsr(0x150, 0xC0);
            target.setCsr(0x151, 1 << 9);

            board.wire(new Named(), 20).raise();

            assertThat(target.csr(0x344) >>> 9 & 1).as("SEIP").isEqualTo(1);
            assertThat(target.csr(0x15C) >>> 16).as("stopei").isEqualTo(9);
        }
    }

    private static final class Named implements BusDevice {
        @Override
        public String label() {
            return "named";
        }

        @Override
        public String typeId() {
            return "named";
        }
    }

    private static final class Nobody implements BoardListener {
        @Override
        public void poweredOff() {
            throw new AssertionError("nobody switched off");
        }

        @Override
        public void resetRequested() {
            throw new AssertionError("nobody reset");
        }

        @Override
        public void failed(long code) {
            throw new AssertionError("nobody failed");
        }

        @Override
        public void stuck(int hart, String reason) {
            throw new AssertionError("nobody was stuck");
        }
    }
}
