package dev.dalang.vm.internal.guest;

import dev.dalang.vm.guest.GuestException;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * The machine's package manager: its two programs, its configuration and the system's keyrings.
 *
 * @param aptGet the program {@code apt-get}
 * @param aptCache the program {@code apt-cache}
 * @param configuration normally {@code /etc/apt}
 * @param keyrings normally {@code /usr/share/keyrings}
 */
public record AptHost(Path aptGet, Path aptCache, Path configuration, Path keyrings) {

    /** What a user can do on a machine that cannot fetch the default guest. */
    public static final String PASS_YOUR_OWN =
            "pass a riscv64 kernel image with --kernel FILE and its initial file system with"
                    + " --initrd FILE";

    /**
     * Finds the package manager of this machine.
     *
     * @param environment the process's environment; {@code PATH} is searched
     * @throws GuestException where there is none
     */
    public static AptHost find(Map<String, String> environment) {
        return find(environment, "/usr/bin");
    }

    /** Looks into a last directory after those of the environment. */
    public static AptHost find(Map<String, String> environment, String last) {
        String path = environment.getOrDefault("PATH", "") + File.pathSeparator + last;
        for (String directory : path.split(File.pathSeparator)) {
            if (directory.isEmpty()) {
                continue;
            }
            Path aptGet = Path.of(directory, "apt-get");
            Path aptCache = Path.of(directory, "apt-cache");
            if (Files.isExecutable(aptGet) && Files.isExecutable(aptCache)) {
                return new AptHost(
                        aptGet, aptCache, Path.of("/etc/apt"), Path.of("/usr/share/keyrings"));
            }
        }
        throw new GuestException(
                "the default guest is fetched with apt-get, which this machine does not have; "
                        + PASS_YOUR_OWN);
    }
}
