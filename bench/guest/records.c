/* What systems programs of the old school do most: assign records, compare and copy short
 * strings, call small procedures, index small arrays. In the manner of Dhrystone. */
#include <string.h>

#include "bench.h"

enum kind { FIRST, SECOND, THIRD, FOURTH, FIFTH };

struct record {
    struct record *next;
    enum kind kind, other;
    int number;
    char name[31];
};

static struct record here, there;
static int small[50], large[50][50];
static int global_number, global_flag;
static char global_letter;

void prepare_records(uint64_t amount)
{
    (void)amount;
    memset(small, 0, sizeof small);
    memset(large, 0, sizeof large);
    there = (struct record){.kind = FIRST, .other = THIRD, .number = 40};
    strcpy(there.name, "A RECORD WITH A LONG NAME, ONE");
    here = there;
    here.next = &there;
    global_number = global_flag = 0;
    global_letter = 'A';
}

static NOINLINE int same_kind(char a, char b)
{
    if (a != b)
        return 0;
    global_letter = a;
    return 1;
}

static NOINLINE int later(const char *a, const char *b)
{
    int at = 2;
    while (at <= 2)
        if (!same_kind(a[at], (char)(b[at + 1] | 1)))
            at++;
        else
            return 0;
    if (strcmp(a, b) > 0) {
        global_number = at + 7;
        return 1;
    }
    return 0;
}

static NOINLINE enum kind choose(enum kind kind)
{
    switch (kind) {
    case FIRST:
        return FOURTH;
    case SECOND:
        return global_number > 100 ? FIRST : FOURTH;
    case THIRD:
        return SECOND;
    default:
        return kind == FIFTH ? THIRD : FIRST;
    }
}

static NOINLINE void add(int a, int b, int *sum)
{
    *sum = a + 2 + b;
}

static NOINLINE void fill(int *row, int table[50][50], int index, int value)
{
    int at = index + 5;
    row[at] = value;
    row[at + 1] = row[at];
    row[at + 30] = at;
    for (int column = at; column <= at + 1; column++)
        table[at][column] = at;
    table[at][at - 1]++;
    table[at + 20][at] = row[at];
    global_number = 5;
}

static NOINLINE void follow(struct record *from)
{
    struct record *next = from->next;
    *next = *from;
    from->number = 5;
    next->number = from->number;
    next->next = from->next;
    if (next->kind == FIRST) {
        next->number = 6;
        next->other = choose(from->other);
        add(next->number, 10, &next->number);
    } else {
        *from = *next;
    }
}

uint64_t run_records(uint64_t iterations)
{
    uint64_t check = 0;
    char one[31], two[31];
    strcpy(one, "ORDINARY STRINGS, THE 1ST OF 3");
    for (uint64_t i = 0; i < iterations; i++) {
        int a = 2, b = 3, c = 0;
        strcpy(two, "ORDINARY STRINGS, THE 2ND OF 3");
        two[18] = (char)('A' + i % 20);
        global_flag = !later(one, two);
        while (a < b) {
            c = 5 * a - b;
            add(a, b, &c);
            a++;
        }
        fill(small, large, a + (int)(i & 7), c);
        follow(&here);
        for (char letter = 'A'; letter <= 'C'; letter++)
            if (same_kind(letter, (char)('A' + (i & 3)))) {
                global_number = (int)i;
                here.kind = FIRST;
            }
        b = b * a;
        a = b / (c | 1);
        b = 7 * (b - c) - a;
        check = check * 31 + (uint64_t)(unsigned)(a + b + c + global_flag + there.number)
            + (uint64_t)there.other + (uint64_t)global_letter;
    }
    return check + (uint64_t)(unsigned)large[10][9] + (uint64_t)(unsigned)small[12];
}
