package dev.dalang.riscv.internal.core;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The state of a hart as a value. Interrupt pins are not in it: those who drive them drive them
 * again when they are restored.
 */
public final class HartSnapshot {
    private static final String TYPE = "riscv.hart";
    private static final int VERSION = 1;

    private HartSnapshot() {}

    /** Saves everything; {@code state} is the HSM state's name. */
    public static Snapshot take(HartCore core, Pmp pmp, SstcTimer sstc, String state) {
        Snapshot.Builder s = Snapshot.builder(TYPE, VERSION);
        s.put("state", state);
        s.put("x", bytes(core.x, 32));
        s.put("f", bytes(core.f, 32));
        s.put("fflags", core.fp.flags);
        s.put("frm", core.frm);
        s.put("pc", core.pc);
        s.put("privilege", core.privilege);
        s.put("mcycle", core.mcycle.value(core.instret));
        s.put("minstret", core.minstret.value(core.instret));
        s.put("mcycleInhibited", core.mcycle.isInhibited());
        s.put("minstretInhibited", core.minstret.isInhibited());
        s.put("csrs", bytes(csrs(core), CSRS));
        s.put("mstateen", bytes(core.mstateen, 4));
        s.put("stimecmp", sstc.stimecmp());
        s.put("timeOffset", sstc.timeOffset());
        s.put("pmpcfg", bytes(new long[] {pmp.readConfig(0), pmp.readConfig(2)}, 2));
        long[] addresses = new long[Pmp.ENTRIES];
        for (int i = 0; i < addresses.length; i++) {
            addresses[i] = pmp.readAddress(i);
        }
        s.put("pmpaddr", bytes(addresses, addresses.length));
        return s.build();
    }

    /** Takes the state of a snapshot, all or nothing. */
    public static void restore(Snapshot s, HartCore core, Pmp pmp, SstcTimer sstc) {
        s.expect(TYPE, VERSION);
        long[] x = longs(s, "x", 32);
        long[] f = longs(s, "f", 32);
        int fflags = s.getInt("fflags", 0, 31);
        int frm = s.getInt("frm", 0, 7);
        long pc = s.getLong("pc");
        int privilege = s.getInt("privilege", 0, 3);
        if (privilege == 2) {
            throw new SnapshotException(TYPE + ".privilege: expected 0, 1 or 3, got 2");
        }
        long mcycle = s.getLong("mcycle");
        long minstret = s.getLong("minstret");
        boolean mcycleInhibited = s.getBoolean("mcycleInhibited");
        boolean minstretInhibited = s.getBoolean("minstretInhibited");
        long[] csrs = longs(s, "csrs", CSRS);
        long[] mstateen = longs(s, "mstateen", 4);
        long stimecmp = s.getLong("stimecmp");
        long timeOffset = s.getLong("timeOffset");
        long[] pmpcfg = longs(s, "pmpcfg", 2);
        long[] pmpaddr = longs(s, "pmpaddr", Pmp.ENTRIES);

        core.reset(pc & ~1L);
        System.arraycopy(x, 0, core.x, 0, 32);
        core.x[0] = 0;
        System.arraycopy(f, 0, core.f, 0, 32);
        core.fp.flags = fflags;
        core.frm = frm;
        core.mcycle.write(mcycle, core.instret - 1);
        core.minstret.write(minstret, core.instret - 1);
        core.mcycle.inhibit(mcycleInhibited, core.instret);
        core.minstret.inhibit(minstretInhibited, core.instret);
        setCsrs(core, csrs);
        System.arraycopy(mstateen, 0, core.mstateen, 0, 4);
        core.privilege = privilege;
        pmp.reset();
        for (int i = 0; i < pmpaddr.length; i++) {
            pmp.writeAddress(i, pmpaddr[i]);
        }
        pmp.writeConfig(0, pmpcfg[0]);
        pmp.writeConfig(2, pmpcfg[1]);
        sstc.restore(stimecmp, timeOffset);
    }

    private static final int CSRS = 28;

    private static long[] csrs(HartCore c) {
        return new long[] {
            c.mstatus, c.medeleg, c.mideleg, c.mie, c.mipSoftware, c.mvien, c.mvip, c.mtvec,
            c.mscratch, c.mepc, c.mcause, c.mtval, c.mcounteren, c.menvcfg, c.miselect, c.stvec,
            c.sscratch, c.sepc, c.scause, c.stval, c.scounteren, c.senvcfg, c.siselect, c.satp,
            c.sieVirtual, c.reservedAddress, c.reservedValue, c.reservedSize
        };
    }

    /** Gives the CSRs the values of a snapshot, through the masks that a guest's writes meet. */
    private static void setCsrs(HartCore c, long[] v) {
        c.mstatus = CsrFile.legalStatus(v[0]);
        c.medeleg = CsrFile.legalMedeleg(v[1]);
        c.mideleg = CsrFile.legalMideleg(v[2]);
        c.mie = CsrFile.legalMie(v[3]);
        c.mipSoftware = CsrFile.legalMideleg(v[4]);
        c.mvien = CsrFile.legalMvien(v[5]);
        c.mvip = CsrFile.legalMvien(v[6]);
        c.mtvec = v[7] & ~2L;
        c.mscratch = v[8];
        c.mepc = v[9] & ~1L;
        c.mcause = v[10];
        c.mtval = v[11];
        c.mcounteren = v[12] & 0xFFFF_FFFFL;
        c.menvcfg = CsrFile.legalMenvcfg(v[13]);
        c.miselect = v[14] & 0xFFF;
        c.stvec = v[15] & ~2L;
        c.sscratch = v[16];
        c.sepc = v[17] & ~1L;
        c.scause = v[18];
        c.stval = v[19];
        c.scounteren = v[20] & 0xFFFF_FFFFL;
        c.senvcfg = CsrFile.legalSenvcfg(v[21]);
        c.siselect = v[22] & 0xFFF;
        c.satp = CsrFile.isLegalSatp(v[23]) ? v[23] : 0;
        c.sieVirtual = CsrFile.legalMvien(v[24]);
        c.reservedAddress = v[25];
        c.reservedValue = v[26];
        c.reservedSize = v[27] == 4 || v[27] == 8 ? (int) v[27] : 0;
    }

    private static byte[] bytes(long[] values, int count) {
        ByteBuffer buffer = ByteBuffer.allocate(8 * count).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            buffer.putLong(values[i]);
        }
        return buffer.array();
    }

    private static long[] longs(Snapshot s, String name, int count) {
        byte[] bytes = s.getBytes(name, 8 * count);
        if (bytes.length != 8 * count) {
            throw new SnapshotException(
                    TYPE + "." + name + ": expected " + 8 * count + " bytes, got " + bytes.length);
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        long[] values = new long[count];
        for (int i = 0; i < count; i++) {
            values[i] = buffer.getLong();
        }
        return values;
    }
}
