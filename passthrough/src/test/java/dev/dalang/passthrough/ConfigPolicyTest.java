package dev.dalang.passthrough;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.linux.Errno;
import dev.dalang.passthrough.BackendRegion.Area;
import dev.dalang.pci.PciBar;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.Test;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What a guest sees of a device's configuration space, and what the device sees of its writes. */
class ConfigPolicyTest {
    private static final int VENDOR_SPECIFIC = 0x09;

    private final TestMachine machine = new TestMachine();
    private final ScriptedConfig config = Devices.config();
    private ScriptedBackend backend;
    private PassthroughDevice device;

    private PciFunctionDriver start() {
        backend = Devices.rich(config).build();
        device = Devices.open(backend);
        PciFunctionDriver driver = machine.add(PassthroughFunction.of(device));
        backend.clearCalls();
        return driver;
    }

    private long inDevice(int offset, int size) {
        try {
            return backend.read(BackendRegion.CONFIG, offset, size);
        } catch (BackendException e) {
            throw new AssertionError(e);
        }
    }

    private static List<Integer> extended(PciFunctionDriver driver) {
        List<Integer> ids = new ArrayList<>();
        int at = 0x100;
        while (at != 0 && driver.read(at, 4) != 0) {
            ids.add(driver.read(at, 2));
            at = driver.read(at + 2, 2) >>> 4;
        }
        return ids;
    }

    @Test
    void idsClassAndRevisionAreTheDevices() {
        PciFunctionDriver driver = start();
        assertThat(driver.read(0, 4)).isEqualTo(0x1041_1af4);
        assertThat(driver.read(8, 4)).isEqualTo(0x02_0000 << 8 | 3);
        assertThat(driver.read(0x2c, 4)).isEqualTo(0x0011_1af4);
    }

    @Test
    void decodingAndTransfersAreForwarded() {
        PciFunctionDriver driver = start();
        assertThat(inDevice(4, 2)).as("placed before the guest").isEqualTo(0x3);
        driver.setCommand(0x546);
        assertThat(driver.command()).isEqualTo(0x546);
        assertThat(inDevice(4, 2)).as("INTx is the machine's, the rest the host's").isEqualTo(0x6);
        driver.setCommand(0);
        assertThat(inDevice(4, 2)).isZero();
    }

    @Test
    void transfersBeginWhenMemoryIsReached() {
        PciFunctionDriver driver = start();
        machine.memory = GuestMemory.of(TestMachine.region(0x8000_0000L));
        driver.enable(PciFunctionDriver.COMMAND_MASTER);
        assertThat(backend.calls())
                .containsExactly(
                        "unmap memory 0x80000000+0x10000",
                        "unmap memory 0x90000000+0x10000",
                        "map memory 0x80000000+0x10000",
                        "write region 7 at 0x4: 0x7");
    }

    @Test
    void transfersDoNotBeginIfMemoryIsNotReached() {
        PciFunctionDriver driver = start();
        machine.memory = GuestMemory.of(TestMachine.region(0x8000_0000L));
        backend.failAt(backend.fallibleCalls() + 4, Errno.ENOMEM);
        driver.enable(PciFunctionDriver.COMMAND_MASTER);
        assertThat(inDevice(4, 2) & 4).isZero();
        assertThat(device.counts().failures()).isEqualTo(1);
        driver.disable(PciFunctionDriver.COMMAND_MASTER);
        driver.enable(PciFunctionDriver.COMMAND_MASTER);
        assertThat(inDevice(4, 2) & 4).as("another try").isEqualTo(4);
    }

    @Test
    void errorsOfTheDevicesStatusAreShownAndCleared() {
        PciFunctionDriver driver = start();
        backend.content(BackendRegion.CONFIG).set(ValueLayout.JAVA_BYTE, 7, (byte) 0xa0);
        assertThat(driver.read(6, 2) & 0xf900).isEqualTo(0xa000);
        driver.write(6, 2, 0x8000);
        assertThat(driver.read(6, 2) & 0xf900).isEqualTo(0x2000);
        assertThat(driver.read(6, 2) & 0x10).as("there is a list").isEqualTo(0x10);
        driver.write(4, 4, 0x2000_0006);
        assertThat(driver.read(6, 2) & 0xf900).isZero();
        assertThat(driver.command()).isEqualTo(6);
    }

    @Test
    void aFunctionOfManyStandsAlone() {
        config.put(0x0e, 1, 0x80);
        assertThat(start().read(0x0e, 1)).isZero();
    }

    @Test
    void barsAreSizedWithoutTheDevice() {
        PciFunctionDriver driver = start();
        assertThat(driver.bars())
                .extracting(bar -> bar.size())
                .containsExactly(0x8000L, 0x1000L, 32L);
        driver.write(0x30, 4, 0xffff_f800);
        assertThat(driver.read(0x30, 4)).isEqualTo(0xffff_f800);
        assertThat(backend.calls()).noneMatch(call -> call.startsWith("write region 7 at 0x1"));
        assertThat(backend.calls()).noneMatch(call -> call.startsWith("write region 7 at 0x3"));
    }

    @Test
    void sizesAreFoundOutWithDecodingOffAndLeaveTheRegistersAsTheyWere() {
        start();
        ScriptedBackend fresh = Devices.rich(config).build();
        Devices.open(fresh);
        assertThat(fresh.calls().getFirst()).isEqualTo("write region 7 at 0x4: 0x0");
        assertThat(fresh.calls()).contains("write region 7 at 0x10: 0xffffffff");
        assertThat(fresh.calls().getLast()).isEqualTo("write region 7 at 0x4: 0x0");
        assertThat(fresh.content(BackendRegion.CONFIG).get(ValueLayout.JAVA_INT, 0x10))
                .isEqualTo(4);
    }

    @Test
    void theRomIsTheDevices() {
        PciFunctionDriver driver = start();
        backend.content(BackendRegion.ROM).set(ValueLayout.JAVA_SHORT, 0, (short) 0xaa55);
        driver.write(0x30, 4, driver.read(0x30, 4) | 1);
        driver.enable(PciFunctionDriver.COMMAND_MEMORY);
        assertThat(machine.peek(driver.read(0x30, 4) & 0xffff_fffeL, 2)).isEqualTo(0xaa55);
    }

    @Test
    void theInterruptLineIsAScratchRegister() {
        PciFunctionDriver driver = start();
        driver.write(0x3c, 1, 42);
        assertThat(driver.read(0x3c, 2)).isEqualTo(0x012a);
        assertThat(backend.calls()).isEmpty();
    }

    @Test
    void powerStatesAreTheMachinesAndMemoryStaysTheDevices() {
        PciFunctionDriver driver = start();
        int power = driver.capability(1).orElseThrow();
        driver.enable(PciFunctionDriver.COMMAND_MASTER);
        backend.clearCalls();
        driver.write(power + 4, 2, 3);
        assertThat(driver.read(power + 4, 2) & 3).isEqualTo(3);
        assertThat(backend.calls()).isEmpty();
        machine.root.close();
        assertThat(backend.mappings()).isEmpty();
    }

    @Test
    void messagesAreTheMachinesAndTheirEnableArmsTheDevice() {
        PciFunctionDriver driver = start();
        int msi = driver.capability(5).orElseThrow();
        assertThat(driver.read(msi + 2, 2) >> 1 & 7).as("four messages").isEqualTo(2);
        driver.write(msi + 2, 2, 0x0011);
        assertThat(backend.calls()).containsExactly("disable INTX", "arm MSI 0+2");
        driver.write(msi + 2, 2, 0x0010);
        assertThat(backend.calls())
                .containsExactly(
                        "disable INTX",
                        "arm MSI 0+2",
                        "disable MSI",
                        "arm INTX 0+1",
                        "mask INTX 0+1",
                        "unmask INTX 0+1");
    }

    @Test
    void theTablesOfMsixAreOutOfReach() {
        PciFunctionDriver driver = start();
        driver.enable(PciFunctionDriver.COMMAND_MEMORY);
        long bar = driver.bar(0).address();
        machine.io.mmioWrite(bar + Devices.TABLE, 4, 0x1234_5678);
        assertThat(machine.peek(bar + Devices.TABLE, 4)).isEqualTo(0x1234_5678);
        assertThat(backend.content(0).get(ValueLayout.JAVA_INT, Devices.TABLE)).isZero();
        assertThat(device.registers().mappedAreas()).as("before and behind").isEqualTo(2);
    }

    @Test
    void aResetOfTheFunctionIsTheMachines() {
        PciFunctionDriver driver = start();
        int express = driver.capability(0x10).orElseThrow();
        assertThat(driver.read(express + 4, 4) & 1 << 28).isNotZero();
        driver.enable(PciFunctionDriver.COMMAND_MASTER);
        driver.msix().enable();
        backend.clearCalls();

        driver.write(express + 8, 2, 0xa810);

        assertThat(backend.calls())
                .startsWith("write region 7 at 0x%x: 0x2810".formatted(express(config) + 8));
        assertThat(backend.calls()).contains("disable MSIX", "reset");
        assertThat(driver.command()).isZero();
        assertThat(driver.msix().control() & 0x8000).isZero();
        assertThat(inDevice(4, 2)).isZero();
        assertThat(device.isAssigned()).isTrue();
    }

    private static int express(ScriptedConfig config) {
        byte[] image = config.bytes();
        int at = image[0x34] & 0xff;
        while (image[at] != 0x10) {
            at = image[at + 1] & 0xff;
        }
        return at;
    }

    @Test
    void theSizeOfTransfersIsTheHosts() {
        PciFunctionDriver driver = start();
        int at = driver.capability(0x10).orElseThrow() + 8;
        int before = driver.read(at, 2);
        driver.write(at, 2, 0x50ef);
        assertThat(driver.read(at, 2)).isEqualTo(before & ~0x81f | 0x0f);
    }

    @Test
    void aFunctionOnTheRootBusHasNoLink() {
        PciFunctionDriver driver = start();
        int at = driver.capability(0x10).orElseThrow();
        assertThat(driver.read(at + 2, 2) >> 4 & 0xf).isEqualTo(9);
        assertThat(driver.read(at + 12, 4)).isZero();
        assertThat(driver.read(at + 16, 4)).isZero();
    }

    @Test
    void vendorsCapabilitiesAreForwarded() {
        int real =
                config.capability(VENDOR_SPECIFIC, 16, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
        PciFunctionDriver driver = start();
        int at = driver.capability(VENDOR_SPECIFIC).orElseThrow();
        assertThat(driver.read(at + 4, 4)).isEqualTo(0x0605_0403);
        driver.write(at + 6, 2, 0xbeef);
        assertThat(backend.calls())
                .containsExactly("write region 7 at 0x%x: 0xbeef".formatted(real + 6));
        assertThat(driver.read(at + 4, 4)).isEqualTo(0xbeef_0403);
        driver.write(at, 4, -1);
        assertThat(driver.read(at, 1)).as("its head is not written").isEqualTo(9);
    }

    @Test
    void whatNobodyKnowsIsReadOnly() {
        int real = config.capability(0x15, 1, 2, 3, 4, 5, 6);
        PciFunctionDriver driver = start();
        int at = driver.capability(0x15).orElseThrow();
        assertThat(driver.read(at + 4, 4)).isEqualTo((int) inDevice(real + 4, 4));
        driver.write(at + 4, 4, -1);
        assertThat(backend.calls()).isEmpty();
        driver.write(0xf0, 4, -1);
        driver.write(0x900, 4, -1);
        assertThat(backend.calls()).isEmpty();
    }

    @Test
    void fixedAddressesAndResetsOfOldAreHidden() {
        config.capability(0x13, 6, 3, 0, 0);
        config.capability(0x14, 0, 0, 0, 0, 0, 0);
        PciFunctionDriver driver = start();
        assertThat(driver.capability(0x13)).isEmpty();
        assertThat(driver.capability(0x14)).isEmpty();
    }

    /** Hidden ones may stand first, in the middle and last: the list of the others ends. */
    @Test
    void extendedCapabilitiesThatAreTheHostsAreHidden() {
        for (int id : new int[] {0x0e, 0x03, 0x10, 0x15, 0x0b, 0x0f, 0x13, 0x01, 0x1b}) {
            config.extendedCapability(id, id == 0x0b ? 0x00c0_0000 | 7 : 1, 2);
        }
        PciFunctionDriver driver = start();
        assertThat(extended(driver)).containsExactly(0x03, 0x0b, 0x01);
        assertThat(driver.read(0x104, 4)).as("the serial number").isEqualTo(1);
    }

    @Test
    void whereOnlyHiddenOnesAreThereIsNoExtendedList() {
        config.extendedCapability(0x10, 1, 2);
        assertThat(extended(start())).isEmpty();
    }

    // ---------------------------------------------------------------- where MSI-X lies

    private static PciDeviceSpec.MsixPlacement placed(
            PassthroughOptions options, ScriptedBackend.Builder backend) {
        return spec(options, backend).msixPlacement().orElseThrow();
    }

    private static PciDeviceSpec spec(PassthroughOptions options, ScriptedBackend.Builder backend) {
        PassthroughDevice device =
                PassthroughDevice.open(
                        PassthroughDeviceType.GENERIC_PCI,
                        backend.build(),
                        options,
                        Optional.empty());
        return PassthroughFunction.of(device).spec();
    }

    private static ScriptedBackend.Builder msix(
            int vectors, int tableBar, int table, int pbaBar, int pba) {
        return ScriptedBackend.builder(
                        new ScriptedConfig(1, 2).msix(vectors, tableBar, table, pbaBar, pba))
                .bar(PciBar.memory64(0, 0x4000), List.of(new Area(0, 0x4000)))
                .bar(PciBar.memory32(2, 0x1000))
                .bar(PciBar.io(3, 0x20))
                .interrupts(InterruptKind.MSIX, vectors);
    }

    @Test
    void theTablesStayWhereTheDeviceHasThem() {
        assertThat(placed(PassthroughOptions.DEFAULT, msix(16, 0, 0x1000, 2, 0x800)))
                .isEqualTo(new PciDeviceSpec.MsixPlacement(0, 0x1000, 2, 0x800));
    }

    @Test
    void theTablesGoAboveTheDevicesBarIfThatIsWanted() {
        PciDeviceSpec spec =
                spec(PassthroughOptions.DEFAULT.relocatingMsix(), msix(16, 0, 0x1080, 0, 0x1180));
        assertThat(spec.msixPlacement())
                .contains(new PciDeviceSpec.MsixPlacement(0, 0x4000, 0, 0x5000));
        assertThat(spec.bars())
                .filteredOn(bar -> bar.index() == 0)
                .first()
                .extracting(PciBar::size)
                .isEqualTo(0x8000L);
    }

    /** A device that says nonsense about its tables has them in a BAR of the machine's making. */
    @Test
    void tablesThatCannotBeGetABarOfTheirOwn() {
        assertThat(placed(PassthroughOptions.DEFAULT, msix(16, 0, 0x4000, 0, 0)).bar())
                .isEqualTo(5);
        assertThat(placed(PassthroughOptions.DEFAULT, msix(16, 0, 0, 0, 0x80)).bar()).isEqualTo(5);
        assertThat(placed(PassthroughOptions.DEFAULT, msix(16, 3, 0, 3, 0)).bar()).isEqualTo(5);
        assertThat(placed(PassthroughOptions.DEFAULT, msix(16, 7, 0, 6, 0)).bar()).isEqualTo(5);
    }

    @Test
    void thereAreNoMoreVectorsThanTheDeviceCanSignal() {
        assertThat(
                        spec(
                                        PassthroughOptions.DEFAULT,
                                        msix(64, 0, 0, 0, 0x800).interrupts(InterruptKind.MSIX, 5))
                                .msixVectors())
                .isEqualTo(5);
        assertThat(
                        spec(
                                        PassthroughOptions.DEFAULT,
                                        msix(64, 0, 0, 0, 0x800).interrupts(InterruptKind.MSIX, 0))
                                .msixVectors())
                .isZero();
    }
}
