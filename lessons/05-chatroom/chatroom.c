/**
 * @file chatroom.c
 * @brief Lesson 5: prints every message that arrives, with the time and the sender's address.
 *
 * Shows that one socket receives from everybody, and that strangers send these bytes: the program
 * decodes them and makes them harmless before they reach the terminal.
 *
 * Run it: `build/chatroom 7788`. Its partners are any number of senders (lesson 1):
 * `build/sender 127.0.0.1 7788 hello`.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
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
    stop_on_signals();

    /* 1. Create the socket. */
    int sock = socket(args.local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");

    /* 2. Bind it to our address and port. */
    if (bind(sock, (struct sockaddr *)&args.local.address, args.local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&args.local));
    if (getsockname(sock, (struct sockaddr *)&args.local.address, &args.local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&args.local));

    unsigned long messages = 0;
    while (!stop_requested()) {
        /* 3. Take the next datagram: at most 1024 bytes of it. */
        char buffer[1024];
        struct endpoint peer = { .length = sizeof peer.address };
        const ssize_t n = recvfrom(sock, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC,
                                   (struct sockaddr *)&peer.address, &peer.length);
        if (n == -1) {
            if (errno != EAGAIN)
                fail("cannot receive");
            wait_for_input(sock, INFINITY);
            continue;
        }

        /* 4. Print the message: when, who, what. */
        const time_t when = time(NULL);
        printf("【%.24s】%s:", ctime(&when), endpoint_host(&peer)); // 24: without the newline
        show_datagram(args.charset, buffer, sizeof buffer, (size_t)n, "cut");
        messages++;
    }

    /* 5. Close the socket. */
    close(sock);
    flush_output();
    say_stopped(messages);
    return 0;
}

static const char help[] =
    "usage: chatroom [-e CHARSET] [-b ADDRESS] [PORT]\n"
    "Print every message that comes to PORT, until Ctrl-C.\n"
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
    program_begin("chatroom", help);
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
