package dev.dalang.remote.internal.client;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.SharedMemory;
import dev.dalang.remote.DmaMemory;
import dev.dalang.remote.VfioUserClient.RegisterWrite;
import dev.dalang.remote.VfioUserDoorbell;
import dev.dalang.remote.VfioUserException;
import dev.dalang.remote.VfioUserException.Kind;
import dev.dalang.remote.VfioUserInterrupts;
import dev.dalang.remote.VfioUserRegion;
import dev.dalang.remote.internal.wire.Bytes;
import dev.dalang.remote.internal.wire.IoFd;
import dev.dalang.remote.internal.wire.Message;
import dev.dalang.remote.internal.wire.Refusal;
import dev.dalang.remote.internal.wire.Request;
import dev.dalang.remote.internal.wire.Request.DeviceInfo;
import dev.dalang.remote.internal.wire.Request.DmaMap;
import dev.dalang.remote.internal.wire.Request.DmaUnmap;
import dev.dalang.remote.internal.wire.Request.RegionIoFds;
import dev.dalang.remote.internal.wire.Request.RegionRead;
import dev.dalang.remote.internal.wire.Request.RegionWrite;
import dev.dalang.remote.internal.wire.Request.Reset;
import dev.dalang.remote.internal.wire.Request.WriteMulti;
import dev.dalang.remote.internal.wire.SetIrqs;
import dev.dalang.remote.internal.wire.SetIrqs.Action;
import dev.dalang.remote.internal.wire.SetIrqs.Data;
import dev.dalang.remote.internal.wire.Writer;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;

/**
 * What is asked of a device over one connection, split as the server's limits want it. Each answer
 * is held against its question; one that does not fit ends the connection. Any thread.
 */
public final class DeviceCalls {
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

    /** Writes that go in one message. */
    private static final int MAX_WRITES = 512;

    /** Registers of a region that have events. */
    private static final int MAX_DOORBELLS = 4096;

    /** How often an answer may turn out to be longer than it was said to be. */
    private static final int MAX_TRIES = 4;

    private final Path path;
    private final Channel channel;
    private final Limits limits;
    private final DeviceFacts facts;

    private DeviceCalls(Path path, Channel channel, DeviceFacts facts) {
        this.path = path;
        this.channel = channel;
        this.facts = facts;
        limits = channel.limits();
    }

    /**
     * Asks what there is.
     *
     * @param channel taken over; closed if this fails
     */
    public static DeviceCalls over(Path path, Channel channel) throws VfioUserException {
        try {
            return new DeviceCalls(path, channel, DeviceFacts.ask(path, channel));
        } catch (VfioUserException | RuntimeException | Error failed) {
            channel.close();
            throw failed;
        }
    }

    public Channel channel() {
        return channel;
    }

    public boolean isPci() {
        return (facts.flags() & DeviceInfo.PCI) != 0;
    }

    public boolean isResettable() {
        return (facts.flags() & DeviceInfo.RESET) != 0;
    }

    public List<VfioUserRegion> regions() {
        return facts.regions();
    }

    public List<VfioUserInterrupts> interrupts() {
        return facts.interrupts();
    }

    // ---------------------------------------------------------------- questions and answers

    /** Asks, and reads the answer; what cannot be read ends the connection. */
    private <T> T ask(Request request, Function<byte[], T> parse) throws VfioUserException {
        byte[] answer = channel.ask(request);
        try {
            return parse.apply(answer);
        } catch (Refusal wrong) {
            throw channel.lose(String.valueOf(wrong.getMessage()));
        }
    }

    /** Asks for something that has no answer but that it is done. */
    private void order(Request request, Descriptor... with) throws VfioUserException {
        byte[] answer = channel.ask(request, with);
        if (answer.length != 0) {
            throw channel.lose(
                    "expected no more than that %s is done, got %d bytes"
                            .formatted(request.command(), answer.length));
        }
    }

    private void expect(Object answer, Object expected) throws VfioUserException {
        if (!answer.equals(expected)) {
            throw channel.lose("expected the answer %s, got %s".formatted(expected, answer));
        }
    }

    private VfioUserException impossible(Errno errno, String what) {
        return new VfioUserException(Kind.REFUSED, errno.number(), "%s: %s".formatted(path, what));
    }

    // ---------------------------------------------------------------- regions

    public long read(int region, long offset, int size) throws VfioUserException {
        Bytes data = readBytes(region, offset, requireSize(size));
        ByteBuffer value = ByteBuffer.wrap(data.array()).order(ByteOrder.LITTLE_ENDIAN);
        return switch (size) {
            case 1 -> value.get() & 0xffL;
            case 2 -> value.getShort() & 0xffffL;
            case 4 -> value.getInt() & 0xffff_ffffL;
            default -> value.getLong();
        };
    }

    private static int requireSize(int size) {
        if (size < 1 || size > Long.BYTES || Integer.bitCount(size) != 1) {
            throw new IllegalArgumentException("expected 1, 2, 4 or 8 bytes, got " + size);
        }
        return size;
    }

    public void read(int region, long offset, MemorySegment target) throws VfioUserException {
        for (long done = 0; done < target.byteSize(); ) {
            int step = (int) Math.min(target.byteSize() - done, limits.transferBytes());
            Bytes data = readBytes(region, offset + done, step);
            MemorySegment.copy(data.array(), 0, target, BYTE, done, step);
            done += step;
        }
    }

    private Bytes readBytes(int region, long offset, int count) throws VfioUserException {
        RegionWrite answer = ask(new RegionRead(offset, region, count), RegionWrite::parse);
        expect(
                new RegionRead(answer.offset(), answer.region(), answer.data().length()),
                new RegionRead(offset, region, count));
        return answer.data();
    }

    private static Bytes bytes(int size, long value) {
        byte[] all = Writer.of(Long.BYTES).putLong(value).bytes();
        return Bytes.of(size == Long.BYTES ? all : Arrays.copyOf(all, requireSize(size)));
    }

    public void write(int region, long offset, int size, long value) throws VfioUserException {
        write(new RegionWrite(offset, region, bytes(size, value)));
    }

    public void write(int region, long offset, MemorySegment source) throws VfioUserException {
        for (long done = 0; done < source.byteSize(); ) {
            long step = Math.min(source.byteSize() - done, limits.transferBytes());
            byte[] part = source.asSlice(done, step).toArray(BYTE);
            write(new RegionWrite(offset + done, region, Bytes.of(part)));
            done += step;
        }
    }

    private void write(RegionWrite write) throws VfioUserException {
        expect(
                ask(write, RegionRead::parse),
                new RegionRead(write.offset(), write.region(), write.data().length()));
    }

    public void post(int region, long offset, int size, long value) throws VfioUserException {
        channel.post(new RegionWrite(offset, region, bytes(size, value)));
    }

    public void writeAll(List<RegisterWrite> writes) throws VfioUserException {
        if (!limits.hasWriteMultiple()) {
            for (RegisterWrite write : writes) {
                write(write.region(), write.offset(), write.size(), write.value());
            }
            return;
        }
        for (int done = 0; done < writes.size(); ) {
            int step = Math.min(writes.size() - done, MAX_WRITES);
            List<RegionWrite> part = new ArrayList<>();
            for (RegisterWrite write : writes.subList(done, done + step)) {
                part.add(
                        new RegionWrite(
                                write.offset(),
                                write.region(),
                                bytes(write.size(), write.value())));
            }
            long count =
                    ask(
                            new WriteMulti(part),
                            answer -> {
                                Refusal.unless(
                                        answer.length == Long.BYTES,
                                        "REGION_WRITE_MULTI: expected a count, got "
                                                + answer.length
                                                + " bytes");
                                return ByteBuffer.wrap(answer)
                                        .order(ByteOrder.LITTLE_ENDIAN)
                                        .getLong();
                            });
            if (count < 0 || count > step) {
                throw channel.lose("%d writes of %d are done".formatted(count, step));
            }
            if (count < step) {
                throw impossible(
                        Errno.EINVAL,
                        "of %d writes %d were done".formatted(writes.size(), done + count));
            }
            done += step;
        }
    }

    public MemorySegment map(int region, VfioUserRegion.Area area, Arena arena)
            throws VfioUserException {
        boolean isInside = false;
        boolean isWritable = false;
        for (VfioUserRegion known : facts.regions()) {
            if (known.index() == region) {
                isWritable = known.isWritable();
                for (VfioUserRegion.Area one : known.areas()) {
                    isInside |=
                            area.offset() >= one.offset()
                                    && area.size() > 0
                                    && area.size() <= one.size()
                                    && area.offset() - one.offset() <= one.size() - area.size();
                }
            }
        }
        if (!isInside || ((area.offset() | area.size()) & DeviceFacts.PAGE_MASK) != 0) {
            throw new IllegalArgumentException(
                    "expected a part of region %d that can be mapped, got %s"
                            .formatted(region, area));
        }
        try (DeviceFacts.RegionFile file = DeviceFacts.file(path, channel, region)) {
            return SharedMemory.map(
                    file.descriptor(),
                    file.offset() + area.offset(),
                    area.size(),
                    isWritable,
                    arena);
        } catch (HostIoException failed) {
            VfioUserException refused =
                    new VfioUserException(
                            Kind.REFUSED,
                            failed.number(),
                            "%s: region %d cannot be mapped: %s"
                                    .formatted(path, region, failed.getMessage()));
            refused.initCause(failed);
            throw refused;
        }
    }

    public List<VfioUserDoorbell> doorbells(int region) throws VfioUserException {
        if (limits.descriptors() == 0) {
            return List.of();
        }
        int room = IoFd.bytes(0);
        for (int tries = 0; ; tries++) {
            RegionIoFds query = new RegionIoFds(room, 0, region, 0);
            try (Message answer = channel.ask(query, Limits.MAX_DESCRIPTORS, List.of())) {
                RegionIoFds head = RegionIoFds.parse(answer.payload());
                if (head.argsz() <= room && head.argsz() > 0) {
                    return doorbells(region, head, answer);
                }
                Refusal.unless(
                        tries < MAX_TRIES
                                && head.argsz() > 0
                                && head.argsz() <= IoFd.bytes(MAX_DOORBELLS),
                        "DEVICE_GET_REGION_IO_FDS: %s bytes"
                                .formatted(Integer.toUnsignedString(head.argsz())));
                room = head.argsz();
            } catch (Refusal wrong) {
                throw channel.lose(String.valueOf(wrong.getMessage()));
            }
        }
    }

    /** Each has an event of its own; what is no event, or is shared, is left out. */
    private static List<VfioUserDoorbell> doorbells(int region, RegionIoFds head, Message answer) {
        Refusal.unless(
                head.index() == region,
                "DEVICE_GET_REGION_IO_FDS: expected region %d, got %s".formatted(region, head));
        List<IoFd> parts = IoFd.parseReply(answer.payload());
        List<Descriptor> came = answer.takeDescriptors();
        boolean[] isTaken = new boolean[came.size()];
        List<VfioUserDoorbell> found = new ArrayList<>();
        for (IoFd part : parts) {
            int index = part.descriptor();
            boolean isEvent = part.type() == IoFd.IOEVENTFD;
            if (isEvent && index >= 0 && index < isTaken.length && !isTaken[index]) {
                isTaken[index] = true;
                found.add(
                        new VfioUserDoorbell(
                                region,
                                part.offset(),
                                part.size(),
                                (part.flags() & IoFd.DATA_MATCH) != 0
                                        ? OptionalLong.of(part.value())
                                        : OptionalLong.empty(),
                                EventDescriptor.of(came.get(index))));
            }
        }
        for (int index = 0; index < isTaken.length; index++) {
            if (!isTaken[index]) {
                came.get(index).close();
            }
        }
        return List.copyOf(found);
    }

    // ---------------------------------------------------------------- interrupts

    public void setEvents(int kind, int start, List<EventDescriptor> events)
            throws VfioUserException {
        if (limits.descriptors() == 0) {
            throw impossible(Errno.EOPNOTSUPP, "the server takes no descriptors");
        }
        for (int done = 0; done < events.size(); ) {
            int step = Math.min(events.size() - done, limits.descriptors());
            Descriptor[] part =
                    events.subList(done, done + step).stream()
                            .map(EventDescriptor::descriptor)
                            .toArray(Descriptor[]::new);
            try {
                order(new SetIrqs(Data.EVENTFD, Action.TRIGGER, kind, start + done, step), part);
            } catch (VfioUserException failed) {
                if (done > 0 && !failed.isLost()) {
                    clearEvents(kind, start, done);
                }
                throw failed;
            }
            done += step;
        }
    }

    public void clearEvents(int kind, int start, int count) throws VfioUserException {
        order(new SetIrqs(Data.EVENTFD, Action.TRIGGER, kind, start, requireCount(count)));
    }

    private static int requireCount(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("expected at least 1 interrupt, got " + count);
        }
        return count;
    }

    public void disable(int kind) throws VfioUserException {
        order(new SetIrqs(Data.NONE, Action.TRIGGER, kind, 0, 0));
    }

    public void mask(int kind, int start, int count) throws VfioUserException {
        order(new SetIrqs(Data.NONE, Action.MASK, kind, start, requireCount(count)));
    }

    public void unmask(int kind, int start, int count) throws VfioUserException {
        order(new SetIrqs(Data.NONE, Action.UNMASK, kind, start, requireCount(count)));
    }

    public void trigger(int kind, int start, int count) throws VfioUserException {
        order(new SetIrqs(Data.NONE, Action.TRIGGER, kind, start, requireCount(count)));
    }

    public void setUnmaskEvent(Optional<EventDescriptor> event) throws VfioUserException {
        if (limits.descriptors() == 0) {
            throw impossible(Errno.EOPNOTSUPP, "the server takes no descriptors");
        }
        order(
                new SetIrqs(Data.EVENTFD, Action.UNMASK, VfioUserInterrupts.INTX, 0, 1),
                event.stream().map(EventDescriptor::descriptor).toArray(Descriptor[]::new));
    }

    // ---------------------------------------------------------------- memory

    public void mapMemory(
            long address,
            long size,
            boolean isReadable,
            boolean isWritable,
            Optional<Descriptor> file,
            long offset,
            DmaMemory memory)
            throws VfioUserException {
        long mask = limits.pageBytes() - 1;
        if (((address | size) & mask) != 0
                || size == 0
                || Long.compareUnsigned(address + (size - 1), address) < 0) {
            throw impossible(
                    Errno.EINVAL,
                    "memory of 0x%x bytes at 0x%x: expected pages of 0x%x"
                            .formatted(size, address, limits.pageBytes()));
        }
        if (channel.opened() >= limits.maps()) {
            throw impossible(Errno.ENOSPC, "%d pieces of memory".formatted(limits.maps()));
        }
        // The device may use it before the answer is here.
        if (!channel.open(address, size, isReadable, isWritable, memory)) {
            throw impossible(
                    Errno.EEXIST, "memory at 0x%x overlaps with what is mapped".formatted(address));
        }
        boolean isMapped = false;
        try {
            int flags = (isReadable ? DmaMap.READ : 0) | (isWritable ? DmaMap.WRITE : 0);
            boolean goes = file.isPresent() && limits.descriptors() > 0;
            order(
                    new DmaMap(flags, goes ? offset : 0, address, size),
                    goes ? new Descriptor[] {file.get()} : new Descriptor[0]);
            isMapped = true;
        } finally {
            if (!isMapped) {
                channel.shut(address);
            }
        }
    }

    public void unmapMemory(long address, long size) throws VfioUserException {
        if (!channel.isConnected()) {
            channel.ask(new DmaUnmap(0, address, size)); // says what became of it
        }
        if (!channel.isOpen(address, size)) {
            throw impossible(
                    Errno.ENOENT,
                    "no memory of 0x%x bytes is mapped at 0x%x".formatted(size, address));
        }
        DmaUnmap unmap = new DmaUnmap(0, address, size);
        try {
            DmaUnmap answer = ask(unmap, DmaUnmap::parse);
            expect(
                    new DmaUnmap(0, answer.address(), answer.size()),
                    new DmaUnmap(0, address, size));
        } finally {
            channel.shut(address);
        }
    }

    public void reset() throws VfioUserException {
        if (!isResettable()) {
            throw impossible(Errno.EOPNOTSUPP, "the device has no reset");
        }
        order(Reset.INSTANCE);
    }
}
