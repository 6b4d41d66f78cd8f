/**
 * @file whole-or-not.c
 * @brief Exercise 4, one good solution: a receiver that never cuts, in as much memory as it needs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"

static struct endpoint parse_arguments(int argc, char *argv[]);
static unsigned internet_checksum(const unsigned char *bytes, size_t n);

int main(int argc, char *argv[])
{
    struct endpoint local = parse_arguments(argc, argv);
    stop_on_signals();

    /* 1. Create the socket. */
    int sock = socket(local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");

    /* 2. Bind it to our address and port. */
    if (bind(sock, (struct sockaddr *)&local.address, local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&local));
    if (getsockname(sock, (struct sockaddr *)&local.address, &local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&local));

    unsigned long datagrams = 0;
    while (!stop_requested()) {
        /* 3. Look how large the next datagram is. MSG_PEEK leaves it in the buffer; MSG_TRUNC
         *    (Linux, FreeBSD) returns its length, although there is no room for any of it. */
        const ssize_t size = recvfrom(sock, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT, NULL,
                                      NULL);
        if (size == -1) {
            if (errno != EAGAIN)
                fail("cannot receive");
            wait_for_input(sock, INFINITY);
            continue;
        }

        /* 4. Get memory of that size. malloc(0) may return NULL, which would look like a failure. */
        unsigned char *data = malloc(size > 0 ? (size_t)size : 1);
        if (!data)
            fail("cannot get memory for %zd bytes", size);

        /* 5. Take the datagram. It is the same one: nobody else takes from this socket. */
        struct endpoint peer = { .length = sizeof peer.address };
        const ssize_t n = recvfrom(sock, data, (size_t)size, MSG_DONTWAIT,
                                   (struct sockaddr *)&peer.address, &peer.length);
        if (n == -1 && errno != EAGAIN)
            fail("cannot receive");

        /* 6. Report it, and give the memory back. */
        if (n >= 0) {
            printf("%zd bytes from %s, checksum %04x\n", n, endpoint_text(&peer),
                   internet_checksum(data, (size_t)n));
            datagrams++;
        }
        free(data);
    }

    /* 7. Close the socket. */
    close(sock);
    flush_output();
    say_stopped(datagrams);
    return 0;
}

/* RFC 1071, section 1. Unsigned bytes: a char may be negative. */
static unsigned internet_checksum(const unsigned char *bytes, size_t n)
{
    unsigned long sum = 0;
    for (size_t i = 0; i + 1 < n; i += 2)
        sum += (unsigned)bytes[i] << 8 | bytes[i + 1];
    if (n % 2 == 1)
        sum += (unsigned)bytes[n - 1] << 8;
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return 0xffff - (unsigned)sum;
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
