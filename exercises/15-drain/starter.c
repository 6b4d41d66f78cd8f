/**
 * @file drain.c
 * @brief Exercise 15: a receiver that keeps up with a flood, and says what is missing.
 *
 * The assignment is README.md, beside this file. Check it with `make check-15`.
 */
#define _GNU_SOURCE // recvmmsg: Linux, FreeBSD, NetBSD
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"

#define BATCH 64    // datagrams that one call takes, at most
#define WINDOW 1024 // numbers
#define HEADER 8    // bytes: RUN and NUMBER
#define END 12      // bytes: RUN, 0 and TOTAL
#define KEPT 16     // bytes of each datagram; more than an end has, so that a longer one shows

struct arguments {
    struct endpoint local;
    int bytes; // 0: as the system gives it
    double seconds;
};

/* One datagram: as much of it as we keep, and what the kernel tells about it. Its control messages
 * must be aligned (cmsg(3)). */
struct datagram {
    struct endpoint peer;
    uint32_t words[KEPT / 4];
    struct iovec piece;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint32_t))];
};

static struct arguments parse_arguments(int argc, char *argv[]);

/* TODO 1. A structure for the run in progress: its RUN and its endpoint, the window, the range that
 *         is not printed yet, and what the line counts. A second one is the run that was over. */

/* TODO 2. A function that settles all numbers below a given one: they leave the window. */

/* TODO 3. A function that takes the NUMBER of data: late, new or twice? A number above the window
 *         moves it: settle what leaves it. */

/* TODO 4. A function that takes one datagram: is it of the run that was over last, does it begin a
 *         run, is it of the run in progress? Data, or an end? */

int main(int argc, char *argv[])
{
    struct arguments args = parse_arguments(argc, argv);
    stop_on_signals();

    int sock = socket(args.local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");

    /* TODO 5. Ask the kernel for its drop count, and for a receive buffer, if there is -r. */

    if (bind(sock, (struct sockaddr *)&args.local.address, args.local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&args.local));
    if (getsockname(sock, (struct sockaddr *)&args.local.address, &args.local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&args.local));

    /* TODO 6. Say how large the receive buffer is now, if there is -r. */

    static struct datagram datagrams[BATCH];
    (void)datagrams; // no warning meanwhile: use it, and delete this line
    unsigned long taken = 0;
    while (!stop_requested()) {
        /* TODO 7. Prepare a struct mmsghdr for each of the datagrams, take what has come with one
         *         call of recvmmsg, and look at each. Until you do, this only waits. */
        wait_for_input(stop_descriptor(), INFINITY);

        /* TODO 8. Has nothing come for long? Then the run is over. Wait if there was nothing. */
    }

    /* TODO 9. Settle the run in progress. */

    close(sock);
    flush_output();
    say_stopped(taken);
    return 0;
}

static const char help[] =
    "usage: drain [-b ADDRESS] [-r BYTES] [-w SECONDS] [PORT]\n"
    "Take a flood of numbered datagrams, and say which numbers are missing, until Ctrl-C.\n"
    "\n"
    "  PORT        the port to wait on, 0 to 65535 (default: 7788; 0: any free one)\n"
    "  -b ADDRESS  the address of this machine to wait on (default: 0.0.0.0)\n"
    "  -r BYTES    the receive buffer to ask for, 1 to 2147483647 (default: the system's)\n"
    "  -w SECONDS  after how long without a datagram a run is over (default: 1)\n"
    "  -h          show this help\n";

/* Reads a number of bytes. */
static int parse_bytes(const char *text)
{
    const unsigned long bytes = strtoul(text, NULL, 10);
    if (text[strspn(text, "0123456789")] != '\0' || bytes < 1 || bytes > INT32_MAX)
        usage_error("bad number of bytes \"%s\": a number from 1 to %d", text, INT32_MAX);
    return (int)bytes;
}

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .seconds = 1 };
    const char *host = "0.0.0.0";
    program_begin("drain", help);
    for (int option; (option = next_option(argc, argv, "b:r:w:")) != -1;)
        if (option == 'b')
            host = optarg;
        else if (option == 'r')
            args.bytes = parse_bytes(optarg);
        else
            args.seconds = parse_seconds(optarg);
    const in_port_t port = parse_port(next_operand(argc, argv, "7788"), 0);
    no_more_operands(argc, argv);
    args.local = endpoint_resolve(host, port);
    return args;
}
