package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.DATA;
import static dev.dalang.riscv.HartFixture.RAM;

import dev.dalang.bus.GuestIo;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.testkit.riscv.Assembler;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;

/**
 * A hart in a random state before a program of random instructions, legal and not. Two of the same
 * seed are the same.
 */
final class RandomMachine {
    private static final int PROGRAM_BYTES_LOG = 13;
    private static final long HANDLER = RAM + 0x8000;
    private static final int RAM_BYTES = 2 << 20;
    private static final long ROOT = RAM + RAM_BYTES - 0x1000;

    /** Tables of an address space in which the program's two pages have changed places. */
    private static final long SWAPPED = RAM + RAM_BYTES - 0x4000;

    /** Opcodes that are worth trying, some of them more often than others. */
    private static final int[] OPCODES = {
        0x03, 0x07, 0x0f, 0x13, 0x13, 0x1b, 0x17, 0x23, 0x23, 0x27, 0x2f, 0x33, 0x33, 0x33, 0x37,
        0x3b, 0x3b, 0x43, 0x47, 0x4b, 0x4f, 0x53, 0x53, 0x53, 0x63, 0x63, 0x67, 0x6f, 0x73, 0x5b
    };

    /** What the handler and the comparison need for themselves. */
    private static final Set<Integer> RESERVED_CSRS =
            Set.of(Csr.MTVEC, Csr.MSCRATCH, Csr.MEDELEG, Csr.MIDELEG);

    private static final List<PrivilegeMode> MODES = List.of(PrivilegeMode.values());

    private static final int WFI = 0x1050_0073;

    final GuestMemory memory =
            GuestMemory.of(new MemoryRegion(RAM, Arena.ofAuto().allocate(RAM_BYTES, 4096)));
    final HartGroup group;
    final Hart hart;

    RandomMachine(long seed, EngineKind engine, long maxInstructions) {
        this(seed, memory -> HartGroup.of(memory, List.of(), engine, new byte[0]), maxInstructions);
    }

    RandomMachine(long seed, Function<GuestMemory, HartGroup> grouping, long maxInstructions) {
        GuestIo io =
                new GuestIo() {
                    @Override
                    public long load(long address, int size) {
                        long value = address * 0x9e37_79b9_7f4a_7c15L;
                        return size == 8 ? value : value & (1L << 8 * size) - 1;
                    }

                    @Override
                    public void store(long address, int size, long value) {
                        // Taken, and of no effect.
                    }
                };
        group = grouping.apply(memory);
        hart =
                Hart.builder(0)
                        .group(group)
                        .io(io)
                        .clock(new ManualVirtualClock())
                        .maxInstructions(maxInstructions)
                        .build();
        hart.reset(RAM);
        Random random = new Random(seed);
        memory.copyIn(RAM, program(random));
        memory.copyIn(HANDLER, handler());
        hart.fenceInstructions();
        for (int n = 1; n < 32; n++) {
            hart.setRegister(n, Operand.random(random));
            hart.setFpRegister(n, random.nextLong());
        }
        // Four registers point to data, and are what loads and stores are made with.
        for (int n = 8; n < 12; n++) {
            hart.setRegister(n, DATA + 0x1000L * n + random.nextInt(64));
        }
        if (random.nextBoolean()) {
            // Sv39 with RAM where it is, for the supervisor or the user.
            long flags = random.nextBoolean() ? PageTables.ALL : PageTables.ALL | PageTables.U;
            memory.writeLong(ROOT + 16, PageTables.leaf(RAM, flags));
            hart.setCsr(Csr.SATP, 8L << 60 | ROOT >>> 12);
        }
        hart.setCsr(Csr.MTVEC, HANDLER);
        hart.setCsr(Csr.PMPADDR0, -1);
        hart.setCsr(Csr.PMPCFG0, 0x1f);
        hart.setCsr(Csr.MSTATUS, Csr.MSTATUS_FS | random.nextInt(2) * Csr.MSTATUS_MPP_S);
        hart.setCsr(Csr.MENVCFG, random.nextLong());
        hart.setCsr(Csr.MCOUNTEREN, random.nextInt());
        hart.setPrivilege(MODES.get(random.nextInt(MODES.size())));
    }

    /** Changes the address space: bare, or Sv39 with RAM where it is, or with pages swapped. */
    void enterAddressSpace(int choice) {
        long root = ROOT;
        if (choice >= 2) {
            root = SWAPPED;
            long pages = SWAPPED + 0x2000;
            memory.writeLong(SWAPPED + 16, SWAPPED + 0x1000 >>> 12 << 10 | PageTables.V);
            memory.writeLong(SWAPPED + 0x1000, pages >>> 12 << 10 | PageTables.V);
            long flags = choice == 2 ? PageTables.ALL : PageTables.ALL | PageTables.U;
            for (int page = 0; page < 512; page++) {
                int target = page < 2 ? 1 - page : page;
                memory.writeLong(pages + 8L * page, PageTables.leaf(RAM + 0x1000L * target, flags));
            }
        }
        hart.setCsr(Csr.SATP, choice == 0 ? 0 : 8L << 60 | root >>> 12);
        hart.flushTlb();
    }

    /** Writes other instructions into the program; a fence must follow. */
    void rewrite(long seed) {
        Random random = new Random(seed);
        long at = RAM + (random.nextInt(1 << PROGRAM_BYTES_LOG - 6) << 6);
        for (int n = 0; n < 16; n++) {
            memory.writeInt(at + 4L * n, instruction(random));
        }
    }

    /** Makes one of the pointers point a few bytes before or behind the end of a page. */
    void pointAtPageEnd(long value) {
        long page = DATA + 0x1000L * (value >>> 8 & 15);
        hart.setRegister(8 + (int) (value & 3), page + 0x1000 - (value >>> 16 & 15));
    }

    /** After a trap, goes on one word behind the place where the last trap went on. */
    private static byte[] handler() {
        return Assembler.assemble(
                HANDLER,
                a -> {
                    a.csrr(31, Csr.MSCRATCH);
                    a.addi(31, 31, 4);
                    a.slli(31, 31, 64 - PROGRAM_BYTES_LOG);
                    a.srli(31, 31, 64 - PROGRAM_BYTES_LOG);
                    a.csrw(Csr.MSCRATCH, 31);
                    a.li(30, RAM);
                    a.add(31, 31, 30);
                    a.csrw(Csr.MEPC, 31);
                    a.mret();
                });
    }

    Map<String, Object> state() {
        Map<String, Object> state = new LinkedHashMap<>();
        state.put("pc", Long.toHexString(hart.pc()));
        state.put("privilege", hart.privilege());
        for (int n = 0; n < 32; n++) {
            state.put("x" + n, Long.toHexString(hart.register(n)));
            state.put("f" + n, Long.toHexString(hart.fpRegister(n)));
        }
        for (int csr = 0; csr < 0x1000; csr++) {
            long value = hart.csr(csr);
            if (value != 0) {
                state.put("csr " + Integer.toHexString(csr), Long.toHexString(value));
            }
        }
        byte[] bytes = new byte[RAM_BYTES];
        memory.copyOut(RAM, bytes);
        state.put("memory", Arrays.hashCode(bytes));
        return state;
    }

    private static byte[] program(Random random) {
        return Assembler.assemble(
                RAM,
                a -> {
                    while (a.position() < RAM + (1 << PROGRAM_BYTES_LOG)) {
                        int half = random.nextInt(0x1_0000);
                        if (random.nextInt(4) == 0 && (half & 3) != 3) {
                            a.half(half);
                        } else {
                            a.word(instruction(random));
                        }
                    }
                });
    }

    private static int instruction(Random random) {
        while (true) {
            int opcode = OPCODES[random.nextInt(OPCODES.length)];
            int word = random.nextInt() & ~0x7f | opcode;
            switch (opcode) {
                case 0x03, 0x07, 0x23, 0x27, 0x2f -> {
                    // The base is a pointer, mostly, and the offset of loads and stores is small.
                    word = word & ~(31 << 15) | 8 + random.nextInt(4) << 15;
                    if (opcode != 0x2f && random.nextInt(4) != 0) {
                        word &= ~(15 << 28);
                    }
                }
                case 0x63, 0x6f -> word &= ~(31 << 27);
                case 0x13, 0x1b, 0x33, 0x3b, 0x53 -> {
                    if (random.nextInt(3) != 0) {
                        // Upper parts that mean something.
                        int[] upper = {0, 1, 4, 5, 7, 0x10, 0x14, 0x20, 0x24, 0x30, 0x34};
                        word = word & ~(127 << 25) | upper[random.nextInt(upper.length)] << 25;
                    }
                }
                default -> {}
            }
            boolean pointer = (word >>> 7 & 28) == 8 && opcode != 0x23 && opcode != 0x63;
            boolean reserved = opcode == 0x73 && RESERVED_CSRS.contains(word >>> 20);
            boolean pmp = opcode == 0x73 && word >>> 20 >= 0x3a0 && word >>> 20 < 0x3f0;
            if (word != WFI && !pointer && !reserved && !pmp) {
                return word;
            }
        }
    }
}
