package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.devices.EduDevice;
import dev.dalang.devices.InspectionDevice;
import dev.dalang.pci.PciAddress;
import dev.dalang.pci.PciVirtualConfigMmio;
import dev.dalang.vm.guest.Guests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A Linux without any driver for it uses the inspection device, through its shared page too. */
@Tag("boot")
class InspectGuestTest {
    private static final PciAddress EDU = PciAddress.of(0, 1, 0);
    private static final PciAddress INSPECT = PciAddress.of(0, 2, 0);

    private static long exits(Vm vm) {
        return vm.statistics().devices().stream()
                .filter(device -> device.label().equals("pci virtual config mmio"))
                .mapToLong(DeviceStatistics::exits)
                .sum();
    }

    @Test
    void guestAndProgramTalkThroughThePageWithoutAnExit() throws InterruptedException {
        InspectionDevice device = new InspectionDevice();
        try (Vm vm =
                Vm.builder()
                        .guest(Guests.debian())
                        .device(new EduDevice())
                        .device(device)
                        .build()) {
            vm.start();
            PciGuest guest = PciGuest.await(vm);

            String node = guest.command("find /proc/device-tree/ -name 'virtual-config@*'");
            Matcher address = Pattern.compile("virtual-config@([0-9a-f]+)").matcher(node);
            assertThat(address.find()).as(node).isTrue();
            long space = Long.parseUnsignedLong(address.group(1), 16);
            long registers = space + ((long) INSPECT.requesterId() << 13);
            long shared = PciVirtualConfigMmio.sharedPageAddress(space, INSPECT);
            MemorySegment page = device.virtualConfigSharedPage().orElseThrow();

            long before = exits(vm);
            assertThat(guest.command("devmem 0x%x 32".formatted(registers)))
                    .as("a trapped register")
                    .contains("0x474C4144");
            assertThat(exits(vm)).isEqualTo(before + 1);

            page.set(ValueLayout.JAVA_INT, 4032, 0x5eed_0001);
            assertThat(guest.command("devmem 0x%x 32".formatted(shared + 4032)))
                    .contains("0x5EED0001");
            guest.command("devmem 0x%x 32 0x12345678".formatted(shared + 4036));
            assertThat(page.get(ValueLayout.JAVA_INT, 4036)).isEqualTo(0x1234_5678);
            assertThat(exits(vm)).as("no exit for the shared page").isEqualTo(before + 1);

            // What edu counted, read from the page that the register below fills.
            guest.command("devmem 0x%x 32 0".formatted(registers + 16));
            long entry = 0;
            for (long each = 64; each < 4032 && entry == 0; each += 64) {
                entry = page.getString(each).equals("00:01.0") ? each : 0;
            }
            assertThat(entry).isPositive();
            String reads = "devmem 0x%x 64".formatted(shared + entry + 32);
            assertThat(Long.decode(guest.command(reads).strip().split("\\s")[0]))
                    .isEqualTo(page.get(ValueLayout.JAVA_LONG, entry + 32));

            guest.command("devmem 0x%x 32 %d".formatted(registers + 20, EDU.requesterId()));
            guest.command("devmem 0x%x 32 3".formatted(registers + 36));
            assertThat(guest.command("devmem 0x%x 32".formatted(registers + 36)))
                    .contains("0x00000003");
            vm.stop();
        }
    }
}
