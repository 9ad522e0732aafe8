package dev.dalang.riscv.intc;

import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.interrupt.MsiTarget;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.riscv.ImsicFile;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * The IMSIC interrupt files of all harts at one privilege level (AIA 1.0 §3): hart <i>h</i>'s file
 * is the page at {@code base + h * 4096}, and {@link #file} is what that hart's CSRs reach. A
 * message is a 32-bit write of an identity to {@code seteipnum_le} at the start of the page, or
 * with its bytes reversed to {@code seteipnum_be} behind it; everything reads 0.
 *
 * <p>Without locks: {@link #signal} costs one atomic operation and, where the identity is enabled,
 * one call of the hart's line. Any thread, except where {@link ImsicFile} says otherwise.
 * Compatible with QEMU's {@code virt} board.
 */
public final class Imsic implements DeviceMmio, MsiTarget, Suspendable {
    /** Bytes of address space per interrupt file. */
    public static final int PAGE_BYTES = 4096;

    private static final String TYPE = "riscv-imsic";
    private static final int VERSION = 1;
    private static final int SETEIPNUM_LE = 0;
    private static final int SETEIPNUM_BE = 4;

    private static final InterruptLine UNCONNECTED =
            new InterruptLine() {
                @Override
                public void raise() {}

                @Override
                public void lower() {}
            };

    private final String label;
    private final long baseAddress;
    private final int identities;
    private final InterruptFile[] files;

    private Imsic(Builder builder) {
        label = builder.label;
        baseAddress = builder.baseAddress;
        identities = builder.identities;
        files = new InterruptFile[builder.lines.size()];
        for (int hart = 0; hart < files.length; hart++) {
            files[hart] =
                    new InterruptFile(identities, builder.lines.get(hart), builder.directDelivery);
        }
    }

    /**
     * Begins the files of one privilege level.
     *
     * @param baseAddress guest physical address of hart 0's page, a multiple of 4096
     * @return the builder
     */
    public static Builder builder(long baseAddress) {
        return new Builder(baseAddress);
    }

    @Override
    public String label() {
        return label;
    }

    @Override
    public String typeId() {
        return TYPE;
    }

    /**
     * Guest physical address of hart 0's page, unsigned.
     *
     * @return the address
     */
    public long baseAddress() {
        return baseAddress;
    }

    /**
     * Bytes of address space from {@link #baseAddress}: one page per hart.
     *
     * @return a multiple of 4096
     */
    public long sizeBytes() {
        return (long) files.length * PAGE_BYTES;
    }

    /**
     * The highest identity; 1 is the lowest.
     *
     * @return 63..2047
     */
    public int identities() {
        return identities;
    }

    /**
     * The file that the AIA CSRs of {@code hart} reach.
     *
     * @param hart the hart's index, from 0
     * @return the file
     * @throws IndexOutOfBoundsException if there is no such hart
     */
    public ImsicFile file(int hart) {
        return files[Objects.checkIndex(hart, files.length)];
    }

    /**
     * Connects a file to its hart's external interrupt input, in place of what the builder was
     * given: a hart is built with its files, and so has its inputs only after them.
     *
     * @param hart the hart's index, from 0
     * @param externalInterrupt bit 11 of its {@code mip} for M-mode's files, bit 9 for S-mode's
     * @throws IndexOutOfBoundsException if there is no such hart
     */
    public void connect(int hart, InterruptLine externalInterrupt) {
        files[Objects.checkIndex(hart, files.length)].connect(externalInterrupt);
    }

    /**
     * The input that takes the place of the file while {@code eidelivery} is 0x4000_0000: an
     * APLIC's output in direct delivery mode (AIA 1.0 §3.8.1). Ignored if the builder's {@code
     * directDelivery} was false.
     *
     * @param hart the hart's index, from 0
     * @return the line
     * @throws IndexOutOfBoundsException if there is no such hart
     */
    public InterruptLine directLine(int hart) {
        return files[Objects.checkIndex(hart, files.length)].directLine();
    }

    /**
     * How often {@code hart} claimed {@code identity} through its top-interrupt CSR.
     *
     * @param hart the hart's index, from 0
     * @param identity an identity, 0..{@link #identities}
     * @return a count since it was built
     * @throws IndexOutOfBoundsException if there is no such hart or identity
     */
    public long deliveries(int hart, int identity) {
        return files[Objects.checkIndex(hart, files.length)].claims(
                Objects.checkIndex(identity, identities + 1));
    }

    /**
     * Delivers a message: the write of {@code data} to {@code address}.
     *
     * @return false if {@code address} is not a {@code seteipnum} register of this IMSIC; an
     *     identity that is not implemented is taken and ignored
     */
    @Override
    public boolean signal(long address, int data) {
        return store(address - baseAddress, data);
    }

    @Override
    public long mmioRead(long base, long offset, int size) {
        return 0;
    }

    @Override
    public void mmioWrite(long base, long offset, int size, long value) {
        if (size == 4) {
            store(offset, (int) value);
        }
    }

    private boolean store(long offset, int data) {
        // The shift is unsigned, so that an address below the base is far above the last page.
        long page = offset >>> 12;
        if (page >= files.length) {
            return false;
        }
        int register = (int) offset & PAGE_BYTES - 1;
        if (register == SETEIPNUM_LE) {
            files[(int) page].setPending(data);
        } else if (register == SETEIPNUM_BE) {
            files[(int) page].setPending(Integer.reverseBytes(data));
        } else {
            return false;
        }
        return true;
    }

    /** Back to the state after power-on: nothing pending or enabled, delivery off. */
    public void reset() {
        for (InterruptFile file : files) {
            file.reset();
        }
    }

    /** Does nothing: an IMSIC acts only when it is called. */
    @Override
    public void sleep() {}

    @Override
    public Snapshot snapshot() {
        List<Snapshot> list = new ArrayList<>();
        for (InterruptFile file : files) {
            list.add(file.snapshot());
        }
        return Snapshot.builder(TYPE, VERSION)
                .put("identities", identities)
                .put("files", list)
                .build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        snapshot.getInt("identities", identities, identities);
        List<Snapshot> list = snapshot.getList("files");
        if (list.size() != files.length) {
            throw new SnapshotException(
                    TYPE + ".files: expected " + files.length + " files, got " + list.size());
        }
        List<InterruptFile.State> states = new ArrayList<>();
        for (int hart = 0; hart < files.length; hart++) {
            states.add(files[hart].parse(list.get(hart)));
        }
        for (int hart = 0; hart < files.length; hart++) {
            files[hart].load(states.get(hart));
        }
    }

    /** Drives the harts' lines again. */
    @Override
    public void wake() {
        for (InterruptFile file : files) {
            file.settle();
        }
    }

    /** Collects what an IMSIC is built from. */
    public static final class Builder {
        private final long baseAddress;
        private final List<InterruptLine> lines = new ArrayList<>();
        private String label = "imsic";
        private int identities = 255;
        private boolean directDelivery;

        private Builder(long baseAddress) {
            if ((baseAddress & PAGE_BYTES - 1) != 0) {
                throw new IllegalArgumentException(
                        "IMSIC base address: expected a multiple of 4096, got 0x"
                                + Long.toHexString(baseAddress));
            }
            this.baseAddress = baseAddress;
        }

        /**
         * The device's label; default {@code imsic}.
         *
         * @param label a short name for logs
         * @return this
         */
        public Builder label(String label) {
            this.label = label;
            return this;
        }

        /**
         * The highest identity; default 255.
         *
         * @param identities the highest identity
         * @return this
         * @throws IllegalArgumentException unless it is one less than a multiple of 64, 63..2047
         */
        public Builder identities(int identities) {
            if (identities < 63 || identities > 2047 || (identities & 63) != 63) {
                throw new IllegalArgumentException(
                        "IMSIC identities: expected 63..2047 and one less than a multiple of 64,"
                                + " got "
                                + identities);
            }
            this.identities = identities;
            return this;
        }

        /**
         * Whether {@code eidelivery} takes 0x4000_0000, delivery from an APLIC, and has it after
         * reset, as the specification then demands; default false, as on QEMU's board.
         *
         * @param directDelivery true if the value is supported
         * @return this
         */
        public Builder directDelivery(boolean directDelivery) {
            this.directDelivery = directDelivery;
            return this;
        }

        /**
         * Adds the next hart, by its external interrupt input at this privilege level.
         *
         * @param externalInterrupt bit 11 of its {@code mip} for M-mode's files, bit 9 for S-mode's
         * @return this
         */
        public Builder hart(InterruptLine externalInterrupt) {
            lines.add(externalInterrupt);
            return this;
        }

        /**
         * Adds the next hart, whose input is given to {@link Imsic#connect} later.
         *
         * @return this
         */
        public Builder hart() {
            return hart(UNCONNECTED);
        }

        /**
         * The IMSIC.
         *
         * @return it
         * @throws IllegalArgumentException if no hart was added
         */
        public Imsic build() {
            if (lines.isEmpty()) {
                throw new IllegalArgumentException("IMSIC: expected at least one hart, got none");
            }
            return new Imsic(this);
        }
    }
}
