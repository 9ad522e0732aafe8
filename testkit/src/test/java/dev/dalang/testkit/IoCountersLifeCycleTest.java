package dev.dalang.testkit;

import dev.dalang.bus.BusException;
import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.IoCounters;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;

import java.util.ArrayList;
import java.util.List;

class IoCountersLifeCycleTest implements SuspendableLifeCycle<IoCounters> {
    private final List<IoManager> managers = new ArrayList<>();

    @Override
    public IoCounters create() {
        IoManager io = IoManager.create();
        managers.add(io);
        io.registerMmio(
                new MmioRange(0x1000, 0x10),
                new DeviceMmio() {
                    @Override
                    public String label() {
                        return "dev0";
                    }

                    @Override
                    public String typeId() {
                        return "dev";
                    }

                    @Override
                    public long mmioRead(long base, long offset, int size) {
                        return 0;
                    }

                    @Override
                    public void mmioWrite(long base, long offset, int size, long value) {}
                });
        io.mmioRead(0x1000, 4);
        return io.counters();
    }

    @Override
    public void mutate(IoCounters counters) {
        IoManager io =
                managers.stream().filter(m -> m.counters() == counters).findFirst().orElseThrow();
        io.mmioWrite(0x1000, 4, 1);
        try {
            io.mmioRead(0x2000, 4);
        } catch (BusException counted) {
            return;
        }
        throw new AssertionError("nothing is mapped there");
    }
}
