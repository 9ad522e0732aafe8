package dev.dalang.linux;

import java.util.Set;

/** Whether there is a Linux to call. */
public final class Linux {
    /** The architectures whose constants are those of the kernel's generic headers. */
    private static final Set<String> ARCHITECTURES = Set.of("amd64", "aarch64", "riscv64");

    private static final boolean AVAILABLE = probe();

    private Linux() {}

    /**
     * Tells whether this module works here: on Linux, on a 64-bit x86, Arm or RISC-V, and unless
     * the JVM was told to deny native access.
     *
     * @return true if it does
     */
    public static boolean isAvailable() {
        return AVAILABLE;
    }

    private static boolean probe() {
        if (!System.getProperty("os.name", "").equals("Linux")
                || !ARCHITECTURES.contains(System.getProperty("os.arch", ""))) {
            return false;
        }
        try {
            return Calls.isLinked();
        } catch (ExceptionInInitializerError denied) {
            return false;
        }
    }
}
