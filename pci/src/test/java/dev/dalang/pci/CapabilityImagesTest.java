package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class CapabilityImagesTest {
    private static PciConfiguration with(PciCapability capability) {
        PciConfiguration config = PciConfiguration.endpoint(1, 2).build();
        config.addCapability(capability);
        return config;
    }

    /** Rows M2 and M3: dword 0 at reset, table and pending bits of BAR 0. */
    @Test
    void msixTellsSizeTableAndPendingBits() {
        PciConfiguration config = with(new MsixCapability(3, 0, 0x6000, 0, 0x7000));
        assertThat(config.readRegister(16)).isEqualTo(0x0002_0011);
        assertThat(config.readRegister(17)).isEqualTo(0x6000);
        assertThat(config.readRegister(18)).isEqualTo(0x7000);
        assertThat(config.capabilities().getFirst().registers()).isEqualTo(3);
    }

    /** Rows M51 and Q3: both ends of the range. */
    @ParameterizedTest
    @CsvSource({"1, 0x00000011", "2048, 0x07ff0011"})
    void msixHas1To2048Vectors(int vectors, String expected) {
        PciConfiguration config = with(new MsixCapability(vectors, 1, 0, 5, 0x10000));
        assertThat(config.readRegister(16)).isEqualTo(Integer.decode(expected));
        assertThat(config.readRegister(17)).isEqualTo(1);
        assertThat(config.readRegister(18)).isEqualTo(0x10005);
    }

    /** Q2: its live part owns what a guest writes. */
    @Test
    void nothingOfTheMsixImageIsWritable() {
        PciConfiguration config = with(new MsixCapability(3, 0, 0x6000, 0, 0x7000));
        for (int register = 16; register < 19; register++) {
            int before = config.readRegister(register);
            config.write(register, 0, 4, ~before);
            assertThat(config.readRegister(register)).isEqualTo(before);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 2049})
    void msixWithAnotherNumberOfVectorsIsRefused(int vectors) {
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> new MsixCapability(vectors, 0, 0, 1, 0))
                .withMessage("MSI-X capability: expected 1..2048 vectors, got " + vectors);
    }

    @ParameterizedTest
    @CsvSource({
        "6, 0, 0, 0x8000, table",
        "-1, 0, 0, 0x8000, table",
        "0, 4, 0, 0x8000, table",
        "0, -8, 0, 0x8000, table",
        "0, 0x100000000, 0, 0x8000, table",
        "0, 0, 7, 0, pending bits",
        "0, 0, 1, 12, pending bits"
    })
    void msixMustLieInABar(int tableBar, String table, int pbaBar, String pba, String what) {
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(
                        () ->
                                new MsixCapability(
                                        3, tableBar, Long.decode(table), pbaBar, Long.decode(pba)))
                .withMessageStartingWith("MSI-X capability: " + what + ": expected a BAR of 0..5");
    }

    @Test
    void msixTableAndPendingBitsMustNotOverlap() {
        assertThat(new MsixCapability(4, 0, 0x40, 0, 0x80).pbaOffset()).isEqualTo(0x80);
        assertThat(new MsixCapability(4, 0, 0x40, 0, 0x38).pbaOffset()).isEqualTo(0x38);
        assertThat(new MsixCapability(4, 0, 0x40, 1, 0x40).pbaOffset()).isEqualTo(0x40);
        for (int pba : new int[] {0x40, 0x78}) {
            assertThatExceptionOfType(PciException.class)
                    .isThrownBy(() -> new MsixCapability(4, 0, 0x40, 0, pba))
                    .withMessage(
                            "MSI-X capability: the table at 0x40 and the pending bits at 0x"
                                    + Integer.toHexString(pba)
                                    + " of BAR 0 overlap, with 4 vectors");
        }
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> new MsixCapability(65, 0, 0x40, 0, 0x38))
                .withMessageContaining("overlap");
        assertThat(MsixCapability.pbaBytes(64)).isEqualTo(8);
        assertThat(MsixCapability.pbaBytes(65)).isEqualTo(16);
    }

    @ParameterizedTest
    @CsvSource({
        "1, false, false, 0x0000, 3, 2",
        "1, true, false, 0x0080, 4, 3",
        "8, false, true, 0x0106, 5, 2",
        "32, true, true, 0x018a, 6, 3"
    })
    void msiHasFourLayouts(
            int vectors,
            boolean wide,
            boolean mask,
            String control,
            int registers,
            int dataRegister) {
        MsiCapability capability = new MsiCapability(vectors, wide, mask);
        PciConfiguration config = with(capability);
        assertThat(config.readRegister(16)).isEqualTo(Integer.decode(control) << 16 | 5);
        assertThat(config.capabilities().getFirst().registers()).isEqualTo(registers);
        assertThat(capability.dataRegister()).isEqualTo(dataRegister);
        assertThat(capability.maskRegister()).isEqualTo(dataRegister + 1);
    }

    @ParameterizedTest
    @ValueSource(ints = {-2, 0, 3, 33, 64, Integer.MIN_VALUE})
    void msiWithAnotherNumberOfVectorsIsRefused(int vectors) {
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> new MsiCapability(vectors, true, true))
                .withMessage(
                        "MSI capability: expected 1, 2, 4, 8, 16 or 32 vectors, got " + vectors);
    }

    @Test
    void aVendorsStructureMayBeWritableInPart() {
        PciConfiguration config =
                with(
                        VendorCapability.of(
                                new byte[] {1, 2, 3, 4, (byte) 0xff},
                                new byte[] {0, (byte) 0xff, 0, 0, 0xf}));
        assertThat(config.readRegister(16)).isEqualTo(0x0108_0009);
        assertThat(config.readRegister(17)).isEqualTo(0xff04_0302);
        config.write(17, 0, 4, 0);
        assertThat(config.readRegister(17)).isEqualTo(0xf004_0300);
    }

    @Test
    void aVendorsStructureFillsTheListAtMost() {
        with(VendorCapability.of(new byte[189]));
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> VendorCapability.of(new byte[190]))
                .withMessage(
                        "vendor-specific capability: expected a body of at most 189 bytes and a"
                                + " mask as long, got 190 and 190");
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> VendorCapability.of(new byte[2], new byte[1]));
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> ExtendedCapability.vendor(0x1_0000, 16, new int[0x3fe]))
                .withMessageContaining("got id 65536, revision 16, 1022 registers");
    }

    /** H4, of a root port with a slot: values at reset. */
    @Test
    void aRootPortsExpressCapabilityIsAsTabled() {
        PciConfiguration config = PciConfiguration.bridge(0x8086, 0x3420).build();
        config.addCapability(
                new PcieCapability(PciePortType.ROOT_PORT, true, 5, 2, 1, false, false));
        int[] expected = new int[15];
        expected[0] = 0x0342_0010;
        expected[1] = 0x8000;
        expected[3] = 0x0200_0011;
        expected[4] = 0x0011_0000;
        expected[5] = 0x0028_0079;
        expected[6] = 0x03c0;
        for (int k = 0; k < 15; k++) {
            assertThat(config.readRegister(16 + k)).as("register %d", k).isEqualTo(expected[k]);
        }
        assertThat(config.capabilities().getFirst().registers()).isEqualTo(15);
    }

    /** H4's masks; status bits are cleared by ones, as the specification has them. */
    @Test
    void aRootPortsExpressCapabilityIsWritableAsTabled() {
        PcieCapability capability = PcieCapability.withSlot(PciePortType.ROOT_PORT, 1);
        int[] writable = capability.writableMask();
        int[] clear = capability.writeOneToClearMask();
        int[] expectedWritable = new int[15];
        expectedWritable[2] = 0x7fff;
        expectedWritable[4] = 0x0fff;
        expectedWritable[6] = 0x1fff;
        expectedWritable[7] = 0x1f;
        int[] expectedClear = new int[15];
        expectedClear[2] = 0x000f_0000;
        expectedClear[4] = 0xc000_0000;
        expectedClear[6] = 0x011f_0000;
        expectedClear[8] = 0x0001_0000;
        assertThat(writable).isEqualTo(expectedWritable);
        assertThat(clear).isEqualTo(expectedClear);
    }

    @Test
    void aFunctionWithoutSlotAndRootHasNoneOfTheirRegisters() {
        PcieCapability capability = PcieCapability.of(PciePortType.ENDPOINT);
        assertThat(capability.image()[0]).isEqualTo(0x0002_0000);
        for (int k : new int[] {5, 6, 7, 8}) {
            assertThat(capability.image()[k]).isZero();
            assertThat(capability.writableMask()[k]).isZero();
            assertThat(capability.writeOneToClearMask()[k]).isZero();
        }
    }

    @Test
    void anEndpointOnTheRootBusHasNoLink() {
        PcieCapability capability = PcieCapability.of(PciePortType.ROOT_COMPLEX_ENDPOINT);
        assertThat(capability.image()[0]).isEqualTo(0x0092_0000);
        for (int k : new int[] {3, 4}) {
            assertThat(capability.image()[k]).isZero();
            assertThat(capability.writableMask()[k]).isZero();
        }
    }

    @Test
    void linkReportingAndFunctionResetShow() {
        PcieCapability capability =
                new PcieCapability(PciePortType.DOWNSTREAM_PORT, false, 0, 0, 0, true, true);
        assertThat(capability.image()[1]).isEqualTo(0x1000_8000);
        assertThat(capability.image()[3]).isEqualTo(0x0010_0011);
    }

    @ParameterizedTest
    @EnumSource(PciePortType.class)
    void eachTypeShowsInTheFlags(PciePortType type) {
        PciConfiguration config = with(PcieCapability.of(type));
        assertThat(config.readRegister(16) >> 20 & 0xf).isEqualTo(type.code());
    }

    @Test
    void anExpressCapabilityThatCannotBeIsRefused() {
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> PcieCapability.withSlot(PciePortType.ENDPOINT, 1))
                .withMessage("PCI Express capability: a function of type ENDPOINT has no slot");
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> PcieCapability.withSlot(PciePortType.ROOT_PORT, 0x2000))
                .withMessage("PCI Express capability: slot number: expected 0..8191, got 8192");
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(
                        () ->
                                new PcieCapability(
                                        PciePortType.ENDPOINT, false, 0, 256, 0, false, false))
                .withMessage("PCI Express capability: port number: expected 0..255, got 256");
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(
                        () ->
                                new PcieCapability(
                                        PciePortType.ENDPOINT, false, 0, 0, 32, false, false))
                .withMessage("PCI Express capability: interrupt message: expected 0..31, got 32");
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(
                        () ->
                                new PcieCapability(
                                        PciePortType.ROOT_COMPLEX_ENDPOINT,
                                        false,
                                        0,
                                        0,
                                        0,
                                        true,
                                        false))
                .withMessage(
                        "PCI Express capability: a function of type ROOT_COMPLEX_ENDPOINT has no"
                                + " link");
    }
}
