package dev.dalang.vm.guest;

import java.nio.file.Path;

/**
 * A guest that is ready to boot: its files are on this machine and were checked when this value was
 * made.
 *
 * @param name the guest's name, as {@link Guests#guest(String, FetchProgress)} takes it
 * @param version the version of the distribution's package that the kernel came from
 * @param kernel the kernel image, as the distribution ships it
 * @param initrd the initial file system
 * @param defaultCommandLine the kernel command line for a serial console
 */
public record Guest(
        String name, String version, Path kernel, Path initrd, String defaultCommandLine) {}
