package dev.dalang.passthrough;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.linux.Errno;
import dev.dalang.passthrough.BackendRegion.Area;
import dev.dalang.pci.PciAddress;
import dev.dalang.testkit.pci.MsixDriver;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The kernel's VFIO, played by a test: what is asked of it, in which order, and what is undone. */
class VfioBackendTest {
    private static final PciAddress ADDRESS = PciAddress.parse("0000:01:00.0");
    private static final String NAME = "0000:01:00.0";

    @TempDir Path root;
    private final FakeVfioKernel kernel = new FakeVfioKernel();

    @BeforeEach
    void aHostWithTheDevice() throws IOException {
        Path group = Files.createDirectories(root.resolve("sys/kernel/iommu_groups/12"));
        Files.createDirectories(group.resolve("devices"));
        member(NAME, "vfio-pci");
    }

    private void member(String name, String driver) throws IOException {
        Path device = Files.createDirectories(root.resolve("sys/bus/pci/devices").resolve(name));
        Path group = root.resolve("sys/kernel/iommu_groups/12");
        Files.createSymbolicLink(device.resolve("iommu_group"), group);
        Files.createDirectory(group.resolve("devices").resolve(name));
        if (!driver.isEmpty()) {
            Path drivers = root.resolve("sys/bus/pci/drivers").resolve(driver);
            Files.createDirectories(drivers);
            Files.createSymbolicLink(device.resolve("driver"), drivers);
        }
    }

    private void withIommufd() throws IOException {
        Files.createDirectories(root.resolve("dev"));
        Files.createFile(root.resolve("dev/iommu"));
        Files.createDirectories(
                root.resolve("sys/bus/pci/devices").resolve(NAME).resolve("vfio-dev/vfio3"));
    }

    private VfioBackend open() throws BackendException {
        return VfioBackend.open(ADDRESS, new VfioHost(root), kernel);
    }

    private static DmaMapping mapping(boolean isWritable) {
        GuestMemory memory = GuestMemory.of(TestMachine.region(0x8000_0000L));
        return new DmaMapping(
                0x8000_0000L,
                memory.regions().getFirst().segment(),
                Optional.empty(),
                true,
                isWritable,
                PassthroughVm.of(1, 1, memory).dma());
    }

    // ---------------------------------------------------------------- opening

    @Test
    void aGroupIsOpenedAndLeftInOrder() throws BackendException {
        VfioBackend backend = open();
        assertThat(kernel.calls)
                .startsWith(
                        "open /dev/vfio/vfio",
                        "VFIO_GET_API_VERSION",
                        "VFIO_CHECK_EXTENSION",
                        "open /dev/vfio/12",
                        "VFIO_GROUP_GET_STATUS",
                        "VFIO_GROUP_SET_CONTAINER",
                        "VFIO_SET_IOMMU",
                        "VFIO_GROUP_GET_DEVICE_FD",
                        "device " + NAME,
                        "VFIO_DEVICE_GET_INFO");
        kernel.calls.clear();
        backend.close();
        backend.close();
        assertThat(kernel.calls)
                .containsExactly(
                        "close " + NAME,
                        "VFIO_GROUP_UNSET_CONTAINER",
                        "close /dev/vfio/12",
                        "close /dev/vfio/vfio");
    }

    @Test
    void anIommufdIsOpenedAndLeftInOrder() throws Exception {
        withIommufd();
        VfioBackend backend = open();
        assertThat(kernel.calls)
                .startsWith(
                        "open /dev/iommu",
                        "IOMMU_IOAS_ALLOC",
                        "open /dev/vfio/devices/vfio3",
                        "VFIO_DEVICE_BIND_IOMMUFD",
                        "VFIO_DEVICE_ATTACH_IOMMUFD_PT",
                        "VFIO_DEVICE_GET_INFO");
        kernel.calls.clear();
        backend.close();
        assertThat(kernel.calls)
                .containsExactly("close /dev/vfio/devices/vfio3", "close /dev/iommu");
    }

    /** Whatever call fails on the way, nothing stays open. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatFailsWhileOpeningLeavesNothingOpen(boolean isIommufd) throws Exception {
        if (isIommufd) {
            withIommufd();
        }
        open().close();
        Set<String> made = new LinkedHashSet<>(kernel.calls);
        made.removeIf(
                call ->
                        call.startsWith("close")
                                || call.startsWith("device")
                                || call.endsWith("UNSET_CONTAINER"));
        assertThat(made).hasSizeGreaterThan(7);
        for (String call : made) {
            kernel.failing.clear();
            kernel.failing.put(call, Errno.EPERM);
            assertThatThrownBy(this::open)
                    .as(call)
                    .isInstanceOfSatisfying(
                            BackendException.class,
                            failure -> assertThat(failure.errno()).isEqualTo(Errno.EPERM.number()));
            assertThat(kernel.open).as(call).isEmpty();
            assertThat(kernel.events).as(call).isEmpty();
        }
    }

    @Test
    void aContainerOfAnotherVersionIsRefused() {
        kernel.apiVersion = 1;
        assertThatThrownBy(this::open).hasMessageContaining("version 0, got 1");
        assertThat(kernel.open).isEmpty();
    }

    @Test
    void aHostWithoutAGuardIsRefused() {
        kernel.hasType1 = 0;
        assertThatThrownBy(this::open).hasMessageContaining("type1v2");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3})
    void aGroupThatIsNotFreeIsRefused(int status) {
        kernel.groupStatus = status;
        assertThatThrownBy(this::open)
                .hasMessageContaining("group 12")
                .hasMessageContaining("0x" + status);
        assertThat(kernel.open).isEmpty();
    }

    @Test
    void theFirstOfAGroupThatIsInUseIsNamed() throws Exception {
        member("0000:01:00.1", "snd_hda_intel");
        member("0000:00:01.0", "pcieport");
        member("0000:01:00.2", "");
        kernel.groupStatus = 0;
        assertThatThrownBy(this::open).hasMessageContaining("0000:01:00.1 of it is bound");
        kernel.groupStatus = 1;
        assertThat(open().isolationGroup().orElseThrow())
                .isEqualTo(
                        new IsolationGroup(
                                "12",
                                List.of("0000:00:01.0", NAME, "0000:01:00.1", "0000:01:00.2"),
                                List.of("0000:01:00.1")));
    }

    @Test
    void devicesThatCannotBeGivenAwaySayWhy() throws Exception {
        assertThatThrownBy(
                        () ->
                                VfioBackend.open(
                                        PciAddress.parse("0000:09:00.0"),
                                        new VfioHost(root),
                                        kernel))
                .hasMessageContaining("no such PCI device");
        Files.createDirectories(root.resolve("sys/bus/pci/devices/0000:02:00.0"));
        assertThatThrownBy(
                        () ->
                                VfioBackend.open(
                                        PciAddress.parse("0000:02:00.0"),
                                        new VfioHost(root),
                                        kernel))
                .hasMessageContaining("no IOMMU guards the device");
        Files.delete(root.resolve("sys/bus/pci/devices").resolve(NAME).resolve("driver"));
        Path driver = Files.createDirectories(root.resolve("sys/bus/pci/drivers/e1000e"));
        Files.createSymbolicLink(
                root.resolve("sys/bus/pci/devices").resolve(NAME).resolve("driver"), driver);
        assertThatThrownBy(this::open).hasMessageContaining("bind it to vfio-pci");
        assertThat(kernel.calls).isEmpty();
    }

    @Test
    void whatIsNoPciDeviceIsRefused() {
        kernel.deviceFlags = 0;
        assertThatThrownBy(this::open).hasMessageContaining("expected a PCI device");
        kernel.deviceFlags = 3;
        kernel.regionCount = 7;
        assertThatThrownBy(this::open).hasMessageContaining("7 regions");
        kernel.regionCount = 9;
        kernel.kindCount = 2;
        assertThatThrownBy(this::open).hasMessageContaining("2 kinds");
        assertThat(kernel.open).isEmpty();
    }

    // ---------------------------------------------------------------- regions

    @Test
    void regionsKeepTheirIndices() throws BackendException {
        VfioBackend backend = open();
        assertThat(backend.regions()).extracting(BackendRegion::index).containsExactly(0, 2, 7);
        assertThat(backend.region(0).orElseThrow().areas()).containsExactly(new Area(0, 0x4000));
        assertThat(backend.isResettable()).isTrue();
        assertThat(backend.label()).isEqualTo("vfio:0000:01:00.0");
    }

    private static byte[] caps(long... areas) {
        ByteBuffer bytes =
                ByteBuffer.allocate(16 + 8 * areas.length + 8).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putShort((short) 1).putShort((short) 1).putInt(32 + 16 + 8 * areas.length);
        bytes.putInt(areas.length / 2).putInt(0);
        for (long each : areas) {
            bytes.putLong(each);
        }
        bytes.putShort((short) 3).putShort((short) 1).putInt(0);
        return bytes.array();
    }

    @Test
    void aLongerAnswerIsAskedForAgain() throws BackendException {
        kernel.sparse = caps(0, 0x1000, 0x3000, 0x1000);
        BackendRegion region = open().region(0).orElseThrow();
        assertThat(region.areas()).containsExactly(new Area(0, 0x1000), new Area(0x3000, 0x1000));
        assertThat(region.isMsixMappable()).isTrue();
    }

    @Test
    void capabilitiesThatGoInCirclesEnd() throws BackendException {
        kernel.sparse = caps(0, 0x1000);
        kernel.sparse[4] = 32;
        assertThat(open().region(0).orElseThrow().areas()).containsExactly(new Area(0, 0x1000));
    }

    @Test
    void areasThatCannotBeAreRefused() {
        kernel.sparse = caps(0x3000, 0x8000);
        assertThatThrownBy(this::open).hasMessageContaining("areas in order inside region 0");
        assertThat(kernel.open).isEmpty();
    }

    @Test
    void moreAreasThanCameAreNotRead() throws BackendException {
        kernel.sparse = caps(0, 0x1000);
        kernel.sparse[8] = (byte) 0xff;
        kernel.sparse[11] = (byte) 0xff;
        assertThat(open().region(0).orElseThrow().areas()).hasSize(1);
    }

    @Test
    void registersAreAtTheirOffsetsInTheFile() throws BackendException {
        VfioBackend backend = open();
        backend.write(2, 0x10, 4, 0xffff_ffff_1234_5678L);
        assertThat(backend.read(2, 0x10, 4)).isEqualTo(0x1234_5678L);
        assertThat(backend.read(2, 0x11, 2)).isEqualTo(0x3456);
        assertThat(kernel.device.get(ValueLayout.JAVA_INT, FakeVfioKernel.offset(2) + 0x10))
                .isEqualTo(0x1234_5678);
        kernel.calls.clear();
        assertThatThrownBy(() -> backend.read(2, 0xffd, 4)).hasMessageContaining("0xffd");
        assertThatThrownBy(() -> backend.read(1, 0, 4)).hasMessageContaining("region 1");
        assertThatThrownBy(() -> backend.write(2, -1, 4, 0)).hasMessageContaining("region 2");
        assertThatThrownBy(() -> backend.read(99, Long.MAX_VALUE, 8))
                .isInstanceOf(BackendException.class);
        assertThat(kernel.calls).isEmpty();
    }

    // ---------------------------------------------------------------- interrupts

    @Test
    void interruptsAreAsTheKernelSays() throws BackendException {
        VfioBackend backend = open();
        assertThat(backend.interrupts(InterruptKind.INTX))
                .isEqualTo(new InterruptInfo(1, true, true, false));
        assertThat(backend.interrupts(InterruptKind.MSI))
                .isEqualTo(new InterruptInfo(32, false, false, true));
        assertThat(backend.interrupts(InterruptKind.MSIX).count()).isEqualTo(2048);
        assertThat(backend.interrupts(InterruptKind.ERROR)).isEqualTo(InterruptInfo.NONE);
    }

    @Test
    void vectorsAreArmedInOneCallAndSignalled() throws BackendException {
        VfioBackend backend = open();
        List<Integer> came = new ArrayList<>();
        backend.arm(InterruptKind.MSIX, 3, 4, came::add);
        assertThat(kernel.calls).endsWith("VFIO_DEVICE_SET_IRQS", "irqs 2 flags 36 3+4");
        kernel.signal(2, 3);
        kernel.signal(2, 6);
        assertThat(came).containsExactly(3, 6);
        backend.arm(InterruptKind.MSIX, 3, 1, vector -> came.add(100 + vector));
        kernel.signal(2, 3);
        assertThat(came).endsWith(103);
        assertThat(kernel.events).as("the one before is closed").hasSize(4);

        backend.disarm(InterruptKind.MSIX, 3, 1);
        assertThat(kernel.events).hasSize(3);
        backend.disable(InterruptKind.MSIX);
        assertThat(kernel.calls).endsWith("irqs 2 flags 33 0+0");
        assertThat(kernel.events).isEmpty();
        kernel.calls.clear();
        backend.disable(InterruptKind.MSIX);
        assertThat(kernel.calls).isEmpty();
    }

    @Test
    void theWireIsMaskedAndUnmasked() throws BackendException {
        VfioBackend backend = open();
        backend.mask(InterruptKind.INTX, 0, 1);
        assertThat(kernel.calls).endsWith("irqs 0 flags 9 0+1");
        backend.unmask(InterruptKind.INTX, 0, 1);
        assertThat(kernel.calls).endsWith("irqs 0 flags 17 0+1");
    }

    @Test
    void vectorsThatThereAreNotAreRefusedHere() throws BackendException {
        VfioBackend backend = open();
        kernel.calls.clear();
        for (int[] bad : new int[][] {{2047, 2}, {2048, 1}, {0, 0}, {-1, 1}, {1, -1}, {284, -1}}) {
            assertThatThrownBy(() -> backend.arm(InterruptKind.MSIX, bad[0], bad[1], _ -> {}))
                    .hasMessageContaining("there are 2048");
        }
        assertThatThrownBy(() -> backend.arm(InterruptKind.ERROR, 0, 1, _ -> {}))
                .hasMessageContaining("there are 0");
        assertThat(kernel.calls).isEmpty();
    }

    @Test
    void anEventThatIsRefusedLeavesNoneBehind() throws BackendException {
        VfioBackend backend = open();
        kernel.failing.put("VFIO_DEVICE_SET_IRQS", Errno.ENOSPC);
        assertThatThrownBy(() -> backend.arm(InterruptKind.MSIX, 0, 9, _ -> {}))
                .hasMessageContaining("ENOSPC");
        assertThat(kernel.events).isEmpty();
    }

    // ---------------------------------------------------------------- memory

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void memoryIsMappedWhereTheGuestHasIt(boolean isIommufd) throws Exception {
        if (isIommufd) {
            withIommufd();
        }
        VfioBackend backend = open();
        DmaMapping mapping = mapping(true);
        backend.mapDma(mapping);
        assertThat(kernel.dma.get(0x8000_0000L))
                .containsExactly(mapping.memory().address(), 0x1_0000, isIommufd ? 7 : 3);
        backend.unmapDma(0x8000_0000L, 0x1_0000);
        assertThat(kernel.dma).isEmpty();
        backend.mapDma(mapping(false));
        assertThat(kernel.dma.get(0x8000_0000L)[2]).isEqualTo(isIommufd ? 5 : 1);
        kernel.unmapped = 0x8000;
        assertThatThrownBy(() -> backend.unmapDma(0x8000_0000L, 0x1_0000))
                .hasMessageContaining("expected 0x10000 bytes")
                .hasMessageContaining("got 0x8000");
    }

    @Test
    void tooLittleLockedMemoryIsExplained() throws BackendException {
        VfioBackend backend = open();
        kernel.failing.put("VFIO_IOMMU_MAP_DMA", Errno.ENOMEM);
        assertThatThrownBy(() -> backend.mapDma(mapping(true)))
                .hasMessageContaining("ulimit -l")
                .hasMessageContaining("65536 bytes");
    }

    // ---------------------------------------------------------------- life

    @Test
    void aDeviceThatTheHostTookAwayIsLost() throws BackendException {
        VfioBackend backend = open();
        List<String> told = new ArrayList<>();
        backend.onLost(() -> told.add("first"));
        kernel.failing.put("read 0x200000", Errno.ENODEV);
        assertThatThrownBy(() -> backend.read(2, 0, 4))
                .isInstanceOfSatisfying(
                        BackendException.class, failure -> assertThat(failure.isLost()).isTrue());
        assertThatThrownBy(() -> backend.read(2, 0, 4)).isInstanceOf(BackendException.class);
        backend.onLost(() -> told.add("late"));
        assertThat(told).containsExactly("first", "late");
    }

    @Test
    void powerIsAFeature() throws BackendException {
        VfioBackend backend = open();
        backend.lowPower(true);
        assertThat(kernel.calls).endsWith("feature 0x20003");
        backend.lowPower(false);
        assertThat(kernel.calls).endsWith("feature 0x20005");
    }

    @Test
    void aGuestUsesTheDevice() throws BackendException {
        PassthroughDevice device = Devices.open(open());
        TestMachine machine = new TestMachine();
        PciFunctionDriver driver = machine.add(PassthroughFunction.of(device));
        assertThat(driver.vendor()).isEqualTo(0x8086);
        driver.enable(PciFunctionDriver.COMMAND_MEMORY | PciFunctionDriver.COMMAND_MASTER);
        assertThat(kernel.dma).hasSize(2);
        driver.bar(0).write(8, 4, 0xabcd);
        assertThat(kernel.device.get(ValueLayout.JAVA_INT, 8)).isEqualTo(0xabcd);
        MsixDriver msix = driver.msix();
        msix.enable();
        msix.route(5, 0x2800_0000L, 3);
        kernel.signal(2, 5);
        assertThat(machine.messages.accepted()).hasSize(1);
        machine.root.close();
        assertThat(kernel.dma).isEmpty();
        device.close();
        assertThat(kernel.open).isEmpty();
        assertThat(kernel.events).isEmpty();
    }
}
