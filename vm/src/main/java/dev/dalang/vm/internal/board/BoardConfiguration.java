package dev.dalang.vm.internal.board;

import dev.dalang.passthrough.PassthroughFunction;
import dev.dalang.riscv.EngineKind;
import dev.dalang.vm.DeviceTracing;
import dev.dalang.vm.InterruptArchitecture;
import dev.dalang.vm.PciPlacement;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What a user chose for a {@code virt} board, checked.
 *
 * @param memoryBytes size of RAM, a multiple of the page size
 * @param cpus number of harts
 * @param kernel file of the kernel
 * @param initrd file of the initial RAM disk
 * @param initrdAdd directory whose files are added to the initial RAM disk
 * @param append the kernel's command line
 * @param bios file of M-mode firmware; without it the built-in SBI stands in its place
 * @param flash what the flash banks hold, from the first on; at most two
 * @param bare file of a bare program, which gets the machine for itself
 * @param aia how interrupts reach the harts
 * @param engine how the harts execute
 * @param devices what is on the PCI bus, in the order in which it is placed
 * @param virtio how virtio devices are carried
 * @param maxInstructions limit of each hart between two resets
 * @param tracing what is traced
 * @param hotCode file that keeps what was hot for the next run
 */
public record BoardConfiguration(
        long memoryBytes,
        int cpus,
        Optional<Path> kernel,
        Optional<Path> initrd,
        Optional<Path> initrdAdd,
        Optional<String> append,
        Optional<Path> bios,
        List<FlashBank> flash,
        Optional<Path> bare,
        InterruptArchitecture aia,
        EngineKind engine,
        List<PciPlacement> devices,
        VirtioChoice virtio,
        long maxInstructions,
        Optional<DeviceTracing> tracing,
        Optional<Path> hotCode) {
    /** Copies the lists. */
    public BoardConfiguration {
        flash = List.copyOf(flash);
        devices = List.copyOf(devices);
    }

    boolean hasAia() {
        return aia == InterruptArchitecture.APLIC_IMSIC;
    }

    /** Whether the kernel's place is taken by firmware in flash, which finds the kernel itself. */
    boolean startsFromFlash() {
        return !flash.isEmpty() && bare.isEmpty();
    }

    /** Whether another process may have to see the guest's memory. */
    boolean sharesMemory() {
        return devices.stream()
                .anyMatch(placement -> placement.device() instanceof PassthroughFunction);
    }

    /** Whether code of the guest runs in M-mode. */
    boolean startsInMachineMode() {
        return bios.isPresent() || bare.isPresent();
    }
}
