/**
 * @file till.c
 * @brief Exercise 14: each booking counts exactly once, however bad the network is.
 *
 * The assignment is README.md, beside this file. Check it with `make check-14`.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h> // getrandom: Linux, FreeBSD
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"

#define MOST_TILLS 100
#define LARGEST 1000000                  // of NUMBER and of AMOUNT
#define LARGEST_TOTAL 999999999999999999 // 18 digits
#define SHORTEST_RTO 0.05                // seconds
#define MESSAGE_MAX 64                   // bytes; the longest one has 40

struct arguments {
    bool serves;
    double seconds;
    uint64_t tries;
    struct endpoint endpoint; // where we wait, or whom we ask
    char **amounts;
    size_t count;
};

static struct arguments parse_arguments(int argc, char *argv[]);

/* TODO 1. A structure for a message, a function that writes one as text, and one that reads one, strictly:
 *         BOOK TILL NUMBER AMOUNT, and DONE TILL NUMBER TOTAL. */

/* Adds up what the tills book, until Ctrl-C; returns the exit status. */
static int serve(struct endpoint local)
{
    uint64_t bookings = 0, total = 0;
    stop_on_signals();

    int sock = socket(local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    if (bind(sock, (struct sockaddr *)&local.address, local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&local));
    if (getsockname(sock, (struct sockaddr *)&local.address, &local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&local));

    while (!stop_requested()) {
        /* TODO 2. Take a datagram, as lesson 4 does. Until you do, this only waits. */
        wait_for_input(stop_descriptor(), INFINITY);

        /* TODO 3. Is it a booking? Do you know its till? Does it count, is it the last one again, or is it
         *         neither? */

        /* TODO 4. If it counts, remember it and its total, and print the line. */

        /* TODO 5. Answer it. */
    }

    close(sock);
    flush_output();
    say("stopped after %" PRIu64 " bookings, total %" PRIu64, bookings, total);
    return 0;
}

/* Books the amounts, one after another; returns the exit status. */
static int book(const struct arguments *args)
{
    int sock = socket(args->endpoint.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");

    /* TODO 6. Make up a random TILL. */

    for (size_t i = 0; i < args->count; i++) {
        const uint64_t amount = strtoull(args->amounts[i], NULL, 10);

        /* TODO 7. Ask, and wait for the answer until now plus the RTO. No answer? Double the RTO, and ask
         *         again, args->tries times in all. Then give up. */

        /* TODO 8. Sent once? Then take a sample, and compute SRTT, RTTVAR and RTO from it. */

        printf("booked %" PRIu64 ": total 0 (0 tries, no sample, RTO %.0f ms)\n", amount,
               1000 * args->seconds);
        flush_output();
    }
    close(sock);
    return 0;
}

int main(int argc, char *argv[])
{
    const struct arguments args = parse_arguments(argc, argv);
    return args.serves ? serve(args.endpoint) : book(&args);
}

static const char help[] =
    "usage: till serve [-b ADDRESS] [PORT], or "
    "till book [-w SECONDS] [-n TRIES] HOST PORT AMOUNT...\n"
    "serve: add up what tills book, each booking once, until Ctrl-C.\n"
    "book: book each AMOUNT at HOST, and ask again until it is answered.\n"
    "\n"
    "  HOST        the server: a name, an IPv4 address or an IPv6 address\n"
    "  PORT        its port, 1 to 65535; for serve, the own port (default: 7788; 0: any free one)\n"
    "  AMOUNT      what to book, 1 to 1000000\n"
    "  -b ADDRESS  the address of this machine to wait on (default: 0.0.0.0)\n"
    "  -w SECONDS  how long the first try waits, such as 0.5 (default: 1)\n"
    "  -n TRIES    how many times to ask, 1 to 1000 (default: 6)\n"
    "  -h          show this help\n";

/* Reads a number from 1 to the largest one. */
static uint64_t parse_number(const char *text, const char *what, uint64_t largest)
{
    const uint64_t number = strtoull(text, NULL, 10);
    if (text[strspn(text, "0123456789")] != '\0' || *text == '0' || number < 1 || number > largest)
        usage_error("bad %s \"%s\": a number from 1 to %" PRIu64, what, text, largest);
    return number;
}

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .seconds = 1, .tries = 6 };
    program_begin("till", help);
    next_option(argc, argv, "");
    const char *command = next_operand(argc, argv, ""), *host = "0.0.0.0", *port;
    args.serves = strcmp(command, "serve") == 0;
    if (!args.serves && strcmp(command, "book") != 0)
        usage_error("COMMAND is missing: serve or book");
    for (int option; (option = next_option(argc, argv, args.serves ? "b:" : "w:n:")) != -1;)
        if (option == 'b')
            host = optarg;
        else if (option == 'w')
            args.seconds = parse_seconds(optarg);
        else
            args.tries = parse_number(optarg, "number of tries", 1000);
    if (args.serves) {
        port = next_operand(argc, argv, "7788");
        no_more_operands(argc, argv);
    } else {
        host = next_operand(argc, argv, NULL);
        port = next_operand(argc, argv, NULL);
        args.amounts = argv + optind;
        for (const char *text; (text = next_operand(argc, argv, NULL)) != NULL; args.count++)
            parse_number(text, "AMOUNT", LARGEST);
        if (args.count == 0)
            usage_error("%s is missing", port ? "AMOUNT" : host ? "PORT" : "HOST");
    }
    args.endpoint = endpoint_resolve(host, parse_port(port, args.serves ? 0 : 1));
    return args;
}
