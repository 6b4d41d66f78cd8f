/**
 * @file right-door.c
 * @brief Exercise 13, one good solution: an echo server that answers from the address it was asked at.
 */
#define _GNU_SOURCE // struct in6_pktinfo
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

/* Room for the control messages of one datagram, aligned as the kernel wants them (cmsg(3)). */
union control {
    char bytes[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(struct in6_pktinfo))];
    struct cmsghdr align;
};

static struct endpoint parse_arguments(int argc, char *argv[]);
static struct endpoint take_asked(struct msghdr *message);

int main(int argc, char *argv[])
{
    struct endpoint local = parse_arguments(argc, argv);
    stop_on_signals();

    /* 1. Create the socket, and ask for the destination of each datagram. An IPv6 socket that is bound
     *    to :: takes IPv4, too, and tells it in the way of IPv4. */
    int sock = socket(local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    const int on = 1;
    if (setsockopt(sock, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == -1)
        fail("cannot ask for destinations");
    if (local.address.ss_family == AF_INET6 &&
        setsockopt(sock, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == -1)
        fail("cannot ask for destinations");

    /* 2. Bind it to our address and port. */
    if (bind(sock, (struct sockaddr *)&local.address, local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&local));
    if (getsockname(sock, (struct sockaddr *)&local.address, &local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&local));

    unsigned long returned = 0;
    while (!stop_requested()) {
        /* 3. Take the next datagram, whole, with its control messages. */
        char data[DATAGRAM_MAX];
        struct endpoint peer;
        union control control;
        struct iovec piece = { data, sizeof data };
        struct msghdr message = { .msg_name = &peer.address,
                                  .msg_namelen = sizeof peer.address,
                                  .msg_iov = &piece,
                                  .msg_iovlen = 1,
                                  .msg_control = control.bytes,
                                  .msg_controllen = sizeof control.bytes };
        const ssize_t n = recvmsg(sock, &message, MSG_DONTWAIT);
        if (n == -1) {
            if (errno != EAGAIN)
                fail("cannot receive");
            wait_for_input(sock, INFINITY);
            continue;
        }
        peer.length = message.msg_namelen;

        /* 4. Find out at which address we were asked. What is left in `message` says that the answer
         *    must leave from there. */
        const struct endpoint asked = take_asked(&message);

        /* 5. Return the datagram. */
        piece.iov_len = (size_t)n;
        if (sendmsg(sock, &message, 0) == -1) {
            warn("cannot return %zd bytes to %s", n, endpoint_text(&peer));
            continue;
        }
        printf("#%lu asked at %s ", ++returned, endpoint_host(&asked));
        printf("by %s, returned %zd bytes: ", endpoint_text(&peer), n);
        show_datagram("UTF-8", data, 1024, (size_t)n, "shown");
    }

    /* 6. Close the socket. */
    close(sock);
    flush_output();
    say_stopped(returned);
    return 0;
}

/* Leaves one control message: the one from which the kernel takes the source of the answer. */
static void set_source(struct msghdr *message, int level, int type, const void *info, size_t size)
{
    memset(message->msg_control, 0, message->msg_controllen);
    message->msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *control = CMSG_FIRSTHDR(message);
    control->cmsg_level = level;
    control->cmsg_type = type;
    control->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(control), info, size);
}

/* Returns the address at which a question came, and turns the message's control messages into that of
 * the answer. Of a question over IPv4 an IPv6 socket gets both control messages: take IPv4's. */
static struct endpoint take_asked(struct msghdr *message)
{
    struct in_pktinfo ipv4;
    struct in6_pktinfo ipv6;
    bool has_ipv4 = false, has_ipv6 = false;
    if (message->msg_flags & MSG_CTRUNC)
        say("there was too little room for the control messages");
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            memcpy(&ipv4, CMSG_DATA(c), sizeof ipv4);
            has_ipv4 = true;
        }
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            memcpy(&ipv6, CMSG_DATA(c), sizeof ipv6);
            has_ipv6 = true;
        }
    }

    struct endpoint asked = { .length = sizeof(struct sockaddr_in) };
    if (has_ipv4) {
        struct sockaddr_in *address = (struct sockaddr_in *)&asked.address;
        address->sin_family = AF_INET;
        address->sin_addr = ipv4.ipi_addr; // perhaps a broadcast address; ipi_spec_dst is ours
        ipv4.ipi_ifindex = 0;              // the routing table chooses the way back
        set_source(message, IPPROTO_IP, IP_PKTINFO, &ipv4, sizeof ipv4);
    } else if (has_ipv6) {
        struct sockaddr_in6 *address = (struct sockaddr_in6 *)&asked.address;
        asked.length = sizeof *address;
        address->sin6_family = AF_INET6;
        address->sin6_addr = ipv6.ipi6_addr;
        if (IN6_IS_ADDR_LINKLOCAL(&ipv6.ipi6_addr))
            address->sin6_scope_id = ipv6.ipi6_ifindex; // valid on this interface only: keep it
        else
            ipv6.ipi6_ifindex = 0;
        set_source(message, IPPROTO_IPV6, IPV6_PKTINFO, &ipv6, sizeof ipv6);
    } else {
        message->msg_controllen = 0; // it does not happen; answer as echo does
    }
    return asked;
}

static const char help[] =
    "usage: right-door [-b ADDRESS] [PORT]\n"
    "Return every datagram to its sender, from the address it was sent to, until Ctrl-C.\n"
    "\n"
    "  PORT        the port to wait on, 0 to 65535; 0: any free one (default: 7788)\n"
    "  -b ADDRESS  the address of this machine to wait on (default: 0.0.0.0, all\n"
    "              IPv4 addresses; :: is all addresses, IPv4 and IPv6)\n"
    "  -h          show this help\n";

static struct endpoint parse_arguments(int argc, char *argv[])
{
    const char *address = "0.0.0.0";
    program_begin("right-door", help);
    while (next_option(argc, argv, "b:") != -1)
        address = optarg;
    const in_port_t port = parse_port(next_operand(argc, argv, "7788"), 0);
    no_more_operands(argc, argv);
    return endpoint_resolve(address, port);
}
