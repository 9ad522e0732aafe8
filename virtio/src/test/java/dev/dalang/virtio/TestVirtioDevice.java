package dev.dalang.virtio;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.virtio.queue.DescriptorChain;
import dev.dalang.virtio.queue.VirtQueue;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/** A device that remembers what was asked of it, and fills what it is given with a byte. */
class TestVirtioDevice implements VirtioDevice, VirtioConfigSpace {
    final List<String> calls = new CopyOnWriteArrayList<>();
    final byte[] config = new byte[6];
    private final List<Integer> queues;

    long features;
    boolean refusesActivation;
    boolean refusesReset;
    boolean refusesSleep;
    boolean refusesRestore;
    boolean bindsHandlers = true;

    /** Done in the midst of {@link #restore}. */
    Runnable whileRestored = () -> {};

    long refusedFeatures;
    volatile byte fill = 0x5a;
    @Nullable VirtioHost host;
    @Nullable VirtioActivation active;

    TestVirtioDevice(Integer... queues) {
        this.queues = List.of(queues);
    }

    @Override
    public VirtioDeviceType type() {
        return VirtioDeviceType.RNG;
    }

    @Override
    public List<Integer> queueMaxSizes() {
        return queues;
    }

    @Override
    public long features() {
        return features;
    }

    @Override
    public boolean acceptsFeatures(long chosen) {
        return (chosen & refusedFeatures) == 0;
    }

    @Override
    public void ackFeatures(long chosen) {
        calls.add("ack %x".formatted(chosen));
    }

    @Override
    public void attach(VirtioHost given) {
        host = given;
    }

    @Override
    public void activate(VirtioActivation given) {
        calls.add("activate " + given.queues().keySet());
        if (refusesActivation) {
            throw new IllegalStateException("it will not");
        }
        active = given;
        if (bindsHandlers) {
            given.queues()
                    .forEach((index, queue) -> given.onNotify(index, () -> serveQueue(queue)));
        }
    }

    final void serveQueue(VirtQueue queue) {
        calls.add("notified " + queue.index());
        do {
            queue.disableNotification();
            DescriptorChain chain;
            while ((chain = queue.pop()) != null) {
                long bytes = chain.writableBytes();
                chain.fill(bytes, fill);
                queue.complete(chain, bytes);
            }
            if (queue.needsNotification()) {
                queue.notifyDriver();
            }
        } while (queue.enableNotification());
    }

    @Override
    public void reset() {
        calls.add("reset");
        active = null;
        if (refusesReset) {
            throw new IllegalStateException("it will not");
        }
    }

    @Override
    public void sleep() {
        if (refusesSleep) {
            throw new IllegalStateException("it will not");
        }
        calls.add("sleep");
        active = null;
    }

    @Override
    public void wake(Optional<VirtioActivation> given) {
        calls.add("wake");
        given.ifPresent(this::activate);
    }

    @Override
    public void detach() {
        calls.add("detach");
    }

    @Override
    public Snapshot snapshot() {
        return Snapshot.builder("test", 1).put("fill", fill).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        calls.add("restore");
        whileRestored.run();
        if (refusesRestore) {
            throw new IllegalStateException("it will not");
        }
        fill = (byte) snapshot.expect("test", 1).getInt("fill", Byte.MIN_VALUE, Byte.MAX_VALUE);
    }

    @Override
    public int configBytes() {
        return config.length;
    }

    @Override
    public long readConfig(int offset, int size) {
        long value = 0;
        for (int k = size - 1; k >= 0; k--) {
            value = value << 8 | config[offset + k] & 0xff;
        }
        return value;
    }

    @Override
    public void writeConfig(int offset, int size, long value) {
        for (int k = 0; k < size; k++) {
            config[offset + k] = (byte) (value >>> 8 * k);
        }
    }
}
