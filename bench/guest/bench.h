/* The guest's workloads. Each does an amount of work that its caller chooses and gives a check
 * value that depends on all of it, so that no compiler drops the work and two machines can be
 * compared for their results as well as for their time. What a workload prepares for an amount is
 * not part of its time. */
#ifndef DALANG_BENCH_H
#define DALANG_BENCH_H

#include <stdint.h>

#define NOINLINE __attribute__((noinline))

/* A step of a 64-bit generator (splitmix): the same numbers on every machine. */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* integer.c: also built without an operating system */
void prepare_integer(uint64_t amount);
uint64_t run_integer(uint64_t iterations);

/* pair.c */
void prepare_pair(uint64_t amount);
uint64_t run_pair(uint64_t iterations);

/* records.c */
void prepare_records(uint64_t amount);
uint64_t run_records(uint64_t iterations);

/* sha256.c */
void prepare_sha256(uint64_t amount);
uint64_t run_sha256(uint64_t mebibytes);

/* memory.c */
void prepare_copy(uint64_t amount);
uint64_t run_copy(uint64_t mebibytes);
void prepare_triad(uint64_t amount);
uint64_t run_triad(uint64_t passes);
void prepare_chase(uint64_t amount);
uint64_t run_chase(uint64_t steps);
void prepare_pages(uint64_t amount);
uint64_t run_pages(uint64_t pages);

/* kernel.c */
void prepare_kernel(uint64_t amount);
uint64_t run_getppid(uint64_t calls);
uint64_t run_pipe(uint64_t round_trips);
uint64_t run_fork(uint64_t children);
uint64_t run_exec(uint64_t children);

/* tools.c */
void prepare_gzip(uint64_t amount);
void prepare_gunzip(uint64_t amount);
uint64_t run_gzip(uint64_t mebibytes);
uint64_t run_gunzip(uint64_t mebibytes);

/* floating.c */
void prepare_bodies(uint64_t amount);
uint64_t run_bodies(uint64_t steps);
void prepare_functions(uint64_t amount);
uint64_t run_functions(uint64_t iterations);

/* device.c */
void prepare_mmio(uint64_t amount);
void prepare_interrupts(uint64_t amount);
uint64_t run_mmio(uint64_t round_trips);
uint64_t run_interrupts(uint64_t interrupts);

/* disk.c */
void prepare_disk(uint64_t amount);
uint64_t run_randread(uint64_t requests);
uint64_t run_randwrite(uint64_t requests);
uint64_t run_randreads(uint64_t requests);
uint64_t run_randwrites(uint64_t requests);
uint64_t run_seqread(uint64_t mebibytes);
uint64_t run_seqwrite(uint64_t mebibytes);

/* net.c */
void prepare_net(uint64_t amount);
uint64_t run_netdown(uint64_t mebibytes);
uint64_t run_netup(uint64_t mebibytes);
uint64_t run_netrequests(uint64_t requests);
uint64_t run_netconnects(uint64_t connections);

#endif
