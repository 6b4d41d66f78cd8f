/**
 * @file load.c
 * @brief The two ends of `make bench`: a client that asks, and the least that can answer.
 *
 * It uses loopback only, and each run has an end. tests/bench/run starts it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "program.h"

static const char help[] =
    "usage: load [PORT WINDOW SIZE SECONDS]\n"
    "A bare echo server; with PORT, a client of it that keeps WINDOW datagrams of SIZE bytes in flight\n"
    "and prints round trips, seconds, datagrams sent, datagrams lost, and the median and the 99th\n"
    "percentile of a round trip in microseconds.\n";

enum { DIGITS = 10, WINDOW_MAX = 1024, SAMPLES = 1000000 };

static char data[65536];

static double microseconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* It does nothing else: this is what the system calls alone cost. */
static _Noreturn void serve(int sock, struct sockaddr_in peer)
{
    socklen_t length = sizeof peer;
    if (bind(sock, (struct sockaddr *)&peer, length) == -1 ||
        getsockname(sock, (struct sockaddr *)&peer, &length) == -1)
        fail("cannot bind");
    say("bound to 127.0.0.1:%d", ntohs(peer.sin_port));
    for (;;) {
        length = sizeof peer;
        const ssize_t n = recvfrom(sock, data, sizeof data, 0, (struct sockaddr *)&peer, &length);
        if (n == -1 || sendto(sock, data, (size_t)n, 0, (struct sockaddr *)&peer, length) == -1)
            fail("cannot echo");
    }
}

/* A datagram begins with its number. It is text: the document's programs send text. */
static void send_numbered(int sock, size_t size, unsigned long number)
{
    for (int i = DIGITS; i-- > 0; number /= 10)
        data[i] = (char)('0' + number % 10);
    if (send(sock, data, size, 0) == -1)
        fail("cannot send");
}

static bool receive(int sock)
{
    const bool received = recv(sock, data, sizeof data, 0) != -1;
    if (!received && errno != EAGAIN)
        fail("cannot receive");
    return received;
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void ask(int sock, unsigned long window, size_t size, double seconds)
{
    static float trips[SAMPLES];
    static double sent_at[WINDOW_MAX];
    // Of the numbers below `settled`, none is in flight: it came back, or another one overtook it.
    unsigned long sent = 0, received = 0, settled = 0;
    const double start = microseconds();
    double moment = start;
    while (moment < start + seconds * 1e6 && received < SAMPLES) {
        for (; sent - settled < window; sent++) {
            sent_at[sent % WINDOW_MAX] = moment;
            send_numbered(sock, size, sent);
        }
        const bool came = receive(sock);
        moment = microseconds();
        // When nothing has come for so long, all are lost.
        const unsigned long number = came ? strtoul(data, NULL, 10) : sent - 1;
        if (came)
            trips[received++] = (float)(moment - sent_at[number % WINDOW_MAX]);
        if (settled <= number)
            settled = number + 1;
    }
    const unsigned long n = received;
    while (received < sent && receive(sock)) // what is still in flight is not lost
        received++;
    qsort(trips, n, sizeof trips[0], by_value);
    printf("%lu %.3f %lu %lu %.1f %.1f\n", n, (moment - start) / 1e6, sent, sent - received,
           (double)trips[n / 2], (double)trips[n * 99 / 100]);
}

int main(int argc, char *argv[])
{
    program_begin("load", help);
    next_option(argc, argv, ""); // -h
    struct sockaddr_in server = { .sin_family = AF_INET };
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    if (argc == 1)
        serve(sock, server);
    if (argc != 5)
        usage_error("it takes four arguments, or none");

    server.sin_port = htons((in_port_t)atoi(argv[1]));
    const unsigned long window = strtoul(argv[2], NULL, 10);
    const size_t size = strtoul(argv[3], NULL, 10);
    if (window < 1 || window > WINDOW_MAX || size <= DIGITS || size > sizeof data)
        usage_error("bad WINDOW or SIZE");
    const struct timeval patience = { .tv_usec = 50000 };
    if (connect(sock, (struct sockaddr *)&server, sizeof server) == -1 ||
        setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == -1)
        fail("cannot connect");
    memset(data, 'x', sizeof data);
    ask(sock, window, size, atof(argv[4]));
    flush_output();
    return 0;
}
