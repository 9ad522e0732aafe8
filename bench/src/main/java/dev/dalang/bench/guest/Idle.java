package dev.dalang.bench.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * What a machine at its prompt costs its host.
 *
 * @param percent of one host core
 * @param residentMebibytes of the monitor's process
 */
record Idle(double percent, double residentMebibytes) {

    /**
     * Watches a process, which must live.
     *
     * @param settle how long to wait first
     * @param watch how long to watch
     */
    static Idle watch(ProcessHandle process, Duration settle, Duration watch) {
        pause(settle);
        long began = System.nanoTime();
        Duration before = cpu(process);
        pause(watch);
        Duration used = cpu(process).minus(before);
        double seconds = (System.nanoTime() - began) * 1e-9;
        return new Idle(100 * used.toNanos() * 1e-9 / seconds, resident(process.pid()));
    }

    private static Duration cpu(ProcessHandle process) {
        return process.info()
                .totalCpuDuration()
                .orElseThrow(() -> new BenchException("this host does not tell a process's time"));
    }

    private static double resident(long pid) {
        Path status = Path.of("/proc", Long.toString(pid), "status");
        try {
            for (String line : Files.readAllLines(status)) {
                if (line.startsWith("VmRSS:")) {
                    return Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024.0;
                }
            }
            throw new BenchException(status + " has no line VmRSS");
        } catch (IOException e) {
            throw new BenchException("cannot read " + status + ": " + e.getMessage(), e);
        }
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted", e);
        }
    }
}
