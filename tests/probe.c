/**
 * @file probe.c
 * @brief Sends and takes what no lesson can: any bytes, any size, source port 0, whole frames, a flood.
 *
 * For the tests only. Every wait ends by itself after a minute, but for that of `peer`, which ends
 * with its input.
 */
#define _GNU_SOURCE // struct group_req
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

#define PATIENCE 60 // seconds

static const char help[] =
    "usage: probe COMMAND ARGUMENT...\n"
    "\n"
    "  listen ADDRESS               take one datagram, write its bytes, exit\n"
    "  send HOST PORT               send standard input as one datagram\n"
    "  ask HOST PORT                the same, then write the bytes of the reply\n"
    "  call HOST PORT [SOURCE [PORT]] the same, from a socket that hears everybody, also by broadcast;\n"
    "                               say on standard error who replied\n"
    "  flood HOST PORT COUNT SIZE   send COUNT datagrams of SIZE bytes\n"
    "  port0 PORT [TEXT]            send TEXT (Hi) to 127.0.0.1 from port 0 (needs CAP_NET_RAW)\n"
    "  peer ADDRESS [PORT]          print `PORT LENGTH TEXT` for each datagram; send what standard\n"
    "                               input says: lines of `PORT BYTES`, the bytes in hexadecimal; at\n"
    "                               the address of a group: join it, and send to it\n"
    "  hex ADDRESS [PORT]           the same, but print the bytes in hexadecimal\n"
    "  frame INTERFACE              send standard input as one frame (needs CAP_NET_RAW)\n"
    "  charset NAME                 exit 0 if iconv can write it, 1 if only read, 2 if neither\n"
    "  show                         print standard input as the lessons print text: safely\n";

static int socket_to(const struct endpoint *peer)
{
    int sock = socket(peer->address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1 || connect(sock, (const struct sockaddr *)&peer->address, peer->length) == -1)
        fail("cannot connect to %s", endpoint_text(peer));
    return sock;
}

/* If the socket is bound to a group, joins it, on the interface that the address or, for IPv4, the routing
 * table names. */
static void join(int sock, const struct endpoint *group)
{
    const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)&group->address;
    const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)&group->address;
    const bool is_ipv4 = group->address.ss_family == AF_INET;
    const struct group_req request = { is_ipv4 ? 0 : ipv6->sin6_scope_id, group->address };
    if (is_ipv4 ? !IN_MULTICAST(ntohl(ipv4->sin_addr.s_addr))
                : !IN6_IS_ADDR_MULTICAST(&ipv6->sin6_addr))
        return;
    if (setsockopt(sock, is_ipv4 ? IPPROTO_IP : IPPROTO_IPV6, MCAST_JOIN_GROUP, &request,
                   sizeof request) == -1)
        fail("cannot join %s", endpoint_host(group));
}

static int socket_at(const char *address, in_port_t port)
{
    struct endpoint local = endpoint_resolve(address, port);
    int sock = socket(local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1 || bind(sock, (struct sockaddr *)&local.address, local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&local));
    if (getsockname(sock, (struct sockaddr *)&local.address, &local.length) == -1)
        fail("cannot get the socket's address");
    /* Only after bind. A program that sets it, and should not, shares the port of a socket that has it. */
    if (setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) == -1)
        fail("cannot set SO_REUSEADDR");
    join(sock, &local);
    say("bound to %s", endpoint_text(&local));
    return sock;
}

/* Sends all of standard input as one datagram or frame, there or, if that is NULL, to the socket's peer. */
static void send_input(int sock, const void *address, socklen_t length)
{
    static char data[DATAGRAM_MAX];
    const size_t n = fread(data, 1, sizeof data, stdin);
    if (sendto(sock, data, n, 0, address, length) == -1)
        fail("cannot send %zu bytes", n);
}

/* Takes one datagram, writes its bytes, and returns who sent it. */
static struct endpoint take_one(int sock)
{
    static char data[DATAGRAM_MAX];
    struct endpoint peer = { .length = sizeof peer.address };
    if (!wait_for_input(sock, now() + PATIENCE)) {
        errno = ETIMEDOUT;
        fail("nothing came");
    }
    const ssize_t n = recvfrom(sock, data, sizeof data, 0, (struct sockaddr *)&peer.address,
                               &peer.length);
    if (n == -1)
        fail("cannot receive");
    fwrite(data, 1, (size_t)n, stdout);
    return peer;
}

/* Sends standard input to the peer, which may be a broadcast address, and takes the reply of anybody. */
static void call(int sock, const struct endpoint *peer)
{
    if (setsockopt(sock, SOL_SOCKET, SO_BROADCAST, &(int){ 1 }, sizeof(int)) == -1)
        fail("cannot set SO_BROADCAST");
    send_input(sock, &peer->address, peer->length);
    say("sent it");
    const struct endpoint other = take_one(sock);
    flush_output();
    say("reply from %s", endpoint_text(&other));
}

static void flood(int sock, unsigned long count, size_t size)
{
    static char data[DATAGRAM_MAX];
    memset(data, 'x', sizeof data);
    while (count-- > 0)
        if (send(sock, data, size, 0) == -1 && errno != ENOBUFS && errno != ECONNREFUSED)
            fail("cannot send");
}

/* Only a raw socket can send from port 0: it writes the UDP header (RFC 768) itself. */
static void send_from_port_0(in_port_t port, const char *text)
{
    int sock = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
    if (sock == -1)
        fail("cannot create a raw socket");
    const struct endpoint peer = endpoint_resolve("127.0.0.1", 0);
    // Source port 0, the port, the length, no checksum; then the data.
    unsigned char datagram[8 + 100] = { 0, 0, (unsigned char)(port >> 8), (unsigned char)port };
    const size_t n = (size_t)snprintf((char *)datagram + 8, sizeof datagram - 8, "%s", text);
    if (n >= sizeof datagram - 8)
        usage_error("a TEXT of %zu bytes is too long", n);
    datagram[5] = (unsigned char)(8 + n);
    if (sendto(sock, datagram, 8 + n, 0, (const struct sockaddr *)&peer.address, peer.length) == -1)
        fail("cannot send");
}

static void send_frame(const char *interface)
{
    const struct sockaddr_ll link = { .sll_family = AF_PACKET,
                                      .sll_ifindex = (int)if_nametoindex(interface) };
    int sock = socket(AF_PACKET, SOCK_RAW, 0);
    if (sock == -1)
        fail("cannot create a packet socket");
    send_input(sock, &link, sizeof link);
}

/* Sends the bytes of one line, `PORT BYTES`, to that port of the socket's own address. */
static void send_line(int sock, const char *line)
{
    static char data[DATAGRAM_MAX];
    size_t n = 0;
    char *rest;
    struct endpoint peer = { .length = sizeof peer.address };
    if (getsockname(sock, (struct sockaddr *)&peer.address, &peer.length) == -1)
        fail("cannot get the socket's address");
    peer = endpoint_resolve(endpoint_host(&peer), (in_port_t)strtoul(line, &rest, 10));
    rest += strspn(rest, " ");
    // Not by sscanf, which looks for the end of the line at each byte.
    for (; n < sizeof data && isxdigit((unsigned char)rest[0]) && rest[1]; rest += 2)
        data[n++] = (char)strtoul((char[]){ rest[0], rest[1], '\0' }, NULL, 16);
    if (sendto(sock, data, n, 0, (struct sockaddr *)&peer.address, peer.length) == -1)
        warn("cannot send %zu bytes to %s", n, endpoint_text(&peer));
}

/* Prints what comes and sends what it is told to, until it is stopped. Then it still prints what has
 * come by then: over loopback, all that was sent. */
static void play_peer(int sock, bool hexadecimal)
{
    static char data[DATAGRAM_MAX], line[2 * DATAGRAM_MAX + 16];
    bool stopped = false;
    size_t used = 0;
    while (true) {
        struct endpoint peer = { .length = sizeof peer.address };
        const ssize_t n = recvfrom(sock, data, sizeof data, MSG_DONTWAIT,
                                   (struct sockaddr *)&peer.address, &peer.length);
        if (n >= 0) {
            printf("%s %zd ", strrchr(endpoint_text(&peer), ':') + 1, n);
            for (ssize_t i = 0; hexadecimal && i < n; i++)
                printf("%02x", (unsigned)(unsigned char)data[i]);
            show_datagram("UTF-8", data, sizeof data, hexadecimal ? 0 : (size_t)n, "cut");
            flush_output();
            continue;
        }
        if (stopped)
            return;
        struct pollfd inputs[] = { { sock, POLLIN, 0 },
                                   { STDIN_FILENO, POLLIN, 0 },
                                   { stop_descriptor(), POLLIN, 0 } };
        if (poll(inputs, 3, -1) == -1)
            continue;
        stopped = stop_requested();
        if (inputs[1].revents == 0)
            continue;
        const ssize_t more = read(STDIN_FILENO, line + used, sizeof line - 1 - used);
        stopped = stopped || more <= 0;
        used += more > 0 ? (size_t)more : 0;
        for (char *end; (end = memchr(line, '\n', used)) != NULL;) {
            *end = '\0';
            send_line(sock, line);
            used -= (size_t)(end + 1 - line);
            memmove(line, end + 1, used);
        }
    }
}

/* Prints standard input, a line each: control bytes as escapes. */
static void show_input(void)
{
    size_t length;
    for (const char *line; (line = read_line(&length)) != NULL;)
        show_datagram("UTF-8", line, length, length, "");
}

int main(int argc, char *argv[])
{
    program_begin("probe", help);
    if (next_option(argc, argv, "") != -1)
        return 2;
    const char *command = next_operand(argc, argv, "");
    const char *host = next_operand(argc, argv, "");
    if (strcmp(command, "port0") == 0) {
        send_from_port_0(parse_port(host, 1), next_operand(argc, argv, "Hi"));
        return 0;
    }
    if (strcmp(command, "frame") == 0) {
        send_frame(host);
        return 0;
    }
    if (strcmp(command, "listen") == 0) {
        take_one(socket_at(host, 0));
        flush_output();
        return 0;
    }
    if (strcmp(command, "peer") == 0 || strcmp(command, "hex") == 0) {
        stop_on_signals();
        play_peer(socket_at(host, parse_port(next_operand(argc, argv, "0"), 0)), *command == 'h');
        return 0;
    }
    if (strcmp(command, "charset") == 0) {
        char wire[16];
        return encode_text(parse_charset(host), "a", 1, wire, sizeof wire) == -1;
    }
    if (strcmp(command, "show") == 0) {
        show_input();
        flush_output();
        return 0;
    }

    const struct endpoint peer = endpoint_resolve(host,
                                                  parse_port(next_operand(argc, argv, ""), 1));
    if (strcmp(command, "call") == 0) {
        const char *any = peer.address.ss_family == AF_INET6 ? "::" : "0.0.0.0";
        const char *source = next_operand(argc, argv, any);
        call(socket_at(source, parse_port(next_operand(argc, argv, "0"), 0)), &peer);
        return 0;
    }
    int sock = socket_to(&peer);
    const unsigned long count = strtoul(next_operand(argc, argv, "0"), NULL, 10);
    const size_t size = strtoul(next_operand(argc, argv, "0"), NULL, 10);
    if (strcmp(command, "send") == 0 || strcmp(command, "ask") == 0)
        send_input(sock, NULL, 0);
    if (strcmp(command, "ask") == 0)
        take_one(sock);
    if (strcmp(command, "flood") == 0)
        flood(sock, count, size);
    flush_output();
    return 0;
}
