/**
 * @file multicast.c
 * @brief Lesson 14: joins a group, sends to it, and prints what the group gets.
 *
 * Shows how one datagram reaches many hosts, but only those that have asked for it; and who decides
 * how far it goes. The calls are those of RFC 3678, section 5: the same for IPv4 and IPv6.
 *
 * Run it only in a network of your own, `make lan`: `build/multicast -i eth0 239.1.2.3`. Its partner
 * is itself on another host: `on 2 build/multicast -i eth0 -w 1 239.1.2.3 7788 hello`.
 */
#define _DEFAULT_SOURCE // for group_req and ip_mreqn, which POSIX does not have
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

struct arguments {
    const char *interface; // NULL: the kernel chooses
    int hops;
    double seconds;
    struct endpoint group;
    const char *text; // NULL: send nothing
};

static struct arguments parse_arguments(int argc, char *argv[]);

/* An IPv6 group of one interface or one link, such as ff12::1, needs an interface: `-i eth0` names it,
 * or the address does, as in ff12::1%eth0. Returns its number; 0: the kernel chooses. */
static unsigned settle_scope(struct sockaddr_in6 *group, unsigned interface)
{
    if (interface == 0)
        return group->sin6_scope_id;
    if (IN6_IS_ADDR_MC_NODELOCAL(&group->sin6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&group->sin6_addr))
        group->sin6_scope_id = interface;
    return interface;
}

/* Says through which interface this socket sends to groups, and how many networks far. */
static void choose_way(int sock, int family, unsigned interface, int hops)
{
    if (family == AF_INET6) {
        if (setsockopt(sock, IPPROTO_IPV6, IPV6_MULTICAST_IF, &interface, sizeof interface) == -1)
            fail("cannot choose the interface");
        if (setsockopt(sock, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops) == -1)
            fail("cannot choose the number of hops");
    } else {
        const struct ip_mreqn way = { .imr_ifindex = (int)interface }; // Linux and FreeBSD
        if (setsockopt(sock, IPPROTO_IP, IP_MULTICAST_IF, &way, sizeof way) == -1)
            fail("cannot choose the interface");
        if (setsockopt(sock, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof hops) == -1)
            fail("cannot choose the number of hops");
    }
}

int main(int argc, char *argv[])
{
    struct arguments args = parse_arguments(argc, argv);
    struct sockaddr *group = (struct sockaddr *)&args.group.address;
    stop_on_signals();

    /* 1. Create the socket. */
    const int sock = socket(group->sa_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");

    /* 2. Find the number of the interface. The kernel calls interfaces by numbers; 0: it chooses. */
    unsigned interface = args.interface ? if_nametoindex(args.interface) : 0;
    if (args.interface && interface == 0)
        fail("cannot find the interface %s", args.interface);
    if (group->sa_family == AF_INET6)
        interface = settle_scope((struct sockaddr_in6 *)group, interface);

    /* 3. Bind it to the group's address and port: what comes to our own address is not for us. Other
     *    programs of this host may want the same group at the same port. */
    if (setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) == -1)
        fail("cannot share the port");
    if (bind(sock, group, args.group.length) == -1)
        fail("cannot bind to %s", endpoint_text(&args.group));

    /* 4. Join the group. The kernel tells the network: IGMP for IPv4, MLD for IPv6. */
    struct group_req membership = { .gr_interface = interface };
    memcpy(&membership.gr_group, group, args.group.length);
    const int level = group->sa_family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
    if (setsockopt(sock, level, MCAST_JOIN_GROUP, &membership, sizeof membership) == -1)
        fail("cannot join %s", endpoint_host(&args.group));
    say("bound to %s", endpoint_text(&args.group));

    /* 5. Send the text. Whoever sends need not have joined. */
    choose_way(sock, group->sa_family, interface, args.hops);
    if (args.text) {
        const size_t n = strlen(args.text);
        if (sendto(sock, args.text, n, 0, group, args.group.length) == -1)
            fail("cannot send %zu bytes to %s", n, endpoint_text(&args.group));
        printf("sent %zu bytes to %s\n", n, endpoint_text(&args.group));
    }

    /* 6. Print what comes: our own text, too. */
    unsigned long received = 0;
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
        printf("received %zd bytes from %s: ", n, endpoint_text(&peer));
        show_datagram("UTF-8", buffer, sizeof buffer, (size_t)n, "cut");
        received++;
    }

    /* 7. Leave the group: the kernel tells the network. `close` alone would do the same. */
    if (setsockopt(sock, level, MCAST_LEAVE_GROUP, &membership, sizeof membership) == -1)
        warn("cannot leave %s", endpoint_host(&args.group)); // perhaps the route is gone
    close(sock);
    flush_output();
    say_stopped(received);
    return 0;
}

static const char help[] =
    "usage: multicast [-i INTERFACE] [-t HOPS] [-w SECONDS] GROUP [PORT [TEXT]]\n"
    "Join GROUP, send it TEXT as one datagram, and print what comes to it, until Ctrl-C.\n"
    "Without TEXT, send nothing.\n"
    "\n"
    "  GROUP         224.0.0.0 to 239.255.255.255, or an IPv6 address that begins with ff\n"
    "  PORT          the port to wait on and to send to, 1 to 65535 (default: 7788)\n"
    "  -i INTERFACE  where to join and to send, such as eth0 (default: as the routes say)\n"
    "  -t HOPS       how many networks far TEXT goes, 0 to 255; 0: this host (default: 1)\n"
    "  -w SECONDS    how long to wait, such as 0.5 (default: until Ctrl-C)\n"
    "  -h            show this help\n";

static int parse_hops(const char *text)
{
    const unsigned long hops = strtoul(text, NULL, 10);
    if (*text == '\0' || text[strspn(text, "0123456789")] != '\0' || hops > 255)
        usage_error("bad number of hops \"%s\": a number from 0 to 255", text);
    return (int)hops;
}

static bool is_group(const struct endpoint *endpoint)
{
    const struct sockaddr_storage *address = &endpoint->address;
    if (address->ss_family == AF_INET6)
        return IN6_IS_ADDR_MULTICAST(&((const struct sockaddr_in6 *)address)->sin6_addr);
    return IN_MULTICAST(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
}

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .hops = 1, .seconds = INFINITY };
    program_begin("multicast", help);
    for (int option; (option = next_option(argc, argv, "i:t:w:")) != -1;)
        if (option == 'i')
            args.interface = optarg;
        else if (option == 't')
            args.hops = parse_hops(optarg);
        else
            args.seconds = parse_seconds(optarg);
    const char *group = next_operand(argc, argv, NULL);
    if (!group)
        usage_error("GROUP is missing");
    const in_port_t port = parse_port(next_operand(argc, argv, "7788"), 1);
    args.text = next_operand(argc, argv, NULL);
    no_more_operands(argc, argv);
    args.group = endpoint_resolve(group, port);
    if (!is_group(&args.group))
        usage_error("%s is no group: see -h", group);
    return args;
}
