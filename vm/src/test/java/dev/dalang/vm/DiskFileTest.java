package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.pci.PciFunction;
import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.virtio.VirtioPciDevice;
import dev.dalang.virtio.VirtioTransportType;
import dev.dalang.virtio.block.VirtioBlockDevice;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

final class DiskFileTest {
    private static final int BYTES = 1 << 20;

    @TempDir Path directory;
    private Path kernel;
    private Path image;

    @BeforeEach
    void setUp() throws IOException {
        kernel = new BareMachine(directory).kernel(Assembler::nop);
        image = Files.write(directory.resolve("disk.img"), new byte[BYTES]);
    }

    private VmBuilder machine() {
        return Vm.builder().kernel(kernel);
    }

    private static void refused(VmBuilder builder, String message) {
        assertThatThrownBy(builder::build)
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining(message);
    }

    @Test
    void everyKeyIsTaken() {
        DiskFile disk =
                DiskFile.parse(
                        "a b.img,readonly,serial=x-1,id=root,bootindex=2,queues=4,iops=200,"
                                + "rate=20M,addr=1f.7");
        assertThat(disk.file()).isEqualTo(Path.of("a b.img"));
        assertThat(disk.readOnly()).isTrue();
        assertThat(disk.serial()).contains("x-1");
        assertThat(disk.id()).contains("root");
        assertThat(disk.bootIndex()).hasValue(2);
        assertThat(disk.queues()).isEqualTo(4);
        assertThat(disk.iops()).isEqualTo(200);
        assertThat(disk.bytesPerSecond()).isEqualTo(20 << 20);
        assertThat(disk.address()).contains(new PciPlacement.Address(31, 7));
        assertThat(DiskFile.parse("x")).isEqualTo(DiskFile.of(Path.of("x")));
        assertThat(DiskFile.parse("x=y").file()).isEqualTo(Path.of("x=y"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ",readonly",
                "x,",
                "x,ro",
                "x,readonly=on",
                "x,readonly,readonly",
                "x,serial",
                "x,serial=",
                "x,serial=123456789012345678901",
                "x,serial=ä",
                "x,id=",
                "x,id=a b",
                "x,bootindex=",
                "x,bootindex=-1",
                "x,bootindex=one",
                "x,bootindex=99999999999",
                "x,queues=0",
                "x,queues=65",
                "x,iops=0",
                "x,iops=1K",
                "x,rate=0",
                "x,rate=-1",
                "x,rate=fast",
                "x,rate=2097152M",
                "x,rate=1M,rate=1M",
                "x,addr=20",
                "x,format=qcow2",
                "\0"
            })
    void whatIsNoDiskIsRefused(String text) {
        assertThatThrownBy(() -> Vm.builder().disk(text))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith("--d");
    }

    @Test
    void filesThatCannotBeDisksAreNamed() throws IOException {
        Path missing = directory.resolve("none.img");
        refused(machine().disk(DiskFile.of(missing)), "--disk: " + missing + ": expected a file");
        refused(machine().disk(DiskFile.of(directory)), "found a directory");
        Path odd = Files.write(directory.resolve("odd.img"), new byte[1000]);
        refused(machine().disk(DiskFile.of(odd)), "whole blocks of 512 bytes, found 1000 bytes");
        refused(machine().disk("/dev/null"), "expected a regular file");
    }

    @Test
    void aDiskIsLockedWhileItIsInUseAndNoLonger() {
        try (Vm vm = machine().disk(DiskFile.of(image)).build()) {
            assertThat(vm.pci().functions()).hasSize(2);
            refused(machine().disk(DiskFile.of(image)), image + ": expected a file that nobody");
            refused(machine().disk(image + ",readonly"), "locked");
        }
        machine().disk(DiskFile.of(image)).build().close();
        // The second fails, and leaves nothing of the first behind.
        refused(machine().disk(DiskFile.of(image)).disk("/nowhere/at/all"), "found none");
        refused(machine().disk(DiskFile.of(image)).disk(DiskFile.of(image)), "locked");
        machine().disk(DiskFile.of(image)).build().close();
    }

    @Test
    void aMachineThatCannotBeBuiltLetsItsDisksGo() {
        refused(Vm.builder().kernel(image).disk(DiskFile.of(image)), "--kernel");
        refused(
                machine().disk(image + ",bootindex=1").device("edu,bootindex=1"),
                "expected each bootindex once");
        machine().disk(DiskFile.of(image)).build().close();
    }

    private static VirtioBlockDevice disk(Vm vm, String id) {
        return vm.pci().functions().stream()
                .filter(function -> function.id().equals(id))
                .map(function -> (VirtioPciDevice) function.device())
                .map(device -> (VirtioBlockDevice) device.virtio())
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aDiskIsHeldToTheRateThatItWasGiven() throws IOException {
        Path second = Files.write(directory.resolve("second.img"), new byte[BYTES]);
        Path third = Files.write(directory.resolve("third.img"), new byte[BYTES]);
        try (Vm vm =
                machine()
                        .disk(DiskFile.of(image))
                        .disk(second + ",rate=1M")
                        .disk(third + ",iops=100")
                        .build()) {
            assertThat(disk(vm, "disk0").snapshot().has("limiter")).isFalse();
            assertThat(disk(vm, "disk1").snapshot().has("limiter")).isTrue();
            assertThat(disk(vm, "disk2").snapshot().has("limiter")).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void disksHaveNamesAndGrow(boolean isPacked) throws IOException {
        Path second = Files.write(directory.resolve("second.img"), new byte[BYTES]);
        try (Vm vm =
                machine()
                        .packed(isPacked)
                        .disk(DiskFile.of(image))
                        .disk(second + ",id=data")
                        .build()) {
            assertThat(vm.pci().functions()).extracting(PciFunction::id).contains("disk0", "data");
            vm.resizeDisk("data", 2 * BYTES);
            assertThat(Files.size(second)).isEqualTo(2 * BYTES);
            assertThat(disk(vm, "data").readConfig(0, 8)).isEqualTo(2 * BYTES / 512);
            assertThatThrownBy(() -> vm.resizeDisk("data", BYTES))
                    .isInstanceOf(ConfigurationException.class)
                    .hasMessageStartingWith("data: expected at least 2097152 bytes");
            assertThatThrownBy(() -> vm.resizeDisk("disk1", BYTES))
                    .isInstanceOf(ConfigurationException.class)
                    .hasMessage("expected the id of a disk, found disk1");
        }
    }

    @Test
    void disksInSlotsHaveNamesAndGrow() throws IOException {
        try (Vm vm =
                machine().transport(VirtioTransportType.MMIO).disk(DiskFile.of(image)).build()) {
            vm.resizeDisk("disk0", 2 * BYTES);
            assertThat(Files.size(image)).isEqualTo(2 * BYTES);
        }
        refused(
                machine().transport(VirtioTransportType.MMIO).disk(image + ",bootindex=1"),
                "expected no bootindex=");
    }

    /** Rows A1 and A2: the order in which firmware tries disks. */
    @Test
    void firmwareIsToldWhichDiskToTryFirst() throws IOException {
        Path second = Files.write(directory.resolve("second.img"), new byte[BYTES]);
        try (Vm vm =
                machine()
                        .disk(image + ",bootindex=2,addr=4")
                        .disk(second + ",bootindex=1,addr=5")
                        .build()) {
            assertThat(FwCfgReader.file(vm, "bootorder"))
                    .contains("/pci@i0cf8/scsi@5/disk@0,0\n/pci@i0cf8/scsi@4/disk@0,0\n\0");
        }
        try (Vm vm = machine().disk(DiskFile.of(image)).build()) {
            assertThat(FwCfgReader.file(vm, "bootorder")).isEqualTo(Optional.empty());
        }
    }
}
