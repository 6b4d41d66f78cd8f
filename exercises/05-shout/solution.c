/**
 * @file shout.c
 * @brief Exercise 5, one good solution: an echo server that answers in upper case, and counts.
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

/* What the server knows of a peer: where it is, and what came from there. */
struct peer {
    struct endpoint endpoint;
    unsigned long datagrams, bytes;
};

static struct endpoint parse_arguments(int argc, char *argv[]);
static struct peer *find_peer(struct peer **peers, size_t *count, const struct endpoint *endpoint);
static void shout(char *bytes, size_t n);

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

    struct peer *peers = NULL;
    size_t count = 0;
    unsigned long datagrams = 0;
    while (!stop_requested()) {
        /* 3. Take the next datagram, whole. */
        char buffer[DATAGRAM_MAX];
        struct endpoint endpoint = { .length = sizeof endpoint.address };
        const ssize_t n = recvfrom(sock, buffer, sizeof buffer, MSG_DONTWAIT,
                                   (struct sockaddr *)&endpoint.address, &endpoint.length);
        if (n == -1) {
            if (errno != EAGAIN)
                fail("cannot receive");
            wait_for_input(sock, INFINITY);
            continue;
        }

        /* 4. Remember who sent it. Nobody tells us when a peer goes away. */
        struct peer *peer = find_peer(&peers, &count, &endpoint);
        peer->datagrams++;
        peer->bytes += (unsigned long)n;
        datagrams++;

        /* 5. Send it back, louder. */
        shout(buffer, (size_t)n);
        if (sendto(sock, buffer, (size_t)n, 0, (struct sockaddr *)&endpoint.address,
                   endpoint.length) == -1)
            warn("cannot return %zd bytes to %s", n, endpoint_text(&endpoint));
    }

    /* 6. Close the socket, and report the peers. */
    close(sock);
    for (size_t i = 0; i < count; i++)
        printf("%s: %lu datagrams, %lu bytes\n", endpoint_text(&peers[i].endpoint),
               peers[i].datagrams, peers[i].bytes);
    free(peers);
    flush_output();
    say_stopped(datagrams);
    return 0;
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

/* Finds the peer at an endpoint among the count known ones; adds a new one after them. */
static struct peer *find_peer(struct peer **peers, size_t *count, const struct endpoint *endpoint)
{
    for (size_t i = 0; i < *count; i++)
        if (same_endpoint(&(*peers)[i].endpoint, endpoint))
            return &(*peers)[i];

    if (*count % 64 == 0) { // full: room for 64 more
        struct peer *more = realloc(*peers, (*count + 64) * sizeof *more);
        if (!more)
            fail("cannot remember peer %zu", *count + 1);
        *peers = more;
    }
    struct peer *new_peer = &(*peers)[(*count)++];
    *new_peer = (struct peer){ .endpoint = *endpoint };
    return new_peer;
}

/* Not toupper(): what it does to other bytes depends on the locale. */
static void shout(char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] >= 'a' && bytes[i] <= 'z')
            bytes[i] = (char)(bytes[i] - 'a' + 'A');
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
