/* What the memory path costs: runs of stores and loads, loads that wait for the one before, and
 * pages that are new each time. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

#define MIB (1ul << 20)
#define COPY_BYTES (8 * MIB)
#define TRIAD_ELEMENTS (1ul << 19)
#define CHASE_NODES (1ul << 17)
#define PAGE_BYTES 4096
#define PAGES_AT_ONCE 4096

/* A cache line of the usual size. */
struct line {
    struct line *next;
    uint64_t fill[7];
};

static uint8_t *copy_from, *copy_to;
static double *triad_a, *triad_b, *triad_c;
static struct line *chase;

/* Memory that has been touched, so that the measured part takes no page fault. */
static void *touched(size_t bytes)
{
    void *memory = malloc(bytes);
    if (!memory) {
        perror("malloc");
        exit(1);
    }
    return memset(memory, 1, bytes);
}

void prepare_copy(uint64_t amount)
{
    (void)amount;
    uint64_t seed = 8;
    copy_from = touched(COPY_BYTES);
    copy_to = touched(COPY_BYTES);
    for (size_t i = 0; i < COPY_BYTES; i += 64)
        copy_from[i] = (uint8_t)next_random(&seed);
}

uint64_t run_copy(uint64_t mebibytes)
{
    uint64_t check = 0;
    for (uint64_t done = 0; done < mebibytes; done += COPY_BYTES / MIB) {
        memcpy(copy_to, copy_from, COPY_BYTES);
        copy_from[done % COPY_BYTES]++;
        check += copy_to[done * 64 % COPY_BYTES];
    }
    return check;
}

void prepare_triad(uint64_t amount)
{
    (void)amount;
    triad_a = touched(TRIAD_ELEMENTS * sizeof *triad_a);
    triad_b = touched(TRIAD_ELEMENTS * sizeof *triad_b);
    triad_c = touched(TRIAD_ELEMENTS * sizeof *triad_c);
    for (size_t i = 0; i < TRIAD_ELEMENTS; i++) {
        triad_b[i] = 1.0 + (double)i / 3.0;
        triad_c[i] = 2.0 - (double)i / 7.0;
    }
}

uint64_t run_triad(uint64_t passes)
{
    double sum = 0;
    uint64_t check;
    for (uint64_t pass = 0; pass < passes; pass++) {
        double factor = 0.1 * (double)(pass + 1);
        for (size_t i = 0; i < TRIAD_ELEMENTS; i++)
            triad_a[i] = triad_b[i] + factor * triad_c[i];
        sum += triad_a[pass * 101 % TRIAD_ELEMENTS];
    }
    memcpy(&check, &sum, sizeof check);
    return check;
}

/* One circle through all lines in random order (Sattolo). */
void prepare_chase(uint64_t amount)
{
    (void)amount;
    uint64_t seed = 17;
    uint32_t *order = touched(CHASE_NODES * sizeof *order);
    chase = touched(CHASE_NODES * sizeof *chase);
    for (uint32_t i = 0; i < CHASE_NODES; i++)
        order[i] = i;
    for (uint32_t i = CHASE_NODES - 1; i > 0; i--) {
        uint32_t j = (uint32_t)(next_random(&seed) % i), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    for (uint32_t i = 0; i < CHASE_NODES; i++)
        chase[order[i]].next = &chase[order[(i + 1) % CHASE_NODES]];
    free(order);
}

uint64_t run_chase(uint64_t steps)
{
    struct line *at = chase;
    for (uint64_t i = 0; i < steps; i++)
        at = at->next;
    return (uint64_t)(at - chase);
}

void prepare_pages(uint64_t amount)
{
    (void)amount;
}

uint64_t run_pages(uint64_t pages)
{
    uint64_t check = 0;
    for (uint64_t done = 0; done < pages; done += PAGES_AT_ONCE) {
        uint8_t *memory = mmap(NULL, (size_t)PAGES_AT_ONCE * PAGE_BYTES, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) {
            perror("mmap");
            exit(1);
        }
        madvise(memory, (size_t)PAGES_AT_ONCE * PAGE_BYTES, MADV_NOHUGEPAGE);
        for (size_t page = 0; page < PAGES_AT_ONCE; page++)
            memory[page * PAGE_BYTES] = (uint8_t)page;
        for (size_t page = 0; page < PAGES_AT_ONCE; page++)
            check += memory[page * PAGE_BYTES] + memory[page * PAGE_BYTES + PAGE_BYTES - 1];
        munmap(memory, (size_t)PAGES_AT_ONCE * PAGE_BYTES);
    }
    return check;
}
