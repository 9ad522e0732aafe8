package dev.dalang.riscv.internal.decode;

/**
 * The operations that {@link Decoder} gives. The numbers are multiples of eight on purpose: a
 * sparse {@code switch} is compiled to a tree of compares weighted by profile, which on virtualised
 * hosts is several times faster than the indirect jump of a dense one.
 */
public final class Op {
    private Op() {}

    /** Bits of a decoded instruction that hold the operation. */
    public static final int MASK = 0xFFF;

    // Control of the decoded page itself.
    /** Slot not decoded yet. */
    public static final int UNDECODED = 0;

    /** Behind the last slot of a page. */
    public static final int PAGE_END = 1 << 3;

    /** A four-byte instruction whose second half lies in the next page. */
    public static final int CROSS = 2 << 3;

    // RV64I, hot: all in the interpreter's main switch.
    public static final int LI = 3 << 3;
    public static final int AUIPC = 4 << 3;
    public static final int JAL = 5 << 3;
    public static final int JALR = 6 << 3;
    public static final int BEQ = 7 << 3;
    public static final int BNE = 8 << 3;
    public static final int BLT = 9 << 3;
    public static final int BGE = 10 << 3;
    public static final int BLTU = 11 << 3;
    public static final int BGEU = 12 << 3;
    public static final int LB = 13 << 3;
    public static final int LH = 14 << 3;
    public static final int LW = 15 << 3;
    public static final int LD = 16 << 3;
    public static final int LBU = 17 << 3;
    public static final int LHU = 18 << 3;
    public static final int LWU = 19 << 3;
    public static final int SB = 20 << 3;
    public static final int SH = 21 << 3;
    public static final int SW = 22 << 3;
    public static final int SD = 23 << 3;
    public static final int ADDI = 24 << 3;
    public static final int SLTI = 25 << 3;
    public static final int SLTIU = 26 << 3;
    public static final int XORI = 27 << 3;
    public static final int ORI = 28 << 3;
    public static final int ANDI = 29 << 3;
    public static final int SLLI = 30 << 3;
    public static final int SRLI = 31 << 3;
    public static final int SRAI = 32 << 3;
    public static final int ADD = 33 << 3;
    public static final int SUB = 34 << 3;
    public static final int SLL = 35 << 3;
    public static final int SLT = 36 << 3;
    public static final int SLTU = 37 << 3;
    public static final int XOR = 38 << 3;
    public static final int SRL = 39 << 3;
    public static final int SRA = 40 << 3;
    public static final int OR = 41 << 3;
    public static final int AND = 42 << 3;
    public static final int ADDIW = 43 << 3;
    public static final int SLLIW = 44 << 3;
    public static final int SRLIW = 45 << 3;
    public static final int SRAIW = 46 << 3;
    public static final int ADDW = 47 << 3;
    public static final int SUBW = 48 << 3;
    public static final int SLLW = 49 << 3;
    public static final int SRLW = 50 << 3;
    public static final int SRAW = 51 << 3;
    public static final int MUL = 52 << 3;
    public static final int MULW = 53 << 3;
    public static final int FENCE = 54 << 3;
    public static final int NOP = 55 << 3;
    public static final int MV = 56 << 3;

    // Integer operations without memory and without traps: IntegerOps.
    public static final int FIRST_INTEGER = 60 << 3;
    public static final int MULH = 60 << 3;
    public static final int MULHSU = 61 << 3;
    public static final int MULHU = 62 << 3;
    public static final int DIV = 63 << 3;
    public static final int DIVU = 64 << 3;
    public static final int REM = 65 << 3;
    public static final int REMU = 66 << 3;
    public static final int DIVW = 67 << 3;
    public static final int DIVUW = 68 << 3;
    public static final int REMW = 69 << 3;
    public static final int REMUW = 70 << 3;
    public static final int ADD_UW = 71 << 3;
    public static final int SH1ADD = 72 << 3;
    public static final int SH2ADD = 73 << 3;
    public static final int SH3ADD = 74 << 3;
    public static final int SH1ADD_UW = 75 << 3;
    public static final int SH2ADD_UW = 76 << 3;
    public static final int SH3ADD_UW = 77 << 3;
    public static final int SLLI_UW = 78 << 3;
    public static final int ANDN = 79 << 3;
    public static final int ORN = 80 << 3;
    public static final int XNOR = 81 << 3;
    public static final int CLZ = 82 << 3;
    public static final int CLZW = 83 << 3;
    public static final int CTZ = 84 << 3;
    public static final int CTZW = 85 << 3;
    public static final int CPOP = 86 << 3;
    public static final int CPOPW = 87 << 3;
    public static final int MAX = 88 << 3;
    public static final int MAXU = 89 << 3;
    public static final int MIN = 90 << 3;
    public static final int MINU = 91 << 3;
    public static final int SEXT_B = 92 << 3;
    public static final int SEXT_H = 93 << 3;
    public static final int ZEXT_H = 94 << 3;
    public static final int ROL = 95 << 3;
    public static final int ROLW = 96 << 3;
    public static final int ROR = 97 << 3;
    public static final int RORW = 98 << 3;
    public static final int RORI = 99 << 3;
    public static final int RORIW = 100 << 3;
    public static final int ORC_B = 101 << 3;
    public static final int REV8 = 102 << 3;
    public static final int BCLR = 103 << 3;
    public static final int BCLRI = 104 << 3;
    public static final int BEXT = 105 << 3;
    public static final int BEXTI = 106 << 3;
    public static final int BINV = 107 << 3;
    public static final int BINVI = 108 << 3;
    public static final int BSET = 109 << 3;
    public static final int BSETI = 110 << 3;
    public static final int CLMUL = 111 << 3;
    public static final int CLMULH = 112 << 3;
    public static final int CLMULR = 113 << 3;
    public static final int CZERO_EQZ = 114 << 3;
    public static final int CZERO_NEZ = 115 << 3;
    public static final int LAST_INTEGER = CZERO_NEZ;

    // Atomics: AtomicOps. The immediate holds aq and rl (bits 1, 0).
    public static final int FIRST_ATOMIC = 120 << 3;
    public static final int LR_W = 120 << 3;
    public static final int LR_D = 121 << 3;
    public static final int SC_W = 122 << 3;
    public static final int SC_D = 123 << 3;
    public static final int AMOSWAP_W = 124 << 3;
    public static final int AMOADD_W = 125 << 3;
    public static final int AMOXOR_W = 126 << 3;
    public static final int AMOAND_W = 127 << 3;
    public static final int AMOOR_W = 128 << 3;
    public static final int AMOMIN_W = 129 << 3;
    public static final int AMOMAX_W = 130 << 3;
    public static final int AMOMINU_W = 131 << 3;
    public static final int AMOMAXU_W = 132 << 3;
    public static final int AMOSWAP_D = 133 << 3;
    public static final int AMOADD_D = 134 << 3;
    public static final int AMOXOR_D = 135 << 3;
    public static final int AMOAND_D = 136 << 3;
    public static final int AMOOR_D = 137 << 3;
    public static final int AMOMIN_D = 138 << 3;
    public static final int AMOMAX_D = 139 << 3;
    public static final int AMOMINU_D = 140 << 3;
    public static final int AMOMAXU_D = 141 << 3;
    public static final int AMOCAS_W = 142 << 3;
    public static final int AMOCAS_D = 143 << 3;
    public static final int AMOCAS_Q = 144 << 3;
    public static final int CBO_ZERO = 145 << 3;
    public static final int CBO_CLEAN = 146 << 3;
    public static final int CBO_FLUSH = 147 << 3;
    public static final int CBO_INVAL = 148 << 3;
    public static final int LAST_ATOMIC = CBO_INVAL;

    // Floating point: FloatOps. The immediate holds the rounding mode (bits 2..0) and rs3 (7..3),
    // for loads and stores the offset.
    public static final int FIRST_FLOAT = 150 << 3;
    public static final int FLW = 150 << 3;
    public static final int FLD = 151 << 3;
    public static final int FSW = 152 << 3;
    public static final int FSD = 153 << 3;
    public static final int FMADD_S = 154 << 3;
    public static final int FMSUB_S = 155 << 3;
    public static final int FNMSUB_S = 156 << 3;
    public static final int FNMADD_S = 157 << 3;
    public static final int FADD_S = 158 << 3;
    public static final int FSUB_S = 159 << 3;
    public static final int FMUL_S = 160 << 3;
    public static final int FDIV_S = 161 << 3;
    public static final int FSQRT_S = 162 << 3;
    public static final int FSGNJ_S = 163 << 3;
    public static final int FSGNJN_S = 164 << 3;
    public static final int FSGNJX_S = 165 << 3;
    public static final int FMIN_S = 166 << 3;
    public static final int FMAX_S = 167 << 3;
    public static final int FMINM_S = 168 << 3;
    public static final int FMAXM_S = 169 << 3;
    public static final int FCVT_W_S = 170 << 3;
    public static final int FCVT_WU_S = 171 << 3;
    public static final int FCVT_L_S = 172 << 3;
    public static final int FCVT_LU_S = 173 << 3;
    public static final int FCVT_S_W = 174 << 3;
    public static final int FCVT_S_WU = 175 << 3;
    public static final int FCVT_S_L = 176 << 3;
    public static final int FCVT_S_LU = 177 << 3;
    public static final int FMV_X_W = 178 << 3;
    public static final int FMV_W_X = 179 << 3;
    public static final int FCLASS_S = 180 << 3;
    public static final int FEQ_S = 181 << 3;
    public static final int FLT_S = 182 << 3;
    public static final int FLE_S = 183 << 3;
    public static final int FLTQ_S = 184 << 3;
    public static final int FLEQ_S = 185 << 3;
    public static final int FROUND_S = 186 << 3;
    public static final int FROUNDNX_S = 187 << 3;
    public static final int FLI_S = 188 << 3;
    public static final int FMADD_D = 189 << 3;
    public static final int FMSUB_D = 190 << 3;
    public static final int FNMSUB_D = 191 << 3;
    public static final int FNMADD_D = 192 << 3;
    public static final int FADD_D = 193 << 3;
    public static final int FSUB_D = 194 << 3;
    public static final int FMUL_D = 195 << 3;
    public static final int FDIV_D = 196 << 3;
    public static final int FSQRT_D = 197 << 3;
    public static final int FSGNJ_D = 198 << 3;
    public static final int FSGNJN_D = 199 << 3;
    public static final int FSGNJX_D = 200 << 3;
    public static final int FMIN_D = 201 << 3;
    public static final int FMAX_D = 202 << 3;
    public static final int FMINM_D = 203 << 3;
    public static final int FMAXM_D = 204 << 3;
    public static final int FCVT_W_D = 205 << 3;
    public static final int FCVT_WU_D = 206 << 3;
    public static final int FCVT_L_D = 207 << 3;
    public static final int FCVT_LU_D = 208 << 3;
    public static final int FCVT_D_W = 209 << 3;
    public static final int FCVT_D_WU = 210 << 3;
    public static final int FCVT_D_L = 211 << 3;
    public static final int FCVT_D_LU = 212 << 3;
    public static final int FMV_X_D = 213 << 3;
    public static final int FMV_D_X = 214 << 3;
    public static final int FCLASS_D = 215 << 3;
    public static final int FEQ_D = 216 << 3;
    public static final int FLT_D = 217 << 3;
    public static final int FLE_D = 218 << 3;
    public static final int FLTQ_D = 219 << 3;
    public static final int FLEQ_D = 220 << 3;
    public static final int FROUND_D = 221 << 3;
    public static final int FROUNDNX_D = 222 << 3;
    public static final int FLI_D = 223 << 3;
    public static final int FCVT_S_D = 224 << 3;
    public static final int FCVT_D_S = 225 << 3;
    public static final int FCVTMOD_W_D = 226 << 3;
    public static final int LAST_FLOAT = FCVTMOD_W_D;

    // Everything that may change privilege, translation or control flow: SystemOps. The immediate
    // holds the raw instruction.
    public static final int FIRST_SYSTEM = 240 << 3;
    public static final int ILLEGAL = 240 << 3;
    public static final int ECALL = 241 << 3;
    public static final int EBREAK = 242 << 3;
    public static final int MRET = 243 << 3;
    public static final int SRET = 244 << 3;
    public static final int WFI = 245 << 3;
    public static final int SFENCE_VMA = 246 << 3;
    public static final int SFENCE_W_INVAL = 247 << 3;
    public static final int SFENCE_INVAL_IR = 248 << 3;
    public static final int FENCE_I = 249 << 3;
    public static final int CSR = 250 << 3;
    public static final int WRS_NTO = 251 << 3;
    public static final int WRS_STO = 252 << 3;
    public static final int PAUSE = 253 << 3;
}
