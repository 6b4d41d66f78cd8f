/**
 * @file translator.c
 * @brief Exercise 7: a relay between two charsets.
 *
 * The assignment is README.md, beside this file. Check it with `make check-07`.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

struct arguments {
    const char *left, *right; // charsets
    struct endpoint local, peer;
};

static struct arguments parse_arguments(int argc, char *argv[]);

int main(int argc, char *argv[])
{
    struct arguments args = parse_arguments(argc, argv);
    stop_on_signals();

    /* TODO 1. Does iconv_open(3) know both ways? An unknown charset is a usage error. */

    int sock = socket(args.local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    if (bind(sock, (struct sockaddr *)&args.local.address, args.local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&args.local));
    if (getsockname(sock, (struct sockaddr *)&args.local.address, &args.local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&args.local));

    unsigned long datagrams = 0, replaced = 0;
    while (!stop_requested()) {
        /* TODO 2. This takes a datagram, as lesson 4 does. Did the right one send it? If not, its
         *         sender is the left one from now on. */
        char data[DATAGRAM_MAX];
        struct endpoint sender = { .length = sizeof sender.address };
        const ssize_t n = recvfrom(sock, data, sizeof data, MSG_DONTWAIT,
                                   (struct sockaddr *)&sender.address, &sender.length);
        if (n == -1) {
            if (errno != EAGAIN)
                fail("cannot receive");
            wait_for_input(sock, INFINITY);
            continue;
        }

        /* TODO 3. Translate its bytes. What the other charset cannot express becomes a question mark,
         *         in that charset, and is counted; so does each byte that is no character. */

        /* TODO 4. Pass it on to the other side; this passes on what came, to the right one. If that
         *         fails, the program must go on. */
        if (sendto(sock, data, (size_t)n, 0, (struct sockaddr *)&args.peer.address,
                   args.peer.length) == -1)
            fail("cannot pass on %zd bytes", n);
        datagrams++;

        /* TODO 5. Say what you did: one line on standard output. */
    }

    close(sock);
    flush_output();
    say("stopped after %lu datagrams, %lu replaced", datagrams, replaced);
    return 0;
}

static const char help[] =
    "usage: translator [-b ADDRESS] LEFT RIGHT HOST PORT [OWN]\n"
    "Pass datagrams on between those who write to OWN, in the charset LEFT, and the one at\n"
    "HOST and PORT, in the charset RIGHT, until Ctrl-C.\n"
    "\n"
    "  LEFT, RIGHT  charsets that iconv knows, such as gb2312 and utf-8\n"
    "  HOST         the right one: a name, an IPv4 address or an IPv6 address\n"
    "  PORT         its port, 1 to 65535\n"
    "  OWN          our own port, 0 to 65535; 0: any free one (default: 4567)\n"
    "  -b ADDRESS   the address of this machine to use (default: all of the\n"
    "               right one's family)\n"
    "  -h           show this help\n";

static struct arguments parse_arguments(int argc, char *argv[])
{
    const char *address = NULL;
    program_begin("translator", help);
    while (next_option(argc, argv, "b:") != -1)
        address = optarg;
    struct arguments args = { .left = next_operand(argc, argv, NULL) };
    args.right = next_operand(argc, argv, NULL);
    const char *host = next_operand(argc, argv, NULL);
    const char *port = next_operand(argc, argv, NULL);
    if (!port)
        usage_error("LEFT, RIGHT, HOST or PORT is missing");
    const in_port_t peer_port = parse_port(port, 1);
    const in_port_t local_port = parse_port(next_operand(argc, argv, "4567"), 0);
    no_more_operands(argc, argv);
    args.peer = endpoint_resolve(host, peer_port);
    if (!address)
        address = args.peer.address.ss_family == AF_INET6 ? "::" : "0.0.0.0";
    args.local = endpoint_resolve(address, local_port);
    return args;
}
