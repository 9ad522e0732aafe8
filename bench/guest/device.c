/* What a device costs: accesses to its registers, and interrupts, with the "edu" device that QEMU
 * has too. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#define EDU_IDS "0x1234\n0x11e8\n"
#define LIVENESS 1 /* the register at 4 gives the complement of what was written to it */

static char edu[300]; /* its directory in sysfs */
static volatile uint32_t *registers;
static int raise_file;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int open_file(const char *name, int flags)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", edu, name);
    int file = open(path, flags);
    if (file < 0)
        fail(path);
    return file;
}

static size_t read_file(const char *name, char *text, size_t size)
{
    int file = open_file(name, O_RDONLY);
    ssize_t length = read(file, text, size - 1);
    if (length < 0)
        fail(name);
    close(file);
    text[length] = 0;
    return (size_t)length;
}

static void find_edu(void)
{
    glob_t functions;
    if (glob("/sys/bus/pci/devices/*", 0, NULL, &functions))
        fail("no PCI functions");
    for (size_t i = 0; i < functions.gl_pathc; i++) {
        char ids[40];
        snprintf(edu, sizeof edu, "%s", functions.gl_pathv[i]);
        size_t length = read_file("vendor", ids, 20);
        read_file("device", ids + length, 20);
        if (!strcmp(ids, EDU_IDS)) {
            globfree(&functions);
            return;
        }
    }
    fprintf(stderr, "there is no edu device\n");
    exit(1);
}

void prepare_mmio(uint64_t amount)
{
    (void)amount;
    find_edu();
    int enable = open_file("enable", O_WRONLY);
    if (write(enable, "1", 1) != 1)
        fail("enable");
    close(enable);
    int bar = open_file("resource0", O_RDWR | O_SYNC);
    registers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, bar, 0);
    if (registers == MAP_FAILED)
        fail("resource0");
}

uint64_t run_mmio(uint64_t round_trips)
{
    uint64_t check = 0;
    for (uint64_t i = 0; i < round_trips; i++) {
        registers[LIVENESS] = (uint32_t)i;
        check += registers[LIVENESS];
    }
    return check;
}

/* Loads the driver of examples/edu-driver, with the one kind of message that both devices have. */
void prepare_interrupts(uint64_t amount)
{
    (void)amount;
    int module = open("/usr/bin/edu.ko", O_RDONLY);
    if (module < 0 || syscall(SYS_finit_module, module, "irq=msi", 0))
        fail("edu.ko");
    close(module);
    find_edu();
    raise_file = open_file("raise", O_WRONLY);
}

static uint64_t served(void)
{
    char text[100];
    unsigned long long count;
    read_file("interrupts", text, sizeof text);
    if (sscanf(text, "msi 1: %llu", &count) != 1)
        fail(text);
    return count;
}

/* Each write to the file raises an interrupt and waits until the handler has served it. */
uint64_t run_interrupts(uint64_t interrupts)
{
    uint64_t before = served();
    for (uint64_t i = 0; i < interrupts; i++)
        if (pwrite(raise_file, "2", 1, 0) != 1)
            fail("raise");
    return served() - before;
}
