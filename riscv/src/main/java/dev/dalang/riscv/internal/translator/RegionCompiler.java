package dev.dalang.riscv.internal.translator;

import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;
import static java.lang.constant.ConstantDescs.INIT_NAME;

import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.riscv.internal.core.Region;

import java.lang.classfile.ClassFile;
import java.lang.constant.ClassDesc;
import java.lang.constant.DirectMethodHandleDesc;
import java.lang.constant.DynamicConstantDesc;
import java.lang.constant.MethodHandleDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * Turns a {@link RegionPlan} into a hidden class with one method. RAM and the pages of code are
 * class data, so that the JVM's compiler takes them for constants.
 */
final class RegionCompiler {
    private static final ClassDesc GENERATED =
            ClassDesc.of(RegionCompiler.class.getPackageName(), "Translated");

    private static final MethodTypeDesc CONSTRUCTOR = MethodTypeDesc.of(CD_void, CD_int);

    private static final DirectMethodHandleDesc CLASS_DATA_AT =
            MethodHandleDesc.ofMethod(
                    DirectMethodHandleDesc.Kind.STATIC,
                    ClassDesc.of(MethodHandles.class.getName()),
                    "classDataAt",
                    MethodTypeDesc.ofDescriptor(
                            "(Ljava/lang/invoke/MethodHandles$Lookup;Ljava/lang/String;"
                                    + "Ljava/lang/Class;I)Ljava/lang/Object;"));

    /**
     * What generated code may do in one of two ways, of which one is faster.
     *
     * @param direct whether accesses to RAM are made for a large region, see {@link MemoryForms}
     * @param inPlace whether general registers stay in the hart, see {@link Frame}
     */
    record Shape(boolean direct, boolean inPlace) {}

    private final MemorySegment ram;
    private final long offsetMask;
    private final MethodHandles.Lookup lookup = MethodHandles.lookup();

    RegionCompiler(MemoryRegion ram) {
        long size = ram.size();
        boolean isPadded = ram.padded().byteSize() >= size + Long.BYTES;
        this.ram = ram.padded();
        this.offsetMask = isPadded && Long.bitCount(size) == 1 ? size - 1 : -1;
    }

    /**
     * What changes no offset in RAM, and tells the JVM's compiler that an access there lies inside
     * what is padded; -1 if there is no such mask.
     */
    long offsetMask() {
        return offsetMask;
    }

    /** The element of the class data with an index, as a constant of a type. */
    static DynamicConstantDesc<Object> classData(ClassDesc type, int index) {
        return DynamicConstantDesc.ofNamed(CLASS_DATA_AT, "_", type, index);
    }

    /**
     * The bytes of the class for a plan.
     *
     * @param offsetMask see {@link #offsetMask}
     * @param shape what is done in one of two ways
     */
    static byte[] generate(RegionPlan plan, long offsetMask, Shape shape) {
        return ClassFile.of(ClassFile.DebugElementsOption.DROP_DEBUG)
                .build(
                        GENERATED,
                        c -> {
                            c.withFlags(ClassFile.ACC_FINAL | ClassFile.ACC_SYNTHETIC);
                            c.withSuperclass(Types.REGION);
                            c.withMethodBody(
                                    INIT_NAME,
                                    CONSTRUCTOR,
                                    0,
                                    b -> {
                                        b.aload(0).iload(1);
                                        b.invokespecial(Types.REGION, INIT_NAME, CONSTRUCTOR);
                                        RegionBody.link(b, plan, shape);
                                        b.return_();
                                    });
                            c.withMethodBody(
                                    "run",
                                    MethodTypeDesc.of(
                                            CD_long,
                                            Types.CORE,
                                            Types.MMU,
                                            Types.OTHERS,
                                            CD_long,
                                            CD_long),
                                    ClassFile.ACC_PUBLIC,
                                    b -> new RegionBody(plan, b, offsetMask, shape).emit());
                        });
    }

    /**
     * The region of a plan.
     *
     * @throws ReflectiveOperationException if the JVM does not take the class
     */
    Region define(RegionPlan plan, byte[] bytes) throws ReflectiveOperationException {
        List<Object> data = new ArrayList<>();
        data.add(ram);
        RegionBody.pagesInOrder(plan).forEach(number -> data.add(plan.pages.get(number)));
        MethodHandles.Lookup hidden =
                lookup.defineHiddenClassWithClassData(bytes, List.copyOf(data), true);
        return (Region)
                hidden.lookupClass()
                        .getDeclaredConstructor(int.class)
                        .newInstance(plan.code.size());
    }

    /** Descriptors of what generated code names. */
    static final class Types {
        static final ClassDesc REGION = of(Region.class);
        static final ClassDesc CORE = of(dev.dalang.riscv.internal.core.HartCore.class);
        static final ClassDesc MMU = of(dev.dalang.riscv.internal.core.Mmu.class);
        static final ClassDesc OTHERS = of(Region.OtherOps.class);
        static final ClassDesc PAGE = of(dev.dalang.riscv.internal.core.CodePage.class);
        static final ClassDesc RAM_ACCESS = of(dev.dalang.riscv.internal.core.Ram.class);
        static final ClassDesc SEGMENT = of(MemorySegment.class);
        static final ClassDesc VAR_HANDLE = of(VarHandle.class);
        static final ClassDesc FP_STATUS = of(dev.dalang.riscv.internal.fp.FpStatus.class);
        static final ClassDesc SPECULATION =
                of(dev.dalang.riscv.internal.engine.BranchSpeculation.class);
        static final ClassDesc LONG = of(Long.class);
        static final ClassDesc LONGS = CD_long.arrayType();
        static final MethodTypeDesc COMPARE = MethodTypeDesc.of(CD_int, CD_long, CD_long);

        private Types() {}

        static ClassDesc of(Class<?> type) {
            return ClassDesc.ofDescriptor(type.descriptorString());
        }
    }
}
