package dev.dalang.passthrough;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.dalang.linux.Errno;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A kernel with one device: nine regions, one wire, 32 messages of MSI, 2,048 of MSI-X. */
final class FakeVfioKernel implements VfioKernel {
    static final int REGION_SPACING = 1 << 20;

    final List<String> calls = new ArrayList<>();
    final Map<String, Errno> failing = new HashMap<>();
    final Map<Integer, String> open = new TreeMap<>();
    final Map<Integer, Runnable> events = new TreeMap<>();
    final Map<Long, long[]> dma = new TreeMap<>();
    final Map<Integer, int[]> armed = new TreeMap<>();
    final MemorySegment device = Arena.ofAuto().allocate(9L * REGION_SPACING, 4096);
    final long[] sizes = {0x4000, 0, 0x1000, 0, 0, 0, 0, 0x1000, 0};
    int groupStatus = Vfio.GROUP_VIABLE;
    int apiVersion;
    int hasType1 = 1;
    int deviceFlags = Vfio.DEVICE_FLAG_PCI | Vfio.DEVICE_FLAG_RESET;
    int regionCount = 9;
    int kindCount = 5;
    byte[] sparse = {};
    long unmapped = -1;
    private int next = 10;

    FakeVfioKernel() {
        byte[] config = new ScriptedConfig(0x8086, 0x10d3).msix(8, 0, 0x2000, 0, 0x3000).bytes();
        MemorySegment.copy(config, 0, device, JAVA_BYTE, offset(7), config.length);
    }

    static long offset(int region) {
        return (long) region * REGION_SPACING;
    }

    private void call(String what) throws BackendException {
        calls.add(what);
        Errno errno = failing.get(what);
        if (errno != null) {
            throw new BackendException(what, errno.number(), "");
        }
    }

    @Override
    public int open(String path) throws BackendException {
        call("open " + path);
        open.put(++next, path);
        return next;
    }

    @Override
    public void adopt(int file, String subject) {
        open.put(file, subject);
    }

    @Override
    public void close(int file) {
        String was = open.remove(file);
        if (was != null) {
            calls.add("close " + was);
        }
    }

    @Override
    public int control(int file, String call, long request, MemorySegment argument)
            throws BackendException {
        if (!open.containsKey(file)) {
            throw new AssertionError(call + " on a closed file");
        }
        call(call);
        return switch (call) {
            case "VFIO_GET_API_VERSION" -> is(request, 0x3b64, apiVersion);
            case "VFIO_CHECK_EXTENSION" -> {
                requireNumber(argument, 3);
                yield is(request, 0x3b65, hasType1);
            }
            case "VFIO_SET_IOMMU" -> {
                requireNumber(argument, 3);
                yield is(request, 0x3b66, 0);
            }
            case "VFIO_GROUP_GET_STATUS" -> {
                requireSize(argument, 8);
                argument.set(JAVA_INT, 4, groupStatus);
                yield is(request, 0x3b67, 0);
            }
            case "VFIO_GROUP_SET_CONTAINER" -> {
                String container = open.get(argument.get(JAVA_INT, 0));
                if (!"/dev/vfio/vfio".equals(container)) {
                    throw new AssertionError("no container: " + container);
                }
                yield is(request, 0x3b68, 0);
            }
            case "VFIO_GROUP_UNSET_CONTAINER" -> is(request, 0x3b69, 0);
            case "VFIO_GROUP_GET_DEVICE_FD" -> {
                calls.add("device " + argument.getString(0));
                is(request, 0x3b6a, 0);
                yield ++next;
            }
            case "VFIO_DEVICE_GET_INFO" -> {
                requireSize(argument, 16);
                argument.set(JAVA_INT, 4, deviceFlags);
                argument.set(JAVA_INT, 8, regionCount);
                argument.set(JAVA_INT, 12, kindCount);
                yield is(request, 0x3b6b, 0);
            }
            case "VFIO_DEVICE_GET_REGION_INFO" -> regionInfo(request, argument);
            case "VFIO_DEVICE_GET_IRQ_INFO" -> irqInfo(request, argument);
            case "VFIO_DEVICE_SET_IRQS" -> setIrqs(request, argument);
            case "VFIO_DEVICE_RESET" -> is(request, 0x3b6f, 0);
            case "VFIO_IOMMU_MAP_DMA" -> {
                requireSize(argument, 32);
                dma.put(
                        argument.get(JAVA_LONG, 16),
                        new long[] {
                            argument.get(JAVA_LONG, 8),
                            argument.get(JAVA_LONG, 24),
                            argument.get(JAVA_INT, 4)
                        });
                yield is(request, 0x3b71, 0);
            }
            case "VFIO_IOMMU_UNMAP_DMA" -> {
                requireSize(argument, 24);
                long[] was = dma.remove(argument.get(JAVA_LONG, 8));
                argument.set(JAVA_LONG, 16, unmapped >= 0 ? unmapped : was[1]);
                yield is(request, 0x3b72, 0);
            }
            case "VFIO_DEVICE_FEATURE" -> {
                requireSize(argument, 8);
                calls.add("feature 0x" + Integer.toHexString(argument.get(JAVA_INT, 4)));
                yield is(request, 0x3b75, 0);
            }
            case "VFIO_DEVICE_BIND_IOMMUFD" -> {
                requireSize(argument, 16);
                if (!"/dev/iommu".equals(open.get(argument.get(JAVA_INT, 8)))) {
                    throw new AssertionError("no iommufd");
                }
                yield is(request, 0x3b76, 0);
            }
            case "VFIO_DEVICE_ATTACH_IOMMUFD_PT" -> {
                requireSize(argument, 12);
                if (argument.get(JAVA_INT, 8) != 77) {
                    throw new AssertionError("no address space");
                }
                yield is(request, 0x3b77, 0);
            }
            case "IOMMU_IOAS_ALLOC" -> {
                requireSize(argument, 12);
                argument.set(JAVA_INT, 8, 77);
                yield is(request, 0x3b81, 0);
            }
            case "IOMMU_IOAS_MAP" -> {
                requireSize(argument, 40);
                dma.put(
                        argument.get(JAVA_LONG, 32),
                        new long[] {
                            argument.get(JAVA_LONG, 16),
                            argument.get(JAVA_LONG, 24),
                            argument.get(JAVA_INT, 4)
                        });
                yield is(request, 0x3b85, 0);
            }
            case "IOMMU_IOAS_UNMAP" -> {
                requireSize(argument, 24);
                long[] was = dma.remove(argument.get(JAVA_LONG, 8));
                argument.set(JAVA_LONG, 16, unmapped >= 0 ? unmapped : was[1]);
                yield is(request, 0x3b86, 0);
            }
            default -> throw new AssertionError(call);
        };
    }

    private static int is(long request, long expected, int result) {
        if (request != expected) {
            throw new AssertionError(Long.toHexString(request));
        }
        return result;
    }

    private static void requireNumber(MemorySegment argument, long number) {
        if (argument.address() != number) {
            throw new AssertionError("expected " + number + ", got " + argument.address());
        }
    }

    private static void requireSize(MemorySegment argument, int bytes) {
        if (argument.get(JAVA_INT, 0) != bytes || argument.byteSize() != bytes) {
            throw new AssertionError(
                    "expected %d bytes, got %s".formatted(bytes, argument.get(JAVA_INT, 0)));
        }
    }

    private int regionInfo(long request, MemorySegment info) throws BackendException {
        is(request, 0x3b6c, 0);
        int index = info.get(JAVA_INT, 8);
        int room = info.get(JAVA_INT, 0);
        if (index == 8) {
            throw new BackendException("VGA", Errno.EINVAL.number(), "");
        }
        boolean hasSparse = index == 0 && sparse.length > 0;
        int wanted = hasSparse ? 32 + sparse.length : 32;
        info.set(JAVA_INT, 0, wanted);
        int flags = index == 7 ? 3 : index == 0 ? 7 : 3;
        info.set(JAVA_INT, 4, hasSparse ? flags | Vfio.REGION_CAPS : flags);
        info.set(JAVA_LONG, 16, sizes[index]);
        info.set(JAVA_LONG, 24, offset(index));
        if (hasSparse && room >= wanted) {
            info.set(JAVA_INT, 12, 32);
            MemorySegment.copy(sparse, 0, info, JAVA_BYTE, 32, sparse.length);
        }
        return 0;
    }

    private int irqInfo(long request, MemorySegment info) throws BackendException {
        requireSize(info, 16);
        int index = info.get(JAVA_INT, 8);
        if (index == 3) {
            throw new BackendException("no errors", Errno.EINVAL.number(), "");
        }
        int[] counts = {1, 32, 2048, 0, 1};
        int[] flags = {7, 9, 9, 0, 9};
        info.set(JAVA_INT, 4, flags[index]);
        info.set(JAVA_INT, 12, counts[index]);
        return is(request, 0x3b6d, 0);
    }

    private int setIrqs(long request, MemorySegment argument) {
        int flags = argument.get(JAVA_INT, 4);
        int index = argument.get(JAVA_INT, 8);
        int start = argument.get(JAVA_INT, 12);
        int count = argument.get(JAVA_INT, 16);
        boolean hasEvents = (flags & Vfio.SET_EVENTFD) != 0;
        requireSize(argument, 20 + (hasEvents ? 4 * count : 0));
        calls.add("irqs %d flags %d %d+%d".formatted(index, flags, start, count));
        if (flags == (Vfio.SET_NONE | Vfio.SET_TRIGGER)) {
            armed.remove(index);
        } else if (hasEvents) {
            int[] now = armed.computeIfAbsent(index, _ -> new int[2048]);
            for (int k = 0; k < count; k++) {
                int event = argument.get(JAVA_INT, 20 + 4L * k);
                if (event >= 0 && !events.containsKey(event)) {
                    throw new AssertionError("no event " + event);
                }
                now[start + k] = event;
            }
        }
        return is(request, 0x3b6e, 0);
    }

    void signal(int index, int vector) {
        int[] now = armed.get(index);
        Runnable told = now == null ? null : events.get(now[vector]);
        if (told != null) {
            told.run();
        }
    }

    @Override
    public void read(int file, long offset, MemorySegment target) throws BackendException {
        call("read 0x" + Long.toHexString(offset));
        MemorySegment.copy(device, offset, target, 0, target.byteSize());
    }

    @Override
    public void write(int file, long offset, MemorySegment source) throws BackendException {
        call("write 0x" + Long.toHexString(offset));
        boolean isBar = offset >= offset(7) + 0x10 && offset < offset(7) + 0x34;
        if (!isBar) {
            MemorySegment.copy(source, 0, device, offset, source.byteSize());
            return;
        }
        int index = (int) (offset - offset(7) - 0x10) / 4;
        long size = index < 6 ? sizes[index] : 0;
        int mask = size == 0 ? 0 : (int) -size;
        device.set(JAVA_INT, offset, source.get(JAVA_INT, 0) & mask);
    }

    @Override
    public MemorySegment map(int file, long offset, long bytes, boolean isWritable, Arena arena)
            throws BackendException {
        call("map 0x%x+0x%x".formatted(offset, bytes));
        return device.asSlice(offset, bytes);
    }

    @Override
    public int watch(Runnable signalled) throws BackendException {
        call("watch");
        events.put(++next, signalled);
        return next;
    }

    @Override
    public void unwatch(int event) {
        events.remove(event);
    }

    @Override
    public void closeAll() {
        List.copyOf(open.keySet()).forEach(this::close);
        events.clear();
    }
}
