/* What a disk costs, past the guest's cache: requests of 4 KiB at places chosen by chance, one at a
 * time and from eight processes, and large ones in order. The disk is the first virtio disk; what is
 * on it is lost. Places and contents are the same on every machine. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define DISK "/dev/vda"
#define SMALL 4096u
#define LARGE (1u << 20)
#define SPAN (128u << 20) /* of the disk */
#define PROCESSES 8

static int disk;
static unsigned char *buffer;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* The contents of a block, so that a read gives the same check everywhere. */
static void fill(uint64_t block)
{
    uint64_t state = block, *words = (uint64_t *)buffer;
    for (unsigned i = 0; i < SMALL / 8; i++)
        words[i] = next_random(&state);
}

void prepare_disk(uint64_t amount)
{
    (void)amount;
    disk = open(DISK, O_RDWR | O_DIRECT);
    if (disk < 0)
        fail(DISK);
    if (posix_memalign((void **)&buffer, SMALL, LARGE))
        fail("memory");
    memset(buffer, 0x5a, LARGE);
    /* Each block is there, on the host too, before anything is measured. */
    for (uint64_t at = 0; at < SPAN; at += LARGE)
        if (pwrite(disk, buffer, LARGE, (off_t)at) != LARGE)
            fail("fill");
    if (fsync(disk))
        fail("fsync");
}

static uint64_t at_random(uint64_t requests, uint64_t seed, int writes)
{
    uint64_t state = seed, check = 0;
    for (uint64_t i = 0; i < requests; i++) {
        uint64_t block = next_random(&state) % (SPAN / SMALL);
        off_t place = (off_t)(block * SMALL);
        if (writes) {
            fill(block);
            if (pwrite(disk, buffer, SMALL, place) != SMALL)
                fail("write");
        } else if (pread(disk, buffer, SMALL, place) != SMALL) {
            fail("read");
        }
        check = check * 31 + block + buffer[block % SMALL];
    }
    if (writes && fsync(disk))
        fail("fsync");
    return check;
}

uint64_t run_randread(uint64_t requests)
{
    return at_random(requests, 1, 0);
}

uint64_t run_randwrite(uint64_t requests)
{
    return at_random(requests, 2, 1);
}

static uint64_t by_many(uint64_t requests, int writes)
{
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();
        if (child < 0)
            fail("fork");
        if (child == 0) {
            at_random(requests / PROCESSES, 3u + (unsigned)i, writes);
            _exit(0);
        }
    }
    uint64_t failures = 0;
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        if (wait(&status) < 0 || status != 0)
            failures++;
    }
    if (failures)
        exit(1);
    return requests;
}

uint64_t run_randreads(uint64_t requests)
{
    return by_many(requests, 0);
}

uint64_t run_randwrites(uint64_t requests)
{
    return by_many(requests, 1);
}

static uint64_t in_order(uint64_t mebibytes, int writes)
{
    uint64_t check = 0;
    for (uint64_t i = 0; i < mebibytes; i++) {
        off_t place = (off_t)(i * LARGE % SPAN);
        ssize_t done = writes ? pwrite(disk, buffer, LARGE, place)
                              : pread(disk, buffer, LARGE, place);
        if (done != LARGE)
            fail("transfer");
        check = check * 31 + buffer[i % LARGE];
    }
    if (writes && fsync(disk))
        fail("fsync");
    return check;
}

uint64_t run_seqread(uint64_t mebibytes)
{
    return in_order(mebibytes, 0);
}

uint64_t run_seqwrite(uint64_t mebibytes)
{
    return in_order(mebibytes, 1);
}
