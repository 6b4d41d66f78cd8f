/**
 * @file bulletin.c
 * @brief Exercise 16: who offers what on this network, by multicast.
 *
 * The assignment is README.md, beside this file. Check it with `make check-16`.
 */
#define _GNU_SOURCE // struct group_req, struct ip_mreqn, IP_MULTICAST_ALL
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h> // getrandom: Linux, FreeBSD
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

#define GROUPS 2 // one of IPv4, one of IPv6
#define PLACES 64
#define LONGEST_NAME 32 // bytes
#define LONGEST_TEXT 200
#define LARGEST_NUMBER 1000000000
#define LONGEST_LIFETIME 86400000 // milliseconds: a day
#define MESSAGE_MAX 300           // bytes; the longest one has 268

struct arguments {
    bool offers;
    double seconds;
    const char *interface, *name, *text;
    struct endpoint groups[GROUPS];
};

static struct arguments parse_arguments(int argc, char *argv[]);

/* TODO 1. A structure for a message, a function that writes one, and one that reads one, strictly:
 *         OFFER ID NUMBER LIFETIME NAME TEXT, and WITHDRAW ID NUMBER. */

/* A name has 1 to 32 bytes, all of them printable ASCII, without blanks. */
static bool is_name(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (name[i] < '!' || name[i] > '~')
            return false;
    return length >= 1 && length <= LONGEST_NAME;
}

/* Announces what is offered, until Ctrl-C; returns the exit status. */
static int offer(const struct arguments *args)
{
    int socks[GROUPS];
    uint64_t announcements = 0;
    stop_on_signals();

    for (int i = 0; i < GROUPS; i++) {
        socks[i] = socket(args->groups[i].address.ss_family, SOCK_DGRAM, 0);
        if (socks[i] == -1)
            warn("cannot create a socket");
        /* TODO 2. The socket must send by args->interface. */
    }

    /* TODO 3. Make up a random ID. */

    while (!stop_requested()) {
        /* TODO 4. If it is time, send the next OFFER to each group. When is the next time? */

        /* TODO 5. Sleep until then, with your own poll: a line may be typed before. Until you do, this
         *         only waits for Ctrl-C. */
        wait_for_input(stop_descriptor(), INFINITY);

        /* TODO 6. A line that is complete is the new TEXT. */
    }

    /* TODO 7. Send a WITHDRAW to each group. */

    for (int i = 0; i < GROUPS; i++)
        if (socks[i] != -1)
            close(socks[i]);
    say("stopped after %" PRIu64 " announcements", announcements);
    return 0;
}

/* TODO 8. The list: PLACES structures, with what you must know of an offer. */

/* Prints what others offer, until Ctrl-C; returns the exit status. */
static int watch(const struct arguments *args)
{
    size_t count = 0;
    stop_on_signals();

    /* TODO 9. Create a socket for each of args->groups, bind it to the group, and join the group on
     *         args->interface. */
    say("watching on %s", args->interface);

    while (!stop_requested()) {
        /* TODO 10. What has expired? When does the next one expire? */

        /* TODO 11. Write out what was printed, and sleep until then, with your own poll: for two sockets,
         *          the keyboard and Ctrl-C. Until you do, this only waits for Ctrl-C. */
        wait_for_input(stop_descriptor(), INFINITY);

        /* TODO 12. Take a message. Is its ID on the list? Is its NUMBER above the last one? What has
         *          changed? */

        /* TODO 13. For each newline on standard input print the list. */
    }

    /* TODO 14. Close the sockets. */
    flush_output();
    say("stopped with %zu offers", count);
    return 0;
}

int main(int argc, char *argv[])
{
    const struct arguments args = parse_arguments(argc, argv);
    return args.offers ? offer(&args) : watch(&args);
}

static const char help[] =
    "usage: bulletin offer [-t SECONDS] INTERFACE NAME TEXT, or bulletin watch INTERFACE\n"
    "offer: announce NAME and TEXT to the network, until Ctrl-C; each line typed is a new TEXT.\n"
    "watch: print what others announce, until Ctrl-C; Enter prints the whole list.\n"
    "\n"
    "  INTERFACE   the interface to the network, such as eth0\n"
    "  NAME        1 to 32 bytes, printable ASCII without blanks, such as printer\n"
    "  TEXT        1 to 200 bytes\n"
    "  -t SECONDS  how long an announcement is valid, 0.1 to 86400 (default: 30)\n"
    "  -h          show this help\n";

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .seconds = 30 };
    program_begin("bulletin", help);
    next_option(argc, argv, "");
    const char *command = next_operand(argc, argv, "");
    args.offers = strcmp(command, "offer") == 0;
    if (!args.offers && strcmp(command, "watch") != 0)
        usage_error("COMMAND is missing: offer or watch");
    while (next_option(argc, argv, args.offers ? "t:" : "") != -1)
        args.seconds = parse_seconds(optarg);
    if (args.seconds < 0.1 || args.seconds > 86400)
        usage_error("bad time: SECONDS is from 0.1 to 86400");
    args.interface = next_operand(argc, argv, NULL);
    if (!args.interface)
        usage_error("INTERFACE is missing");
    if (args.offers) {
        args.name = next_operand(argc, argv, "");
        args.text = next_operand(argc, argv, "");
        if (!is_name(args.name, strlen(args.name)))
            usage_error("NAME is missing, or is not 1 to %d bytes of printable ASCII",
                        LONGEST_NAME);
        if (strlen(args.text) < 1 || strlen(args.text) > LONGEST_TEXT)
            usage_error("TEXT is missing, or is not 1 to %d bytes", LONGEST_TEXT);
    }
    no_more_operands(argc, argv);

    if (if_nametoindex(args.interface) == 0)
        fail("cannot find the interface %s", args.interface);
    char group[64];
    snprintf(group, sizeof group, "ff12::7788%%%s", args.interface); // valid on this interface
    args.groups[0] = endpoint_resolve("239.255.77.88", 7788);
    args.groups[1] = endpoint_resolve(group, 7788);
    return args;
}
