package dev.dalang.cli;

import dev.dalang.vm.guest.FetchProgress;

import java.io.PrintStream;

/**
 * Shows how a fetch goes on: on a terminal one line with a bar, drawn again and again; elsewhere a
 * line for each step. One thread.
 */
final class ProgressLine implements FetchProgress {

    private static final int BAR_COLUMNS = 24;
    private static final int STEP_COLUMNS = 36;

    private final PrintStream out;
    private final boolean isTerminal;
    private String step = "";
    private String drawn = "";

    ProgressLine(PrintStream out, boolean isTerminal) {
        this.out = out;
        this.isTerminal = isTerminal;
    }

    @Override
    public void step(String what) {
        endLine();
        step = what;
        if (isTerminal) {
            draw(what);
        } else {
            out.println("dalang: " + what);
        }
    }

    @Override
    public void advanced(long doneBytes, long totalBytes) {
        if (isTerminal) {
            draw(line(step, doneBytes, totalBytes));
        }
    }

    @Override
    public void notice(String line) {
        endLine();
        out.println("dalang: " + line);
    }

    /** Leaves the cursor at the start of a line. */
    void finish() {
        endLine();
    }

    static String line(String step, long doneBytes, long totalBytes) {
        long total = Math.max(1, totalBytes);
        long done = Math.clamp(doneBytes, 0, total);
        int filled = (int) (done * BAR_COLUMNS / total);
        String name =
                step.length() > STEP_COLUMNS ? step.substring(0, STEP_COLUMNS - 1) + "…" : step;
        return "%-36s [%s%s] %3d%% of %.1f MB"
                .formatted(
                        name,
                        "#".repeat(filled),
                        ".".repeat(BAR_COLUMNS - filled),
                        done * 100 / total,
                        total / 1e6);
    }

    private void draw(String line) {
        if (!line.equals(drawn)) {
            String rest = " ".repeat(Math.max(0, drawn.length() - line.length()));
            out.print("\r" + line + rest);
            out.flush();
            drawn = line;
        }
    }

    private void endLine() {
        if (!drawn.isEmpty()) {
            out.println();
            drawn = "";
        }
    }
}
