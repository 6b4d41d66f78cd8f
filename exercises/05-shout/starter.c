/**
 * @file shout.c
 * @brief Exercise 5: an echo server that answers in upper case, and counts.
 *
 * The assignment is README.md, beside this file. Check it with `make check-05`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

static struct endpoint parse_arguments(int argc, char *argv[]);

int main(int argc, char *argv[])
{
    struct endpoint local = parse_arguments(argc, argv);
    unsigned long datagrams = 0;
    stop_on_signals();

    /* TODO 1. Create the socket, bind it to local, and say where: lesson 4, steps 1 and 2. */
    (void)local; // no warning meanwhile: delete this line when you use it

    /* TODO 2. Until stop_requested(): take the next datagram, whole: lesson 4, step 3. */

    /* TODO 3. Find out whether you know its sender. If not, add it after the others. Count the
     *         datagram and its bytes for that peer. */

    /* TODO 4. Turn a to z into A to Z, and send the datagram back to its sender. */

    /* TODO 5. Close the socket. Print a line for each peer: "127.0.0.1:40312: 3 datagrams, 17 bytes".
     *         Give the memory back. */
    flush_output();
    say_stopped(datagrams);
    return 0;
}

static const char help[] =
    "usage: shout [-b ADDRESS] [PORT]\n"
    "Return every datagram that comes to PORT in upper case, until Ctrl-C; then report the peers.\n"
    "\n"
    "  PORT        the port to wait on, 0 to 65535; 0: any free one (default: 7788)\n"
    "  -b ADDRESS  the address of this machine to wait on (default: 0.0.0.0, all\n"
    "              IPv4 addresses; :: is all addresses, IPv4 and IPv6)\n"
    "  -h          show this help\n";

static struct endpoint parse_arguments(int argc, char *argv[])
{
    const char *address = "0.0.0.0";
    program_begin("shout", help);
    while (next_option(argc, argv, "b:") != -1)
        address = optarg;
    const in_port_t port = parse_port(next_operand(argc, argv, "7788"), 0);
    no_more_operands(argc, argv);
    return endpoint_resolve(address, port);
}
