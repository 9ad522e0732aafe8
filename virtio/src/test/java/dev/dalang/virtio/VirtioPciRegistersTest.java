package dev.dalang.virtio;

import static dev.dalang.testkit.virtio.VirtioTransportDriver.ACKNOWLEDGE;
import static dev.dalang.testkit.virtio.VirtioTransportDriver.DRIVER;
import static dev.dalang.testkit.virtio.VirtioTransportDriver.DRIVER_OK;
import static dev.dalang.testkit.virtio.VirtioTransportDriver.FAILED;
import static dev.dalang.testkit.virtio.VirtioTransportDriver.FEATURES_OK;
import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_NOTIF_CONFIG_DATA;
import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_RING_PACKED;
import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_RING_RESET;
import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_VERSION_1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.testkit.pci.PciFunctionDriver;
import dev.dalang.testkit.virtio.VirtioPciDriver;
import dev.dalang.testkit.virtio.VirtioPciDriver.Structure;

import org.junit.jupiter.api.Test;

import java.util.Collections;
import java.util.List;

/** The registers of virtio-pci, as a driver sees them before it uses the device. */
final class VirtioPciRegistersTest {
    private final VirtioMachine machine = new VirtioMachine();
    private final TestVirtioDevice device = new TestVirtioDevice(256, 64, 16);

    /** Row T1: the order and place of the capabilities, with the 20 bytes of row T40. */
    @Test
    void theCapabilitiesLieInOrder() {
        VirtioPciDriver driver = machine.pci(device);
        assertThat(driver.structures())
                .containsExactly(
                        new Structure(0x40, 16, VirtioPciDriver.COMMON, 0, 0, 0x0000, 64),
                        new Structure(0x50, 16, VirtioPciDriver.ISR, 0, 0, 0x1000, 1),
                        new Structure(0x60, 16, VirtioPciDriver.DEVICE, 0, 0, 0x2000, 0x1000),
                        new Structure(0x70, 20, VirtioPciDriver.NOTIFY, 0, 0, 0x3000, 0x1000),
                        new Structure(0x84, 20, VirtioPciDriver.WINDOW, 0, 0, 0, 0));
        assertThat(driver.notifyMultiplier()).isEqualTo(4);
        PciFunctionDriver function = driver.function();
        assertThat(function.capabilities())
                .containsExactly(0x40, 0x50, 0x60, 0x70, 0x84, 0x98, 0xa4);
        assertThat(function.read(0x98, 1)).as("MSI-X").isEqualTo(0x11);
        assertThat(function.read(0x9c, 4)).as("table").isEqualTo(0x6000);
        assertThat(function.read(0xa0, 4)).as("pending bits").isEqualTo(0x7000);
        assertThat(function.read(0xa4, 1)).as("power management").isEqualTo(0x01);
        assertThat(driver.bar().size()).isEqualTo(0x8000);
        assertThat(driver.bar().is64()).isFalse();
        assertThat(driver.bar().isPrefetchable()).isFalse();
    }

    @Test
    void theFunctionIsIdentifiedAsModern() {
        PciFunctionDriver function = machine.pci(device).function();
        assertThat(function.vendor()).isEqualTo(0x1af4);
        assertThat(function.device()).isEqualTo(0x1044);
        assertThat(function.read(0x08, 4)).as("class, revision").isEqualTo(0x0880_0001);
        assertThat(function.read(0x2c, 4)).as("subsystem").isEqualTo(0x1044_1af4);
    }

    /** A vector for each interrupt of the device, and one for its configuration. */
    @Test
    void thereIsOneVectorMoreThanInterrupts() {
        assertThat(machine.pci(device).function().msix().vectors()).isEqualTo(4);
    }

    @Test
    void aDeviceWithMoreThanThereIsRoomForIsRefused() {
        TestVirtioDevice large =
                new TestVirtioDevice(Collections.nCopies(256, 8).toArray(Integer[]::new));
        assertThatThrownBy(() -> VirtioPciDevice.of(large))
                .isInstanceOf(VirtioException.class)
                .hasMessageContaining("256");
        TestVirtioDevice most =
                new TestVirtioDevice(Collections.nCopies(255, 8).toArray(Integer[]::new));
        assertThat(machine.pci(most).function().msix().vectors()).isEqualTo(256);
        TestVirtioDevice queues =
                new TestVirtioDevice(Collections.nCopies(1025, 8).toArray(Integer[]::new)) {
                    @Override
                    public int numInterrupts() {
                        return 1;
                    }
                };
        assertThatThrownBy(() -> VirtioPciDevice.of(queues)).hasMessageContaining("1025");
    }

    @Test
    void featuresThatAreNotWhoseTheyAreAreRefused() {
        assertThatThrownBy(() -> VirtioPciDevice.of(device, 0)).isInstanceOf(VirtioException.class);
        assertThatThrownBy(() -> VirtioPciDevice.of(device, VIRTIO_F_VERSION_1 | 1))
                .isInstanceOf(VirtioException.class);
        device.features = VIRTIO_F_RING_PACKED;
        assertThatThrownBy(() -> VirtioPciDevice.of(device)).isInstanceOf(VirtioException.class);
    }

    /** Row T2. */
    @Test
    void registersAtReset() {
        VirtioPciDriver driver = machine.pci(device);
        assertThat(driver.queues()).isEqualTo(3);
        assertThat(driver.status()).isZero();
        assertThat(driver.configGeneration()).isZero();
        assertThat(driver.readCommon(0x10, 2)).as("config vector").isEqualTo(0xffff);
        assertThat(List.of(0, 1, 2).stream().map(driver::maxQueueSize))
                .containsExactly(256, 64, 16);
        for (int queue = 0; queue < 3; queue++) {
            driver.selectQueue(queue);
            assertThat(driver.readCommon(0x1a, 2)).as("vector").isEqualTo(0xffff);
            assertThat(driver.isQueueEnabled(queue)).isFalse();
            assertThat(driver.notifyOffset(queue)).isEqualTo(queue);
        }
        assertThat(driver.maxQueueSize(3)).isZero();
        assertThat(driver.readCommon(0x3c, 2)).as("admin queue index").isZero();
        assertThat(driver.readCommon(0x3e, 2)).as("admin queues").isZero();
    }

    /** Row T3. */
    @Test
    void featuresAreReadInPages() {
        device.features = 0x21;
        VirtioPciDriver driver = machine.pci(device);
        long expected = VirtioFeatures.STANDARD & ~VIRTIO_F_RING_RESET | 0x21;
        driver.writeCommon(0, 4, 0);
        assertThat(driver.readCommon(4, 4)).isEqualTo(expected & 0xffff_ffffL);
        driver.writeCommon(0, 4, 1);
        assertThat(driver.readCommon(4, 4)).isEqualTo(expected >>> 32);
        for (long select : new long[] {2, 3, 0x8000_0000L, 0xffff_ffffL}) {
            driver.writeCommon(0, 4, select);
            assertThat(driver.readCommon(4, 4)).isZero();
            assertThat(driver.readCommon(0, 4)).isEqualTo(select);
        }
    }

    /** Row T4. */
    @Test
    void furtherPagesOfFeaturesAreIgnored() {
        VirtioPciDriver driver = machine.pci(device);
        driver.setDriverFeatures(VIRTIO_F_VERSION_1);
        for (long value : new long[] {0, 1}) {
            driver.writeCommon(8, 4, 2);
            driver.writeCommon(0xc, 4, value);
            assertThat(driver.readCommon(0xc, 4)).isZero();
        }
        driver.setStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK);
        assertThat(driver.status()).isEqualTo(ACKNOWLEDGE | DRIVER | FEATURES_OK);
    }

    /** Row T6. */
    @Test
    void whatADriverWroteCanBeRead() {
        VirtioPciDriver driver = machine.pci(device);
        driver.setDriverFeatures(0x1_2345_6789L);
        assertThat(driver.readCommon(0xc, 4)).isEqualTo(1);
        driver.writeCommon(8, 4, 0);
        assertThat(driver.readCommon(0xc, 4)).isEqualTo(0x2345_6789L);
        driver.placeQueue(1, 32, 0x1_8000_0010L, 0x2_8000_0020L, 0x3_8000_0030L);
        assertThat(driver.readCommon(0x18, 2)).isEqualTo(32);
        assertThat(driver.readCommon(0x20, 4)).isEqualTo(0x8000_0010L);
        assertThat(driver.readCommon(0x24, 4)).isEqualTo(1);
        assertThat(driver.readCommon(0x28, 8)).isEqualTo(0x2_8000_0020L);
        assertThat(driver.readCommon(0x30, 8)).isEqualTo(0x3_8000_0030L);
        driver.writeCommon(0x20, 8, 0x4_8000_0040L);
        assertThat(driver.readCommon(0x20, 8)).isEqualTo(0x4_8000_0040L);
        driver.selectQueue(7);
        driver.writeCommon(0x20, 8, 0x4_8000_0040L);
        assertThat(driver.readCommon(0x20, 8)).as("no such queue").isZero();
        assertThat(driver.readCommon(0x20, 4)).isZero();
    }

    /** Row T7. */
    @Test
    void aSizeThatTheLayoutDoesNotAllowIsRefused() {
        VirtioPciDriver driver = machine.pci(device);
        driver.negotiate(0);
        driver.selectQueue(0);
        for (int size : new int[] {0, 3, 255, 257, 512, 0xffff}) {
            driver.writeCommon(0x18, 2, size);
            assertThat(driver.readCommon(0x18, 2)).as("after %d", size).isEqualTo(256);
        }
        driver.writeCommon(0x18, 2, 8);
        assertThat(driver.readCommon(0x18, 2)).isEqualTo(8);
    }

    /** Row T7, for the packed layout, where any size goes. */
    @Test
    void aPackedQueueMayHaveAnySize() {
        VirtioPciDriver driver =
                machine.pci(device, VirtioFeatures.STANDARD | VIRTIO_F_RING_PACKED);
        driver.negotiate(VIRTIO_F_RING_PACKED);
        driver.selectQueue(0);
        driver.writeCommon(0x18, 2, 3);
        assertThat(driver.readCommon(0x18, 2)).isEqualTo(3);
        driver.writeCommon(0x18, 2, 0);
        assertThat(driver.readCommon(0x18, 2)).isEqualTo(3);
        driver.writeCommon(0x18, 2, 257);
        assertThat(driver.readCommon(0x18, 2)).isEqualTo(3);
    }

    /** Row T9. */
    @Test
    void aFieldIsReadAndWrittenWhole() {
        VirtioPciDriver driver = machine.pci(device);
        driver.setConfigVector(1);
        assertThat(driver.readCommon(0x10, 1)).isZero();
        driver.writeCommon(0x10, 1, 2);
        assertThat(driver.readCommon(0x04, 2)).isZero();
        driver.selectQueue(1);
        assertThat(driver.readCommon(0x16, 4)).isZero();
        driver.writeCommon(0x16, 4, 2);
        driver.writeCommon(0x14, 2, 1);
        driver.writeCommon(0x10, 8, 0);
        assertThat(driver.readCommon(0x10, 2)).isEqualTo(1);
        assertThat(driver.readCommon(0x16, 2)).isEqualTo(1);
        assertThat(driver.status()).isZero();
        for (int offset = 0; offset < 64; offset++) {
            for (int size : new int[] {1, 2, 4, 8}) {
                driver.readCommon(offset, size);
            }
        }
        assertThat(driver.bar().read(0x3e, 4)).as("across the end").isZero();
        assertThat(driver.bar().read(0x40, 4)).as("a gap").isZero();
        assertThat(driver.bar().read(0x3000, 2)).as("notifications").isZero();
    }

    /** Row T10. */
    @Test
    void featuresAreNotAgreedUponWithoutTheModernOne() {
        VirtioPciDriver driver = machine.pci(device);
        driver.setStatus(0xaa);
        assertThat(driver.status()).isEqualTo(0xaa & ~FEATURES_OK);
        driver.setStatus(DRIVER);
        assertThat(driver.status()).as("only 0 clears").isEqualTo(0xaa & ~FEATURES_OK);
        driver.setStatus(0);
        assertThat(driver.status()).isZero();
        assertThat(device.calls).doesNotContain("activate []");
    }

    @Test
    void aDriverCannotClaimThatTheDeviceNeedsAReset() {
        VirtioPciDriver driver = machine.pci(device);
        driver.setStatus(ACKNOWLEDGE | 0x40);
        assertThat(driver.status()).isEqualTo(ACKNOWLEDGE);
    }

    /** F, Q26. */
    @Test
    void featuresThatWereNotOfferedAreNotAgreedUpon() {
        VirtioPciDriver driver = machine.pci(device);
        driver.setStatus(ACKNOWLEDGE | DRIVER);
        driver.setDriverFeatures(VIRTIO_F_VERSION_1 | 1);
        driver.setStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK);
        assertThat(driver.status()).isEqualTo(ACKNOWLEDGE | DRIVER);
        driver.setDriverFeatures(VIRTIO_F_VERSION_1);
        driver.setStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK);
        assertThat(driver.status()).isEqualTo(ACKNOWLEDGE | DRIVER | FEATURES_OK);
        driver.setDriverFeatures(0);
        driver.writeCommon(8, 4, 1);
        assertThat(driver.readCommon(0xc, 4)).as("agreed is agreed").isEqualTo(1);
    }

    @Test
    void aDeviceMayRefuseAChoiceOfFeatures() {
        device.features = 3;
        device.refusedFeatures = 2;
        VirtioPciDevice function = VirtioPciDevice.of(device);
        machine.plug(function);
        VirtioPciDriver driver = machine.pciDriver();
        assertThatThrownBy(() -> driver.negotiate(3)).hasMessageContaining("refuses");
        assertThat(function.counts().refusedFeatures()).isEqualTo(1);
        assertThat(driver.negotiate(1)).isEqualTo(VIRTIO_F_VERSION_1 | 1);
        assertThat(device.calls).endsWith("ack " + Long.toHexString(VIRTIO_F_VERSION_1 | 1));
    }

    /** Row T11. */
    @Test
    void theGenerationCannotBeWritten() {
        VirtioPciDriver driver = machine.pci(device);
        driver.writeCommon(0x15, 1, 7);
        assertThat(driver.configGeneration()).isZero();
    }

    /** F, Q25. */
    @Test
    void theGenerationFollowsTheConfiguration() {
        VirtioPciDriver driver = machine.pci(device);
        device.host.configChanged();
        assertThat(driver.configGeneration()).isEqualTo(1);
        for (int k = 0; k < 255; k++) {
            device.host.configChanged();
        }
        assertThat(driver.configGeneration()).isZero();
        assertThat(machine.wires).noneMatch(wire -> wire.isRaised());
    }

    @Test
    void theConfigurationIsReadAndWrittenInAnyShape() {
        System.arraycopy(new byte[] {1, 2, 3, 4, 5, 6}, 0, device.config, 0, 6);
        VirtioPciDriver driver = machine.pci(device);
        assertThat(driver.readConfig(0, 8)).isEqualTo(0x0000_0605_0403_0201L);
        assertThat(driver.readConfig(0, 4)).isEqualTo(0x0403_0201L);
        assertThat(driver.readConfig(4, 4)).isEqualTo(0x0605);
        assertThat(driver.readConfig(5, 1)).isEqualTo(6);
        assertThat(driver.readConfig(6, 1)).isZero();
        assertThat(driver.readConfig(0xff8, 8)).isZero();
        driver.writeConfig(4, 4, 0xaabb_ccddL);
        driver.writeConfig(6, 4, -1);
        assertThat(device.config).containsExactly(1, 2, 3, 4, 0xdd, 0xcc);
    }

    /** F, Q6. */
    @Test
    void aVectorThatThereIsNotIsNone() {
        VirtioPciDriver driver = machine.pci(device);
        assertThat(driver.setConfigVector(3)).isEqualTo(3);
        assertThat(driver.setConfigVector(4)).isEqualTo(0xffff);
        assertThat(driver.setQueueVector(1, 3)).isEqualTo(3);
        assertThat(driver.setQueueVector(1, 0x1000)).isEqualTo(0xffff);
        assertThat(driver.setQueueVector(9, 1)).as("no such queue").isZero();
    }

    /** Row T27. */
    @Test
    void theVectorOfAnEnabledQueueStays() {
        VirtioPciDriver driver = machine.pci(device);
        driver.negotiate(0);
        assertThat(driver.setQueueVector(0, 1)).isEqualTo(1);
        driver.enableQueue(0, true);
        assertThat(driver.setQueueVector(0, 2)).isEqualTo(1);
        driver.enableQueue(0, false);
        assertThat(driver.isQueueEnabled(0)).as("before the driver is ready").isFalse();
        assertThat(driver.setQueueVector(0, 2)).isEqualTo(2);
    }

    @Test
    void theValueToNotifyWithIsShownToWhoAskedForIt() {
        VirtioPciDriver driver =
                machine.pci(device, VirtioFeatures.STANDARD | VIRTIO_F_NOTIF_CONFIG_DATA);
        driver.selectQueue(2);
        assertThat(driver.readCommon(0x38, 2)).isZero();
        driver.negotiate(VIRTIO_F_NOTIF_CONFIG_DATA);
        driver.selectQueue(2);
        assertThat(driver.readCommon(0x38, 2)).isEqualTo(2);
    }

    /** Row T12. */
    @Test
    void theDeviceIsActivatedOnceWhenTheStatusIsComplete() {
        VirtioPciDriver driver = machine.pci(device);
        driver.setDriverFeatures(VIRTIO_F_VERSION_1);
        for (int status : new int[] {1, 3, 0xb}) {
            driver.setStatus(status);
            assertThat(driver.status()).isEqualTo(status);
            assertThat(device.calls).noneMatch(call -> call.startsWith("activate"));
        }
        driver.setStatus(0xf);
        driver.setStatus(0xf);
        assertThat(driver.status()).isEqualTo(0xf);
        assertThat(device.calls).containsOnlyOnce("activate []");
    }

    @Test
    void aDriverThatGaveUpActivatesNothing() {
        VirtioPciDriver driver = machine.pci(device);
        driver.negotiate(0);
        driver.setStatus(driver.status() | FAILED);
        driver.setStatus(driver.status() | DRIVER_OK);
        assertThat(device.calls).noneMatch(call -> call.startsWith("activate"));
    }
}
