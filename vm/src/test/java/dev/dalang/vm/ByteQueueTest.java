package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.ArrayDeque;
import java.util.Random;

class ByteQueueTest {
    @Test
    void behavesAsAQueueOfTheJdkDoes() {
        long seed = 20260801L;
        var random = new Random(seed);
        var queue = new ByteQueue(16, 128);
        var model = new ArrayDeque<Byte>();
        for (int step = 0; step < 20_000; step++) {
            byte[] bytes = new byte[random.nextInt(40)];
            random.nextBytes(bytes);
            switch (random.nextInt(5)) {
                case 0 -> {
                    boolean fits = model.size() + bytes.length <= 128;
                    assertThat(queue.addAll(bytes, 0, bytes.length)).isEqualTo(fits);
                    for (int i = 0; fits && i < bytes.length; i++) {
                        model.add(bytes[i]);
                    }
                }
                case 1 -> {
                    boolean fits = model.size() < 128;
                    assertThat(queue.add((byte) step)).isEqualTo(fits);
                    if (fits) {
                        model.add((byte) step);
                    }
                }
                case 2 -> {
                    int count = queue.drainTo(bytes);
                    assertThat(count).isEqualTo(Math.min(bytes.length, model.size()));
                    for (int i = 0; i < count; i++) {
                        assertThat(bytes[i]).isEqualTo(model.remove());
                    }
                }
                case 3 -> {
                    if (model.size() < 200) {
                        queue.addFirst((byte) step);
                        model.addFirst((byte) step);
                    }
                }
                default -> {
                    Byte expected = model.poll();
                    assertThat(queue.poll()).isEqualTo(expected == null ? -1 : expected & 0xff);
                }
            }
            assertThat(queue.size()).as("seed %d, step %d", seed, step).isEqualTo(model.size());
            assertThat(queue.room()).isEqualTo(128 - model.size());
        }
    }
}
