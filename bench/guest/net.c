/* The network, with the server of the comparison on the host's loopback. BENCH_PORT says where it
 * listens; eth0 has its address already. A connection begins with a letter and a number of eight
 * bytes, little-endian: S, so many bytes are sent by the server; T, so many are taken, and answered
 * with their sum; E, so many requests of 64 bytes are answered with the same bytes. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define GATEWAY 0x0a000202
#define PIECE 65536
#define REQUEST 64
#define MEBIBYTE ((uint64_t)1 << 20)

static uint64_t words[PIECE / 8];
static uint16_t port;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

void prepare_net(uint64_t amount)
{
    (void)amount;
    const char *text = getenv("BENCH_PORT");
    port = text ? (uint16_t)atoi(text) : 0;
    if (!port) {
        fprintf(stderr, "bench: BENCH_PORT names no port of a server\n");
        exit(1);
    }
    uint64_t state = 6;
    for (size_t i = 0; i < PIECE / 8; i++)
        words[i] = next_random(&state);
}

static void write_all(int socket, const void *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t count = write(socket, (const char *)bytes + done, length - done);
        if (count <= 0)
            fail("write");
        done += (size_t)count;
    }
}

static void read_all(int socket, void *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t count = read(socket, (char *)bytes + done, length - done);
        if (count <= 0)
            fail("read");
        done += (size_t)count;
    }
}

static int open_connection(char what, uint64_t amount)
{
    struct sockaddr_in server = {.sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr.s_addr = htonl(GATEWAY)};
    int file = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (file < 0 || setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
        fail("socket");
    if (connect(file, (struct sockaddr *)&server, sizeof server) < 0)
        fail("connect");
    char head[9] = {what};
    memcpy(head + 1, &amount, 8);
    write_all(file, head, sizeof head);
    return file;
}

static uint64_t sum(void)
{
    uint64_t total = 0;
    for (size_t i = 0; i < PIECE / 8; i++)
        total += words[i];
    return total;
}

uint64_t run_netdown(uint64_t mebibytes)
{
    int file = open_connection('S', mebibytes * MEBIBYTE);
    uint64_t check = 0;
    for (uint64_t left = mebibytes * MEBIBYTE; left; left -= PIECE) {
        read_all(file, words, PIECE);
        check += sum();
    }
    close(file);
    return check;
}

uint64_t run_netup(uint64_t mebibytes)
{
    int file = open_connection('T', mebibytes * MEBIBYTE);
    uint64_t check;
    for (uint64_t left = mebibytes * MEBIBYTE; left; left -= PIECE)
        write_all(file, words, PIECE);
    read_all(file, &check, sizeof check);
    close(file);
    return check;
}

uint64_t run_netrequests(uint64_t requests)
{
    int file = open_connection('E', requests);
    uint64_t check = 0;
    for (uint64_t i = 0; i < requests; i++) {
        words[0] = i;
        write_all(file, words, REQUEST);
        read_all(file, words, REQUEST);
        check += words[0];
    }
    close(file);
    return check;
}

uint64_t run_netconnects(uint64_t connections)
{
    uint64_t check = 0;
    for (uint64_t i = 0; i < connections; i++) {
        int file = open_connection('E', 1);
        words[0] = i;
        write_all(file, words, REQUEST);
        read_all(file, words, REQUEST);
        check += words[0];
        close(file);
    }
    return check;
}
