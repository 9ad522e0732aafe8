/* The guest's own gzip over a file in memory that compresses about as well as a log does. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define MIB (1u << 20)

static char plain[40], packed[48], command[120];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void write_text(uint64_t mebibytes)
{
    static const char *const words[] = {
        "interrupt", "device", "queue", "page", "the", "of", "virtio", "memory", "ready", "lost",
        "frame", "retry", "after", "with", "driver", "bridge", "reset", "link", "up", "down",
    };
    uint64_t seed = 1, line = 0;
    FILE *file = fopen(plain, "w");
    if (!file)
        fail(plain);
    while ((uint64_t)ftell(file) < mebibytes * MIB) {
        fprintf(file, "[%7llu.%06llu]", (unsigned long long)(line / 40),
                (unsigned long long)(next_random(&seed) % 1000000));
        for (unsigned i = 4 + (unsigned)(next_random(&seed) % 6); i > 0; i--)
            fprintf(file, " %s", words[next_random(&seed) % (sizeof words / sizeof *words)]);
        fprintf(file, " %llx\n", (unsigned long long)(next_random(&seed) & 0xffffff));
        line++;
    }
    if (fflush(file) || ftruncate(fileno(file), (off_t)(mebibytes * MIB)) || fclose(file))
        fail(plain);
}

static uint64_t size_of(const char *path)
{
    struct stat status;
    if (stat(path, &status))
        fail(path);
    return (uint64_t)status.st_size;
}

/* Runs the tool on one file to another. */
static void run_tool(const char *tool, const char *from, const char *to)
{
    pid_t child = fork();
    int status;
    if (child < 0)
        fail("fork");
    if (child == 0) {
        snprintf(command, sizeof command, "exec %s -c <%s >%s", tool, from, to);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(100);
    }
    if (waitpid(child, &status, 0) != child || status != 0) {
        fprintf(stderr, "%s: status %d\n", tool, status);
        exit(1);
    }
}

void prepare_gzip(uint64_t mebibytes)
{
    snprintf(plain, sizeof plain, "/tmp/bench-%llu", (unsigned long long)mebibytes);
    snprintf(packed, sizeof packed, "%s.gz", plain);
    write_text(mebibytes);
}

/* Takes what gzip left, where it has run. */
void prepare_gunzip(uint64_t mebibytes)
{
    prepare_gzip(mebibytes);
    if (access(packed, R_OK))
        run_tool("gzip", plain, packed);
    if (remove(plain))
        fail(plain);
}

uint64_t run_gzip(uint64_t mebibytes)
{
    (void)mebibytes;
    run_tool("gzip", plain, packed);
    return size_of(packed);
}

uint64_t run_gunzip(uint64_t mebibytes)
{
    (void)mebibytes;
    run_tool("gunzip", packed, plain);
    return size_of(plain);
}
