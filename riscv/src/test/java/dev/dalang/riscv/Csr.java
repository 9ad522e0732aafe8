package dev.dalang.riscv;

/**
 * CSR numbers and fields as the tests know them: written down a second time from the specifications
 * (privileged spec §2.2, AIA §2.1, Sstc, Smstateen), not taken from the hart.
 */
final class Csr {
    static final int FFLAGS = 0x001;
    static final int FRM = 0x002;
    static final int FCSR = 0x003;
    static final int CYCLE = 0xc00;
    static final int TIME = 0xc01;
    static final int INSTRET = 0xc02;
    static final int HPMCOUNTER3 = 0xc03;

    static final int SSTATUS = 0x100;
    static final int SIE = 0x104;
    static final int STVEC = 0x105;
    static final int SCOUNTEREN = 0x106;
    static final int SENVCFG = 0x10a;
    static final int SSTATEEN0 = 0x10c;
    static final int SSCRATCH = 0x140;
    static final int SEPC = 0x141;
    static final int SCAUSE = 0x142;
    static final int STVAL = 0x143;
    static final int SIP = 0x144;
    static final int STIMECMP = 0x14d;
    static final int SISELECT = 0x150;
    static final int SIREG = 0x151;
    static final int STOPEI = 0x15c;
    static final int SATP = 0x180;
    static final int STOPI = 0xdb0;

    static final int MSTATUS = 0x300;
    static final int MISA = 0x301;
    static final int MEDELEG = 0x302;
    static final int MIDELEG = 0x303;
    static final int MIE = 0x304;
    static final int MTVEC = 0x305;
    static final int MCOUNTEREN = 0x306;
    static final int MVIEN = 0x308;
    static final int MVIP = 0x309;
    static final int MENVCFG = 0x30a;
    static final int MSTATEEN0 = 0x30c;
    static final int MCOUNTINHIBIT = 0x320;
    static final int MSCRATCH = 0x340;
    static final int MEPC = 0x341;
    static final int MCAUSE = 0x342;
    static final int MTVAL = 0x343;
    static final int MIP = 0x344;
    static final int MISELECT = 0x350;
    static final int MIREG = 0x351;
    static final int MTOPEI = 0x35c;
    static final int PMPCFG0 = 0x3a0;
    static final int PMPCFG2 = 0x3a2;
    static final int PMPADDR0 = 0x3b0;
    static final int MCYCLE = 0xb00;
    static final int MINSTRET = 0xb02;
    static final int MHPMCOUNTER3 = 0xb03;
    static final int MHPMEVENT3 = 0x323;
    static final int MVENDORID = 0xf11;
    static final int MARCHID = 0xf12;
    static final int MIMPID = 0xf13;
    static final int MHARTID = 0xf14;
    static final int MCONFIGPTR = 0xf15;
    static final int MTOPI = 0xfb0;

    static final long MSTATUS_SIE = 1L << 1;
    static final long MSTATUS_MIE = 1L << 3;
    static final long MSTATUS_SPIE = 1L << 5;
    static final long MSTATUS_MPIE = 1L << 7;
    static final long MSTATUS_SPP = 1L << 8;
    static final long MSTATUS_MPP = 3L << 11;
    static final long MSTATUS_MPP_S = 1L << 11;
    static final long MSTATUS_FS = 3L << 13;
    static final long MSTATUS_FS_INITIAL = 1L << 13;
    static final long MSTATUS_FS_CLEAN = 2L << 13;
    static final long MSTATUS_XS = 3L << 15;
    static final long MSTATUS_MPRV = 1L << 17;
    static final long MSTATUS_SUM = 1L << 18;
    static final long MSTATUS_MXR = 1L << 19;
    static final long MSTATUS_TVM = 1L << 20;
    static final long MSTATUS_TW = 1L << 21;
    static final long MSTATUS_TSR = 1L << 22;
    static final long MSTATUS_UXL = 3L << 32;
    static final long MSTATUS_SXL = 3L << 34;
    static final long MSTATUS_SD = 1L << 63;

    static final long ENVCFG_FIOM = 1;
    static final long ENVCFG_CBIE = 3L << 4;
    static final long ENVCFG_CBIE_FLUSH = 1L << 4;
    static final long ENVCFG_CBIE_INVAL = 3L << 4;
    static final long ENVCFG_CBCFE = 1L << 6;
    static final long ENVCFG_CBZE = 1L << 7;
    static final long MENVCFG_ADUE = 1L << 61;
    static final long MENVCFG_PBMTE = 1L << 62;
    static final long MENVCFG_STCE = 1L << 63;

    private Csr() {}
}
