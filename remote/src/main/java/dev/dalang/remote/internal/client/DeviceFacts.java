package dev.dalang.remote.internal.client;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.remote.VfioUserException;
import dev.dalang.remote.VfioUserException.Kind;
import dev.dalang.remote.VfioUserInterrupts;
import dev.dalang.remote.VfioUserRegion;
import dev.dalang.remote.VfioUserRegion.Area;
import dev.dalang.remote.internal.wire.Message;
import dev.dalang.remote.internal.wire.Refusal;
import dev.dalang.remote.internal.wire.RegionInfo;
import dev.dalang.remote.internal.wire.Request.DeviceInfo;
import dev.dalang.remote.internal.wire.Request.IrqInfo;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What a device is like, as its server says. All of it is asked once, bounded, and judged as a
 * whole: what cannot be is told, and nothing of it is kept.
 *
 * @param flags of the device
 * @param regions those that have bytes
 * @param interrupts by kind
 */
record DeviceFacts(int flags, List<VfioUserRegion> regions, List<VfioUserInterrupts> interrupts) {
    static final int PAGE_MASK = 4095;

    /** A PCI device has nine regions and five kinds; some have a few beyond. */
    private static final int MAX_REGIONS = 64;

    private static final int MAX_KINDS = 16;

    /** Bytes of a region's description with all that may be said of it. */
    private static final int MAX_DESCRIPTION = 1 << 16;

    /** How often a description may turn out to be longer than it was said to be. */
    private static final int MAX_TRIES = 4;

    static DeviceFacts ask(Path path, Channel channel) throws VfioUserException {
        try {
            DeviceInfo device =
                    DeviceInfo.parse(channel.ask(new DeviceInfo(DeviceInfo.BYTES, 0, 0, 0)));
            Refusal.unless(
                    device.regions() >= 0
                            && device.regions() <= MAX_REGIONS
                            && device.irqs() >= 0
                            && device.irqs() <= MAX_KINDS,
                    "DEVICE_GET_INFO: expected at most %d regions and %d kinds of interrupts, got %s"
                            .formatted(MAX_REGIONS, MAX_KINDS, device));
            List<VfioUserRegion> regions = new ArrayList<>();
            for (int index = 0; index < device.regions(); index++) {
                RegionInfo info;
                try (RegionFile file = describe(channel, index)) {
                    info = file.info;
                } catch (VfioUserException refused) {
                    if (refused.isLost()) {
                        throw refused;
                    }
                    continue; // the ranges of a VGA, which some servers do not know
                }
                if (info.size() != 0) {
                    regions.add(region(info));
                }
            }
            List<VfioUserInterrupts> interrupts = new ArrayList<>();
            for (int kind = 0; kind < device.irqs(); kind++) {
                interrupts.add(interrupts(channel, kind));
            }
            channel.use();
            return new DeviceFacts(device.flags(), List.copyOf(regions), List.copyOf(interrupts));
        } catch (Refusal wrong) {
            VfioUserException lost = channel.lose(String.valueOf(wrong.getMessage()));
            throw new VfioUserException(
                    Kind.UNREACHABLE, lost.number(), String.valueOf(lost.getMessage()));
        } catch (VfioUserException failed) {
            throw failed.kind() == Kind.UNREACHABLE
                    ? failed
                    : new VfioUserException(
                            Kind.UNREACHABLE,
                            failed.number(),
                            "what the device is cannot be asked: " + failed.getMessage());
        }
    }

    private static VfioUserInterrupts interrupts(Channel channel, int kind)
            throws VfioUserException {
        IrqInfo info;
        try {
            info = IrqInfo.parse(channel.ask(new IrqInfo(IrqInfo.BYTES, 0, kind, 0)));
        } catch (VfioUserException refused) {
            if (refused.isLost()) {
                throw refused;
            }
            return new VfioUserInterrupts(kind, 0, false, false, false);
        }
        Refusal.unless(
                info.index() == kind
                        && info.count() >= 0
                        && info.count() <= VfioUserInterrupts.MAX_COUNT,
                "DEVICE_GET_IRQ_INFO %d: expected at most %d of them, got %s"
                        .formatted(kind, VfioUserInterrupts.MAX_COUNT, info));
        boolean isUsable = (info.flags() & IrqInfo.EVENTFD) != 0;
        return new VfioUserInterrupts(
                kind,
                isUsable ? info.count() : 0,
                (info.flags() & IrqInfo.MASKABLE) != 0,
                (info.flags() & IrqInfo.AUTOMASKED) != 0,
                (info.flags() & IrqInfo.NORESIZE) != 0);
    }

    // ---------------------------------------------------------------- regions

    /**
     * A region's description and, if it can be mapped, the file that it is in.
     *
     * @param info the description
     * @param file the descriptors that came: one, or none
     */
    record RegionFile(RegionInfo info, List<Descriptor> file) implements AutoCloseable {
        Descriptor descriptor() {
            return file.get(0);
        }

        long offset() {
            return info.offset();
        }

        @Override
        public void close() {
            file.forEach(Descriptor::close);
        }
    }

    /** Asks for a region's file once more. */
    static RegionFile file(Path path, Channel channel, int region) throws VfioUserException {
        RegionFile file;
        try {
            file = describe(channel, region);
        } catch (Refusal wrong) {
            throw channel.lose(String.valueOf(wrong.getMessage()));
        }
        if (file.file.isEmpty() || file.offset() < 0) {
            file.close();
            throw new VfioUserException(
                    Kind.REFUSED,
                    Errno.EINVAL.number(),
                    "%s: region %d came without its file".formatted(path, region));
        }
        return file;
    }

    /** Asks as often as the server says that there is more to say. */
    private static RegionFile describe(Channel channel, int index) throws VfioUserException {
        int room = RegionInfo.BYTES;
        for (int tries = 0; ; tries++) {
            try (Message answer = channel.ask(new RegionInfo(room, index), 1, List.of())) {
                RegionInfo head = RegionInfo.parseHead(answer.payload());
                Refusal.unless(
                        head.index() == index,
                        "DEVICE_GET_REGION_INFO: expected region %d, got %s"
                                .formatted(index, head));
                if (head.argsz() > 0 && head.argsz() <= room) {
                    RegionInfo whole = RegionInfo.parse(answer.payload());
                    return new RegionFile(whole, answer.takeDescriptors());
                }
                Refusal.unless(
                        tries < MAX_TRIES && head.argsz() > 0 && head.argsz() <= MAX_DESCRIPTION,
                        "DEVICE_GET_REGION_INFO: a description of %s bytes"
                                .formatted(Integer.toUnsignedString(head.argsz())));
                room = head.argsz();
            }
        }
    }

    private static VfioUserRegion region(RegionInfo info) {
        Refusal.unless(info.size() > 0, "a region of 0x%x bytes".formatted(info.size()));
        return new VfioUserRegion(
                info.index(),
                info.size(),
                (info.flags() & RegionInfo.READ) != 0,
                (info.flags() & RegionInfo.WRITE) != 0,
                (info.flags() & RegionInfo.MMAP) != 0 ? areas(info) : List.of());
    }

    /** The parts that can be mapped; without a list of them it is the whole. */
    private static List<Area> areas(RegionInfo info) {
        Refusal.unless(
                info.offset() >= 0 && info.offset() + info.size() > 0,
                "a region at 0x%x of its file".formatted(info.offset()));
        if ((info.offset() & PAGE_MASK) != 0) {
            return List.of();
        }
        List<Area> areas = new ArrayList<>();
        boolean isSparse = false;
        for (RegionInfo.Capability capability : info.capabilities()) {
            if (capability instanceof RegionInfo.SparseMmap sparse) {
                isSparse = true;
                for (RegionInfo.Area area : sparse.areas()) {
                    Refusal.unless(
                            area.offset() >= 0
                                    && area.size() >= 0
                                    && area.offset() <= info.size()
                                    && area.size() <= info.size() - area.offset(),
                            "region %d: an area outside of it, %s".formatted(info.index(), area));
                    if (area.size() > 0 && ((area.offset() | area.size()) & PAGE_MASK) == 0) {
                        areas.add(new Area(area.offset(), area.size()));
                    }
                }
            }
        }
        if (!isSparse && (info.size() & PAGE_MASK) == 0) {
            areas.add(new Area(0, info.size()));
        }
        areas.sort(Comparator.comparingLong(Area::offset));
        long end = 0;
        for (Area area : areas) {
            Refusal.unless(
                    area.offset() >= end,
                    "region %d: areas that overlap, at 0x%x"
                            .formatted(info.index(), area.offset()));
            end = area.offset() + area.size();
        }
        return areas;
    }
}
