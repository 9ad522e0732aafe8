package dev.dalang.vm;

/**
 * Where a machine waits for GDB: a port of the loopback interface, to which {@code target remote
 * :PORT} connects. Whoever reaches it commands the machine.
 *
 * @param port 1 to 65535, or 0 for any that is free; {@link Vm#gdbPort} tells which
 * @param waits true: the harts execute nothing until a debugger has come and lets them; false: they
 *     run, and stand while a debugger that comes has them stand
 */
public record GdbPort(int port, boolean waits) {
    private static final String WAIT = ",wait";
    private static final int MAX = 65_535;

    /** Checks the number. */
    public GdbPort {
        if (port < 0 || port > MAX) {
            throw unexpected(Integer.toString(port));
        }
    }

    /**
     * Reads the command's way to write it: a number, with {@code ,wait} behind it for a machine
     * that waits.
     *
     * @param text the text
     * @return what it says
     * @throws ConfigurationException if it is something else
     */
    public static GdbPort parse(String text) {
        boolean waits = text.endsWith(WAIT);
        String number = waits ? text.substring(0, text.length() - WAIT.length()) : text;
        if (number.isEmpty()
                || number.length() > 5
                || !number.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw unexpected(text);
        }
        return new GdbPort(Integer.parseInt(number), waits);
    }

    private static ConfigurationException unexpected(String found) {
        return new ConfigurationException(
                "--gdb: expected a port, 0 to %d, and maybe ,wait behind it; found %s"
                        .formatted(MAX, found));
    }
}
