package dev.dalang.testkit.riscv;

/** Names of the registers in the standard calling convention (psABI §1), for static import. */
public final class Registers {
    /** {@code x0}. */
    public static final int ZERO = 0;

    /** {@code x1}. */
    public static final int RA = 1;

    /** {@code x2}. */
    public static final int SP = 2;

    /** {@code x3}. */
    public static final int GP = 3;

    /** {@code x4}. */
    public static final int TP = 4;

    /** {@code x5}. */
    public static final int T0 = 5;

    /** {@code x6}. */
    public static final int T1 = 6;

    /** {@code x7}. */
    public static final int T2 = 7;

    /** {@code x8}. */
    public static final int S0 = 8;

    /** {@code x9}. */
    public static final int S1 = 9;

    /** {@code x10}. */
    public static final int A0 = 10;

    /** {@code x11}. */
    public static final int A1 = 11;

    /** {@code x12}. */
    public static final int A2 = 12;

    /** {@code x13}. */
    public static final int A3 = 13;

    /** {@code x14}. */
    public static final int A4 = 14;

    /** {@code x15}. */
    public static final int A5 = 15;

    /** {@code x16}. */
    public static final int A6 = 16;

    /** {@code x17}. */
    public static final int A7 = 17;

    /** {@code x18}. */
    public static final int S2 = 18;

    /** {@code x19}. */
    public static final int S3 = 19;

    /** {@code x20}. */
    public static final int S4 = 20;

    /** {@code x21}. */
    public static final int S5 = 21;

    /** {@code x22}. */
    public static final int S6 = 22;

    /** {@code x23}. */
    public static final int S7 = 23;

    /** {@code x24}. */
    public static final int S8 = 24;

    /** {@code x25}. */
    public static final int S9 = 25;

    /** {@code x26}. */
    public static final int S10 = 26;

    /** {@code x27}. */
    public static final int S11 = 27;

    /** {@code x28}. */
    public static final int T3 = 28;

    /** {@code x29}. */
    public static final int T4 = 29;

    /** {@code x30}. */
    public static final int T5 = 30;

    /** {@code x31}. */
    public static final int T6 = 31;

    /** {@code f0}. */
    public static final int FT0 = 0;

    /** {@code f1}. */
    public static final int FT1 = 1;

    /** {@code f2}. */
    public static final int FT2 = 2;

    /** {@code f3}. */
    public static final int FT3 = 3;

    /** {@code f4}. */
    public static final int FT4 = 4;

    /** {@code f5}. */
    public static final int FT5 = 5;

    /** {@code f6}. */
    public static final int FT6 = 6;

    /** {@code f7}. */
    public static final int FT7 = 7;

    /** {@code f8}. */
    public static final int FS0 = 8;

    /** {@code f9}. */
    public static final int FS1 = 9;

    /** {@code f10}. */
    public static final int FA0 = 10;

    /** {@code f11}. */
    public static final int FA1 = 11;

    /** {@code f12}. */
    public static final int FA2 = 12;

    /** {@code f13}. */
    public static final int FA3 = 13;

    /** {@code f14}. */
    public static final int FA4 = 14;

    /** {@code f15}. */
    public static final int FA5 = 15;

    /** {@code f16}. */
    public static final int FA6 = 16;

    /** {@code f17}. */
    public static final int FA7 = 17;

    /** {@code f18}. */
    public static final int FS2 = 18;

    /** {@code f19}. */
    public static final int FS3 = 19;

    /** {@code f20}. */
    public static final int FS4 = 20;

    /** {@code f21}. */
    public static final int FS5 = 21;

    /** {@code f22}. */
    public static final int FS6 = 22;

    /** {@code f23}. */
    public static final int FS7 = 23;

    /** {@code f24}. */
    public static final int FS8 = 24;

    /** {@code f25}. */
    public static final int FS9 = 25;

    /** {@code f26}. */
    public static final int FS10 = 26;

    /** {@code f27}. */
    public static final int FS11 = 27;

    /** {@code f28}. */
    public static final int FT8 = 28;

    /** {@code f29}. */
    public static final int FT9 = 29;

    /** {@code f30}. */
    public static final int FT10 = 30;

    /** {@code f31}. */
    public static final int FT11 = 31;

    private Registers() {}
}
