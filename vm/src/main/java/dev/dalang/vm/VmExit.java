package dev.dalang.vm;

import java.time.Duration;

/** Why a machine's run ended. */
public sealed interface VmExit {
    /** The guest switched itself off. */
    record PoweredOff() implements VmExit {
        @Override
        public String describe() {
            return "the guest powered off";
        }
    }

    /** The guest asked for a reboot, and the machine was built with {@code reboot(false)}. */
    record ResetRequested() implements VmExit {
        @Override
        public String describe() {
            return "the guest asked for a reboot";
        }
    }

    /**
     * The guest ended its run with a failure: through the test finisher, through {@code tohost}, or
     * with a reset whose reason it gave as a failure of the system.
     *
     * @param code the guest's number for it, never 0
     */
    record Failed(long code) implements VmExit {
        @Override
        public String describe() {
            return "the guest ended with failure " + code;
        }
    }

    /**
     * Linux wrote its last line of a panic to the console, behind which it does nothing more.
     *
     * @param reason what the kernel gave as the reason
     */
    record Panicked(String reason) implements VmExit {
        @Override
        public String describe() {
            return "the guest's kernel panicked: " + reason;
        }
    }

    /**
     * A hart can do nothing any more: it took traps by the million without executing an instruction
     * in between, or all harts have stopped themselves for good.
     *
     * @param hart the hart's id
     * @param reason where it traps, and with which cause
     */
    record Stuck(int hart, String reason) implements VmExit {
        @Override
        public String describe() {
            return "hart " + hart + " is stuck: " + reason;
        }
    }

    /**
     * The time limit of the builder's {@code timeout} was reached.
     *
     * @param limit the limit
     */
    record TimedOut(Duration limit) implements VmExit {
        @Override
        public String describe() {
            return "the time limit of %s s was reached".formatted(limit.toNanos() / 1e9);
        }
    }

    /**
     * A hart executed as many instructions as the builder's {@code maxInstructions} allows.
     *
     * @param limit the limit
     */
    record InstructionLimitReached(long limit) implements VmExit {
        @Override
        public String describe() {
            return "the limit of " + limit + " instructions was reached";
        }
    }

    /** Somebody called {@link Vm#stop} or {@link Vm#close}. */
    record Stopped() implements VmExit {
        @Override
        public String describe() {
            return "the machine was stopped";
        }
    }

    /**
     * The run was to end, but a device did not return from an access within the seconds that a
     * machine gives it. The hart's thread is left behind, and what it may use is released when the
     * device lets go of it.
     *
     * @param hart the id of the hart that the device holds up
     * @param device the device's label
     */
    record Blocked(int hart, String device) implements VmExit {
        @Override
        public String describe() {
            return "device %s blocks: it holds up hart %d in an access that does not return"
                    .formatted(device, hart);
        }
    }

    /**
     * The machine itself failed: a defect of a device or of the machine, or files that could not be
     * read again for a reboot.
     *
     * @param cause what was thrown
     */
    record Crashed(Throwable cause) implements VmExit {
        @Override
        public String describe() {
            return cause instanceof ConfigurationException
                    ? "reboot failed: " + cause.getMessage()
                    : "the machine itself failed: " + cause;
        }
    }

    /**
     * One line for people.
     *
     * @return why the run ended
     */
    String describe();

    /**
     * Whether the run ended as somebody wanted it to end.
     *
     * @return true for {@link PoweredOff}, {@link ResetRequested} and {@link Stopped}
     */
    default boolean isSuccess() {
        return this instanceof PoweredOff
                || this instanceof ResetRequested
                || this instanceof Stopped;
    }
}
