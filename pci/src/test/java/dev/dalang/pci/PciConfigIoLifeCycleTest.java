package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.SuspendableLifeCycle;

import org.junit.jupiter.api.Test;

class PciConfigIoLifeCycleTest implements SuspendableLifeCycle<PciConfigIo> {
    @Override
    public PciConfigIo create() {
        return PciConfigIo.of(new PciMachine().root, () -> {});
    }

    @Override
    public void mutate(PciConfigIo front) {
        front.pioWrite(PciConfigIo.BASE, 0, 4, 0x8000_0804L);
    }

    /** The data port leads where it led. */
    @Test
    void theSelectedRegisterOutlivesASuspend() {
        PciMachine machine = new PciMachine();
        machine.root.bus().add(TestPciDevice.withMemory());
        PciConfigIo from = PciConfigIo.of(machine.root, () -> {});
        from.pioWrite(PciConfigIo.BASE, 0, 4, 0x8000_0800L);
        PciConfigIo to = PciConfigIo.of(machine.root, () -> {});
        assertThat(to.pioRead(PciConfigIo.BASE, 4, 4) & 0xffff_ffffL).isEqualTo(0xffff_ffffL);

        to.restore(from.snapshot());

        assertThat(to.pioRead(PciConfigIo.BASE, 0, 4)).isEqualTo(0x8000_0800L);
        assertThat(to.pioRead(PciConfigIo.BASE, 4, 4)).isEqualTo(0x0001_1234L);
    }
}
