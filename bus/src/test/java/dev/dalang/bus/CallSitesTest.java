package dev.dalang.bus;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CallSitesTest {
    /** More classes than there are sites of their own. */
    private final TestDevice[] devices = {
        new TestDevice("d0") {},
        new TestDevice("d1") {},
        new TestDevice("d2") {},
        new TestDevice("d3") {},
        new TestDevice("d4") {},
        new TestDevice("d5") {},
        new TestDevice("d6") {},
        new TestDevice("d7") {},
        new TestDevice("d8") {},
        new TestDevice("d9") {}
    };

    @Test
    void eachOfTheFirstClassesHasASiteAndTheRestShareOne() {
        CallSites sites = new CallSites();
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < devices.length; i++) {
                assertThat(sites.of(devices[i].getClass())).isEqualTo(Math.min(i, 7));
            }
        }
    }

    @Test
    void everySiteReachesItsDevice() {
        IoManager io = IoManager.create();
        GuestIo hart = io.hartIo();
        hart.attach();
        for (int i = 0; i < devices.length; i++) {
            io.registerMmio(new MmioRange(i * 0x1000L, 0x10), devices[i]);
        }
        for (int i = 0; i < devices.length; i++) {
            hart.store(i * 0x1000L + 4, 4, 100 + i);
            assertThat(hart.load(i * 0x1000L, 1)).isEqualTo(100 + i);
            assertThat(devices[i].log).hasSize(2);
        }
        hart.detach();
    }
}
