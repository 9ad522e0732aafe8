/* The integer loop on the bare machine, in M-mode, without paging and without an operating system:
 * says what it did on the UART, and switches the machine off. ITERATIONS is set by the build. */
#include "bench.h"

#define UART ((volatile uint8_t *)0x10000000)
#define FINISHER ((volatile uint32_t *)0x100000)
#define FINISHER_PASS 0x5555
#define TIMEBASE_HZ 10000000

__asm__(".section .text.start, \"ax\"\n"
        ".globl _start\n"
        "_start:\n"
        "    .option push\n"
        "    .option norelax\n"
        "    la gp, __global_pointer$\n"
        "    .option pop\n"
        "    la sp, stack_top\n"
        "    tail bare_main\n"
        ".text\n");

/* Compilers call these two for copies and fills that the source does not spell out. */
void *memcpy(void *to, const void *from, unsigned long bytes)
{
    volatile uint8_t *t = to;
    const uint8_t *f = from;
    while (bytes--)
        *t++ = *f++;
    return to;
}

void *memset(void *to, int value, unsigned long bytes)
{
    volatile uint8_t *t = to;
    while (bytes--)
        *t++ = (uint8_t)value;
    return to;
}

static void put(const char *s)
{
    for (; *s; s++) {
        while (!(UART[5] & 0x20)) {
        }
        UART[0] = (uint8_t)*s;
    }
}

static void put_number(uint64_t value, unsigned base, unsigned digits)
{
    char buffer[24], *at = buffer + sizeof buffer - 1;
    *at = 0;
    do {
        *--at = "0123456789abcdef"[value % base];
        value /= base;
    } while (value || at > buffer + sizeof buffer - 1 - digits);
    put(at);
}

void bare_main(void)
{
    uint64_t time, instructions, end_time, end_instructions;
    prepare_integer(ITERATIONS);
    __asm__ volatile("rdtime %0" : "=r"(time));
    __asm__ volatile("csrr %0, minstret" : "=r"(instructions)::"memory");
    uint64_t check = run_integer(ITERATIONS);
    __asm__ volatile("csrr %0, minstret" : "=r"(end_instructions)::"memory");
    __asm__ volatile("rdtime %0" : "=r"(end_time));
    time = end_time - time;
    put("= bare ");
    put_number(ITERATIONS, 10, 1);
    put(" iterations ");
    put_number(time / TIMEBASE_HZ, 10, 1);
    put(".");
    put_number(time % TIMEBASE_HZ, 10, 7);
    put(" s check ");
    put_number(check, 16, 16);
    put(" instructions ");
    put_number(end_instructions - instructions, 10, 1);
    put("\r\n");
    *FINISHER = FINISHER_PASS;
    for (;;)
        __asm__ volatile("wfi");
}
