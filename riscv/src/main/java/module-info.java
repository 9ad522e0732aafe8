import org.jspecify.annotations.NullMarked;

/** The RISC-V hart, its interrupt controllers, SBI, and the engines that execute guest code. */
@NullMarked
module dev.dalang.riscv {
    requires transitive dev.dalang.bus;
    requires jdk.jfr;
    requires static org.jspecify;

    exports dev.dalang.riscv;
    exports dev.dalang.riscv.debug;
    exports dev.dalang.riscv.intc;
    exports dev.dalang.riscv.sbi;
}
