/**
 * @file whole-or-not.c
 * @brief Exercise 4: a receiver that never cuts, in as much memory as it needs.
 *
 * The assignment is README.md, beside this file. Check it with `make check-04`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"

static struct endpoint parse_arguments(int argc, char *argv[]);

int main(int argc, char *argv[])
{
    struct endpoint local = parse_arguments(argc, argv);
    unsigned long datagrams = 0;
    stop_on_signals();

    /* TODO 1. Create the socket, bind it to local, and say where: lesson 3, steps 1 and 2. */
    (void)local; // no warning meanwhile: delete this line when you use it

    /* TODO 2. Until stop_requested(): learn how large the next datagram is, and do not take it
     *         yet. With MSG_DONTWAIT, recvfrom returns -1 and errno is EAGAIN if there is none: then
     *         wait_for_input(sock, INFINITY). */

    /* TODO 3. Get memory of that size. Do not forget the empty datagram. */

    /* TODO 4. Take the datagram, and learn who sent it. */

    /* TODO 5. Compute the checksum, in its own function. Print the line, and count. */

    /* TODO 6. Give the memory back. */

    /* TODO 7. Close the socket. */
    flush_output();
    say_stopped(datagrams);
    return 0;
}

static const char help[] =
    "usage: whole-or-not [-b ADDRESS] [PORT]\n"
    "Print the size and the checksum of every datagram that comes to PORT, until Ctrl-C.\n"
    "\n"
    "  PORT        the port to wait on, 0 to 65535; 0: any free one (default: 7788)\n"
    "  -b ADDRESS  the address of this machine to wait on (default: 0.0.0.0, all\n"
    "              IPv4 addresses; :: is all addresses, IPv4 and IPv6)\n"
    "  -h          show this help\n";

static struct endpoint parse_arguments(int argc, char *argv[])
{
    const char *address = "0.0.0.0";
    program_begin("whole-or-not", help);
    while (next_option(argc, argv, "b:") != -1)
        address = optarg;
    const in_port_t port = parse_port(next_operand(argc, argv, "7788"), 0);
    no_more_operands(argc, argv);
    return endpoint_resolve(address, port);
}
