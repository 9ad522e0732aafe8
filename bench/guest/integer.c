/* An integer loop with the mix of an embedded program: a linked list that is searched, reversed
 * and sorted, a small matrix, a state machine over text, and a CRC over all results. It calls no
 * library, so that the same loop runs in a process and on the bare machine. */
#include "bench.h"

#define NODES 80
#define SIDE 12
#define TEXT_BYTES 700

struct node {
    struct node *next;
    uint16_t key;
    uint16_t value;
};

static struct node nodes[NODES];
static struct node *list;
static int16_t left[SIDE][SIDE], right[SIDE][SIDE];
static int32_t product[SIDE][SIDE];
static char text[TEXT_BYTES];

static uint16_t crc_byte(uint16_t crc, uint8_t byte)
{
    for (int bit = 0; bit < 8; bit++) {
        unsigned mix = (crc ^ byte) & 1;
        crc >>= 1;
        byte >>= 1;
        if (mix)
            crc ^= 0xa001;
    }
    return crc;
}

static uint16_t crc_word(uint16_t crc, uint32_t word)
{
    for (int i = 0; i < 4; i++)
        crc = crc_byte(crc, (uint8_t)(word >> (8 * i)));
    return crc;
}

static NOINLINE struct node *find_key(struct node *at, uint16_t key)
{
    while (at && at->key != key)
        at = at->next;
    return at;
}

static NOINLINE struct node *reverse(struct node *at)
{
    struct node *done = 0;
    while (at) {
        struct node *next = at->next;
        at->next = done;
        done = at;
        at = next;
    }
    return done;
}

static int by_key(const struct node *a, const struct node *b)
{
    return (int)a->key - (int)b->key;
}

static int by_value(const struct node *a, const struct node *b)
{
    int difference = (int)a->value - (int)b->value;
    return difference ? difference : by_key(a, b);
}

/* Merge sort from runs of one upwards; the order is called through a pointer. */
static NOINLINE struct node *sort(struct node *at, int (*order)(const struct node *,
                                                               const struct node *))
{
    for (unsigned run = 1;; run *= 2) {
        struct node *rest = at, *head = 0, **tail = &head;
        unsigned merges = 0;
        while (rest) {
            struct node *a = rest, *b = rest;
            unsigned in_a = 0, in_b = run;
            while (in_a < run && b) {
                b = b->next;
                in_a++;
            }
            while (in_a || (in_b && b)) {
                if (in_a && (!in_b || !b || order(a, b) <= 0)) {
                    *tail = a;
                    a = a->next;
                    in_a--;
                } else {
                    *tail = b;
                    b = b->next;
                    in_b--;
                }
                tail = &(*tail)->next;
            }
            rest = b;
            merges++;
        }
        *tail = 0;
        at = head;
        if (merges <= 1)
            return at;
    }
}

static NOINLINE uint16_t list_work(uint16_t crc, unsigned round)
{
    unsigned found = 0;
    for (unsigned i = 0; i < 12; i++) {
        struct node *hit = find_key(list, (uint16_t)((round * 7 + i * 13) % (NODES + 8)));
        if (hit) {
            hit->value = (uint16_t)(hit->value * 5 + i);
            found += hit->value & 15;
        }
        list = reverse(list);
    }
    list = sort(list, by_value);
    for (struct node *at = list; at; at = at->next)
        crc = crc_byte(crc, (uint8_t)at->value);
    list = sort(list, by_key);
    return crc_word(crc, found);
}

static NOINLINE uint16_t matrix_work(uint16_t crc, int16_t constant)
{
    int32_t sum = 0;
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++)
            left[i][j] = (int16_t)(left[i][j] + constant);
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            int32_t cell = 0;
            for (int k = 0; k < SIDE; k++)
                cell += (int32_t)left[i][k] * right[k][j];
            product[i][j] = cell;
        }
    }
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            sum += (product[i][j] >> 3 & 0x7f) > 40 ? 10 : product[i][j] & 1;
            left[i][j] = (int16_t)(left[i][j] - constant);
        }
    }
    return crc_word(crc, (uint32_t)sum);
}

enum state { START, SIGN, WHOLE, POINT, EXPONENT, EXPONENT_SIGN, SCIENTIFIC, BAD, STATES };

/* Reads one word up to a comma and says what kind of number it is. */
static NOINLINE enum state scan_number(const char **at, const char *end, uint32_t *visits)
{
    enum state state = START;
    for (; *at < end; (*at)++) {
        char c = **at;
        int digit = c >= '0' && c <= '9';
        if (c == ',') {
            (*at)++;
            break;
        }
        visits[state]++;
        switch (state) {
        case START:
            state = digit ? WHOLE : c == '+' || c == '-' ? SIGN : c == '.' ? POINT : BAD;
            break;
        case SIGN:
            state = digit ? WHOLE : c == '.' ? POINT : BAD;
            break;
        case WHOLE:
            state = digit ? WHOLE : c == '.' ? POINT : c == 'e' ? EXPONENT : BAD;
            break;
        case POINT:
            state = digit ? POINT : c == 'e' ? EXPONENT : BAD;
            break;
        case EXPONENT:
            state = digit ? SCIENTIFIC : c == '+' || c == '-' ? EXPONENT_SIGN : BAD;
            break;
        case EXPONENT_SIGN:
        case SCIENTIFIC:
            state = digit ? SCIENTIFIC : BAD;
            break;
        default:
            break;
        }
    }
    return state;
}

static NOINLINE uint16_t state_work(uint16_t crc, unsigned step, char damage)
{
    uint32_t visits[STATES] = {0}, ends[STATES] = {0};
    for (int pass = 0; pass < 2; pass++) {
        const char *at = text;
        while (at < text + TEXT_BYTES)
            ends[scan_number(&at, text + TEXT_BYTES, visits)]++;
        /* Every so many characters are damaged, and mended in the second pass. */
        for (unsigned i = 0; i < TEXT_BYTES; i += step)
            if (text[i] != ',')
                text[i] ^= damage;
    }
    for (int i = 0; i < STATES; i++)
        crc = crc_word(crc_word(crc, visits[i]), ends[i]);
    return crc;
}

void prepare_integer(uint64_t amount)
{
    (void)amount;
    static const char *const words[] = {
        "5012,", "1234,", "-874,", "+122,", "35.54400,", ".1234500,", "-110.700,", "+0.64400,",
        "5.500e+3,", "-.123e-2,", "-87e+832,", "+0.6e-12,", "T0.3e-1F,", "-T.T++Tq,", "1T3.4e4z,",
    };
    uint64_t seed = 66;
    list = 0;
    for (unsigned i = 0; i < NODES; i++) {
        nodes[i].key = (uint16_t)i;
        nodes[i].value = (uint16_t)next_random(&seed);
        nodes[i].next = list;
        list = &nodes[i];
    }
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            left[i][j] = (int16_t)(next_random(&seed) & 0xff);
            right[i][j] = (int16_t)(next_random(&seed) & 0xfff);
        }
    }
    for (unsigned at = 0; at < TEXT_BYTES;) {
        const char *word = words[next_random(&seed) % (sizeof words / sizeof *words)];
        while (*word && at < TEXT_BYTES)
            text[at++] = *word++;
    }
}

uint64_t run_integer(uint64_t iterations)
{
    uint16_t crc = 0;
    for (uint64_t i = 0; i < iterations; i++) {
        crc = list_work(crc, (unsigned)i);
        for (int16_t constant = 1; constant <= 8; constant++)
            crc = matrix_work(crc, (int16_t)(constant + (int16_t)(crc & 3)));
        for (unsigned step = 3; step <= 17; step += 2)
            crc = state_work(crc, step, (char)(1 + (crc & 1)));
    }
    return crc;
}
