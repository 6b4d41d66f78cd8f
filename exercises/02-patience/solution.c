/**
 * @file patience.c
 * @brief Exercise 2, one good solution: ask, wait, ask again, give up.
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

struct arguments {
    double seconds;
    unsigned long tries;
    struct endpoint server;
    const char *text;
};

static struct arguments parse_arguments(int argc, char *argv[]);
static bool same_endpoint(const struct endpoint *a, const struct endpoint *b);

int main(int argc, char *argv[])
{
    const struct arguments args = parse_arguments(argc, argv);

    /* 1. Create the socket: one for all tries, so that a late answer still comes to us. */
    int sock = socket(args.server.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");

    for (unsigned long tries = 1; tries <= args.tries; tries++) {
        /* 2. Ask. */
        if (sendto(sock, args.text, strlen(args.text), 0,
                   (const struct sockaddr *)&args.server.address, args.server.length) == -1)
            fail("cannot send %zu bytes to %s", strlen(args.text), endpoint_text(&args.server));

        /* 3. Wait for the answer until the deadline. We set it once a try: a stranger's datagram
         *    does not move it. */
        const double deadline = now() + args.seconds;
        do {
            char buffer[1024];
            struct endpoint peer = { .length = sizeof peer.address };
            const ssize_t n = recvfrom(sock, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC,
                                       (struct sockaddr *)&peer.address, &peer.length);
            if (n == -1 && errno != EAGAIN)
                fail("cannot receive");

            /* 4. Is it the answer? Only if it comes from the endpoint that we asked. */
            if (n >= 0 && same_endpoint(&peer, &args.server)) {
                printf("answer after %lu tries: ", tries);
                show_datagram("UTF-8", buffer, sizeof buffer, (size_t)n, "cut");
                flush_output();
                close(sock);
                return 0;
            }
        } while (wait_for_input(sock, deadline));
    }

    /* 5. Give up. */
    close(sock);
    say("no answer after %lu tries", args.tries);
    return 1;
}

/* Same address, same port. Not memcmp of the whole: an address has parts that mean nothing here. */
static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
    if (a->address.ss_family != b->address.ss_family)
        return false;
    if (a->address.ss_family == AF_INET) {
        const struct sockaddr_in *a4 = (const struct sockaddr_in *)&a->address;
        const struct sockaddr_in *b4 = (const struct sockaddr_in *)&b->address;
        return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
    }
    const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)&a->address;
    const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)&b->address;
    return a6->sin6_port == b6->sin6_port &&
           memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0;
}

static const char help[] =
    "usage: patience [-w SECONDS] [-n TRIES] HOST PORT TEXT\n"
    "Send TEXT to HOST as one datagram and wait for the answer; if none comes, ask again.\n"
    "\n"
    "  HOST        a name, an IPv4 address or an IPv6 address\n"
    "  PORT        the port to send to, 1 to 65535\n"
    "  -w SECONDS  how long each try waits, such as 0.5 (default: 1)\n"
    "  -n TRIES    how many times to ask, 1 to 1000 (default: 3)\n"
    "  -h          show this help\n";

static unsigned long parse_tries(const char *text)
{
    const unsigned long tries = strtoul(text, NULL, 10);
    if (text[strspn(text, "0123456789")] != '\0' || tries < 1 || tries > 1000)
        usage_error("bad number of tries \"%s\": a number from 1 to 1000", text);
    return tries;
}

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .seconds = 1, .tries = 3 };
    program_begin("patience", help);
    for (int option; (option = next_option(argc, argv, "w:n:")) != -1;)
        if (option == 'w')
            args.seconds = parse_seconds(optarg);
        else
            args.tries = parse_tries(optarg);

    const char *host = next_operand(argc, argv, NULL);
    const char *port = next_operand(argc, argv, NULL);
    args.text = next_operand(argc, argv, NULL);
    if (!args.text)
        usage_error("%s is missing", port ? "TEXT" : host ? "PORT" : "HOST");
    no_more_operands(argc, argv);
    args.server = endpoint_resolve(host, parse_port(port, 1));
    return args;
}
