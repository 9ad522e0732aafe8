package dev.dalang.riscv.internal.core;

/** CSR numbers, status bits and cause codes, as the privileged specification and AIA name them. */
public final class Csrs {
    private Csrs() {}

    // Unprivileged.
    public static final int FFLAGS = 0x001;
    public static final int FRM = 0x002;
    public static final int FCSR = 0x003;
    public static final int CYCLE = 0xC00;
    public static final int TIME = 0xC01;
    public static final int INSTRET = 0xC02;
    public static final int HPMCOUNTER3 = 0xC03;
    public static final int HPMCOUNTER31 = 0xC1F;

    // Supervisor.
    public static final int SSTATUS = 0x100;
    public static final int SIE = 0x104;
    public static final int STVEC = 0x105;
    public static final int SCOUNTEREN = 0x106;
    public static final int SENVCFG = 0x10A;
    public static final int SSTATEEN0 = 0x10C;
    public static final int SSTATEEN3 = 0x10F;
    public static final int SSCRATCH = 0x140;
    public static final int SEPC = 0x141;
    public static final int SCAUSE = 0x142;
    public static final int STVAL = 0x143;
    public static final int SIP = 0x144;
    public static final int STIMECMP = 0x14D;
    public static final int SISELECT = 0x150;
    public static final int SIREG = 0x151;
    public static final int STOPEI = 0x15C;
    public static final int SATP = 0x180;
    public static final int STOPI = 0xDB0;

    // Machine.
    public static final int MSTATUS = 0x300;
    public static final int MISA = 0x301;
    public static final int MEDELEG = 0x302;
    public static final int MIDELEG = 0x303;
    public static final int MIE = 0x304;
    public static final int MTVEC = 0x305;
    public static final int MCOUNTEREN = 0x306;
    public static final int MVIEN = 0x308;
    public static final int MVIP = 0x309;
    public static final int MENVCFG = 0x30A;
    public static final int MSTATEEN0 = 0x30C;
    public static final int MSTATEEN3 = 0x30F;
    public static final int MCOUNTINHIBIT = 0x320;
    public static final int MHPMEVENT3 = 0x323;
    public static final int MHPMEVENT31 = 0x33F;
    public static final int MSCRATCH = 0x340;
    public static final int MEPC = 0x341;
    public static final int MCAUSE = 0x342;
    public static final int MTVAL = 0x343;
    public static final int MIP = 0x344;
    public static final int MISELECT = 0x350;
    public static final int MIREG = 0x351;
    public static final int MTOPEI = 0x35C;
    public static final int PMPCFG0 = 0x3A0;
    public static final int PMPCFG15 = 0x3AF;
    public static final int PMPADDR0 = 0x3B0;
    public static final int PMPADDR63 = 0x3EF;
    public static final int TSELECT = 0x7A0;
    public static final int TDATA3 = 0x7A3;
    public static final int TINFO = 0x7A4;
    public static final int MCYCLE = 0xB00;
    public static final int MINSTRET = 0xB02;
    public static final int MHPMCOUNTER3 = 0xB03;
    public static final int MHPMCOUNTER31 = 0xB1F;
    public static final int MVENDORID = 0xF11;
    public static final int MARCHID = 0xF12;
    public static final int MIMPID = 0xF13;
    public static final int MHARTID = 0xF14;
    public static final int MCONFIGPTR = 0xF15;
    public static final int MTOPI = 0xFB0;

    // mstatus.
    public static final long MSTATUS_SIE = 1L << 1;
    public static final long MSTATUS_MIE = 1L << 3;
    public static final long MSTATUS_SPIE = 1L << 5;
    public static final long MSTATUS_MPIE = 1L << 7;
    public static final long MSTATUS_SPP = 1L << 8;
    public static final long MSTATUS_MPP = 3L << 11;
    public static final int MSTATUS_MPP_SHIFT = 11;
    public static final long MSTATUS_FS = 3L << 13;
    public static final long MSTATUS_MPRV = 1L << 17;
    public static final long MSTATUS_SUM = 1L << 18;
    public static final long MSTATUS_MXR = 1L << 19;
    public static final long MSTATUS_TVM = 1L << 20;
    public static final long MSTATUS_TW = 1L << 21;
    public static final long MSTATUS_TSR = 1L << 22;
    public static final long MSTATUS_UXL_64 = 2L << 32;
    public static final long MSTATUS_SXL_64 = 2L << 34;
    public static final long MSTATUS_SD = 1L << 63;

    // menvcfg and senvcfg.
    public static final long ENVCFG_FIOM = 1L;
    public static final long ENVCFG_CBIE = 3L << 4;
    public static final long ENVCFG_CBCFE = 1L << 6;
    public static final long ENVCFG_CBZE = 1L << 7;
    public static final long MENVCFG_ADUE = 1L << 61;
    public static final long MENVCFG_PBMTE = 1L << 62;
    public static final long MENVCFG_STCE = 1L << 63;

    // mstateen0.
    public static final long STATEEN0_IMSIC = 1L << 58;
    public static final long STATEEN0_AIA = 1L << 59;
    public static final long STATEEN0_CSRIND = 1L << 60;
    public static final long STATEEN0_ENVCFG = 1L << 62;
    public static final long STATEEN_SE = 1L << 63;

    // Interrupts: bit numbers in mip.
    public static final int SSI = 1;
    public static final int MSI = 3;
    public static final int STI = 5;
    public static final int MTI = 7;
    public static final int SEI = 9;
    public static final int MEI = 11;

    // Exceptions.
    public static final int INSTRUCTION_ADDRESS_MISALIGNED = 0;
    public static final int INSTRUCTION_ACCESS_FAULT = 1;
    public static final int ILLEGAL_INSTRUCTION = 2;
    public static final int BREAKPOINT = 3;
    public static final int LOAD_ADDRESS_MISALIGNED = 4;
    public static final int LOAD_ACCESS_FAULT = 5;
    public static final int STORE_ADDRESS_MISALIGNED = 6;
    public static final int STORE_ACCESS_FAULT = 7;
    public static final int ECALL_FROM_U = 8;
    public static final int ECALL_FROM_S = 9;
    public static final int ECALL_FROM_M = 11;
    public static final int INSTRUCTION_PAGE_FAULT = 12;
    public static final int LOAD_PAGE_FAULT = 13;
    public static final int STORE_PAGE_FAULT = 15;
}
