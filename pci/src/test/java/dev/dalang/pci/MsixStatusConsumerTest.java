package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.pci.MsixDriver;
import dev.dalang.testkit.pci.PciBarDriver;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/** What a device hears of a guest's writes to MSI-X, through configuration space and its BAR. */
class MsixStatusConsumerTest {
    private static final MsixStatus NOTHING = new MsixStatus.NothingToDo();
    private static final MsixStatus CHANGED = new MsixStatus.Changed();
    private static final int MASK = 12;

    private final List<PciCapStatus> heard = new ArrayList<>();
    private final PciFunctionDriver driver;
    private final MsixDriver msix;
    private final PciBarDriver table;
    private final PciMachine machine = new PciMachine();

    MsixStatusConsumerTest() {
        machine.root
                .bus()
                .add(
                        new TestPciDevice(spec -> spec.memoryBar(0, 4096).msix(4, 0, 0, 0x800)) {
                            @Override
                            public void capabilityWritten(PciCapStatus status) {
                                heard.add(status);
                            }
                        });
        driver = machine.function(0, 1, 0);
        msix = driver.msix();
        table = driver.bar(0);
        heard.clear();
    }

    private void mask(int vector, int bit) {
        table.write(16L * vector + MASK, 4, bit);
    }

    private void control(int value) {
        driver.write(driver.capability(0x11).orElseThrow() + 2, 2, value);
    }

    /** Who has a handle looks whether MSI-X is on after every write, so every write is told. */
    @Test
    void enablingAndDisablingAloneIsNothingToDo() {
        control(0x8000);
        control(0);
        assertThat(heard).containsExactly(NOTHING, NOTHING);
    }

    @Test
    void theFunctionMaskIsAChangeOfAllVectors() {
        control(0x8000);
        heard.clear();
        control(0xc000);
        control(0xc000);
        control(0x8000);
        assertThat(heard).containsExactly(CHANGED, NOTHING, CHANGED);
    }

    @Test
    void aVectorsMaskBitIsAChangeOfThatVector() {
        control(0x8000);
        heard.clear();
        mask(2, 0);
        mask(2, 0);
        mask(2, 1);
        mask(3, 0);
        assertThat(heard)
                .containsExactly(
                        new MsixStatus.EntryChanged(2),
                        NOTHING,
                        new MsixStatus.EntryChanged(2),
                        new MsixStatus.EntryChanged(3));
    }

    @Test
    void aMaskBitUnderTheFunctionMaskIsNothingToDo() {
        control(0xc000);
        heard.clear();
        mask(1, 0);
        assertThat(heard).containsExactly(NOTHING);
    }

    /** Rather a word too many than a route that a consumer misses: it asks for the handle. */
    @Test
    void messagesAndForeignShapesAreNothingToDo() {
        control(0x8000);
        heard.clear();
        table.write(0, 4, 0x2800_0000L);
        table.write(8, 4, 5);
        table.write(MASK, 2, 0);
        table.write(16 * 4, 4, 0);
        assertThat(heard).isNotEmpty().containsOnly(NOTHING);
        assertThat(msix.control() & 0x8000).isNotZero();
    }

    /** The consumer's rule: after the word it finds a handle that leads to the message. */
    @Test
    void aConsumerFindsTheHandleOfTheVectorThatChanged() {
        msix.enable();
        msix.route(2, 0x2800_0000L, 7);
        PciFunction function = machine.root.function("00:01.0").orElseThrow();
        assertThat(heard).contains(new MsixStatus.EntryChanged(2));

        int handle = function.msix().orElseThrow().handle(2).orElseThrow();
        machine.router.signal(handle);

        assertThat(machine.messages.accepted()).hasSize(1);
        assertThat(machine.messages.accepted().getFirst().data()).isEqualTo(7);
    }
}
