package dev.dalang.passthrough;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.dalang.linux.Errno;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What guards a device's transfers on its host, and the device's file: a container with the
 * device's group in it, or an address space of an iommufd. The two are opened and closed in
 * different ways, and map and unmap in the same.
 */
abstract sealed class VfioMemory {
    final VfioKernel kernel;

    VfioMemory(VfioKernel kernel) {
        this.kernel = kernel;
    }

    /** The device's file. */
    abstract int device();

    /** Maps with {@link Vfio#DMA_READ} and {@link Vfio#DMA_WRITE}. */
    abstract void map(long address, long memory, long bytes, int access) throws BackendException;

    /** Unmaps, and gives how many bytes were mapped. */
    abstract long unmap(long address, long bytes) throws BackendException;

    /** Closes the device first, then what guards it. */
    abstract void close();

    final void map(DmaMapping mapping) throws BackendException {
        int access =
                (mapping.isReadable() ? Vfio.DMA_READ : 0)
                        | (mapping.isWritable() ? Vfio.DMA_WRITE : 0);
        try {
            map(mapping.address(), mapping.memory().address(), mapping.bytes(), access);
        } catch (BackendException failure) {
            if (failure.errno() != Errno.ENOMEM.number()) {
                throw failure;
            }
            BackendException told =
                    new BackendException(
                            failure.operation(),
                            failure.errno(),
                            "all of the machine's memory is locked for the device: allow %d bytes"
                                            .formatted(mapping.bytes())
                                    + " more of locked memory (ulimit -l)");
            told.initCause(failure);
            throw told;
        }
    }

    final void unmapExactly(long address, long bytes) throws BackendException {
        long unmapped = unmap(address, bytes);
        if (unmapped != bytes) {
            throw new BackendException(
                    "unmap memory at 0x" + Long.toHexString(address),
                    Errno.EINVAL.number(),
                    "expected 0x%x bytes to be taken away, got 0x%x".formatted(bytes, unmapped));
        }
    }

    /** The way by {@code /dev/vfio/vfio}: the device's whole group is given away. */
    static final class Group extends VfioMemory {
        private final int container;
        private final int group;
        private int device = -1;

        private Group(VfioKernel kernel, int container, int group) {
            super(kernel);
            this.container = container;
            this.group = group;
        }

        static Group open(VfioKernel kernel, String name, IsolationGroup isolation)
                throws BackendException {
            int container = kernel.open("/dev/vfio/vfio");
            int group = -1;
            boolean isSet = false;
            boolean isDone = false;
            try (Arena arena = Arena.ofConfined()) {
                requireContainer(kernel, container);
                String path = "/dev/vfio/" + isolation.id();
                group = kernel.open(path);
                MemorySegment status = Vfio.sized(arena, 8);
                kernel.control(group, "VFIO_GROUP_GET_STATUS", Vfio.GROUP_GET_STATUS, status);
                if (Vfio.word(status, 4) != Vfio.GROUP_VIABLE) {
                    throw new BackendException(
                            "use group " + isolation.id(),
                            Errno.EBUSY.number(),
                            "its status is 0x%x: %s"
                                    .formatted(
                                            Vfio.word(status, 4),
                                            isolation.blockers().isEmpty()
                                                    ? "somebody else uses it"
                                                    : isolation.blockers().getFirst()
                                                            + " of it is bound to a driver of the"
                                                            + " host"));
                }
                MemorySegment pointer = arena.allocate(JAVA_INT);
                pointer.set(JAVA_INT, 0, container);
                kernel.control(
                        group, "VFIO_GROUP_SET_CONTAINER", Vfio.GROUP_SET_CONTAINER, pointer);
                isSet = true;
                kernel.control(
                        container,
                        "VFIO_SET_IOMMU",
                        Vfio.SET_IOMMU,
                        Vfio.number(Vfio.TYPE1V2_IOMMU));
                Group opened = new Group(kernel, container, group);
                opened.device =
                        kernel.control(
                                group,
                                "VFIO_GROUP_GET_DEVICE_FD",
                                Vfio.GROUP_GET_DEVICE_FD,
                                arena.allocateFrom(name));
                kernel.adopt(opened.device, name);
                isDone = true;
                return opened;
            } finally {
                if (!isDone) {
                    giveUp(kernel, container, group, isSet);
                }
            }
        }

        private static void requireContainer(VfioKernel kernel, int container)
                throws BackendException {
            int version =
                    kernel.control(
                            container,
                            "VFIO_GET_API_VERSION",
                            Vfio.GET_API_VERSION,
                            Vfio.number(0));
            if (version != Vfio.API_VERSION) {
                throw new BackendException(
                        "VFIO_GET_API_VERSION", 0, "expected version 0, got " + version);
            }
            int has =
                    kernel.control(
                            container,
                            "VFIO_CHECK_EXTENSION",
                            Vfio.CHECK_EXTENSION,
                            Vfio.number(Vfio.TYPE1V2_IOMMU));
            if (has != 1) {
                throw new BackendException(
                        "VFIO_CHECK_EXTENSION",
                        Errno.EOPNOTSUPP.number(),
                        "the host has no IOMMU that guards memory (type1v2)");
            }
        }

        private static void giveUp(VfioKernel kernel, int container, int group, boolean isSet) {
            if (isSet) {
                try {
                    kernel.control(
                            group,
                            "VFIO_GROUP_UNSET_CONTAINER",
                            Vfio.GROUP_UNSET_CONTAINER,
                            Vfio.number(0));
                } catch (BackendException ignored) {
                    // Closing the group does it, too.
                }
            }
            if (group >= 0) {
                kernel.close(group);
            }
            kernel.close(container);
        }

        @Override
        int device() {
            return device;
        }

        @Override
        void map(long address, long memory, long bytes, int access) throws BackendException {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment request = Vfio.sized(arena, 32);
                request.set(JAVA_INT, 4, access);
                request.set(JAVA_LONG, 8, memory);
                request.set(JAVA_LONG, 16, address);
                request.set(JAVA_LONG, 24, bytes);
                kernel.control(container, "VFIO_IOMMU_MAP_DMA", Vfio.IOMMU_MAP_DMA, request);
            }
        }

        @Override
        long unmap(long address, long bytes) throws BackendException {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment request = Vfio.sized(arena, 24);
                request.set(JAVA_LONG, 8, address);
                request.set(JAVA_LONG, 16, bytes);
                kernel.control(container, "VFIO_IOMMU_UNMAP_DMA", Vfio.IOMMU_UNMAP_DMA, request);
                return Vfio.wide(request, 16);
            }
        }

        @Override
        void close() {
            // A device that is open keeps its group busy.
            kernel.close(device);
            giveUp(kernel, container, group, true);
        }
    }

    /** The way by {@code /dev/iommu}: the device alone. */
    static final class Space extends VfioMemory {
        private final int iommu;
        private final int device;
        private final int space;

        private Space(VfioKernel kernel, int iommu, int device, int space) {
            super(kernel);
            this.iommu = iommu;
            this.device = device;
            this.space = space;
        }

        static Space open(VfioKernel kernel, String path) throws BackendException {
            int iommu = kernel.open("/dev/iommu");
            int device = -1;
            boolean isDone = false;
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment allocated = Vfio.sized(arena, 12);
                kernel.control(iommu, "IOMMU_IOAS_ALLOC", Vfio.IOMMU_IOAS_ALLOC, allocated);
                int space = Vfio.word(allocated, 8);
                device = kernel.open(path);
                MemorySegment bound = Vfio.sized(arena, 16);
                bound.set(JAVA_INT, 8, iommu);
                kernel.control(device, "VFIO_DEVICE_BIND_IOMMUFD", Vfio.DEVICE_BIND_IOMMUFD, bound);
                MemorySegment attached = Vfio.sized(arena, 12);
                attached.set(JAVA_INT, 8, space);
                kernel.control(
                        device,
                        "VFIO_DEVICE_ATTACH_IOMMUFD_PT",
                        Vfio.DEVICE_ATTACH_IOMMUFD_PT,
                        attached);
                isDone = true;
                return new Space(kernel, iommu, device, space);
            } finally {
                if (!isDone) {
                    if (device >= 0) {
                        kernel.close(device);
                    }
                    kernel.close(iommu);
                }
            }
        }

        @Override
        int device() {
            return device;
        }

        @Override
        void map(long address, long memory, long bytes, int access) throws BackendException {
            int flags =
                    Vfio.IOAS_FIXED_IOVA
                            | ((access & Vfio.DMA_READ) != 0 ? Vfio.IOAS_READABLE : 0)
                            | ((access & Vfio.DMA_WRITE) != 0 ? Vfio.IOAS_WRITEABLE : 0);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment request = Vfio.sized(arena, 40);
                request.set(JAVA_INT, 4, flags);
                request.set(JAVA_INT, 8, space);
                request.set(JAVA_LONG, 16, memory);
                request.set(JAVA_LONG, 24, bytes);
                request.set(JAVA_LONG, 32, address);
                kernel.control(iommu, "IOMMU_IOAS_MAP", Vfio.IOMMU_IOAS_MAP, request);
            }
        }

        @Override
        long unmap(long address, long bytes) throws BackendException {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment request = Vfio.sized(arena, 24);
                request.set(JAVA_INT, 4, space);
                request.set(JAVA_LONG, 8, address);
                request.set(JAVA_LONG, 16, bytes);
                kernel.control(iommu, "IOMMU_IOAS_UNMAP", Vfio.IOMMU_IOAS_UNMAP, request);
                return Vfio.wide(request, 16);
            }
        }

        @Override
        void close() {
            kernel.close(device);
            kernel.close(iommu);
        }
    }
}
