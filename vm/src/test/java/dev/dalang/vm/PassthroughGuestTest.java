package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.dalang.linux.Linux;
import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;

/** An unmodified Linux uses a device that another process serves, and outlives that process. */
@Tag("boot")
class PassthroughGuestTest {
    private static final String EDU = "0000:00:01.0";
    private static final long NOTHING = 0xffff_ffffL;

    @TempDir Path files;
    @TempDir Path sockets;
    private boolean hasDriver;

    @BeforeEach
    void collectFiles() throws IOException {
        assumeTrue(Linux.isAvailable());
        hasDriver = PciGuest.putInto(files);
    }

    @Test
    void linuxUsesADeviceOfAnotherProcessUntilThatIsKilled()
            throws IOException, InterruptedException {
        try (ServedDevice served = ServedDevice.edu(sockets);
                Vm machine =
                        Vm.builder()
                                .guest(Guests.debian())
                                .initrdAdd(files)
                                .passthrough(served.option())
                                .cpus(2)
                                .build()) {
            // There is one machine at a time.
            assertThatThrownBy(
                            () ->
                                    Vm.builder()
                                            .guest(Guests.debian())
                                            .passthrough(served.option())
                                            .build())
                    .isInstanceOf(ConfigurationException.class)
                    .hasMessageContaining("--passthrough: ")
                    .hasMessageContaining("busy");
            machine.start();
            PciGuest guest = PciGuest.await(machine);
            guest.requireAlive(EDU);
            if (hasDriver) {
                for (int life = 0; life < 2; life++) {
                    String msix = guest.drive("msix", EDU);
                    assertThat(msix).contains("interrupts: msix 3: 1 2 2", "PCI-MSIX-" + EDU);
                    assertThat(EduDriver.count(msix, EDU, "edu-factorial")).contains(1L);
                    assertThat(EduDriver.count(msix, EDU, "edu-raise")).contains(2L);
                    assertThat(EduDriver.count(msix, EDU, "edu-dma")).contains(2L);
                    assertThat(guest.drive("msi", EDU)).contains("interrupts: msi 1: 5");
                    assertThat(guest.drive("intx", EDU)).contains("interrupts: intx 1: 5");
                }
            }
            guest.requireAlive(EDU);
            long register = guest.start(EDU, 0);

            served.kill();
            while (guest.load(register) != NOTHING) {
                Thread.onSpinWait(); // the end of its connection is on its way
            }
            guest.store(register + 4, 1);
            assertThat(guest.load(register + 4)).isEqualTo(NOTHING);
            guest.remove(EDU);
            assertThat(guest.functions()).doesNotContainKey(EDU);
            guest.powerOff();
        }
        if (!hasDriver) {
            abort(EduDriver.notBuilt());
        }
    }
}
