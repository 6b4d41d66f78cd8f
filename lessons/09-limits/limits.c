/**
 * @file limits.c
 * @brief Lesson 9: finds the limits of UDP by trying, and prints them as a table.
 *
 * Shows how large a datagram may be, how large it may be to travel in one piece, what the buffers of
 * a socket hold, and where a buffer that is too small cuts. IP_MTU and IP_MTU_DISCOVER are Linux's
 * own: POSIX has no call that tells these limits.
 *
 * Run it: `build/limits` tries 127.0.0.1, `build/limits -6` tries ::1. It needs no partner: no
 * program needs to wait at HOST. In `make lan`, `build/limits 10.77.0.2` tries an Ethernet.
 */
#define _DEFAULT_SOURCE // for IP_MTU
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

#define ROW "%-30s  %8d %-9s  %s\n" // limit, value, unit, reason

static struct endpoint parse_arguments(int argc, char *argv[]);

/* Searches for the largest datagram that sendto takes. Each of the 16 steps tries the middle of what
 * is not known yet. What is too large is refused, and nothing of it is sent. */
static int largest_datagram(int sock, const struct endpoint *peer)
{
    static const char data[DATAGRAM_MAX];
    int fits = 0, too_large = DATAGRAM_MAX;
    while (fits + 1 < too_large) {
        const int size = (fits + too_large) / 2;
        if (sendto(sock, data, (size_t)size, 0, (const struct sockaddr *)&peer->address,
                   peer->length) != -1)
            fits = size;
        else if (errno == EMSGSIZE)
            too_large = size;
        else
            fail("cannot send %d bytes to %s", size, endpoint_text(peer));
    }
    return fits;
}

/* What a buffer of the kernel holds: as it is, and after we asked for so many bytes. */
static int show_buffer(int sock, int option, const char *name)
{
    const char *const reasons[] = { "at first", "asked for 1", "asked for 10^9",
                                    "asked for 65536" };
    const int wishes[] = { 0, 1, 1000000000, 65536 };
    int size = 0;
    for (int i = 0; i < 4; i++) {
        if ((i > 0 && setsockopt(sock, SOL_SOCKET, option, &wishes[i], sizeof wishes[i]) == -1) ||
            getsockopt(sock, SOL_SOCKET, option, &size, &(socklen_t){ sizeof size }) == -1)
            fail("cannot set the size of a buffer");
        printf(ROW, name, size, "bytes", reasons[i]);
    }
    return size;
}

/* Sends this program more datagrams than its buffer has room for, and counts those that waited. */
static void show_waiting(int sock, int room, int size)
{
    static char data[DATAGRAM_MAX];
    int count = 0;
    for (int i = 0; i <= room / size; i++) // enough even if nothing but the data took room
        if (send(sock, data, (size_t)size, 0) == -1)
            fail("cannot send %d bytes to this program", size);
    for (; wait_for_input(sock, now() + 0.05); count++)
        if (recv(sock, data, sizeof data, MSG_DONTWAIT) == -1)
            fail("cannot receive");
    printf("waiting, %4d bytes each        %8d datagrams  room for data alone: %d\n", size, count,
           room / size);
}

/* Sends this program datagrams that are longer than its buffer, and takes them in two ways. */
static void show_cuts(int sock)
{
    char data[3000] = { 0 }, buffer[1000];
    struct msghdr message = { .msg_iov = &(struct iovec){ buffer, sizeof buffer },
                              .msg_iovlen = 1 };
    if (send(sock, data, sizeof data, 0) == -1 || send(sock, data, sizeof data, 0) == -1)
        fail("cannot send %zu bytes to this program", sizeof data);
    const ssize_t real = recv(sock, buffer, sizeof buffer, MSG_TRUNC);
    const ssize_t kept = recvmsg(sock, &message, 0);
    if (real == -1 || kept == -1)
        fail("cannot receive");
    printf(ROW, "3000 into 1000, recv", (int)real, "bytes", "with MSG_TRUNC: the real length");
    printf(ROW, "3000 into 1000, recvmsg", (int)kept, "bytes",
           message.msg_flags & MSG_TRUNC ? "and msg_flags says: cut" : "");
}

int main(int argc, char *argv[])
{
    const struct endpoint peer = parse_arguments(argc, argv);
    const bool ipv6 = peer.address.ss_family == AF_INET6;
    const int level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int sock = socket(peer.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");

    /* 1. The largest datagram: the length fields of UDP and IPv4 have 16 bits. */
    printf(ROW, "largest datagram", largest_datagram(sock, &peer), "bytes",
           ipv6 ? "65535 - 8 (UDP)" : "65535 - 20 (IPv4) - 8 (UDP)");

    /* 2. The largest one that travels in one piece: forbid fragments, and search again. */
    const int whole = ipv6 ? IPV6_PMTUDISC_DO : IP_PMTUDISC_DO;
    const int option = ipv6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER;
    if (setsockopt(sock, level, option, &whole, sizeof whole) == -1)
        fail("cannot forbid fragments");
    printf(ROW, "largest in one piece", largest_datagram(sock, &peer), "bytes",
           ipv6 ? "MTU - 40 (IPv6) - 8 (UDP)" : "MTU - 20 (IPv4) - 8 (UDP)");

    /* 3. The MTU of the path. The kernel tells it only if the socket has one peer: connect it. This
     *    sends nothing. */
    int mtu;
    if (connect(sock, (const struct sockaddr *)&peer.address, peer.length) == -1 ||
        getsockopt(sock, level, ipv6 ? IPV6_MTU : IP_MTU, &mtu, &(socklen_t){ sizeof mtu }) == -1)
        fail("cannot get the MTU of the path to %s", endpoint_text(&peer));
    printf(ROW, "MTU of the path", mtu, "bytes", "the largest packet, with its headers");
    close(sock);

    /* 4. A socket that is connected to itself: it gets what it sends, and nothing else. What do its
     *    buffers hold? */
    struct endpoint self = endpoint_resolve(ipv6 ? "::1" : "127.0.0.1", 0);
    struct sockaddr *address = (struct sockaddr *)&self.address;
    sock = socket(self.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1 || bind(sock, address, self.length) == -1 ||
        getsockname(sock, address, &self.length) == -1 || connect(sock, address, self.length) == -1)
        fail("cannot connect a socket to itself");
    show_buffer(sock, SO_SNDBUF, "send buffer");
    const int room = show_buffer(sock, SO_RCVBUF, "receive buffer");

    /* 5. How many datagrams wait in the receive buffer before the next one is dropped? */
    show_waiting(sock, room, 64);
    show_waiting(sock, room, 1024);
    show_waiting(sock, room, 8192);

    /* 6. Where does a buffer of the program's own cut a datagram? */
    show_cuts(sock);
    close(sock);
    flush_output();
    return 0;
}

static const char help[] = "usage: limits [-6] [HOST [PORT]]\n"
                           "Find the limits of UDP by trying. At most 32 datagrams go to HOST.\n"
                           "\n"
                           "  HOST        where to send; no program needs to wait there (default:\n"
                           "              127.0.0.1)\n"
                           "  PORT        the port to send to, 1 to 65535 (default: 7788)\n"
                           "  -6          try ::1, which is IPv6, if there is no HOST\n"
                           "  -h          show this help\n";

static struct endpoint parse_arguments(int argc, char *argv[])
{
    const char *host = "127.0.0.1";
    program_begin("limits", help);
    while (next_option(argc, argv, "6") != -1)
        host = "::1";
    host = next_operand(argc, argv, host);
    const in_port_t port = parse_port(next_operand(argc, argv, "7788"), 1);
    no_more_operands(argc, argv);
    const struct endpoint peer = endpoint_resolve(host, port);
    return endpoint_resolve(endpoint_host(&peer), port); // ::ffff:127.0.0.1 is IPv4, 127.0.0.1
}
