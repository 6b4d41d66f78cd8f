/**
 * @file broadcast.c
 * @brief Lesson 7: sends one datagram to every host of the network, and prints who replies.
 *
 * Shows SO_BROADCAST, without which the kernel refuses to broadcast. Only UDP can do this: a TCP
 * connection has exactly two ends.
 *
 * Run it: `build/broadcast 127.255.255.255 7788`, which reaches this machine alone. Its partner is
 * echo (lesson 4): `build/echo 7788`. For more hosts: `make lan`. (Without an address it reaches
 * every host of the network that you are on.)
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
    const char *charset;
    double seconds;
    struct endpoint everyone;
    const char *text;
};

static struct arguments parse_arguments(int argc, char *argv[]);

int main(int argc, char *argv[])
{
    struct arguments args = parse_arguments(argc, argv);
    stop_on_signals();

    /* 1. Create the socket. */
    int sock = socket(args.everyone.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");

    /* 2. Allow it to broadcast. Without this the kernel refuses, so that no program disturbs every
     *    host by mistake. */
    const int on = 1;
    if (setsockopt(sock, SOL_SOCKET, SO_BROADCAST, &on, sizeof on) == -1)
        fail("cannot allow broadcasting");

    /* 3. Send the text to every host of this network. */
    char data[DATAGRAM_MAX];
    const ssize_t sent = encode_text(args.charset, args.text, strlen(args.text), data, sizeof data);
    if (sent == -1)
        fail("cannot encode the text in %s", args.charset);
    if (sendto(sock, data, (size_t)sent, 0, (struct sockaddr *)&args.everyone.address,
               args.everyone.length) == -1)
        fail("cannot send %zd bytes to %s", sent, endpoint_text(&args.everyone));
    say("sent %zd bytes to %s, waiting for replies (Ctrl-C stops)", sent,
        endpoint_text(&args.everyone));

    /* 4. Print the replies. Nobody knows how many hosts reply, so the loop ends at a deadline. */
    unsigned long replies = 0;
    const double deadline = now() + args.seconds;
    while (!stop_requested() && now() < deadline) {
        char buffer[2048];
        struct endpoint peer = { .length = sizeof peer.address };
        const ssize_t n = recvfrom(sock, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC,
                                   (struct sockaddr *)&peer.address, &peer.length);
        if (n == -1) {
            if (errno != EAGAIN)
                fail("cannot receive");
            wait_for_input(sock, deadline);
            continue;
        }
        printf("Received from %s: ", endpoint_text(&peer));
        show_datagram(args.charset, buffer, sizeof buffer, (size_t)n, "cut");
        replies++;
    }

    /* 5. Close the socket. */
    close(sock);
    flush_output();
    say_stopped(replies);
    return 0;
}

static const char help[] =
    "usage: broadcast [-e CHARSET] [-w SECONDS] [HOST [PORT [TEXT]]]\n"
    "Broadcast TEXT as one datagram, and print every reply, until Ctrl-C.\n"
    "\n"
    "  HOST        the broadcast address (default: <broadcast>, 255.255.255.255)\n"
    "  PORT        the port to send to, 1 to 65535 (default: 7788)\n"
    "  TEXT        the text to send (default: Hi)\n"
    "  -e CHARSET  the charset on the wire, such as gb2312 (default: UTF-8)\n"
    "  -w SECONDS  how long to wait for replies, such as 0.5 (default: until Ctrl-C)\n"
    "  -h          show this help\n";

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .charset = "UTF-8", .seconds = INFINITY };
    program_begin("broadcast", help);
    for (int option; (option = next_option(argc, argv, "e:w:")) != -1;)
        if (option == 'e')
            args.charset = parse_charset(optarg);
        else
            args.seconds = parse_seconds(optarg);
    const char *host = next_operand(argc, argv, "<broadcast>");
    if (strcmp(host, "<broadcast>") == 0)
        host = "255.255.255.255"; // every host on this network (RFC 919 section 7)
    const in_port_t port = parse_port(next_operand(argc, argv, "7788"), 1);
    args.text = next_operand(argc, argv, "Hi");
    no_more_operands(argc, argv);
    args.everyone = endpoint_resolve(host, port);
    return args;
}
