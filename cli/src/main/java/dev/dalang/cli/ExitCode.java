package dev.dalang.cli;

import dev.dalang.vm.VmExit;

/** What the command's exit status says. */
final class ExitCode {
    /** The guest switched itself off, or the user ended the run. */
    static final int OK = 0;

    /** The guest's kernel panicked, a hart could only trap, or the guest reported a failure. */
    static final int GUEST_FAILED = 1;

    /** The command line, a file that it names or the machine's surroundings do not allow a run. */
    static final int MISTAKE = 2;

    /** A defect of Dalang itself, or of a device. */
    static final int DEFECT = 70;

    /** The time or the instructions that were granted are used up; timeout(1) uses the same. */
    static final int LIMIT_REACHED = 124;

    private ExitCode() {}

    /** The status for the end of a run. */
    static int of(VmExit exit) {
        return switch (exit) {
            case VmExit.PoweredOff _, VmExit.ResetRequested _, VmExit.Stopped _ -> OK;
            // The guest's own number as far as a status can hold it: tests use it.
            case VmExit.Failed(long code) ->
                    Long.compareUnsigned(code, 255) <= 0 ? (int) code : GUEST_FAILED;
            case VmExit.Panicked _, VmExit.Stuck _ -> GUEST_FAILED;
            case VmExit.TimedOut _, VmExit.InstructionLimitReached _ -> LIMIT_REACHED;
            case VmExit.Blocked _, VmExit.Crashed _ -> DEFECT;
        };
    }
}
