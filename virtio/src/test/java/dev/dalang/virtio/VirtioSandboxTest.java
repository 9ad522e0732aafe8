package dev.dalang.virtio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.sandbox.Jail;
import dev.dalang.bus.sandbox.Sandboxed;
import dev.dalang.pci.PciFunction;
import dev.dalang.tables.acpi.AcpiIdentity;
import dev.dalang.tables.acpi.AcpiTable;
import dev.dalang.tables.acpi.AcpiTables;
import dev.dalang.testkit.virtio.VirtioMmioDriver;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** Abilities of a device that its transport passes on to the machine: a jail, tables of ACPI. */
final class VirtioSandboxTest {
    private final VirtioMachine machine = new VirtioMachine();
    private final List<String> events = new ArrayList<>();

    private final class Jailed extends TestVirtioDevice implements Sandboxed {
        private final int descriptor;

        Jailed(int descriptor) {
            super(8);
            this.descriptor = descriptor;
        }

        @Override
        public List<Integer> keepDescriptors() {
            events.add("keep " + descriptor);
            return List.of(descriptor);
        }

        @Override
        public void onSandboxed() {
            events.add("sandboxed " + descriptor);
        }

        @Override
        public void activate(VirtioActivation given) {
            events.add("activate " + descriptor);
            super.activate(given);
        }
    }

    @Test
    void aDeviceIsInItsJailBeforeItsFirstRequest() {
        machine.plug(VirtioPciDevice.of(new Jailed(7)));
        machine.plug(VirtioPciDevice.of(new TestVirtioDevice(8)));
        machine.root.enterSandbox(keep -> events.add("jail " + new TreeSet<>(keep)));
        machine.start(machine.pciDriver(), 0);
        assertThat(events).containsExactly("keep 7", "jail [7]", "sandboxed 7", "activate 7");
    }

    @Test
    void aDeviceInASlotIsInItsJailBeforeItsFirstRequest() {
        VirtioMmioDevice slot = machine.slot(new Jailed(3)).build();
        VirtioMmioDriver driver = machine.mmio(slot);
        Jail jail = keep -> events.add("jail " + new TreeSet<>(keep));
        jail.enter(List.of(slot));
        machine.start(driver, 0);
        assertThat(events).containsExactly("keep 3", "jail [3]", "sandboxed 3", "activate 3");
    }

    /** A device that describes itself, as an IOMMU does. */
    private static final class Described extends TestVirtioDevice implements VirtioAcpi {
        Described() {
            super(8);
        }

        @Override
        public void generateAcpi(PciFunction function, AcpiTables tables) {
            byte[] body = {(byte) function.address().requesterId()};
            tables.add(AcpiTable.of("VIOT", 0, tables.identity(), body));
        }
    }

    private static AcpiTables tables() {
        AcpiIdentity identity = new AcpiIdentity("DALANG", "VIRT", 1, "DLNG", 1);
        return AcpiTables.of(identity, AcpiTable.dsdt(identity, List.of()));
    }

    /** Row A4, and the ability itself: the transport hands tables on, and one VIOT is the most. */
    @Test
    void aDeviceAddsTablesOfItsOwn() {
        VirtioPciDevice transport = VirtioPciDevice.of(new Described());
        PciFunction function = machine.plug(transport);
        AcpiTables tables = tables();
        transport.generateAcpi(function, tables);
        AcpiTable added = tables.tables().getLast();
        assertThat(added.signature()).isEqualTo("VIOT");
        assertThat(added.toBytes()).endsWith(function.address().requesterId());
        assertThatThrownBy(() -> transport.generateAcpi(function, tables))
                .hasMessageContaining("VIOT");
    }

    @Test
    void aDeviceWithoutTheAbilityAddsNothing() {
        VirtioPciDevice transport = VirtioPciDevice.of(new TestVirtioDevice(8));
        AcpiTables tables = tables();
        int before = tables.tables().size();
        transport.generateAcpi(machine.plug(transport), tables);
        assertThat(tables.tables()).hasSize(before);
    }

    @Test
    void aSlotHasNoPlaceForSuchTables() {
        assertThatThrownBy(() -> machine.slot(new Described()).build())
                .isInstanceOf(VirtioException.class)
                .hasMessageContaining("ACPI");
    }
}
