package dev.dalang.riscv.internal.translator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;
import dev.dalang.testkit.riscv.Rounding;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeElement;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.ConstantInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.constant.DynamicConstantDesc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * The bytecode of some regions is what was approved: a change of the translator shows here what it
 * does to code. After a change that is meant, {@code -Ddalang.approve=true} writes the listings
 * anew, for a look at their difference.
 */
class RegionFixturesTest {
    private static final Path LISTINGS =
            Path.of("src/test/resources/dev/dalang/riscv/internal/translator");
    private static final long OFFSET_MASK = (4 << 20) - 1;

    private static final RegionCompiler.Shape LARGE = new RegionCompiler.Shape(true, false);
    private static final RegionCompiler.Shape SMALL = new RegionCompiler.Shape(false, false);
    private static final RegionCompiler.Shape IN_PLACE = new RegionCompiler.Shape(true, true);

    private static final int SSTATUS = 0x100;
    private static final int FCSR = 0x003;

    private static final int WRITES = 1;
    private static final int READS = 2;
    private static final int DEVICES = 12;

    /** What is translated; what it holds is never changed. */
    @SuppressWarnings("ImmutableEnumChecker")
    private enum Program {
        ALU(
                a -> {
                    a.addi(5, 6, 100);
                    a.xor(7, 5, 6);
                    a.sltu(5, 7, 6);
                    a.srai(6, 7, 3);
                    a.li(0, 5);
                    a.ecall();
                }),
        LOOP(
                a -> {
                    Label head = a.here();
                    a.addi(5, 5, -1);
                    a.bnez(5, head);
                    a.ecall();
                }),
        NESTED_LOOP(
                a -> {
                    Label outer = a.here();
                    Label inner = a.here();
                    a.addi(5, 5, -1);
                    a.bltu(6, 5, inner);
                    a.addi(7, 7, -1);
                    a.bge(7, 0, outer);
                    a.ecall();
                }),
        CALL_AND_RETURN(
                a -> {
                    Label function = a.label();
                    a.jal(1, function);
                    a.ecall();
                    a.bind(function);
                    a.addi(10, 10, 1);
                    a.ret();
                }),
        FAR_CALL(
                a -> {
                    Label function = a.label();
                    a.call(function);
                    a.ecall();
                    a.bind(function);
                    a.ret();
                }),
        JUMP_TABLE(
                a -> {
                    Label one = a.label();
                    Label loop = a.here();
                    a.add(5, 5, 6);
                    a.jr(5);
                    a.bind(one);
                    a.j(loop);
                },
                0,
                4),
        GROUP_OF_LOADS(
                a -> {
                    a.ld(5, 0, 8);
                    a.lw(6, 12, 8);
                    a.lbu(7, 8, 8);
                    a.ecall();
                }),
        GROUP_OF_STORES(
                a -> {
                    a.sd(5, -16, 8);
                    a.sh(5, -6, 8);
                    a.ld(8, 0, 8);
                    a.ld(6, 8, 8);
                    a.ecall();
                }),
        PROLOGUE_AND_EPILOGUE(
                a -> {
                    a.addi(2, 2, -16);
                    a.sd(1, 8, 2);
                    a.sd(8, 0, 2);
                    a.ld(1, 8, 2);
                    a.ld(8, 0, 2);
                    a.addi(2, 2, 16);
                    a.ret();
                }),
        PAGE_CROSSING_BRANCH(
                a -> {
                    Label next = a.label();
                    a.space(4084);
                    Label head = a.here();
                    a.bnez(5, next);
                    a.addi(5, 5, 1);
                    a.nop();
                    a.bind(next);
                    a.addi(5, 5, -1);
                    a.j(head);
                },
                2042),
        DYNAMIC_ROUNDING(
                a -> {
                    a.fadd_d(1, 2, 3, Rounding.DYN);
                    a.fmul_d(1, 1, 2, Rounding.RTZ);
                    a.ecall();
                }),
        FLOAT_COMPARE(
                a -> {
                    a.flt_d(5, 1, 2);
                    a.feq_d(6, 1, 2);
                    a.fsgnj_d(3, 1, 1);
                    a.ecall();
                }),
        FLOAT_MEMORY(
                a -> {
                    a.flw(1, 0, 8);
                    a.fsd(2, 8, 8);
                    a.ecall();
                }),
        ATOMICS(
                a -> {
                    a.lr_d(5, 8);
                    a.sc_d(6, 5, 8);
                    a.amoadd_d(7, 5, 8);
                    a.ecall();
                }),
        CSR_INSIDE(
                a -> {
                    a.addi(5, 5, 1);
                    a.csrrs(6, SSTATUS, 5);
                    a.csrr(7, FCSR);
                    a.addi(5, 6, 1);
                    a.ecall();
                }),
        FENCE(
                a -> {
                    a.fence();
                    a.fence(READS, READS | WRITES);
                    a.fence(READS | WRITES, WRITES);
                    a.fence(READS | WRITES, READS | WRITES);
                    a.fence(READS, READS | WRITES | DEVICES);
                    a.ecall();
                }),
        SHIFTS_AND_WORDS(
                a -> {
                    a.sll(5, 6, 7);
                    a.srlw(6, 5, 7);
                    a.sraiw(7, 5, 4);
                    a.addw(5, 6, 7);
                    a.ecall();
                }),
        ROTATION_OF_WORDS(
                a -> {
                    Label end = a.label();
                    a.srliw(5, 6, 7);
                    a.slliw(6, 6, 25);
                    a.or(5, 5, 6);
                    a.xor(7, 7, 5);
                    a.lbu(6, 0, 8);
                    a.bltu(6, 5, end);
                    a.xori(5, 7, 1);
                    a.bind(end);
                    a.ecall();
                }),
        COMPARISONS(
                a -> {
                    a.slt(5, 6, 7);
                    a.slt(5, 6, 0);
                    a.sltu(5, 0, 6);
                    a.sltiu(5, 6, 1);
                    a.sltiu(5, 6, 2);
                    a.addw(6, 6, 7);
                    a.slti(5, 6, 10);
                    a.sltu(7, 6, 5);
                    a.ecall();
                }),
        MULTIPLY_AND_DIVIDE(
                a -> {
                    a.mul(5, 6, 7);
                    a.mulhu(6, 5, 7);
                    a.div(7, 5, 6);
                    a.remu(5, 6, 7);
                    a.ecall();
                }),
        ZBA_AND_ZBB(
                a -> {
                    a.sh1add(5, 6, 7);
                    a.add_uw(6, 5, 7);
                    a.andn(7, 5, 6);
                    a.clz(5, 6);
                    a.max(6, 5, 7);
                    a.rev8(7, 6);
                    a.ecall();
                }),
        SEVERAL_ENTRIES(
                a -> {
                    a.addi(5, 5, 1);
                    a.addi(6, 6, 1);
                    a.addi(7, 7, 1);
                    a.ecall();
                },
                0,
                2,
                4),
        CODE_INSIDE_CODE(
                a -> {
                    Label inside = a.label();
                    a.bnez(7, inside);
                    a.half(0x4337);
                    a.bind(inside);
                    a.half(0x6004);
                    a.ld(5, 8, 8);
                    a.ecall();
                }),
        LONG_STRAIGHT_CODE(
                a -> {
                    for (int n = 0; n < 60; n++) {
                        a.xori(5, 5, n);
                    }
                    a.ecall();
                }),
        NOTHING(a -> a.ecall());

        final Consumer<Assembler> code;
        final List<Integer> wanted;

        /**
         * @param wanted slots where control comes in, 0 if there are none
         */
        Program(Consumer<Assembler> code, Integer... wanted) {
            this.code = code;
            this.wanted = wanted.length == 0 ? List.of(0) : List.of(wanted);
        }
    }

    @ParameterizedTest
    @EnumSource(Program.class)
    void bytecodeIsAsApproved(Program program) throws IOException {
        approve(listing(program, LARGE), program.name());
    }

    @ParameterizedTest
    @EnumSource(
            value = Program.class,
            names = {"GROUP_OF_LOADS", "GROUP_OF_STORES", "FLOAT_MEMORY"})
    void smallRegionsCallWhatAccessesRam(Program program) throws IOException {
        approve(listing(program, SMALL), program.name() + "_SMALL");
    }

    @ParameterizedTest
    @EnumSource(
            value = Program.class,
            names = {"ALU", "CALL_AND_RETURN", "PROLOGUE_AND_EPILOGUE", "ATOMICS", "CSR_INSIDE"})
    void regionsWithManyWaysLeaveRegistersInTheHart(Program program) throws IOException {
        approve(listing(program, IN_PLACE), program.name() + "_IN_PLACE");
    }

    private static void approve(String listing, String name) throws IOException {
        Path file = LISTINGS.resolve(name.toLowerCase(Locale.ROOT) + ".txt");
        if (Boolean.getBoolean("dalang.approve")) {
            Files.createDirectories(LISTINGS);
            Files.writeString(file, listing);
        }

        assertThat(file).as("listing of %s", name).exists();
        assertThat(listing).isEqualTo(Files.readString(file));
    }

    private static String listing(Program program, RegionCompiler.Shape shape) {
        // Small enough for the long one to be cut.
        RegionPlan plan = Plans.of(program.code, program.wanted, 450);
        return plan.isEmpty()
                ? "no region: %s%n".formatted(RegionPlan.fallback(Plans.view(program.code).at(0)))
                : RegionListing.of(plan, OFFSET_MASK, shape);
    }

    /** Compiled code gives up where it comes to what is not linked; a hart would have to wait. */
    @ParameterizedTest
    @EnumSource(value = Program.class, mode = EnumSource.Mode.EXCLUDE, names = "NOTHING")
    void theConstructorLinksWhatLinksItselfAtItsFirstUse(Program program) {
        RegionPlan plan = Plans.of(program.code, program.wanted, 2_000);
        byte[] bytes = RegionCompiler.generate(plan, OFFSET_MASK, LARGE);

        Set<String> used = selfLinking(bytes, "run");

        assertThat(selfLinking(bytes, "<init>")).containsAll(used);
    }

    private static Set<String> selfLinking(byte[] bytes, String method) {
        Set<String> all = new TreeSet<>();
        for (MethodModel model : ClassFile.of().parse(bytes).methods()) {
            if (model.methodName().equalsString(method)) {
                for (CodeElement element : model.code().orElseThrow()) {
                    if (element instanceof InvokeInstruction call
                            && call.owner().asInternalName().equals("java/lang/invoke/VarHandle")
                            && call.opcode() != Opcode.INVOKESTATIC) {
                        all.add(call.name() + call.type().stringValue());
                    } else if (element instanceof ConstantInstruction.LoadConstantInstruction load
                            && load.constantValue() instanceof DynamicConstantDesc<?> constant) {
                        all.add(constant.toString());
                    }
                }
            }
        }
        return all;
    }

    @ParameterizedTest
    @EnumSource(Program.class)
    void listingsDoNotDependOnTheRun(Program program) {
        assertThat(listing(program, LARGE)).isEqualTo(listing(program, LARGE));
    }
}
