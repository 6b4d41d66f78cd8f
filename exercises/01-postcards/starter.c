/**
 * @file postcards.c
 * @brief Exercise 1: every line of standard input becomes one datagram.
 *
 * The assignment is README.md, beside this file. Check it with `make check-01`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"

static struct endpoint parse_arguments(int argc, char *argv[]);

int main(int argc, char *argv[])
{
    const struct endpoint receiver = parse_arguments(argc, argv);
    unsigned long datagrams = 0, bytes = 0;

    /* TODO 1. Create the socket, of the family of the receiver's address. */
    (void)receiver; // no warning meanwhile: delete this line when you use it

    /* TODO 2. Read standard input line by line, until it ends. */

    /* TODO 3. Remove the newline, if there is one. If the line is too long for a datagram, say so on
     *         standard error, with its number, and go on with the next. */

    /* TODO 4. Send the line as one datagram; count it and its bytes. */

    /* TODO 5. Close the socket. If a line was skipped, exit 1. */
    printf("sent %lu datagrams, %lu bytes\n", datagrams, bytes);
    flush_output();
    return 0;
}

static const char help[] = "usage: postcards HOST PORT\n"
                           "Send every line of standard input to HOST as one datagram.\n"
                           "\n"
                           "  HOST  a name, an IPv4 address or an IPv6 address\n"
                           "  PORT  the port to send to, 1 to 65535\n"
                           "  -h    show this help\n";

static struct endpoint parse_arguments(int argc, char *argv[])
{
    program_begin("postcards", help);
    next_option(argc, argv, "");
    const char *host = next_operand(argc, argv, NULL);
    const char *port = next_operand(argc, argv, NULL);
    if (!port)
        usage_error(host ? "PORT is missing" : "HOST is missing");
    no_more_operands(argc, argv);
    return endpoint_resolve(host, parse_port(port, 1));
}
