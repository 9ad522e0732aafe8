package dev.dalang.vm;

import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.vm.internal.boot.ElfBuilder;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;

/** Machines that run a few instructions of our own. */
final class BareMachine {
    static final long RAM = 0x8000_0000L;
    static final long TO_HOST = RAM + 0x1000;
    static final long FROM_HOST = RAM + 0x1040;
    static final long FINISHER = 0x10_0000;
    static final long UART = 0x1000_0000;

    private final Path directory;

    BareMachine(Path directory) {
        this.directory = directory;
    }

    /** A builder for a machine that runs this program in M-mode. */
    VmBuilder program(Consumer<Assembler> program) {
        return Vm.builder().memory(MemorySize.MiB(64)).bare(file(program));
    }

    /** The program as an ELF file. */
    Path file(Consumer<Assembler> program) {
        byte[] code = Assembler.assemble(RAM, program);
        byte[] elf =
                new ElfBuilder()
                        .segment(RAM, code, code.length)
                        .segment(TO_HOST, new byte[8], 128)
                        .symbol("tohost", TO_HOST)
                        .symbol("fromhost", FROM_HOST)
                        .entry(RAM)
                        .build();
        return write("program.elf", elf);
    }

    /** A kernel image that runs this program in S-mode. */
    Path kernel(Consumer<Assembler> program) {
        byte[] image =
                Assembler.assemble(
                        RAM + (2 << 20),
                        a -> {
                            var start = a.label();
                            a.j(start);
                            a.align(8);
                            a.dword(2 << 20);
                            a.dword(1 << 20);
                            for (int i = 0; i < 4; i++) {
                                a.dword(0);
                            }
                            a.word(0x05435352);
                            a.word(0);
                            a.bind(start);
                            program.accept(a);
                        });
        return write("Image", image);
    }

    Path write(String name, byte[] content) {
        try {
            return Files.write(directory.resolve(name), content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void spin(Assembler a) {
        a.j(0);
    }
}
