package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.devices.nvme.NvmeDevice;
import dev.dalang.testkit.riscv.Assembler;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

final class NvmeFileTest {
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

    @Test
    void everyKeyIsTaken() {
        NvmeFile disk =
                NvmeFile.parse(
                        "a b.img,readonly,serial=x-1,id=root,bootindex=2,queues=4,block=4096,"
                                + "addr=1f.7");
        assertThat(disk.file()).isEqualTo(Path.of("a b.img"));
        assertThat(disk.readOnly()).isTrue();
        assertThat(disk.serial()).contains("x-1");
        assertThat(disk.id()).contains("root");
        assertThat(disk.bootIndex()).hasValue(2);
        assertThat(disk.queues()).isEqualTo(4);
        assertThat(disk.blockBytes()).isEqualTo(4096);
        assertThat(disk.address()).contains(new PciPlacement.Address(31, 7));
        assertThat(NvmeFile.parse("x")).isEqualTo(NvmeFile.of(Path.of("x")));
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
                "x,id=a b",
                "x,bootindex=-1",
                "x,queues=0",
                "x,queues=65",
                "x,block=1024",
                "x,block=4K",
                "x,iops=1",
                "x,addr=20",
                "\0"
            })
    void whatIsNoDiskIsRefused(String text) {
        assertThatThrownBy(() -> Vm.builder().nvme(text))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith("--");
    }

    @Test
    void aDiskIsLockedWhileItIsInUseAndNoLonger() throws IOException {
        try (Vm vm = machine().nvme(NvmeFile.of(image)).nvme(second() + ",readonly").build()) {
            assertThat(vm.pci().functions())
                    .extracting(function -> function.id())
                    .contains("nvme0", "nvme1");
            refused(machine().nvme(NvmeFile.of(image)), "--nvme: " + image);
            refused(machine().disk(image.toString()), "locked");
            vm.resizeDisk("nvme0", 2 * BYTES);
            assertThat(Files.size(image)).isEqualTo(2 * BYTES);
            assertThatThrownBy(() -> vm.resizeDisk("nvme1", 2 * BYTES))
                    .isInstanceOf(ConfigurationException.class)
                    .hasMessageContaining("read-only");
        }
        machine().nvme(NvmeFile.of(image)).build().close();
        // What was opened is closed when the rest cannot be.
        refused(machine().nvme(NvmeFile.of(image)).nvme(directory.toString()), "found a directory");
        machine().nvme(NvmeFile.of(image)).build().close();
    }

    private Path second() throws IOException {
        return Files.write(directory.resolve("second.img"), new byte[BYTES]);
    }

    private static void refused(VmBuilder builder, String message) {
        assertThatThrownBy(builder::build)
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining(message);
    }

    @Test
    void theCatalogueHasIt() {
        PciPlacement placement =
                DeviceCatalogue.builtIn()
                        .parse("nvme,file=" + image + ",serial=s,queues=2,block=4096,addr=5", 0);
        NvmeDevice disk = (NvmeDevice) placement.device();
        assertThat(disk.spec().msixVectors()).isEqualTo(3);
        assertThat(disk.backend().isReadOnly()).isFalse();
        disk.detach();
        NvmeDevice fixed =
                (NvmeDevice)
                        DeviceCatalogue.builtIn()
                                .parse("nvme,readonly=on,file=" + image, 0)
                                .device();
        assertThat(fixed.backend().isReadOnly()).isTrue();
        fixed.detach();
        for (String wrong :
                new String[] {
                    "nvme",
                    "nvme,file=",
                    "nvme,file=" + directory,
                    "nvme,file=" + image + ",readonly=yes",
                    "nvme,file=" + image + ",queues=0",
                    "nvme,file=" + image + ",block=513",
                    "nvme,file=" + image + ",serial=",
                    "nvme,file=" + image + ",colour=red"
                }) {
            assertThatThrownBy(() -> DeviceCatalogue.builtIn().parse(wrong, 0))
                    .isInstanceOf(ConfigurationException.class)
                    .hasMessageStartingWith("--device: ");
        }
    }
}
