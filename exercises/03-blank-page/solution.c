/**
 * @file blank-page.c
 * @brief Exercise 3, one good solution: both ends of a conversation, from nothing.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LARGEST 65507 // bytes of data over IPv4: 65535 - 20 (IP header) - 8 (UDP header)
#define PATIENCE 1000 // milliseconds

/* Says which call failed, and why, and ends the program. */
static void fail(const char *call)
{
    perror(call);
    exit(1);
}

/* Says what is wrong with the arguments, and ends the program. */
static void misused(const char *what)
{
    fprintf(stderr, "blank-page: %s\n", what);
    fprintf(stderr, "usage: blank-page send ADDRESS PORT TEXT, or blank-page wait PORT\n");
    exit(2);
}

/* Reads a port: decimal digits alone (strtol would take a sign and blanks, too). */
static in_port_t parse_port(const char *text, long lowest)
{
    const long port = strtol(text, NULL, 10);
    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0' || port < lowest ||
        port > 65535)
        misused("bad port");
    return (in_port_t)port;
}

/* Sends the text, and prints the reply. */
static void send_and_print(const struct sockaddr_in *server, const char *text)
{
    /* 1. Create the socket, and send. */
    int sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("socket");
    if (sendto(sock, text, strlen(text), 0, (const struct sockaddr *)server, sizeof *server) == -1)
        fail("sendto");

    /* 2. Wait for the reply, a second at most. */
    struct pollfd inputs[] = { { sock, POLLIN, 0 } };
    const int ready = poll(inputs, 1, PATIENCE);
    if (ready == -1)
        fail("poll");
    if (ready == 0) {
        fprintf(stderr, "blank-page: no reply within a second\n");
        exit(1);
    }

    /* 3. Take it, and print it: it may contain any bytes. */
    static unsigned char reply[LARGEST];
    const ssize_t n = recvfrom(sock, reply, sizeof reply, 0, NULL, NULL);
    if (n == -1)
        fail("recvfrom");
    for (ssize_t i = 0; i < n; i++)
        putchar(reply[i] >= ' ' && reply[i] <= '~' ? reply[i] : '?');
    putchar('\n');
    if (fflush(stdout) == EOF)
        fail("fflush");
    close(sock);
}

/* Takes one datagram, and replies with its length. */
static void wait_and_reply(in_port_t port)
{
    /* 4. Create the socket, and bind it to the port. */
    struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons(port) };
    local.sin_addr.s_addr = htonl(INADDR_ANY);
    int sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("socket");
    if (bind(sock, (struct sockaddr *)&local, sizeof local) == -1)
        fail("bind");

    /* 5. Say which port it is: for port 0, the kernel picked one. */
    socklen_t length = sizeof local;
    if (getsockname(sock, (struct sockaddr *)&local, &length) == -1)
        fail("getsockname");
    printf("port %u\n", (unsigned)ntohs(local.sin_port));
    if (fflush(stdout) == EOF)
        fail("fflush");

    /* 6. Wait for a datagram. The kernel fills in who sent it. */
    static char data[LARGEST];
    struct sockaddr_in peer;
    length = sizeof peer;
    const ssize_t n = recvfrom(sock, data, sizeof data, 0, (struct sockaddr *)&peer, &length);
    if (n == -1)
        fail("recvfrom");

    /* 7. Reply. */
    char reply[16];
    const int digits = snprintf(reply, sizeof reply, "%zd", n);
    if (sendto(sock, reply, (size_t)digits, 0, (struct sockaddr *)&peer, length) == -1)
        fail("sendto");
    close(sock);
}

int main(int argc, char *argv[])
{
    if (argc == 5 && strcmp(argv[1], "send") == 0) {
        struct sockaddr_in server = { .sin_family = AF_INET };
        server.sin_port = htons(parse_port(argv[3], 1));
        if (inet_pton(AF_INET, argv[2], &server.sin_addr) != 1)
            misused("bad address: four numbers, such as 127.0.0.1");
        send_and_print(&server, argv[4]);
    } else if (argc == 3 && strcmp(argv[1], "wait") == 0) {
        wait_and_reply(parse_port(argv[2], 0));
    } else {
        misused("send takes three arguments, wait takes one");
    }
    return 0;
}
