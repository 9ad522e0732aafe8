/* bench list            the workloads, each with its unit and the usual amount
 * bench NAME [AMOUNT]   does one, and prints "= NAME AMOUNT UNIT SECONDS s check VALUE"
 * bench all [DIVISOR [NAME...]]
 *                       does all of them, or those named, each with the usual amount over DIVISOR
 *                       and in a process of its own, but for those that want more CPUs; "= all DIVISOR parts SECONDS s check FAILURES"
 *
 * The seconds are the guest's, by CLOCK_MONOTONIC, without the preparation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

struct workload {
    const char *name, *unit;
    uint64_t amount;
    void (*prepare)(uint64_t amount);
    uint64_t (*run)(uint64_t amount);
    int cpus;
};

static const struct workload workloads[] = {
    {"integer", "iterations", 12000, prepare_integer, run_integer, 1},
    {"records", "iterations", 10000000, prepare_records, run_records, 1},
    {"sha256", "MiB", 64, prepare_sha256, run_sha256, 1},
    {"gzip", "MiB", 16, prepare_gzip, run_gzip, 1},
    {"gunzip", "MiB", 16, prepare_gunzip, run_gunzip, 1},
    {"copy", "MiB", 3200, prepare_copy, run_copy, 1},
    {"triad", "passes", 64, prepare_triad, run_triad, 1},
    {"chase", "steps", 10000000, prepare_chase, run_chase, 1},
    {"pages", "pages", 98304, prepare_pages, run_pages, 1},
    {"getppid", "calls", 3000000, prepare_kernel, run_getppid, 1},
    {"pipe", "round trips", 40000, prepare_kernel, run_pipe, 1},
    {"fork", "children", 1000, prepare_kernel, run_fork, 1},
    {"exec", "programs", 500, prepare_kernel, run_exec, 1},
    {"bodies", "steps", 1200000, prepare_bodies, run_bodies, 1},
    {"functions", "iterations", 120000, prepare_functions, run_functions, 1},
    {"mmio", "round trips", 500000, prepare_mmio, run_mmio, 1},
    {"interrupts", "interrupts", 50000, prepare_interrupts, run_interrupts, 1},
    {"randread", "requests", 20000, prepare_disk, run_randread, 1},
    {"randwrite", "requests", 20000, prepare_disk, run_randwrite, 1},
    {"randreads", "requests", 40000, prepare_disk, run_randreads, 1},
    {"randwrites", "requests", 40000, prepare_disk, run_randwrites, 1},
    {"seqread", "MiB", 2048, prepare_disk, run_seqread, 1},
    {"seqwrite", "MiB", 2048, prepare_disk, run_seqwrite, 1},
    {"netdown", "MiB", 256, prepare_net, run_netdown, 1},
    {"netup", "MiB", 256, prepare_net, run_netup, 1},
    {"netrequests", "round trips", 20000, prepare_net, run_netrequests, 1},
    {"netconnects", "connections", 2000, prepare_net, run_netconnects, 1},
    {"pair", "iterations", 24000, prepare_pair, run_pair, 2},
};

#define WORKLOADS (sizeof workloads / sizeof *workloads)

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void measure(const struct workload *workload, uint64_t amount)
{
    workload->prepare(amount);
    double began = now();
    uint64_t check = workload->run(amount);
    double seconds = now() - began;
    printf("= %s %llu %s %.6f s check %016llx\n", workload->name, (unsigned long long)amount,
           workload->unit, seconds, (unsigned long long)check);
    fflush(stdout);
}

static const struct workload *find(const char *name)
{
    for (size_t i = 0; i < WORKLOADS; i++)
        if (!strcmp(name, workloads[i].name))
            return &workloads[i];
    fprintf(stderr, "bench: there is no workload '%s'\n", name);
    exit(2);
}

static uint64_t positive(const char *text)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*end || !value) {
        fprintf(stderr, "bench: '%s' is not a positive number\n", text);
        exit(2);
    }
    return value;
}

static int is_named(const char *name, char **names, int count)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(name, names[i]))
            return 1;
    return count == 0;
}

static int measure_all(uint64_t divisor, char **names, int count)
{
    double began = now();
    int failures = 0;
    for (size_t i = 0; i < WORKLOADS; i++) {
        if (!is_named(workloads[i].name, names, count)
            || workloads[i].cpus > sysconf(_SC_NPROCESSORS_ONLN))
            continue;
        uint64_t amount = workloads[i].amount / divisor;
        pid_t child = fork();
        int status;
        if (child == 0) {
            measure(&workloads[i], amount ? amount : 1);
            _exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
            failures++;
    }
    printf("= all %llu parts %.6f s check %016x\n", (unsigned long long)divisor, now() - began,
           (unsigned)failures);
    return failures != 0;
}

int main(int count, char **words)
{
    if (count >= 2) {
        uint64_t number = count >= 3 ? positive(words[2]) : 0;
        if (!strcmp(words[1], "leave"))
            return 7;
        if (!strcmp(words[1], "all")) {
            int names = count > 3 ? count - 3 : 0;
            for (int i = count - names; i < count; i++)
                find(words[i]);
            return measure_all(number ? number : 1, words + count - names, names);
        }
        if (!strcmp(words[1], "list")) {
            for (size_t i = 0; i < WORKLOADS; i++)
                printf("%s %llu %s\n", workloads[i].name, (unsigned long long)workloads[i].amount,
                       workloads[i].unit);
            return 0;
        }
        const struct workload *workload = find(words[1]);
        measure(workload, number ? number : workload->amount);
        return 0;
    }
    fprintf(stderr, "usage: bench list | NAME [AMOUNT] | all [DIVISOR [NAME...]]\n");
    return 2;
}
