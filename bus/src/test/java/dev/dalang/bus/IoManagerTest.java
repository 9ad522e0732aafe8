package dev.dalang.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.dalang.bus.BusException.Kind;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;

class IoManagerTest {
    private static final MmioRange MEMORY = new MmioRange(0x12345678L, 0x87654321L);
    private static final PioRange PORTS = new PioRange(0x40, 4);

    private final IoManager io = IoManager.create();
    private final TestDevice device = new TestDevice("dummy0");

    private static void fails(Kind kind, ThrowingCallable call) {
        assertThatExceptionOfType(BusException.class)
                .isThrownBy(call)
                .returns(kind, BusException::kind);
    }

    private static byte[] bytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return bytes;
    }

    @Test
    void aDeviceIsRegisteredOnBothBusesAndRemovedFromBoth() {
        io.registerResources(device, List.of(MEMORY, PORTS));
        assertThat(io.mmioDevice(0x12345678L)).contains(new BusMapping<>(MEMORY, device));
        assertThat(io.pioDevice(0x43)).contains(new BusMapping<>(PORTS, device));
        Removal removal = io.deregisterResources(device, List.of(MEMORY, PORTS));
        assertThat(removal.mmio()).containsExactly(new BusMapping<>(MEMORY, device));
        assertThat(removal.pio()).containsExactly(new BusMapping<>(PORTS, device));
        assertThat(removal.isDone()).isTrue();
        assertThat(io.mmioMappings()).isEmpty();
        assertThat(io.pioMappings()).isEmpty();
    }

    @Test
    void eachBusTakesItsOwnRanges() {
        io.registerMmioResources(device, List.of(MEMORY, PORTS));
        assertThat(io.pioMappings()).isEmpty();
        assertThat(io.mmioMappings()).hasSize(1);
        io.registerPioResources(device, List.of(MEMORY, PORTS));
        assertThat(io.pioMappings()).hasSize(1);
    }

    /** Rows B1 to B8, the values of a read; bytes that the device has not are zero. */
    @Test
    void aReadGivesLittleEndianBytes() {
        device.value = 0x1234;
        io.registerResources(device, List.of(MEMORY, PORTS));
        byte[] target = new byte[4];
        io.mmioRead(MEMORY.base(), MemorySegment.ofArray(target));
        assertThat(target).isEqualTo(bytes(0x34, 0x12, 0, 0));
        Arrays.fill(target, (byte) 9);
        io.pioRead(PORTS.base(), MemorySegment.ofArray(target));
        assertThat(target).isEqualTo(bytes(0x34, 0x12, 0, 0));
        assertThat(io.mmioRead(MEMORY.base(), 4)).isEqualTo(0x1234);
        assertThat(io.pioRead(PORTS.base(), 4)).isEqualTo(0x1234);
    }

    /** Rows B1 to B8, miss: nothing is zero-filled, the machine decides what a guest reads. */
    @Test
    void anAccessBehindTheRangeIsAnErrorAndTouchesNothing() {
        io.registerResources(device, List.of(MEMORY, PORTS));
        byte[] target = bytes(1, 2, 3, 4);
        fails(Kind.NO_DEVICE, () -> io.mmioRead(MEMORY.last() + 1, MemorySegment.ofArray(target)));
        fails(Kind.NO_DEVICE, () -> io.pioRead(PORTS.last() + 1, MemorySegment.ofArray(target)));
        fails(Kind.NO_DEVICE, () -> io.mmioWrite(MEMORY.last() + 1, 4, 0));
        fails(Kind.NO_DEVICE, () -> io.pioWrite(PORTS.last() + 1, 4, 0));
        fails(Kind.CROSSES_BOUNDARY, () -> io.mmioRead(MEMORY.last(), 2));
        fails(Kind.CROSSES_BOUNDARY, () -> io.pioWrite(PORTS.last(), 2, 0));
        fails(Kind.INVALID_RANGE, () -> io.mmioRead(-1, 2));
        fails(Kind.INVALID_RANGE, () -> io.pioRead(0xffff, 2));
        assertThat(target).isEqualTo(bytes(1, 2, 3, 4));
        assertThat(device.log).isEmpty();
    }

    /** Rows B1 to B8, the values of a write. */
    @Test
    void aWriteReachesTheDevice() {
        device.value = 0x1234;
        io.registerResources(device, List.of(MEMORY, PORTS));
        io.mmioWrite(MEMORY.base(), MemorySegment.ofArray(new byte[4]));
        assertThat(device.value).isZero();
        device.value = 0x1234;
        io.pioWrite(PORTS.base(), MemorySegment.ofArray(new byte[4]));
        assertThat(device.value).isZero();
    }

    @Test
    void everyNaturalSizeIsOneAccessWithBaseAndOffset() {
        io.registerMmio(new MmioRange(0x1000, 0x100), device);
        io.registerMmio(new MmioRange(0x3000, 0x100), device);
        for (int size : new int[] {1, 2, 4, 8}) {
            io.mmioWrite(0x3010, size, -1);
            device.value = 0x8877665544332211L;
            assertThat(io.mmioRead(0x1008, size)).isEqualTo(0x8877665544332211L & ones(size));
        }
        assertThat(device.log)
                .containsExactly(
                        "mw 3000+10/1=ff",
                        "mr 1000+8/1",
                        "mw 3000+10/2=ffff",
                        "mr 1000+8/2",
                        "mw 3000+10/4=ffffffff",
                        "mr 1000+8/4",
                        "mw 3000+10/8=ffffffffffffffff",
                        "mr 1000+8/8");
    }

    private static long ones(int size) {
        return -1L >>> (64 - 8 * size);
    }

    @Test
    void otherSizesInARegisterAreInvalid() {
        io.registerResources(device, List.of(MEMORY, PORTS));
        for (int size : new int[] {0, 3, 5, 7, 9, 16, -1}) {
            fails(Kind.INVALID_LENGTH, () -> io.mmioRead(MEMORY.base(), size));
            fails(Kind.INVALID_LENGTH, () -> io.mmioWrite(MEMORY.base(), size, 0));
            fails(Kind.INVALID_LENGTH, () -> io.pioRead(PORTS.base(), size));
            fails(Kind.INVALID_LENGTH, () -> io.pioWrite(PORTS.base(), size, 0));
        }
        assertThat(device.log).isEmpty();
    }

    @Test
    void otherLengthsAreSplitIntoNaturalAccesses() {
        io.registerResources(device, List.of(new MmioRange(0x1000, 0x2000), PORTS));
        io.mmioWrite(0x1001, MemorySegment.ofArray(bytes(1, 2, 3)));
        io.mmioWrite(0x1002, MemorySegment.ofArray(bytes(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)));
        io.pioWrite(0x40, MemorySegment.ofArray(bytes(1, 2, 3)));
        device.value = 0x4433221155667788L;
        byte[] three = new byte[3];
        io.mmioRead(0x1004, MemorySegment.ofArray(three));
        assertThat(three).isEqualTo(bytes(0x88, 0x77, 0x88));
        io.pioRead(0x41, MemorySegment.ofArray(three));
        assertThat(three).isEqualTo(bytes(0x88, 0x88, 0x77));
        assertThat(device.log)
                .containsExactly(
                        "mw 1000+1/1=1",
                        "mw 1000+2/2=302",
                        "mw 1000+2/2=201",
                        "mw 1000+4/4=6050403",
                        "mw 1000+8/4=a090807",
                        "mw 1000+c/1=b",
                        "pw 40+0/2=201",
                        "pw 40+2/1=3",
                        "mr 1000+4/2",
                        "mr 1000+6/1",
                        "pr 40+1/1",
                        "pr 40+2/2");
    }

    @Test
    void anAccessIsOfOneByteToAPage() {
        io.registerResources(device, List.of(MEMORY, PORTS));
        io.mmioWrite(MEMORY.base(), MemorySegment.ofArray(new byte[4096]));
        assertThat(device.log).hasSize(512);
        fails(
                Kind.INVALID_LENGTH,
                () -> io.mmioWrite(MEMORY.base(), MemorySegment.ofArray(new byte[4097])));
        fails(
                Kind.INVALID_LENGTH,
                () -> io.pioRead(PORTS.base(), MemorySegment.ofArray(new byte[4097])));
        fails(
                Kind.INVALID_RANGE,
                () -> io.mmioRead(MEMORY.base(), MemorySegment.ofArray(new byte[0])));
        fails(
                Kind.CROSSES_BOUNDARY,
                () -> io.pioRead(PORTS.base(), MemorySegment.ofArray(new byte[5])));
        fails(
                Kind.NO_DEVICE,
                () -> io.pioRead(PORTS.base() - 1, MemorySegment.ofArray(new byte[5])));
    }

    @Test
    void aDeviceMayTakeOddLengthsItself() {
        TestDevice bulk =
                new TestDevice("bulk0") {
                    @Override
                    public void mmioRead(long base, long offset, MemorySegment target) {
                        log.add("bulk " + offset + "/" + target.byteSize());
                        target.set(ValueLayout.JAVA_BYTE, 0, (byte) 7);
                    }

                    @Override
                    public void mmioWrite(long base, long offset, MemorySegment source) {
                        assertThat(source.isReadOnly()).isTrue();
                        log.add("bulk write " + offset + "/" + source.byteSize());
                    }
                };
        io.registerMmio(new MmioRange(0x1000, 0x100), bulk);
        byte[] three = new byte[3];
        io.mmioRead(0x1005, MemorySegment.ofArray(three));
        // What the device leaves alone reads as ones, never as what the caller had there.
        assertThat(three).isEqualTo(bytes(7, 0xff, 0xff));
        io.mmioWrite(0x1005, MemorySegment.ofArray(three));
        assertThat(bulk.log).containsExactly("bulk 5/3", "bulk write 5/3");
    }

    @Test
    void repeatedPortAccessesStayAtOnePort() {
        io.registerPio(PORTS, device);
        io.pioWriteRepeated(0x41, 2, MemorySegment.ofArray(bytes(1, 2, 3, 4)));
        device.value = 0x5566;
        byte[] target = new byte[4];
        io.pioReadRepeated(0x42, 2, MemorySegment.ofArray(target));
        assertThat(target).isEqualTo(bytes(0x66, 0x55, 0x66, 0x55));
        assertThat(device.log)
                .containsExactly("pw 40+1/2=201", "pw 40+1/2=403", "pr 40+2/2", "pr 40+2/2");
        fails(
                Kind.INVALID_LENGTH,
                () -> io.pioReadRepeated(0x40, 2, MemorySegment.ofArray(new byte[3])));
        fails(
                Kind.INVALID_LENGTH,
                () -> io.pioWriteRepeated(0x40, 8, MemorySegment.ofArray(new byte[8])));
    }

    @Test
    void ofThreeRangesTheThirdOverlapsAndNothingIsRegistered() {
        TestDevice other = new TestDevice("other0");
        io.registerPio(new PioRange(0x62, 1), other);
        io.registerMmio(new MmioRange(0x9000, 1), other);
        fails(
                Kind.OVERLAP,
                () ->
                        io.registerResources(
                                device,
                                List.of(
                                        new MmioRange(0x1000, 0x100),
                                        new MmioRange(0x2000, 0x100),
                                        new PioRange(0x60, 4))));
        fails(
                Kind.OVERLAP,
                () ->
                        io.registerResources(
                                device,
                                List.of(
                                        new PioRange(0x70, 4),
                                        new MmioRange(0x1000, 0x100),
                                        new MmioRange(0x8fff, 2))));
        assertThat(io.mmioMappings()).hasSize(1);
        assertThat(io.pioMappings()).hasSize(1);
    }

    @Test
    void removalAsksForExactRangesAndTheOwnerAndIsAllOrNothing() {
        TestDevice other = new TestDevice("other0");
        io.registerResources(device, List.of(MEMORY, PORTS));
        io.registerPio(new PioRange(0x60, 4), other);
        fails(
                Kind.NOT_REGISTERED,
                () -> io.deregisterResources(device, List.of(MEMORY, new PioRange(0x40, 3))));
        fails(
                Kind.FOREIGN_OWNER,
                () -> io.deregisterResources(device, List.of(MEMORY, new PioRange(0x60, 4))));
        fails(Kind.FOREIGN_OWNER, () -> io.deregisterResources(other, List.of(PORTS)));
        assertThat(io.mmioMappings()).hasSize(1);
        assertThat(io.pioMappings()).hasSize(2);
    }

    @Test
    void deregisterTakesAwayAllOfADevice() {
        TestDevice other = new TestDevice("other0");
        io.registerResources(device, List.of(MEMORY, PORTS, new PioRange(0x50, 1)));
        io.registerPio(new PioRange(0x60, 4), other);
        Removal removal = io.deregister(device);
        assertThat(removal.mmio()).hasSize(1);
        assertThat(removal.pio()).hasSize(2);
        assertThat(io.pioMappings())
                .containsExactly(new BusMapping<>(new PioRange(0x60, 4), other));
        assertThat(io.deregister(device).isDone()).isTrue();
    }

    @Test
    void removalByAddressGivesBackRangeAndDevice() {
        io.registerResources(device, List.of(MEMORY, PORTS));
        assertThat(io.deregisterMmio(MEMORY.last()).orElseThrow().mmio())
                .containsExactly(new BusMapping<>(MEMORY, device));
        assertThat(io.deregisterMmio(MEMORY.last())).isEmpty();
        assertThat(io.deregisterPio(0x41).orElseThrow().pio())
                .containsExactly(new BusMapping<>(PORTS, device));
        assertThat(io.deregisterPio(0x41)).isEmpty();
    }

    @Test
    void aMovedRangeAnswersAtItsNewPlace() {
        io.registerResources(device, List.of(new MmioRange(0x1000, 0x100), PORTS));
        assertThat(io.moveMmio(new MmioRange(0x1000, 0x100), device, 0x5000))
                .isEqualTo(new MmioRange(0x5000, 0x100));
        assertThat(io.movePio(PORTS, device, 0x80)).isEqualTo(new PioRange(0x80, 4));
        io.mmioRead(0x5004, 4);
        io.pioRead(0x82, 1);
        assertThat(device.log).containsExactly("mr 5000+4/4", "pr 80+2/1");
        fails(Kind.NO_DEVICE, () -> io.mmioRead(0x1004, 4));
        fails(
                Kind.FOREIGN_OWNER,
                () -> io.moveMmio(new MmioRange(0x5000, 0x100), new TestDevice("other0"), 0x1000));
    }

    @Test
    void aDeviceThatThrowsIsKeptApart() {
        TestDevice broken =
                new TestDevice("broken0") {
                    @Override
                    public long mmioRead(long base, long offset, int size) {
                        if (offset == 0) {
                            throw new IllegalStateException("broken\r\nfake log line");
                        }
                        if (offset == 8) {
                            throw new StackOverflowError();
                        }
                        return super.mmioRead(base, offset, size);
                    }

                    @Override
                    public void pioWrite(int base, int offset, int size, long value) {
                        throw new AssertionError("broken");
                    }
                };
        broken.value = 5;
        io.registerResources(broken, List.of(new MmioRange(0x1000, 0x100), PORTS));
        assertThat(io.mmioRead(0x1000, 4)).isEqualTo(0xffff_ffffL);
        assertThat(io.mmioRead(0x1008, 2)).isEqualTo(0xffffL);
        byte[] three = new byte[3];
        io.mmioRead(0x1000, MemorySegment.ofArray(three));
        assertThat(three).isEqualTo(bytes(0xff, 0xff, 0xff));
        io.pioWrite(0x40, 1, 1);
        assertThat(io.mmioRead(0x1004, 4)).isEqualTo(5);
        assertThat(io.counters().devices())
                .containsExactly(new DeviceCounts("broken0", "test", 4, 1, 4, 0));
        assertThat(io.deregister(broken).isDone()).isTrue();
    }

    @Test
    void aDeviceNeedsALabelAndAType() {
        TestDevice unnamed = new TestDevice(" ");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> io.registerMmio(new MmioRange(0, 1), unnamed))
                .withMessageContaining("label");
        TestDevice untyped =
                new TestDevice("x") {
                    @Override
                    public String typeId() {
                        return "Not a type";
                    }
                };
        assertThatIllegalArgumentException()
                .isThrownBy(() -> io.registerPio(PORTS, untyped))
                .withMessageContaining("Not a type");
        assertThat(io.mmioMappings()).isEmpty();
        assertThat(io.counters().devices()).isEmpty();
    }

    @Test
    void thePortWindowReachesThePortsAndGivesOnesWhereNoneIs() {
        io.registerPio(PORTS, device);
        io.registerMmio(new MmioRange(0x300_0000, 0x1_0000), io.pioWindow());
        device.value = 0x55;
        GuestIo hart = io.hartIo();
        hart.attach();
        assertThat(hart.load(0x300_0041, 1)).isEqualTo(0x55);
        hart.store(0x300_0040, 4, 0x1122_3344);
        assertThat(hart.load(0x300_0080, 2)).isEqualTo(0xffff);
        assertThat(hart.load(0x300_ffff, 1)).isEqualTo(0xff);
        hart.store(0x300_0080, 1, 1);
        hart.detach();
        assertThat(device.log).containsExactly("pr 40+1/1", "pw 40+0/4=11223344");
        assertThat(io.counters().unmappedReads()).isEqualTo(2);
        assertThat(io.counters().unmappedWrites()).isEqualTo(1);
    }

    @Test
    void synchronizedDevicesAreCalledWithTheirMonitorHeld() {
        TestDevice guarded =
                new TestDevice("guarded0") {
                    @Override
                    public long mmioRead(long base, long offset, int size) {
                        assertThat(Thread.holdsLock(this)).isTrue();
                        if (offset == 4) {
                            throw new IllegalStateException("a device that fails, for a test");
                        }
                        return super.mmioRead(base, offset, size);
                    }

                    @Override
                    public void pioWrite(int base, int offset, int size, long value) {
                        assertThat(Thread.holdsLock(this)).isTrue();
                        super.pioWrite(base, offset, size, value);
                    }
                };
        DeviceMmio memory = Synchronized.mmio(guarded);
        DevicePio ports = Synchronized.pio(guarded);
        io.registerMmio(new MmioRange(0x1000, 0x10), memory);
        io.registerPio(PORTS, ports);
        guarded.value = 3;
        assertThat(io.mmioRead(0x1004, 4)).isEqualTo(0xffff_ffffL);
        assertThat(Thread.holdsLock(guarded)).isFalse();
        assertThat(io.mmioRead(0x1000, 4)).isEqualTo(3);
        byte[] three = new byte[3];
        io.mmioRead(0x1000, MemorySegment.ofArray(three));
        io.mmioWrite(0x1008, 4, 1);
        io.mmioWrite(0x1008, MemorySegment.ofArray(three));
        io.pioWrite(0x40, 1, 9);
        io.pioWrite(0x40, MemorySegment.ofArray(three));
        assertThat(io.pioRead(0x40, 1)).isEqualTo(guarded.value & 0xff);
        io.pioRead(0x40, MemorySegment.ofArray(three));
        assertThat(memory.label()).isEqualTo("guarded0");
        assertThat(ports.typeId()).isEqualTo("test");
        assertThat(memory.typeId()).isEqualTo("test");
        assertThat(ports.label()).isEqualTo("guarded0");
        assertThat(io.counters().devices())
                .containsExactly(new DeviceCounts("guarded0", "test", 5, 4, 1, 0));
        assertThat(io.deregister(memory).mmio()).hasSize(1);
    }
}
