/**
 * @file right-door.c
 * @brief Exercise 13: an echo server that answers from the address it was asked at.
 *
 * The assignment is README.md, beside this file. Check it with `make check-13`.
 */
#define _GNU_SOURCE // struct in6_pktinfo
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

/* Room for the control messages of one datagram, aligned as the kernel wants them (cmsg(3)). */
union control {
    char bytes[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(struct in6_pktinfo))];
    struct cmsghdr align;
};

static struct endpoint parse_arguments(int argc, char *argv[]);

int main(int argc, char *argv[])
{
    struct endpoint local = parse_arguments(argc, argv);
    stop_on_signals();

    int sock = socket(local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");

    /* TODO 1. Ask the kernel to tell the destination of each datagram: IP_PKTINFO and, if the socket is
     *         one of IPv6, IPV6_RECVPKTINFO, too. */

    if (bind(sock, (struct sockaddr *)&local.address, local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&local));
    if (getsockname(sock, (struct sockaddr *)&local.address, &local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&local));

    unsigned long returned = 0;
    while (!stop_requested()) {
        /* TODO 2. Take the next datagram, whole, with recvmsg. Until you do, this waits for Ctrl-C. */
        wait_for_input(stop_descriptor(), INFINITY);
        union control control; // no warning meanwhile: use it, and delete the next line
        (void)control;

        /* TODO 3. Go through the control messages: at which address were we asked? */

        /* TODO 4. Return the datagram with sendmsg; one control message says from which address. */

        /* TODO 5. Print "#1 asked at 127.0.0.2 by 127.0.0.1:40312, returned 5 bytes: hello". */
    }

    close(sock);
    flush_output();
    say_stopped(returned);
    return 0;
}

static const char help[] =
    "usage: right-door [-b ADDRESS] [PORT]\n"
    "Return every datagram to its sender, from the address it was sent to, until Ctrl-C.\n"
    "\n"
    "  PORT        the port to wait on, 0 to 65535; 0: any free one (default: 7788)\n"
    "  -b ADDRESS  the address of this machine to wait on (default: 0.0.0.0, all\n"
    "              IPv4 addresses; :: is all addresses, IPv4 and IPv6)\n"
    "  -h          show this help\n";

static struct endpoint parse_arguments(int argc, char *argv[])
{
    const char *address = "0.0.0.0";
    program_begin("right-door", help);
    while (next_option(argc, argv, "b:") != -1)
        address = optarg;
    const in_port_t port = parse_port(next_operand(argc, argv, "7788"), 0);
    no_more_operands(argc, argv);
    return endpoint_resolve(address, port);
}
