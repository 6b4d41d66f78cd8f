/**
 * @file load.c
 * @brief The two ends of the benchmark: what asks, and the bare loops to compare with.
 *
 * Every run is bounded in time. Over loopback only: see tests/bench/run.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

static const char help[] =
    "usage: load COMMAND ARGUMENT...\n"
    "\n"
    "  floor                        a bare echo server on 127.0.0.1: recvfrom, sendto, nothing else\n"
    "  sink                         a bare receiver; when stopped, it prints how many came\n"
    "  trips PORT WINDOW SIZE SECONDS\n"
    "                               keep WINDOW datagrams of SIZE bytes (16 at least) in flight to an\n"
    "                               echo server, and print: round trips, seconds, datagrams lost,\n"
    "                               median and 99th percentile of a round trip in microseconds\n"
    "  offer PORT RATE SIZE SECONDS send RATE datagrams a second, evenly; print how many were sent\n";

#define STAMP 16 // bytes
#define WINDOW_MAX 1024

static char data[DATAGRAM_MAX];

static int socket_at_loopback(void)
{
    struct endpoint local = endpoint_resolve("127.0.0.1", 0);
    int sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (sock == -1 || bind(sock, (struct sockaddr *)&local.address, local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&local));
    if (getsockname(sock, (struct sockaddr *)&local.address, &local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&local));
    return sock;
}

/* The least that an echo server can do: what the system calls alone cost. */
static void floor_server(void)
{
    const int sock = socket_at_loopback();
    for (;;) {
        struct sockaddr_storage peer;
        socklen_t length = sizeof peer;
        const ssize_t n = recvfrom(sock, data, sizeof data, 0, (struct sockaddr *)&peer, &length);
        if (n == -1 || sendto(sock, data, (size_t)n, 0, (struct sockaddr *)&peer, length) == -1)
            fail("cannot echo");
    }
}

/* The least that a receiver can do. */
static void sink(void)
{
    stop_on_signals();
    const int sock = socket_at_loopback();
    unsigned long received = 0;
    while (!stop_requested())
        if (recvfrom(sock, data, sizeof data, MSG_DONTWAIT, NULL, NULL) >= 0)
            received++;
        else
            wait_for_input(sock, INFINITY);
    printf("%lu\n", received);
}

/* A datagram carries its number, as text: four bits a letter. */
static bool send_numbered(int sock, size_t size, unsigned long number)
{
    for (int i = 0; i < STAMP; i++, number >>= 4)
        data[i] = (char)('a' + (number & 0xf));
    return send(sock, data, size, 0) != -1;
}

static unsigned long number_of_reply(void)
{
    unsigned long number = 0;
    for (int i = STAMP; i-- > 0;)
        number = number << 4 | (unsigned long)(data[i] - 'a');
    return number;
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void trips(int sock, unsigned long window, size_t size, double seconds)
{
    enum { SAMPLES = 1000000 };
    static float samples[SAMPLES];
    static double sent_at[WINDOW_MAX];
    unsigned long sent = 0, received = 0;
    // Those below this number have come back or, having been overtaken, are lost.
    unsigned long settled = 0;
    const double start = deadline_after(0);
    double now = start;
    while (now < start + seconds) {
        while (sent - settled < window && send_numbered(sock, size, sent))
            sent_at[sent++ % WINDOW_MAX] = now;
        struct pollfd input = { sock, POLLIN, 0 };
        if (poll(&input, 1, 50) == 0)
            settled = sent; // nothing for so long: all of them are lost
        while (recv(sock, data, sizeof data, MSG_DONTWAIT) >= STAMP) {
            now = deadline_after(0);
            const unsigned long number = number_of_reply();
            if (received < SAMPLES)
                samples[received] = (float)((now - sent_at[number % WINDOW_MAX]) * 1e6);
            received++;
            if (settled <= number)
                settled = number + 1;
            while (now < start + seconds && sent - settled < window &&
                   send_numbered(sock, size, sent))
                sent_at[sent++ % WINDOW_MAX] = now;
        }
        now = deadline_after(0);
    }
    const double elapsed = now - start;
    // What is still on its way is not lost.
    for (struct pollfd input = { sock, POLLIN, 0 }; poll(&input, 1, 50) > 0;)
        if (recv(sock, data, sizeof data, MSG_DONTWAIT) >= 0)
            received++;
    const size_t n = received < SAMPLES ? received : SAMPLES;
    qsort(samples, n, sizeof samples[0], by_value);
    printf("%lu %.3f %lu %.1f %.1f\n", received, elapsed, sent - received,
           n > 0 ? (double)samples[n / 2] : 0.0, n > 0 ? (double)samples[n * 99 / 100] : 0.0);
}

static void offer(int sock, double rate, size_t size, double seconds)
{
    const double start = deadline_after(0);
    unsigned long sent = 0;
    for (double now = start; now < start + seconds; now = deadline_after(0))
        while ((double)sent < (now - start) * rate && send(sock, data, size, 0) != -1)
            sent++;
    printf("%lu\n", sent);
}

int main(int argc, char *argv[])
{
    program_begin("load", help);
    if (next_option(argc, argv, "") != -1)
        return 2;
    const char *command = next_operand(argc, argv, "");
    if (strcmp(command, "floor") == 0)
        floor_server();
    if (strcmp(command, "sink") == 0) {
        sink();
        flush_output();
        return 0;
    }
    const struct endpoint peer = endpoint_resolve("127.0.0.1",
                                                  parse_port(next_operand(argc, argv, ""), 1));
    const int sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (sock == -1 || connect(sock, (const struct sockaddr *)&peer.address, peer.length) == -1)
        fail("cannot connect to %s", endpoint_text(&peer));
    memset(data, 'x', sizeof data); // text, as the document's programs send
    const double number = parse_seconds(next_operand(argc, argv, ""));
    const size_t size = strtoul(next_operand(argc, argv, ""), NULL, 10);
    const double seconds = parse_seconds(next_operand(argc, argv, ""));
    if (size < STAMP || size > sizeof data)
        usage_error("bad SIZE: %d to %zu bytes", STAMP, sizeof data);
    if (number > WINDOW_MAX && strcmp(command, "trips") == 0)
        usage_error("bad WINDOW: at most %d", WINDOW_MAX);
    if (strcmp(command, "trips") == 0)
        trips(sock, (unsigned long)number, size, seconds);
    else if (strcmp(command, "offer") == 0)
        offer(sock, number, size, seconds);
    else
        usage_error("unknown command \"%s\"", command);
    flush_output();
    return 0;
}
