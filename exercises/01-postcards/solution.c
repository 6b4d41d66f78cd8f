/**
 * @file postcards.c
 * @brief Exercise 1, one good solution: every line of standard input becomes one datagram.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"

#define LARGEST 65507 // bytes of data over IPv4: 65535 - 20 (IP header) - 8 (UDP header)

static struct endpoint parse_arguments(int argc, char *argv[]);

int main(int argc, char *argv[])
{
    const struct endpoint receiver = parse_arguments(argc, argv);

    /* 1. Create the socket. */
    int sock = socket(receiver.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");

    /* 2. Read line after line. getline tells the length: a line may be empty, or contain a zero byte. */
    unsigned long datagrams = 0, bytes = 0, number = 0;
    bool all_sent = true;
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    while ((n = getline(&line, &room, stdin)) != -1) {
        number++;
        /* 3. The newline is not a part of the line. The last line may have none. */
        if (n > 0 && line[n - 1] == '\n')
            n--;
        if (n > LARGEST) {
            say("line %lu is too long: %zd bytes, and a datagram carries %d", number, n, LARGEST);
            all_sent = false;
            continue;
        }
        /* 4. Send the line as one datagram. */
        if (sendto(sock, line, (size_t)n, 0, (const struct sockaddr *)&receiver.address,
                   receiver.length) == -1)
            fail("cannot send %zd bytes to %s", n, endpoint_text(&receiver));
        datagrams++;
        bytes += (unsigned long)n;
    }
    if (ferror(stdin))
        fail("cannot read standard input");
    free(line);

    /* 5. Say what we sent, and close the socket. */
    printf("sent %lu datagrams, %lu bytes\n", datagrams, bytes);
    flush_output();
    close(sock);
    return all_sent ? 0 : 1;
}

static const char help[] = "usage: postcards HOST PORT\n"
                           "Send every line of standard input to HOST as one datagram.\n"
                           "\n"
                           "  HOST  a name, an IPv4 address or an IPv6 address\n"
                           "  PORT  the port to send to, 1 to 65535\n"
                           "  -h    show this help\n";

static struct endpoint parse_arguments(int argc, char *argv[])
{
    program_begin("postcards", help);
    next_option(argc, argv, "");
    const char *host = next_operand(argc, argv, NULL);
    const char *port = next_operand(argc, argv, NULL);
    if (!port)
        usage_error(host ? "PORT is missing" : "HOST is missing");
    no_more_operands(argc, argv);
    return endpoint_resolve(host, parse_port(port, 1));
}
