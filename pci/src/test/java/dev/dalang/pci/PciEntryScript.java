package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.GuestIo;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.testkit.RecordingInterruptLine;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * All that a guest can do to a function, and a device to its guest, as a script of bytes: accesses
 * to configuration space, the table and the pending bits of MSI-X and the BARs beside them, virtual
 * configuration space, and triggers. A script runs in a machine of its own.
 *
 * <p>A record has 8 bytes: what, size and vector, two bytes of offset, four of value.
 */
final class PciEntryScript {
    private static final int RECORD_BYTES = 8;
    private static final int MAX_RECORDS = 4096;
    private static final int VECTORS = 5;
    private static final long FUNCTION = PciMachine.ECAM + (1 << 15);
    private static final int COMMAND = 0x04;
    private static final int BAR0 = 0x10;
    private static final int MSIX_BAR = 5;
    private static final int MEMORY_AND_MASTER = 6;

    private final PciMachine machine = new PciMachine(1);
    private final GuestIo guest = machine.io.hartIo();
    private final TestPciDevice device =
            new TestPciDevice(
                            spec ->
                                    spec.memoryBar(0, 4096)
                                            .memoryBar64(2, 1 << 16)
                                            .ioBar(1, 64)
                                            .msix(VECTORS)
                                            .msi(4)
                                            .express()
                                            .intx())
                    .forgetful();
    private final PciFunction function = machine.root.bus().add(device, 1, 0);
    private final int id = config(0);
    private final List<PciCapabilityHandle> capabilities = function.configuration().capabilities();

    void run(byte[] script) {
        ByteBuffer records = ByteBuffer.wrap(script).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < MAX_RECORDS && records.remaining() >= RECORD_BYTES; i++) {
            obey(records.get() & 0xff, records.get() & 0xff, records.getChar(), records.getInt());
        }
        assertThat(machine.counts(function.id()).errors()).isZero();
        assertThat(config(0)).isEqualTo(id);
        assertThat(linked()).containsExactlyElementsOf(offsets());
        for (int bar = 0; bar < 6; bar++) {
            assertMapped(bar);
        }
        pendingVectorsFireOnceWhenTheyMay();
    }

    private void obey(int what, int how, int offset, int value) {
        int size = 1 << (how & 3);
        switch (what % 8) {
            case 0 -> guest.store(FUNCTION + (offset & 0xfff), size, value);
            case 1 -> guest.load(FUNCTION + (offset & 0xfff), size);
            case 2 -> guest.store(window() + offset % 0x2000, size, value);
            case 3 -> guest.load(window() + offset % 0x2000, size);
            case 4 -> function.interrupts().trigger((how >> 2) - 1);
            case 5 -> function.interrupts().lower();
            case 6 -> guest.store(anywhere(how, offset), size, value);
            default -> guest.load(anywhere(how, offset), size);
        }
    }

    /** Where table and pending bits answer, or would. */
    private long window() {
        return config(BAR0 + 4 * MSIX_BAR) & ~0xfL & 0xffff_ffffL;
    }

    private long anywhere(int how, int offset) {
        return switch (how >> 2 & 3) {
            case 0 -> PciMachine.VIRTUAL_CONFIG + (1 << 16) + (offset & 0x1fff);
            case 1 -> PciMachine.MEMORY32.base() + offset;
            case 2 -> PciMachine.ECAM + offset * 16L;
            default -> PciMachine.MEMORY64.base() + offset;
        };
    }

    private int config(int offset) {
        return (int) guest.load(FUNCTION + offset, 4);
    }

    private List<Integer> offsets() {
        return capabilities.stream()
                .map(PciCapabilityHandle::offset)
                .filter(offset -> offset < CapabilityList.FIRST_EXTENDED)
                .toList();
    }

    /** The capabilities as a driver finds them. */
    private List<Integer> linked() {
        List<Integer> found = new ArrayList<>();
        int at = config(0x34) & 0xfc;
        while (at != 0 && found.size() <= capabilities.size()) {
            found.add(at);
            at = config(at) >>> 8 & 0xfc;
        }
        return found;
    }

    /** Where the function says that a BAR answers, the bus has it. */
    private void assertMapped(int bar) {
        if (function.bar(bar).flatMap(BarRange::busRange).orElse(null) instanceof MmioRange range) {
            var found = machine.io.mmioDevice(range.base()).orElseThrow();
            assertThat(found.range()).isEqualTo(range);
            assertThat(found.device().label()).isEqualTo(function.id());
        }
    }

    /** Makes all vectors usable: those whose pending bit is set fire once, the others do not. */
    private void pendingVectorsFireOnceWhenTheyMay() {
        MsixConfig msix = function.msix().orElseThrow();
        int control = capability(PciRegisters.PCI_CAP_ID_MSIX) + 2;
        // Off, powered, decoding, at a place of the test's own.
        guest.store(FUNCTION + control, 2, 0x4000);
        guest.store(FUNCTION + capability(PciRegisters.PCI_CAP_ID_PM) + 4, 2, 0);
        guest.store(FUNCTION + COMMAND, 2, 0);
        guest.store(FUNCTION + BAR0 + 4 * MSIX_BAR, 4, PciMachine.MEMORY32.base() + 0x10_0000);
        guest.store(FUNCTION + COMMAND, 2, MEMORY_AND_MASTER);
        for (int vector = 0; vector < VECTORS; vector++) {
            long entry = 16L * vector;
            guest.store(window() + entry, 8, 0x2800_0000L);
            guest.store(window() + entry + 8, 4, 0x100 + vector);
            guest.store(window() + entry + 12, 4, 0);
        }
        List<Integer> expected = new ArrayList<>();
        long pending = msix.readPbaEntries(0, 8);
        for (int vector = 0; vector < VECTORS; vector++) {
            if ((pending >>> vector & 1) != 0) {
                expected.add(0x100 + vector);
            }
        }
        int before = machine.messages.accepted().size();
        guest.store(FUNCTION + control, 2, 0x8000);
        List<MsiMessage> all = machine.messages.accepted();
        assertThat(all.subList(before, all.size()))
                .extracting(MsiMessage::data)
                .containsExactlyInAnyOrderElementsOf(expected);
        assertThat(msix.readPbaEntries(0, 8)).isZero();
        assertThat(machine.wires).noneMatch(RecordingInterruptLine::isRaised);
    }

    private int capability(int wanted) {
        return capabilities.stream()
                .filter(found -> found.id() == wanted)
                .mapToInt(PciCapabilityHandle::offset)
                .findFirst()
                .orElseThrow();
    }
}
