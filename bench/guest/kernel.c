/* What the kernel's services cost: a call that does nothing, switches between two processes, new
 * processes, new programs. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

void prepare_kernel(uint64_t amount)
{
    (void)amount;
}

uint64_t run_getppid(uint64_t calls)
{
    long parent = syscall(SYS_getppid);
    uint64_t same = 0;
    for (uint64_t i = 0; i < calls; i++)
        same += syscall(SYS_getppid) == parent;
    return same;
}

static uint64_t exit_code(pid_t child)
{
    int status;
    if (waitpid(child, &status, 0) != child)
        fail("waitpid");
    return WIFEXITED(status) ? (uint64_t)WEXITSTATUS(status) : 1000;
}

uint64_t run_pipe(uint64_t round_trips)
{
    int there[2], back[2];
    uint64_t check = 0;
    uint8_t byte = 0;
    if (pipe(there) || pipe(back))
        fail("pipe");
    pid_t child = fork();
    if (child < 0)
        fail("fork");
    if (child == 0) {
        close(there[1]);
        close(back[0]);
        while (read(there[0], &byte, 1) == 1) {
            byte++;
            if (write(back[1], &byte, 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    close(there[0]);
    close(back[1]);
    for (uint64_t i = 0; i < round_trips; i++) {
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            fail("pipe");
        check += byte;
    }
    close(there[1]);
    close(back[0]);
    return check + exit_code(child);
}

uint64_t run_fork(uint64_t children)
{
    uint64_t check = 0;
    for (uint64_t i = 0; i < children; i++) {
        pid_t child = fork();
        if (child < 0)
            fail("fork");
        if (child == 0)
            _exit((int)(i & 63));
        check += exit_code(child);
    }
    return check;
}

uint64_t run_exec(uint64_t children)
{
    uint64_t check = 0;
    for (uint64_t i = 0; i < children; i++) {
        pid_t child = fork();
        if (child < 0)
            fail("fork");
        if (child == 0) {
            execl("/proc/self/exe", "bench", "leave", (char *)NULL);
            _exit(100);
        }
        check += exit_code(child);
    }
    return check;
}
