package dev.dalang.riscv.internal.translator;

import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.Instruction;
import java.lang.classfile.Label;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.ArrayLoadInstruction;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.ConstantInstruction;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.IncrementInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.classfile.instruction.LoadInstruction;
import java.lang.classfile.instruction.LookupSwitchInstruction;
import java.lang.classfile.instruction.StoreInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.DynamicConstantDesc;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The bytecode of a region as text: an instruction a line, labels in the order of their places,
 * guest registers by their names.
 */
final class RegionListing {
    /** Names of the locals that all regions have, by {@link Frame}'s numbers. */
    private static final Map<Integer, String> LOCALS =
            Map.ofEntries(
                    Map.entry(0, "this"),
                    Map.entry(Frame.CORE, "core"),
                    Map.entry(Frame.MMU, "mmu"),
                    Map.entry(Frame.OTHERS, "others"),
                    Map.entry(Frame.BASE, "base"),
                    Map.entry(Frame.LIMIT, "limit"),
                    Map.entry(Frame.X, "x"),
                    Map.entry(Frame.F, "f"),
                    Map.entry(Frame.READ_TLB, "readTlb"),
                    Map.entry(Frame.WRITE_TLB, "writeTlb"),
                    Map.entry(Frame.COUNT, "count"),
                    Map.entry(Frame.QUANTUM, "quantum"),
                    Map.entry(Frame.INDEX, "index"),
                    Map.entry(Frame.ADDRESS, "address"),
                    Map.entry(Frame.VALUE, "value"),
                    Map.entry(Frame.FP_STATUS, "fpStatus"),
                    Map.entry(Frame.ROUNDING, "rounding"));

    private final Map<Integer, String> locals = new HashMap<>(LOCALS);
    private final Map<Label, String> labels = new HashMap<>();
    private final StringBuilder text = new StringBuilder();

    private RegionListing() {}

    /** The listing of a plan's region. */
    static String of(RegionPlan plan, long offsetMask, RegionCompiler.Shape shape) {
        byte[] bytes = RegionCompiler.generate(plan, offsetMask, shape);
        CodeModel code =
                ClassFile.of().parse(bytes).methods().stream()
                        .filter(method -> method.methodName().equalsString("run"))
                        .findFirst()
                        .orElseThrow()
                        .code()
                        .orElseThrow();
        return new RegionListing().list(code.elementList());
    }

    private String list(List<CodeElement> elements) {
        Set<Label> targets = new HashSet<>();
        elements.forEach(element -> addTargets(element, targets));
        for (CodeElement element : elements) {
            if (element instanceof LabelTarget target && targets.contains(target.label())) {
                labels.put(target.label(), "L" + labels.size());
            }
        }
        nameRegisters(elements.stream().filter(Instruction.class::isInstance).toList());
        for (CodeElement element : elements) {
            if (element instanceof LabelTarget target && labels.containsKey(target.label())) {
                text.append(label(target.label())).append(":\n");
            } else if (element instanceof Instruction instruction) {
                text.append("  ").append(describe(instruction)).append('\n');
            }
        }
        return text.toString();
    }

    private static void addTargets(CodeElement element, Set<Label> targets) {
        if (element instanceof BranchInstruction branch) {
            targets.add(branch.target());
        } else if (element instanceof LookupSwitchInstruction choice) {
            targets.add(choice.defaultTarget());
            choice.cases().forEach(c -> targets.add(c.target()));
        }
    }

    /** A local that is loaded from an element of x or f holds that register. */
    private void nameRegisters(List<CodeElement> code) {
        for (int n = 0; n + 3 < code.size(); n++) {
            if (code.get(n) instanceof LoadInstruction file
                    && (file.slot() == Frame.X || file.slot() == Frame.F)
                    && code.get(n + 1) instanceof ConstantInstruction number
                    && code.get(n + 2) instanceof ArrayLoadInstruction
                    && code.get(n + 3) instanceof StoreInstruction register) {
                locals.putIfAbsent(register.slot(), local(file.slot()) + number.constantValue());
            }
        }
    }

    private String describe(Instruction instruction) {
        String name = instruction.opcode().name().toLowerCase(Locale.ROOT);
        return switch (instruction) {
            case LoadInstruction load -> plain(load.opcode()) + " " + local(load.slot());
            case StoreInstruction store -> plain(store.opcode()) + " " + local(store.slot());
            case IncrementInstruction add -> "iinc " + local(add.slot()) + " " + add.constant();
            case ConstantInstruction constant -> constant(constant);
            case FieldInstruction field ->
                    name + " " + type(field.owner().asSymbol()) + "." + field.name();
            case InvokeInstruction call ->
                    name
                            + " "
                            + type(call.owner().asSymbol())
                            + "."
                            + call.name()
                            + call.typeSymbol().displayDescriptor();
            case BranchInstruction branch -> name + " " + label(branch.target());
            case LookupSwitchInstruction choice -> choices(choice);
            default -> name;
        };
    }

    private String choices(LookupSwitchInstruction choice) {
        List<String> parts = new ArrayList<>();
        choice.cases().forEach(c -> parts.add(c.caseValue() + ":" + label(c.target())));
        parts.add("else:" + label(choice.defaultTarget()));
        return "lookupswitch " + String.join(" ", parts);
    }

    private static String constant(ConstantInstruction constant) {
        if (constant.constantValue() instanceof DynamicConstantDesc<?> data) {
            return "ldc data[%s] %s"
                    .formatted(data.bootstrapArgsList().getFirst(), type(data.constantType()));
        }
        String kind = constant.typeKind().name().toLowerCase(Locale.ROOT);
        return "push " + kind + " " + constant.constantValue();
    }

    /** Without the number of the local, or the width of the instruction. */
    private static String plain(Opcode opcode) {
        return opcode.name().toLowerCase(Locale.ROOT).replaceFirst("_.*", "");
    }

    private static String type(ClassDesc type) {
        return type.displayName();
    }

    private String local(int slot) {
        return locals.getOrDefault(slot, "v" + slot);
    }

    private String label(Label label) {
        return labels.getOrDefault(label, "?");
    }
}
