/**
 * @file receiver.c
 * @brief Lesson 2: sends one datagram, then waits for the reply.
 *
 * Shows recvfrom(2), which gives the data and who sent it, and that a reply may never come.
 *
 * Run it: `build/receiver 127.0.0.1 7788 hello`. Its partner is echo (lesson 4), which replies:
 * `build/echo 7788`.
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
    struct endpoint server;
    const char *text; // NULL: read it
};

static struct arguments parse_arguments(int argc, char *argv[]);

int main(int argc, char *argv[])
{
    struct arguments args = parse_arguments(argc, argv);

    /* 1. Create the socket. */
    int sock = socket(args.server.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");

    /* 2. Prepare the server's address. */
    const struct sockaddr *server = (struct sockaddr *)&args.server.address;
    const socklen_t server_length = args.server.length;

    /* 3. Get the text from the keyboard (or the command line), and turn it into bytes. */
    size_t length = args.text ? strlen(args.text) : 0;
    const char *text = args.text ? args.text : ask("Text to send: ", &length);
    char data[DATAGRAM_MAX];
    ssize_t n = encode_text(args.charset, text, length, data, sizeof data);
    if (n == -1)
        fail("cannot encode the text in %s", args.charset);

    /* 4. Send the bytes to the server. */
    if (sendto(sock, data, (size_t)n, 0, server, server_length) == -1)
        fail("cannot send %zd bytes to %s", n, endpoint_text(&args.server));
    printf("sent %zd bytes to %s\n", n, endpoint_text(&args.server));

    /* 5. Wait for the reply: at most 1024 bytes of it. MSG_DONTWAIT: take what is there, and do not
     *    sleep here, where no deadline would wake us. MSG_TRUNC (not in POSIX; Linux and FreeBSD
     *    have it): return the datagram's length even if the buffer was too small for it. */
    char buffer[1024];
    struct endpoint peer = { .length = sizeof peer.address };
    const double deadline = now() + args.seconds;
    while ((n = recvfrom(sock, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC,
                         (struct sockaddr *)&peer.address, &peer.length)) == -1) {
        if (errno != EAGAIN)
            fail("cannot receive");
        if (!wait_for_input(sock, deadline)) {
            say("no reply from %s in %g seconds: is anybody there?", endpoint_text(&args.server),
                args.seconds);
            return 1;
        }
    }

    /* 6. Show the reply, and who sent it: this need not be the server. */
    printf("received %zd bytes from %s: ", n, endpoint_text(&peer));
    show_datagram(args.charset, buffer, sizeof buffer, (size_t)n, "cut");

    /* 7. Close the socket. */
    close(sock);
    flush_output();
    return 0;
}

static const char help[] =
    "usage: receiver [-e CHARSET] [-w SECONDS] HOST [PORT [TEXT]]\n"
    "Send TEXT to HOST as one datagram, then wait for the reply and print it.\n"
    "Without TEXT, send one line of standard input.\n"
    "\n"
    "  HOST        a name, an IPv4 address or an IPv6 address\n"
    "  PORT        the port to send to, 1 to 65535 (default: 8080)\n"
    "  -e CHARSET  the charset on the wire, such as gb2312 (default: UTF-8)\n"
    "  -w SECONDS  how long to wait for the reply, such as 0.5 (default: forever)\n"
    "  -h          show this help\n";

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .charset = "UTF-8", .seconds = INFINITY };
    program_begin("receiver", help);
    for (int option; (option = next_option(argc, argv, "e:w:")) != -1;)
        if (option == 'e')
            args.charset = parse_charset(optarg);
        else
            args.seconds = parse_seconds(optarg);
    const char *host = next_operand(argc, argv, NULL);
    if (!host)
        usage_error("HOST is missing");
    const in_port_t port = parse_port(next_operand(argc, argv, "8080"), 1);
    args.text = next_operand(argc, argv, NULL);
    no_more_operands(argc, argv);
    args.server = endpoint_resolve(host, port);
    return args;
}
