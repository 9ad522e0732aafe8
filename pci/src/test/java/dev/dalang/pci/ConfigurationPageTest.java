package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The page that mirrors a configuration space. */
final class ConfigurationPageTest {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment page = arena.allocate(4096, 4096);
    private final PciConfiguration config =
            PciConfiguration.endpoint(0x1234, 0x11e8).label("edu").build();

    @AfterEach
    void close() {
        arena.close();
    }

    private int at(int register) {
        return page.get(ValueLayout.JAVA_INT, 4L * register);
    }

    private void assertMirrored(PciConfiguration space) {
        for (int register = 0; register < 1024; register++) {
            assertThat(at(register))
                    .as("register %d", register)
                    .isEqualTo(space.readRegister(register));
        }
    }

    @Test
    void thePageBeginsAsACopy() {
        config.addBar(PciBar.memory64(0, 0x1000).at(0x4_0000_0000L));
        var live = new RecordingCapConfig(0, -1);
        live.values[1] = 0x5555;
        config.addCapability(TestCapability.readOnly(9, 0, 0), live);
        config.addExtendedCapability(ExtendedCapability.serialNumber(-2), null);
        live.values[1] = 0x6666;
        assertThat(config.initPciConfigMapping(page)).isTrue();
        assertThat(at(17)).isEqualTo(0x6666);
        assertMirrored(config);
    }

    @Test
    void beyondAConventionalSpaceThePageIsOnes() {
        PciConfiguration old = PciConfiguration.endpoint(1, 2).conventional().build();
        old.initPciConfigMapping(page);
        assertThat(at(63)).isZero();
        assertThat(at(64)).isEqualTo(-1);
        assertMirrored(old);
    }

    /** Functions of 256 bytes share a page of 4 KiB. */
    @Test
    void aSmallPageHoldsTheConventionalPart() {
        MemorySegment slice = page.asSlice(0x200, 256);
        config.initPciConfigMapping(slice);
        config.setRegister(200, 0x77);
        config.setRegister(63, 0x78);
        assertThat(at(0x80)).isEqualTo(0x11e8_1234);
        assertThat(at(0x80 + 63)).isEqualTo(0x78);
        assertThat(at(0x7f)).isZero();
        assertThat(at(0xc0)).isZero();
    }

    @Test
    void thePageFollowsGuestAndLiveParts() {
        config.addBar(PciBar.memory32(0, 0x1000));
        var live = new RecordingCapConfig(0, 0xffff);
        config.addCapability(TestCapability.readOnly(9, 0, 0, 0), live);
        config.initPciConfigMapping(page);
        config.write(4, 0, 4, 0x4000_0000);
        config.write(1, 0, 2, 2);
        config.write(17, 0, 2, 0xabcd);
        live.mapping.setRegister(2, 0x11, 0xff);
        assertThat(at(17)).isEqualTo(0xabcd);
        assertThat(at(18)).isEqualTo(0x11);
        assertMirrored(config);
        config.reset();
        assertMirrored(config);
    }

    /** A write to one register of a live part may change another: the page shows it at once. */
    @Test
    void thePageFollowsTheOtherRegistersOfALivePart() {
        var live =
                new PciCapConfig() {
                    private int other;

                    @Override
                    public int registers() {
                        return 2;
                    }

                    @Override
                    public int readMask(int register) {
                        return register == 1 ? -1 : 0;
                    }

                    @Override
                    public int readRegister(int register) {
                        return other;
                    }

                    @Override
                    public PciCapStatus writeRegister(
                            int register, int offset, int size, int value) {
                        other = value;
                        return PciCapStatus.NONE;
                    }
                };
        config.addCapability(TestCapability.readOnly(9, 0, 0), live);
        config.initPciConfigMapping(page);
        config.write(16, 0, 4, 0x42);
        assertThat(at(17)).isEqualTo(0x42);
        assertMirrored(config);
    }

    /** Row C8. */
    @Test
    void theDevicesWritesShowAndTheHeaderTypeStays() {
        config.initPciConfigMapping(page);
        config.setRegister(16, 0xcafe_babe);
        assertThat(at(16)).isEqualTo(0xcafe_babe);
        page.set(ValueLayout.JAVA_BYTE, 0x0e, (byte) 0x5a);
        config.setRegister(3, 0x11_22_33_44);
        config.write(3, 0, 4, 0x55);
        assertThat(page.get(ValueLayout.JAVA_BYTE, 0x0e)).isEqualTo((byte) 0x5a);
        assertThat(at(3) & 0xff00_ffff).isEqualTo(0x1100_3355);
        config.setMultiFunction(true);
        assertThat(page.get(ValueLayout.JAVA_BYTE, 0x0e)).isEqualTo((byte) 0x80);
        config.setMultiFunction(false);
        assertMirrored(config);
    }

    @Test
    void thereIsOneMappingInALife() {
        config.initPciConfigMapping(page);
        for (int attempt = 0; attempt < 2; attempt++) {
            assertThatExceptionOfType(PciException.class)
                    .isThrownBy(() -> config.initPciConfigMapping(page))
                    .withMessage("edu: its configuration space is mapped already");
            config.endPciConfigMapping();
        }
        config.setRegister(16, 1);
        assertThat(at(16)).isZero();
    }

    @Test
    void aPageOfAnotherSizeIsRefused() {
        for (long size : new long[] {0, 255, 260, 2048}) {
            assertThatExceptionOfType(PciException.class)
                    .isThrownBy(() -> config.initPciConfigMapping(page.asSlice(0, size)))
                    .withMessage(
                            "edu: expected a configuration page of 256 or 4096 bytes, got " + size);
        }
    }

    @Test
    void aRestoreRefreshesThePage() {
        PciConfiguration other = PciConfiguration.endpoint(0x1234, 0x11e8).build();
        other.write(1, 0, 2, 6);
        config.initPciConfigMapping(page);
        config.restore(other.snapshot());
        assertThat(at(1)).isEqualTo(6);
        assertMirrored(config);
    }

    /** The device pushes just after its value was read: the older value must not win. */
    @Test
    void aPushOutrunsAValueThatWasReadBeforeIt() {
        var live =
                new PciCapConfig() {
                    private PciCapMapping mapping;
                    private boolean racing;
                    private int value;

                    @Override
                    public int registers() {
                        return 1;
                    }

                    @Override
                    public int readMask(int register) {
                        return 0xffff_0000;
                    }

                    @Override
                    public int readRegister(int register) {
                        int read = value;
                        if (racing) {
                            racing = false;
                            value = 0x2211_0000;
                            mapping.setRegister(0, value, 0xff00_0000);
                        }
                        return read;
                    }

                    @Override
                    public PciCapStatus writeRegister(
                            int register, int offset, int size, int written) {
                        value = 0x1111_0000;
                        racing = true;
                        return PciCapStatus.NONE;
                    }

                    @Override
                    public void setCapMapping(PciCapMapping registers) {
                        mapping = registers;
                    }
                };
        config.addCapability(TestCapability.readOnly(9, 0), live);
        config.initPciConfigMapping(page);
        config.write(16, 2, 2, 0);
        assertThat(at(16)).isEqualTo(0x2211_0009);
        assertMirrored(config);
    }

    /** A device pushes while a guest writes: what is left is the last state, never an older one. */
    @Test
    void thePageEndsWithTheLastOfPushesAndWrites() throws InterruptedException {
        PmCapability capability = new PmCapability(true);
        PmConfig pm = new PmConfig(capability);
        config.addCapability(capability, pm);
        config.initPciConfigMapping(page);
        for (int round = 0; round < 200; round++) {
            Thread device =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (int i = 0; i < 100; i++) {
                                            pm.signalWake();
                                        }
                                    });
            for (int i = 0; i < 100; i++) {
                config.write(17, 0, 2, (i & 1) == 0 ? 0x8103 : 0x8000);
            }
            device.join();
            assertThat(at(17)).as("round %d", round).isEqualTo(config.readRegister(17));
        }
    }
}
