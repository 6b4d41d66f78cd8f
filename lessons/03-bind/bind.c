/**
 * @file bind.c
 * @brief Lesson 3: waits on a known port for one datagram.
 *
 * Shows bind(2): a program that others must find takes a port that they know.
 *
 * Run it: `build/bind 7788`. Its partner is sender (lesson 1):
 * `build/sender 127.0.0.1 7788 hello`.
 */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

struct arguments {
    const char *charset;
    struct endpoint local;
};

static struct arguments parse_arguments(int argc, char *argv[]);

int main(int argc, char *argv[])
{
    struct arguments args = parse_arguments(argc, argv);

    /* 1. Create the socket. */
    int sock = socket(args.local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");

    /* 2. Bind it to our address and port: from now on the kernel keeps what is sent there for us.
     *    Then ask which port we have: with port 0, the kernel picked one. */
    if (bind(sock, (struct sockaddr *)&args.local.address, args.local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&args.local));
    if (getsockname(sock, (struct sockaddr *)&args.local.address, &args.local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&args.local));

    /* 3. Wait for a datagram: at most 1024 bytes of it. MSG_TRUNC (not in POSIX; Linux and FreeBSD
     *    have it): return the datagram's length even if the buffer was too small for it. */
    char buffer[1024];
    struct endpoint peer = { .length = sizeof peer.address };
    const ssize_t n = recvfrom(sock, buffer, sizeof buffer, MSG_TRUNC,
                               (struct sockaddr *)&peer.address, &peer.length);
    if (n == -1)
        fail("cannot receive");

    /* 4. Show it, and who sent it. */
    printf("received %zd bytes from %s: ", n, endpoint_text(&peer));
    show_datagram(args.charset, buffer, sizeof buffer, (size_t)n, "cut");

    /* 5. Close the socket. */
    close(sock);
    flush_output();
    return 0;
}

static const char help[] =
    "usage: bind [-e CHARSET] [-b ADDRESS] [PORT]\n"
    "Wait on PORT for one datagram, and print it.\n"
    "\n"
    "  PORT        the port to wait on, 0 to 65535; 0: any free one (default: 7788)\n"
    "  -b ADDRESS  the address of this machine to wait on (default: 0.0.0.0, all\n"
    "              IPv4 addresses; :: is all addresses, IPv4 and IPv6)\n"
    "  -e CHARSET  the charset on the wire, such as gb2312 (default: UTF-8)\n"
    "  -h          show this help\n";

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .charset = "UTF-8" };
    const char *address = "0.0.0.0";
    program_begin("bind", help);
    for (int option; (option = next_option(argc, argv, "e:b:")) != -1;)
        if (option == 'e')
            args.charset = parse_charset(optarg);
        else
            address = optarg;
    const in_port_t port = parse_port(next_operand(argc, argv, "7788"), 0);
    no_more_operands(argc, argv);
    args.local = endpoint_resolve(address, port);
    return args;
}
