package dev.dalang.remote;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.SharedMemory;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.remote.internal.wire.Request.DmaMap;
import dev.dalang.remote.internal.wire.Request.DmaUnmap;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** The memory that a client gives to a served device, and takes back. */
final class ServedMemoryTest extends ServedEduFixture {
    /** The device copies between its buffer and memory. */
    private void transfer(long address, int bytes, boolean toMemory) throws IOException {
        client.write(0, toMemory ? 0x80 : 0x88, 8, 0x4_0000);
        client.write(0, toMemory ? 0x88 : 0x80, 8, address);
        client.write(0, 0x90, 8, bytes);
        client.write(0, 0x98, 8, toMemory ? 3 : 1);
    }

    @Test
    void mappedMemoryIsReadAndWritten() throws IOException {
        try (Descriptor memory = SharedMemory.create("ram", 0x4000);
                Arena arena = Arena.ofShared()) {
            MemorySegment view = SharedMemory.map(memory, 0, 0x4000, true, arena);
            client.enable();
            client.call(new DmaMap(3, 0x1000, RAM, 0x2000), memory);
            assertThat(server.memoryPieces()).isEqualTo(1);
            view.set(ValueLayout.JAVA_LONG, 0x1800, 0x1122_3344_5566_7788L);

            transfer(RAM + 0x800, 8, false);
            transfer(RAM + 0xffc, 8, true);
            assertThat(view.get(ValueLayout.JAVA_LONG_UNALIGNED, 0x1ffc))
                    .isEqualTo(0x1122_3344_5566_7788L);
            assertThat(client.transfers).isZero();

            client.unmap(RAM, 0x2000);
            assertThat(server.memoryPieces()).isZero();
            transfer(RAM + 0x10, 8, true);
            assertThat(view.get(ValueLayout.JAVA_LONG, 0x1010)).isZero();
            assertThat(server.function().memory().failed()).isEqualTo(1);
        }
    }

    @Test
    void memoryWithoutADescriptorIsReachedByMessages() throws IOException {
        client.enable();
        client.remote.put(RAM, new byte[4096]);
        client.remote.get(RAM)[5] = 42;
        client.map(RAM, 4096);

        transfer(RAM + 4, 8, false);
        transfer(RAM + 0x100, 8, true);
        assertThat(client.remote.get(RAM)[0x101]).isEqualTo((byte) 42);
        assertThat(client.transfers).isEqualTo(2);
        assertThat(server.function().memory().transfers()).isEqualTo(2);
    }

    @Test
    void anAccessMayLieInBothKindsOfMemory() throws IOException {
        try (Descriptor memory = SharedMemory.create("ram", 4096);
                Arena arena = Arena.ofShared()) {
            MemorySegment view = SharedMemory.map(memory, 0, 4096, true, arena);
            view.set(ValueLayout.JAVA_INT, 4092, 0x0403_0201);
            client.enable();
            client.map(RAM, 4096, memory);
            client.remote.put(RAM + 4096, new byte[4096]);
            client.remote.get(RAM + 4096)[3] = 8;
            client.map(RAM + 4096, 4096);

            transfer(RAM + 4092, 8, false);
            transfer(RAM, 8, true);
            assertThat(view.get(ValueLayout.JAVA_LONG, 0)).isEqualTo(0x0800_0000_0403_0201L);
        }
    }

    @Test
    void aFailedTransferIsNoErrorOfTheWriteThatBeganIt() throws IOException {
        client.enable();
        transfer(RAM, 8, true);
        client.remote.put(RAM, new byte[4096]);
        client.map(RAM, 4096);
        client.refuseTransfers = Errno.EFAULT.number();
        transfer(RAM, 8, true);
        transfer(RAM + 4092, 8, true);
        client.refuseTransfers = 0;

        assertThat(client.transfers).isEqualTo(1);
        assertThat(server.function().memory().failed()).isEqualTo(3);
        transfer(RAM, 8, true);
        assertThat(client.transfers).isEqualTo(2);
    }

    @Test
    void memoryThatIsOnlyReadIsNotWritten() throws IOException {
        try (Descriptor memory = SharedMemory.create("rom", 4096);
                Arena arena = Arena.ofShared()) {
            MemorySegment view = SharedMemory.map(memory, 0, 4096, true, arena);
            view.fill((byte) 7);
            client.enable();
            client.call(new DmaMap(DmaMap.READ, 0, RAM, 4096), memory);
            client.call(new DmaMap(DmaMap.READ, 0, 2 * RAM, 4096));
            transfer(RAM, 4, false);
            transfer(RAM + 8, 8, true);
            transfer(2 * RAM, 8, true);
            assertThat(view.get(ValueLayout.JAVA_LONG, 8)).isEqualTo(0x0707_0707_0707_0707L);
            assertThat(client.transfers).isZero();
            assertThat(server.function().memory().failed()).isEqualTo(2);
        }
    }

    @Test
    void nothingIsReachedUntilTheDriverAllowsIt() throws IOException {
        client.remote.put(RAM, new byte[4096]);
        client.map(RAM, 4096);
        transfer(RAM, 8, false);
        assertThat(client.transfers).isZero();
        assertThat(server.function().memory().refused()).isEqualTo(1);
    }

    /** Says when it sleeps. */
    private static final class Sleeper implements PciDevice {
        final List<String> calls = new CopyOnWriteArrayList<>();

        @Override
        public PciDeviceSpec spec() {
            return PciDeviceSpec.builder("sleeper", 0x1234, 1).memoryBar(0, 4096).build();
        }

        @Override
        public long readBar(int bar, long offset, int size) {
            calls.add("read");
            return 0;
        }

        @Override
        public void writeBar(int bar, long offset, int size, long value) {}

        @Override
        public void sleep() {
            calls.add("sleep");
        }

        @Override
        public void wake() {
            calls.add("wake");
        }

        @Override
        public Snapshot snapshot() {
            return Snapshot.builder("sleeper", 1).build();
        }

        @Override
        public void restore(Snapshot snapshot) {}
    }

    @Test
    void memoryIsTakenFromADeviceThatSleeps() throws IOException {
        Sleeper sleeper = new Sleeper();
        try (VfioUserServer other = VfioUserServer.of(sleeper, directory.resolve("sleeper.sock"));
                Descriptor file = SharedMemory.create("guest", 0x2000)) {
            try (ScriptClient its = ScriptClient.connect(other.path())) {
                its.map(RAM, 0x2000, file);
                its.enable();
                assertThat(sleeper.calls).isEmpty();

                its.unmap(RAM, 0x2000);
                assertThat(sleeper.calls).startsWith("sleep");
                its.map(RAM, 0x1000, file);
                its.read(0, 0, 4);
                assertThat(sleeper.calls).endsWith("wake", "read");

                // Nothing is asked of it: it wakes all the same.
                int before = sleeper.calls.size();
                its.unmap(RAM, 0x1000);
                while (sleeper.calls.stream().skip(before).noneMatch("wake"::equals)) {
                    Thread.onSpinWait();
                }
            }
            while (other.isConnected()) {
                Thread.onSpinWait();
            }
            assertThat(sleeper.calls).endsWith("sleep");
            try (ScriptClient next = ScriptClient.connect(other.path())) {
                next.map(RAM, 0x2000, file);
                assertThat(sleeper.calls).endsWith("sleep");
                next.read(0, 0, 4);
                assertThat(sleeper.calls).endsWith("wake", "read");
            }
        }
    }

    private void map(
            Errno errno, int flags, long offset, long address, long size, Descriptor file) {
        client.refused(errno, new DmaMap(flags, offset, address, size), file);
    }

    @Test
    void memoryThatCannotBeIsRefused() throws IOException {
        try (Descriptor memory = SharedMemory.create("ram", 0x3000);
                EventDescriptor event = event()) {
            client.map(RAM, 0x2000, memory);
            client.map(RAM, 0x2000, memory); // again, as it is
            client.map(RAM + 0x2000, 0x1000, memory);
            map(Errno.EEXIST, 3, 0, RAM, 0x1000, memory);
            map(Errno.EEXIST, 1, 0, RAM, 0x2000, memory);
            map(Errno.EEXIST, 3, 0, RAM + 0x1000, 0x1000, memory);
            map(Errno.EEXIST, 3, 0, RAM - 0x1000, 0x2000, memory);
            map(Errno.EEXIST, 3, 0, RAM - 0x1000, 0x3000, memory);
            client.refused(Errno.EEXIST, new DmaMap(3, 0, RAM, 0x2000));
            map(Errno.EINVAL, 3, 0, 0x800, 0x1000, memory);
            map(Errno.EINVAL, 3, 0, 0x1000, 0x800, memory);
            map(Errno.EINVAL, 3, 0x800, 0x1000, 0x1000, memory);
            map(Errno.EINVAL, 3, -0x1000, 0x1000, 0x1000, memory);
            map(Errno.EINVAL, 3, 0x1000, 0x1000, 0x3000, memory);
            map(Errno.EINVAL, 3, Long.MAX_VALUE - 4095, 0x1000, 0x1000, memory);
            map(Errno.ENODEV, 3, 0, 0x1000, 0x1000, event.descriptor());
            assertThat(server.memoryPieces()).isEqualTo(2);

            client.refused(Errno.ENOENT, new DmaUnmap(0, RAM, 0x1000));
            client.refused(Errno.ENOENT, new DmaUnmap(0, RAM + 0x1000, 0x1000));
            client.refused(Errno.ENOENT, new DmaUnmap(0, 0, 0x1000));
            client.refused(Errno.ENOENT, new DmaUnmap(0, RAM, 0x3000));
            assertThat(DmaUnmap.parse(client.call(new DmaUnmap(DmaUnmap.ALL, 0, 0))).flags())
                    .isEqualTo(DmaUnmap.ALL);
            assertThat(server.memoryPieces()).isZero();
        }
    }

    @Test
    void asMuchMemoryAsThereCanBeIsReachedByMessages() throws IOException {
        try (Descriptor memory = SharedMemory.create("ram", 1L << 46)) {
            client.map(0, Long.MIN_VALUE);
            client.map(Long.MIN_VALUE, 1L << 46, memory);
            client.remote.put(RAM, new byte[4096]);
            client.enable();
            transfer(RAM, 8, true);
            assertThat(client.transfers).isEqualTo(1);
        }
    }
}
