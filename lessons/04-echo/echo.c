/**
 * @file echo.c
 * @brief Lesson 4: returns every datagram to whoever sent it.
 *
 * Shows all of a UDP server: one socket, any number of peers, no connections. (The echo service of
 * RFC 862 does the same on port 7.)
 *
 * Run it: `build/echo 7788`. Its partner is receiver (lesson 2):
 * `build/receiver 127.0.0.1 7788 hello`.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

static struct endpoint parse_arguments(int argc, char *argv[]);

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

    unsigned long returned = 0;
    while (!stop_requested()) {
        /* 3. Take the next datagram, whole: no datagram is larger than this buffer. MSG_DONTWAIT:
         *    do not sleep here, where Ctrl-C could be missed; sleep in wait_for_input. */
        char data[DATAGRAM_MAX];
        struct endpoint peer = { .length = sizeof peer.address };
        const ssize_t n = recvfrom(sock, data, sizeof data, MSG_DONTWAIT,
                                   (struct sockaddr *)&peer.address, &peer.length);
        if (n == -1) {
            if (errno != EAGAIN)
                fail("cannot receive");
            wait_for_input(sock, INFINITY);
            continue;
        }

        /* 4. Send it back to where it came from. A stranger chose that address: if we cannot send
         *    there, the server must go on. */
        if (sendto(sock, data, (size_t)n, 0, (struct sockaddr *)&peer.address, peer.length) == -1) {
            warn("cannot return %zd bytes to %s", n, endpoint_text(&peer));
            continue;
        }

        /* 5. Say what we did; of a long text, show the first 1024 bytes. */
        printf("#%lu returned %zd bytes to %s: ", ++returned, n, endpoint_text(&peer));
        show_datagram("UTF-8", data, 1024, (size_t)n, "shown");
    }

    /* 6. Close the socket. Our loop ends, so the program gets here. */
    close(sock);
    flush_output();
    say_stopped(returned);
    return 0;
}

static const char help[] =
    "usage: echo [-b ADDRESS] [PORT]\n"
    "Return every datagram that comes to PORT to its sender, until Ctrl-C.\n"
    "\n"
    "  PORT        the port to wait on, 0 to 65535; 0: any free one (default: 7788)\n"
    "  -b ADDRESS  the address of this machine to wait on (default: 0.0.0.0, all\n"
    "              IPv4 addresses; :: is all addresses, IPv4 and IPv6)\n"
    "  -h          show this help\n";

static struct endpoint parse_arguments(int argc, char *argv[])
{
    const char *address = "0.0.0.0";
    program_begin("echo", help);
    while (next_option(argc, argv, "b:") != -1)
        address = optarg;
    const in_port_t port = parse_port(next_operand(argc, argv, "7788"), 0);
    no_more_operands(argc, argv);
    return endpoint_resolve(address, port);
}
