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
#include <unistd.h>

#include "program.h"

static const char help[] =
    "usage: load [-t | -c] [PORT WINDOW SIZE SECONDS]\n"
    "A bare echo server; with PORT, a client of it that keeps WINDOW datagrams of SIZE bytes in flight\n"
    "and prints round trips, seconds, datagrams sent, datagrams lost, and the median and the 99th\n"
    "percentile of a round trip in microseconds. With -t over TCP, on one connection; with -c on a new\n"
    "one for each question, 1000 at most. Then WINDOW is 1.\n";

enum { DIGITS = 10, WINDOW_MAX = 1024, SAMPLES = 1000000, CONNECTIONS = 1000 };

static char data[65536];
static int transport; // 0: UDP; else the option
static struct sockaddr_in server = { .sin_family = AF_INET };

static double microseconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* It does nothing else: this is what the system calls alone cost. */
static _Noreturn void serve(int sock)
{
    struct sockaddr_in peer = server;
    socklen_t length = sizeof peer;
    if (bind(sock, (struct sockaddr *)&peer, length) == -1 ||
        getsockname(sock, (struct sockaddr *)&peer, &length) == -1 ||
        (transport && listen(sock, 1) == -1))
        fail("cannot bind");
    say("bound to 127.0.0.1:%d", ntohs(peer.sin_port));
    while (transport) {
        const int connection = accept(sock, NULL, NULL);
        ssize_t n;
        while ((n = recv(connection, data, sizeof data, 0)) > 0)
            if (send(connection, data, (size_t)n, 0) == -1)
                fail("cannot echo");
        if (n == -1)
            fail("cannot receive");
        close(connection);
    }
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

static bool receive(int sock, size_t size)
{
    const bool received = transport ? recv(sock, data, size, MSG_WAITALL) == (ssize_t)size
                                    : recv(sock, data, sizeof data, 0) != -1;
    if (!received && errno != EAGAIN)
        fail("cannot receive");
    return received;
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int open_socket(void)
{
    const int sock = socket(AF_INET, transport ? SOCK_STREAM : SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    return sock;
}

static void connect_socket(int sock)
{
    const struct timeval patience = { .tv_usec = 50000 };
    if (connect(sock, (struct sockaddr *)&server, sizeof server) == -1 ||
        (!transport && setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == -1))
        fail("cannot connect");
}

static void ask(int sock, unsigned long window, size_t size, double seconds)
{
    static float trips[SAMPLES];
    static double sent_at[WINDOW_MAX];
    // Of the numbers below `settled`, none is in flight: it came back, or another one overtook it.
    unsigned long sent = 0, received = 0, settled = 0;
    const double start = microseconds();
    double moment = start;
    const unsigned long most = transport == 'c' ? CONNECTIONS : SAMPLES;
    while (moment < start + seconds * 1e6 && received < most) {
        if (transport == 'c' && sent > 0) {
            close(sock);
            sock = open_socket();
            connect_socket(sock);
        }
        for (; sent - settled < window; sent++) {
            sent_at[sent % WINDOW_MAX] = moment;
            send_numbered(sock, size, sent);
        }
        const bool came = receive(sock, size);
        moment = microseconds();
        // When nothing has come for so long, all are lost.
        const unsigned long number = came ? strtoul(data, NULL, 10) : sent - 1;
        if (came)
            trips[received++] = (float)(moment - sent_at[number % WINDOW_MAX]);
        if (settled <= number)
            settled = number + 1;
    }
    const unsigned long n = received;
    while (received < sent && receive(sock, size)) // what is still in flight is not lost
        received++;
    qsort(trips, n, sizeof trips[0], by_value);
    printf("%lu %.3f %lu %lu %.1f %.1f\n", n, (moment - start) / 1e6, sent, sent - received,
           (double)trips[n / 2], (double)trips[n * 99 / 100]);
}

int main(int argc, char *argv[])
{
    program_begin("load", help);
    const int option = next_option(argc, argv, "tc"); // or -h
    transport = option == -1 ? 0 : option;
    argv += optind - 1;
    argc -= optind - 1;
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int sock = open_socket();
    if (argc == 1)
        serve(sock);
    if (argc != 5)
        usage_error("it takes four arguments, or none");

    server.sin_port = htons((in_port_t)atoi(argv[1]));
    const unsigned long window = strtoul(argv[2], NULL, 10);
    const size_t size = strtoul(argv[3], NULL, 10);
    if (window < 1 || window > (transport ? 1 : WINDOW_MAX) || size <= DIGITS || size > sizeof data)
        usage_error("bad WINDOW or SIZE");
    connect_socket(sock);
    memset(data, 'x', sizeof data);
    ask(sock, window, size, atof(argv[4]));
    flush_output();
    return 0;
}
