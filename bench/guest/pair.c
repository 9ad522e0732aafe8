/* The integer loop in two processes at once, each with half of the work: for two CPUs. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define PROCESSES 2

void prepare_pair(uint64_t amount)
{
    prepare_integer(amount / PROCESSES);
}

uint64_t run_pair(uint64_t iterations)
{
    uint64_t check = 0;
    int results[2];
    if (pipe(results)) {
        perror("bench: pipe");
        exit(1);
    }
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();
        if (child == 0) {
            uint64_t mine = run_integer(iterations / PROCESSES);
            _exit(write(results[1], &mine, sizeof mine) != sizeof mine);
        }
        if (child < 0) {
            perror("bench: fork");
            exit(1);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        uint64_t one;
        int status;
        if (read(results[0], &one, sizeof one) != sizeof one || wait(&status) < 0 || status) {
            fprintf(stderr, "bench: a process of the pair failed\n");
            exit(1);
        }
        check += one;
    }
    close(results[0]);
    close(results[1]);
    return check;
}
