/**
 * @file parcels.c
 * @brief Exercise 12: a file in small datagrams, put together again.
 *
 * The assignment is README.md, beside this file. Check it with `make check-12`.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

#define HEADER 12            // bytes: identifier, offset, total
#define LARGEST_PARCEL 1200  // bytes, with the header
#define LARGEST_FILE 1048576 // bytes
#define MOST_FILES 4         // unfinished ones

struct arguments {
    bool sends;
    double seconds;
    const char *file;
    struct endpoint endpoint; // where we wait, or to whom we send
};

static struct arguments parse_arguments(int argc, char *argv[]);

/* Sends the file; returns the exit status. */
static int send_file(const char *name, const struct endpoint *peer)
{
    /* TODO 1. Read the file. Is it too large? Then create the socket. */
    (void)name; // no warning meanwhile: delete this line when you use it

    /* TODO 2. Send piece after piece, each with its header, in network byte order. */

    printf("sent 0 bytes in 0 parcels to %s\n", endpoint_text(peer));
    flush_output();
    return 0;
}

/* Waits for a file; returns the exit status. */
static int wait_for_file(const char *name, struct endpoint local, double seconds)
{
    unsigned long bad = 0;
    stop_on_signals();

    int sock = socket(local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    if (bind(sock, (struct sockaddr *)&local.address, local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&local));
    if (getsockname(sock, (struct sockaddr *)&local.address, &local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&local));

    const double deadline = now() + seconds;
    while (!stop_requested() && now() < deadline) {
        /* TODO 3. Take a datagram, as lesson 4 does. Until you do, this only waits. */
        wait_for_input(stop_descriptor(), deadline);

        /* TODO 4. Read its header. Can it be true? Which of the files does it belong to, and if to
         *         none, in which place do you begin a new one? */

        /* TODO 5. Put the piece into the file, unless it differs from what came before. Count it. */

        /* TODO 6. Is the file complete? Write it, say so, and end with 0. */
        (void)name;
    }
    close(sock);

    /* TODO 7. Say for each file which bytes are missing. */
    say("no file is complete (%lu bad)", bad);
    return 1;
}

int main(int argc, char *argv[])
{
    const struct arguments args = parse_arguments(argc, argv);
    return args.sends ? send_file(args.file, &args.endpoint)
                      : wait_for_file(args.file, args.endpoint, args.seconds);
}

static const char help[] =
    "usage: parcels send FILE HOST PORT, or parcels wait [-b ADDRESS] [-w SECONDS] PORT FILE\n"
    "send: send FILE to HOST in datagrams of at most 1200 bytes.\n"
    "wait: put the first file that is complete together again, and write it to FILE.\n"
    "\n"
    "  HOST        who gets the file: a name, an IPv4 or an IPv6 address\n"
    "  PORT        the port there, 1 to 65535; for wait, the own port; 0: any free one\n"
    "  -b ADDRESS  the address of this machine to wait on (default: 0.0.0.0)\n"
    "  -w SECONDS  how long to wait, such as 0.5 (default: for ever)\n"
    "  -h          show this help\n";

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .seconds = INFINITY };
    program_begin("parcels", help);
    next_option(argc, argv, "");
    const char *command = next_operand(argc, argv, ""), *host = "0.0.0.0", *port;
    args.sends = strcmp(command, "send") == 0;
    if (!args.sends && strcmp(command, "wait") != 0)
        usage_error("COMMAND is missing: send or wait");
    for (int option; (option = next_option(argc, argv, args.sends ? "" : "b:w:")) != -1;)
        if (option == 'b')
            host = optarg;
        else
            args.seconds = parse_seconds(optarg);
    if (args.sends) {
        args.file = next_operand(argc, argv, NULL);
        host = next_operand(argc, argv, NULL);
        port = next_operand(argc, argv, NULL);
    } else {
        port = next_operand(argc, argv, NULL);
        args.file = next_operand(argc, argv, NULL);
    }
    if (!args.file || !host || !port)
        usage_error("%s is missing", args.file ? host ? "PORT" : "HOST" : "FILE");
    no_more_operands(argc, argv);
    args.endpoint = endpoint_resolve(host, parse_port(port, args.sends ? 1 : 0));
    return args;
}
