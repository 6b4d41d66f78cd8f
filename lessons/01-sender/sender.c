/**
 * @file sender.c
 * @brief Lesson 1: sends one datagram.
 *
 * Shows that sending needs no connection: a socket, an address, one sendto(2). Nobody answers, and
 * nobody says whether the datagram arrived.
 *
 * Run it: `build/sender 127.0.0.1 7788 hello`. Its partner is bind (lesson 3), which waits for it:
 * `build/bind 7788`.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

struct arguments {
    const char *charset;
    struct endpoint receiver;
    const char *text; // NULL: read it
};

static struct arguments parse_arguments(int argc, char *argv[]);

int main(int argc, char *argv[])
{
    struct arguments args = parse_arguments(argc, argv);

    /* 1. Create the socket. SOCK_DGRAM means UDP, over IPv4 or IPv6 as the address asks for. */
    int sock = socket(args.receiver.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");

    /* 2. Prepare the receiver's address. The kernel takes a piece of memory and its length. */
    const struct sockaddr *receiver = (struct sockaddr *)&args.receiver.address;
    const socklen_t receiver_length = args.receiver.length;

    /* 3. Get the text from the keyboard (or the command line), and turn it into bytes. */
    size_t length = args.text ? strlen(args.text) : 0;
    const char *text = args.text ? args.text : ask("Text to send: ", &length);
    char data[DATAGRAM_MAX];
    const ssize_t n = encode_text(args.charset, text, length, data, sizeof data);
    if (n == -1)
        fail("cannot encode the text in %s", args.charset);

    /* 4. Send the bytes to the receiver. This also binds the socket, to a port that the system
     *    picks. An answer would go there. */
    if (sendto(sock, data, (size_t)n, 0, receiver, receiver_length) == -1)
        fail("cannot send %zd bytes to %s", n, endpoint_text(&args.receiver));
    printf("sent %zd bytes to %s\n", n, endpoint_text(&args.receiver));

    /* 5. Close the socket. */
    close(sock);
    flush_output();
    return 0;
}

static const char help[] =
    "usage: sender [-e CHARSET] HOST [PORT [TEXT]]\n"
    "Send TEXT to HOST as one datagram. Without TEXT, send one line of standard input.\n"
    "\n"
    "  HOST        a name, an IPv4 address or an IPv6 address\n"
    "  PORT        the port to send to, 1 to 65535 (default: 8080)\n"
    "  -e CHARSET  the charset on the wire, such as gb2312 (default: UTF-8)\n"
    "  -h          show this help\n";

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .charset = "UTF-8" };
    program_begin("sender", help);
    while (next_option(argc, argv, "e:") != -1)
        args.charset = parse_charset(optarg);
    const char *host = next_operand(argc, argv, NULL);
    if (!host)
        usage_error("HOST is missing");
    const in_port_t port = parse_port(next_operand(argc, argv, "8080"), 1);
    args.text = next_operand(argc, argv, NULL);
    no_more_operands(argc, argv);
    args.receiver = endpoint_resolve(host, port);
    return args;
}
