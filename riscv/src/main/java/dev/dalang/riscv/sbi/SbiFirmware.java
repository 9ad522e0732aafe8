package dev.dalang.riscv.sbi;

import static dev.dalang.riscv.sbi.Extension.A0;
import static dev.dalang.riscv.sbi.Extension.A1;
import static dev.dalang.riscv.sbi.Extension.A6;
import static dev.dalang.riscv.sbi.Extension.A7;
import static dev.dalang.riscv.sbi.SbiError.NO_RETURN;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_NOT_SUPPORTED;
import static dev.dalang.riscv.sbi.SbiError.SBI_SUCCESS;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.riscv.Hart;
import dev.dalang.riscv.HartState;
import dev.dalang.riscv.Sbi;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * The built-in firmware: answers the environment calls of S-mode as SBI 2.0 says, and brings harts
 * from power-on to S-mode. It offers Base, TIME, IPI, RFENCE, HSM, SRST, DBCN, SUSP, PMU and the
 * legacy extensions 0 to 8; every other call gives {@code SBI_ERR_NOT_SUPPORTED}.
 *
 * <p>Made before the harts, which need it, and given them once with {@link #attach}. Calls come on
 * the harts' threads.
 */
public final class SbiFirmware implements Sbi {
    private final GuestMemory memory;
    private final SbiPlatform platform;
    private @Nullable Services services;

    private SbiFirmware(GuestMemory memory, SbiPlatform platform) {
        this.memory = memory;
        this.platform = platform;
    }

    /**
     * Firmware for a machine.
     *
     * @param memory guest memory
     * @param platform the rest of the machine
     * @return the firmware, without harts yet
     */
    public static SbiFirmware of(GuestMemory memory, SbiPlatform platform) {
        return new SbiFirmware(memory, platform);
    }

    /**
     * Gives the firmware its harts. Once, before any of them runs.
     *
     * @param harts all harts of the machine; the hart at index i has id i
     * @throws IllegalArgumentException if an id is not its index
     * @throws IllegalStateException if the firmware has harts already
     */
    public void attach(List<Hart> harts) {
        if (services != null) {
            throw new IllegalStateException("the firmware has its harts already");
        }
        services = new Services(new Harts(harts), memory, platform);
    }

    /**
     * Prepares all harts, which do not run: the boot hart to enter S-mode at {@code entry} with its
     * id in {@code a0} and {@code opaque} in {@code a1}, the others stopped until somebody starts
     * them (SBI 2.0 §9.1).
     *
     * @param bootHart id of the hart that starts
     * @param entry guest physical address of the first instruction
     * @param opaque what the payload expects in {@code a1}: the device tree's address
     */
    public void boot(int bootHart, long entry, long opaque) {
        Services present = services();
        present.pmu.reset();
        for (int id = 0; id < present.harts.count(); id++) {
            Hart hart = present.harts.get(id);
            boolean boots = id == bootHart;
            SupervisorEntry.enter(hart, entry, opaque);
            present.harts.setState(id, boots ? Harts.STARTED : Harts.STOPPED);
            hart.setState(boots ? HartState.STARTED : HartState.STOPPED);
        }
    }

    @Override
    public void ecall(Hart hart) {
        Services present = services();
        // The ids are 32-bit numbers; the calling convention passes them sign-extended, and so does
        // OpenSBI take them.
        int extensionId = (int) hart.register(A7);
        if (extensionId >= 0 && extensionId <= LegacyExtensions.LAST_ID) {
            hart.setRegister(A0, present.legacy.call(hart, extensionId));
            return;
        }
        Extension extension = present.find(extensionId);
        long error =
                extension == null
                        ? SBI_ERR_NOT_SUPPORTED
                        : extension.call(hart, (int) hart.register(A6));
        if (error == NO_RETURN) {
            return;
        }
        hart.setRegister(A0, error);
        if (error != SBI_SUCCESS) {
            hart.setRegister(A1, 0);
        }
    }

    private Services services() {
        Services present = services;
        if (present == null) {
            throw new IllegalStateException("the firmware has no harts yet");
        }
        return present;
    }

    /** The extensions, and the harts they share. */
    private static final class Services {
        final Harts harts;
        final BaseExtension base = new BaseExtension(this::isImplemented);
        final TimeExtension time = new TimeExtension();
        final IpiExtension ipi;
        final RfenceExtension rfence;
        final HsmExtension hsm;
        final SrstExtension srst;
        final DbcnExtension dbcn;
        final SuspExtension susp;
        final PmuExtension pmu;
        final LegacyExtensions legacy;

        Services(Harts harts, GuestMemory memory, SbiPlatform platform) {
            this.harts = harts;
            ipi = new IpiExtension(harts);
            rfence = new RfenceExtension(harts);
            hsm = new HsmExtension(harts, memory, platform);
            srst = new SrstExtension(platform);
            dbcn = new DbcnExtension(memory, platform);
            susp = new SuspExtension(harts, hsm);
            pmu = new PmuExtension(harts);
            legacy = new LegacyExtensions(memory, platform, ipi, rfence, srst);
        }

        @Nullable Extension find(int id) {
            return switch (id) {
                case BaseExtension.ID -> base;
                case TimeExtension.ID -> time;
                case IpiExtension.ID -> ipi;
                case RfenceExtension.ID -> rfence;
                case HsmExtension.ID -> hsm;
                case SrstExtension.ID -> srst;
                case DbcnExtension.ID -> dbcn;
                case SuspExtension.ID -> susp;
                case PmuExtension.ID -> pmu;
                default -> null;
            };
        }

        boolean isImplemented(long id) {
            return id == (int) id
                    && (id >= 0 && id <= LegacyExtensions.LAST_ID || find((int) id) != null);
        }
    }
}
