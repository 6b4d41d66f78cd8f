/**
 * @file party-line.c
 * @brief Exercise 6: a chat server for up to 32 members.
 *
 * The assignment is README.md, beside this file. Check it with `make check-06`.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"

/* TODO 1. What must the server know of a member? Where does it keep the members? */
struct party {
    struct endpoint local;
    double seconds; // how long a member may be silent
    int sock;
};

static struct party parse_arguments(int argc, char *argv[]);

int main(int argc, char *argv[])
{
    struct party party = parse_arguments(argc, argv);
    stop_on_signals();

    party.sock = socket(party.local.address.ss_family, SOCK_DGRAM, 0);
    if (party.sock == -1)
        fail("cannot create a socket");
    if (bind(party.sock, (struct sockaddr *)&party.local.address, party.local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&party.local));
    if (getsockname(party.sock, (struct sockaddr *)&party.local.address, &party.local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&party.local));

    unsigned long requests = 0;
    while (!stop_requested()) {
        /* TODO 2. This takes a request as lesson 4 does. How do you learn that one was too long? */
        char request[1024];
        struct endpoint peer = { .length = sizeof peer.address };
        const ssize_t n = recvfrom(party.sock, request, sizeof request, MSG_DONTWAIT,
                                   (struct sockaddr *)&peer.address, &peer.length);
        if (n == -1) {
            if (errno != EAGAIN)
                fail("cannot receive");
            wait_for_input(party.sock, INFINITY);
            continue;
        }
        requests++;

        /* TODO 3. Log it: one line on standard output, made harmless. */

        /* TODO 4. Drop the members who were silent for too long. Note that this sender was not. */

        /* TODO 5. Find out which request it is, and do what it asks for. Begin with JOIN. */
        const char *answer = "ERROR bad request";

        /* TODO 6. Answer. This ends the server if it fails: should it? */
        if (sendto(party.sock, answer, strlen(answer), 0, (struct sockaddr *)&peer.address,
                   peer.length) == -1)
            fail("cannot answer %s", endpoint_text(&peer));
    }

    close(party.sock);
    flush_output();
    say_stopped(requests);
    return 0;
}

static const char help[] =
    "usage: party-line [-b ADDRESS] [-t SECONDS] [PORT]\n"
    "Serve a chat of up to 32 members, until Ctrl-C.\n"
    "\n"
    "  PORT        the port to wait on, 0 to 65535; 0: any free one (default: 7788)\n"
    "  -b ADDRESS  the address of this machine to wait on (default: 0.0.0.0, all\n"
    "              IPv4 addresses; :: is all addresses, IPv4 and IPv6)\n"
    "  -t SECONDS  how long a member may be silent, such as 0.5 (default: 300)\n"
    "  -h          show this help\n";

static struct party parse_arguments(int argc, char *argv[])
{
    struct party party = { .seconds = 300 };
    const char *address = "0.0.0.0";
    program_begin("party-line", help);
    for (int option; (option = next_option(argc, argv, "b:t:")) != -1;)
        if (option == 'b')
            address = optarg;
        else
            party.seconds = parse_seconds(optarg);
    const in_port_t port = parse_port(next_operand(argc, argv, "7788"), 0);
    no_more_operands(argc, argv);
    party.local = endpoint_resolve(address, port);
    return party;
}
