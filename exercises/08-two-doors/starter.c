/**
 * @file two-doors.c
 * @brief Exercise 8: waits on two ports at once.
 *
 * The assignment is README.md, beside this file. Check it with `make check-08`.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

struct door {
    int sock;
    struct endpoint local;
};

static void parse_arguments(int argc, char *argv[], struct door doors[2]);

int main(int argc, char *argv[])
{
    struct door doors[2];
    parse_arguments(argc, argv, doors);
    unsigned long datagrams = 0;
    stop_on_signals();

    /* TODO 1. For each door, create its socket and bind it to doors[i].local. Ask with getsockname
     *         which port it got. */
    (void)doors; // no warning meanwhile: delete this line when you use it

    /* TODO 2. When both are bound, say "bound to ..." for each. */

    /* TODO 3. Until stop_requested(): sleep in poll. It watches three descriptors, the two sockets
     *         and stop_descriptor(). Write out what was printed (flush_output) before you sleep. */

    /* TODO 4. From each door that has something, take one datagram; print it and count it. */

    /* TODO 5. Close the sockets. */
    flush_output();
    say_stopped(datagrams);
    return 0;
}

static const char help[] =
    "usage: two-doors PORT PORT\n"
    "Wait on both ports at once, and print each datagram with the port it came to, until Ctrl-C.\n"
    "\n"
    "  PORT  a port to wait on, 0 to 65535; 0: any free one\n"
    "  -h    show this help\n";

static void parse_arguments(int argc, char *argv[], struct door doors[2])
{
    program_begin("two-doors", help);
    next_option(argc, argv, "");
    for (int i = 0; i < 2; i++) {
        const char *port = next_operand(argc, argv, NULL);
        if (!port)
            usage_error("%s PORT is missing", i == 0 ? "the first" : "the second");
        doors[i].local = endpoint_resolve("0.0.0.0", parse_port(port, 0));
    }
    no_more_operands(argc, argv);
}
