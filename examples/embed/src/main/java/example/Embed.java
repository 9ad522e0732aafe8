package example;

import static dev.dalang.vm.MemorySize.MiB;

import dev.dalang.bus.DeviceMmio;
import dev.dalang.vm.Vm;
import dev.dalang.vm.guest.Guests;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** Boots a Debian in this process, and lets it read a device that is a Java object. */
public final class Embed {
    private static final long BASE = 0x1100_0000L;

    private Embed() {}

    /** The program. */
    public static void main(String[] args) throws InterruptedException {
        try (var vm = Vm.builder().memory(MiB(512)).guest(Guests.debian()).build()) {
            vm.addDevice(BASE, 0x1000, new Counter());
            vm.start();
            vm.console().await("~ #", Duration.ofMinutes(5));
            vm.console().write("uname -a; devmem 0x11000000 32; devmem 0x11000000 32\n");
            System.out.println(vm.console().await("~ #", Duration.ofMinutes(1)));
        }
    }

    /** Counts: each load gives one more than the one before, and a store sets where to go on. */
    private static final class Counter implements DeviceMmio {
        private final AtomicLong count = new AtomicLong(41);

        @Override
        public String label() {
            return "counter";
        }

        @Override
        public String typeId() {
            return "example.counter";
        }

        @Override
        public long mmioRead(long base, long offset, int size) {
            return count.incrementAndGet();
        }

        @Override
        public void mmioWrite(long base, long offset, int size, long value) {
            count.set(value);
        }
    }
}
