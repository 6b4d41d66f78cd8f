/**
 * @file two-doors.c
 * @brief Exercise 8, one good solution: waits on two ports at once.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

struct door {
    int sock;
    struct endpoint local;
};

static void parse_arguments(int argc, char *argv[], struct door doors[2]);
static void open_door(struct door *door);
static bool take_one(const struct door *door);

int main(int argc, char *argv[])
{
    struct door doors[2];
    parse_arguments(argc, argv, doors);
    stop_on_signals();

    /* 1. Bind both sockets, then say where. */
    for (int i = 0; i < 2; i++)
        open_door(&doors[i]);
    for (int i = 0; i < 2; i++)
        say("bound to %s", endpoint_text(&doors[i].local));

    unsigned long datagrams = 0;
    struct pollfd inputs[] = { { doors[0].sock, POLLIN, 0 },
                               { doors[1].sock, POLLIN, 0 },
                               { stop_descriptor(), POLLIN, 0 } };
    while (!stop_requested()) {
        /* 2. Sleep until something comes through either door, or Ctrl-C. A signal interrupts poll:
         *    then the condition of the loop looks whether to stop. */
        flush_output();
        if (poll(inputs, 3, -1) == -1) {
            if (errno != EINTR)
                fail("cannot wait");
            continue;
        }

        /* 3. Take one datagram from each door that has one. */
        for (int i = 0; i < 2; i++)
            if (inputs[i].revents != 0 && take_one(&doors[i]))
                datagrams++;
    }

    /* 4. Close the sockets. */
    for (int i = 0; i < 2; i++)
        close(doors[i].sock);
    flush_output();
    say_stopped(datagrams);
    return 0;
}

/* Binds a socket to the door's endpoint, and asks which endpoint that is: for port 0, the kernel
 * picked one. */
static void open_door(struct door *door)
{
    door->sock = socket(door->local.address.ss_family, SOCK_DGRAM, 0);
    if (door->sock == -1)
        fail("cannot create a socket");
    if (bind(door->sock, (struct sockaddr *)&door->local.address, door->local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&door->local));
    if (getsockname(door->sock, (struct sockaddr *)&door->local.address, &door->local.length) == -1)
        fail("cannot get the socket's address");
}

/* Takes one datagram and prints it; returns false if there was none. It takes only one, because
 * somebody may wait at the other door. */
static bool take_one(const struct door *door)
{
    char buffer[1024];
    struct endpoint peer = { .length = sizeof peer.address };
    const ssize_t n = recvfrom(door->sock, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC,
                               (struct sockaddr *)&peer.address, &peer.length);
    if (n == -1) {
        if (errno != EAGAIN)
            fail("cannot receive");
        return false;
    }
    const struct sockaddr_in *local = (const struct sockaddr_in *)&door->local.address;
    printf("port %u: %zd bytes from %s: ", (unsigned)ntohs(local->sin_port), n,
           endpoint_text(&peer));
    show_datagram("UTF-8", buffer, sizeof buffer, (size_t)n, "cut");
    return true;
}

static const char help[] =
    "usage: two-doors PORT PORT\n"
    "Wait on both ports at once, and print each datagram with the port it came to, until Ctrl-C.\n"
    "\n"
    "  PORT  a port to wait on, 0 to 65535; 0: any free one\n"
    "  -h    show this help\n";

static void parse_arguments(int argc, char *argv[], struct door doors[2])
{
    program_begin("two-doors", help);
    next_option(argc, argv, "");
    for (int i = 0; i < 2; i++) {
        const char *port = next_operand(argc, argv, NULL);
        if (!port)
            usage_error("%s PORT is missing", i == 0 ? "the first" : "the second");
        doors[i].local = endpoint_resolve("0.0.0.0", parse_port(port, 0));
    }
    no_more_operands(argc, argv);
}
