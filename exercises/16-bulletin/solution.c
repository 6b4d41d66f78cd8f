/**
 * @file bulletin.c
 * @brief Exercise 16, one good solution: who offers what on this network, by multicast.
 */
#define _GNU_SOURCE // struct group_req, struct ip_mreqn, IP_MULTICAST_ALL
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h> // getrandom: Linux, FreeBSD
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

#define GROUPS 2 // one of IPv4, one of IPv6
#define PLACES 64
#define LONGEST_NAME 32 // bytes
#define LONGEST_TEXT 200
#define LARGEST_NUMBER 1000000000
#define LONGEST_LIFETIME 86400000 // milliseconds: a day
#define MESSAGE_MAX 300           // bytes; the longest one has 268

struct arguments {
    bool offers;
    double seconds;
    const char *interface, *name, *text;
    struct endpoint groups[GROUPS];
};

/* `OFFER ID NUMBER LIFETIME NAME TEXT` or `WITHDRAW ID NUMBER`. */
struct message {
    bool withdraws;
    uint32_t id;
    uint64_t number, lifetime; // in milliseconds
    char name[LONGEST_NAME + 1];
    char text[LONGEST_TEXT]; // any bytes, without a '\0' behind them
    size_t length;           // of the text
};

/* A place on the list: the last message that counted. */
struct offer {
    bool taken;
    double expires; // when, by now()
    struct message message;
};

static struct arguments parse_arguments(int argc, char *argv[]);

/* -------------------------------- messages -------------------------------- */

static size_t write_message(char *bytes, const struct message *message)
{
    if (message->withdraws)
        return (size_t)snprintf(bytes, MESSAGE_MAX, "WITHDRAW %08" PRIx32 " %" PRIu64, message->id,
                                message->number);
    const size_t n = (size_t)snprintf(
        bytes, MESSAGE_MAX, "OFFER %08" PRIx32 " %" PRIu64 " %" PRIu64 " %s ", message->id,
        message->number, message->lifetime, message->name);
    memcpy(bytes + n, message->text, message->length);
    return n + message->length;
}

/* A name has 1 to 32 bytes, all of them printable ASCII, without blanks. */
static bool is_name(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (name[i] < '!' || name[i] > '~')
            return false;
    return length >= 1 && length <= LONGEST_NAME;
}

/* Returns false if it is not well-formed. As in exercise 14: read leniently, write it again, compare. */
static bool read_message(const char *bytes, size_t n, struct message *message)
{
    char copy[MESSAGE_MAX], again[MESSAGE_MAX], *at;
    if (n < 9 || n >= sizeof copy)
        return false;
    memcpy(copy, bytes, n);
    copy[n] = '\0';
    memset(message, 0, sizeof *message);
    message->withdraws = copy[0] == 'W';
    message->id = (uint32_t)strtoull(copy + strlen(message->withdraws ? "WITHDRAW " : "OFFER "),
                                     &at, 16);
    message->number = strtoull(at, &at, 10);
    if (!message->withdraws) {
        message->lifetime = strtoull(at, &at, 10);
        const char *name = at + 1, *end = *at == ' ' ? strchr(name, ' ') : NULL;
        if (!end || !is_name(name, (size_t)(end - name)))
            return false;
        memcpy(message->name, name, (size_t)(end - name));
        message->length = (size_t)(copy + n - (end + 1));
        if (message->length < 1 || message->length > LONGEST_TEXT || message->lifetime < 1 ||
            message->lifetime > LONGEST_LIFETIME)
            return false;
        memcpy(message->text, end + 1, message->length);
    }
    return write_message(again, message) == n && memcmp(again, bytes, n) == 0 &&
           message->number >= 1 && message->number <= LARGEST_NUMBER;
}

/* For poll: the milliseconds until this moment, rounded up; -1, for ever, if it is INFINITY. */
static int milliseconds_until(double moment)
{
    const double seconds = moment - now();
    return moment == INFINITY ? -1 : seconds <= 0 ? 0 : (int)(seconds * 1000) + 1;
}

/* ---------------------------------- offer --------------------------------- */

/* Sends the next message of ours to each group. One that cannot be sent is not the end. */
static void send_to_groups(const int socks[], const struct endpoint groups[],
                           struct message *message)
{
    char bytes[MESSAGE_MAX];
    message->number++;
    const size_t n = write_message(bytes, message);
    for (int i = 0; i < GROUPS; i++)
        if (socks[i] != -1 &&
            sendto(socks[i], bytes, n, 0, (const struct sockaddr *)&groups[i].address,
                   groups[i].length) == -1)
            warn("cannot send %zu bytes to %s", n, endpoint_text(&groups[i]));
}

static int offer(const struct arguments *args)
{
    int socks[GROUPS];
    stop_on_signals();

    /* 1. Create a socket for each group, which sends by the interface. (For IPv6 the address of the
     *    group says so, with its sin6_scope_id.) */
    for (int i = 0; i < GROUPS; i++) {
        const struct ip_mreqn out = { .imr_ifindex = (int)if_nametoindex(args->interface) };
        socks[i] = socket(args->groups[i].address.ss_family, SOCK_DGRAM, 0);
        if (socks[i] == -1)
            warn("cannot create a socket");
        else if (args->groups[i].address.ss_family == AF_INET &&
                 setsockopt(socks[i], IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof out) == -1)
            fail("cannot choose the interface %s", args->interface);
    }

    /* 2. Make up who we are. */
    struct message message = { .lifetime = (uint64_t)(args->seconds * 1000 + 0.5),
                               .length = strlen(args->text) };
    strcpy(message.name, args->name);
    memcpy(message.text, args->text, message.length);
    if (getrandom(&message.id, sizeof message.id, 0) != sizeof message.id)
        fail("cannot get a random number");

    double next = now();
    int keyboard = STDIN_FILENO; // -1, which poll ignores, after the end of the input
    char line[LONGEST_TEXT];
    size_t length = 0; // may be more than fits
    while (!stop_requested()) {
        /* 3. Announce, if it is time. The moments of the schedule do not depend on when we wake up;
         *    those that have passed are left out. */
        if (now() >= next) {
            send_to_groups(socks, args->groups, &message);
            while (next <= now())
                next += args->seconds / 3;
        }

        /* 4. Sleep until the next moment, a key or Ctrl-C. */
        struct pollfd inputs[] = { { keyboard, POLLIN, 0 }, { stop_descriptor(), POLLIN, 0 } };
        if (poll(inputs, 2, milliseconds_until(next)) == -1) {
            if (errno != EINTR)
                fail("cannot wait");
            continue;
        }

        /* 5. A line that is complete is the new text. */
        if (inputs[0].revents == 0 || inputs[1].revents != 0)
            continue;
        char typed[512];
        const ssize_t n = read(keyboard, typed, sizeof typed);
        if (n == -1 && errno != EINTR && errno != EAGAIN)
            fail("cannot read standard input");
        if (n == 0)
            keyboard = -1;
        for (ssize_t i = 0; i < n; i++) {
            if (typed[i] != '\n') {
                if (length < sizeof line)
                    line[length] = typed[i];
                length++;
                continue;
            }
            if (length >= 1 && length <= sizeof line) {
                memcpy(message.text, line, length);
                message.length = length;
                send_to_groups(socks, args->groups, &message);
            } else
                say("a TEXT has 1 to %d bytes, and this line has %zu", LONGEST_TEXT, length);
            length = 0;
        }
    }

    /* 6. Say goodbye, and close the sockets. */
    const uint64_t announcements = message.number;
    message.withdraws = true;
    send_to_groups(socks, args->groups, &message);
    for (int i = 0; i < GROUPS; i++)
        if (socks[i] != -1)
            close(socks[i]);
    say("stopped after %" PRIu64 " announcements", announcements);
    return 0;
}

/* ---------------------------------- watch --------------------------------- */

static void print_line(char sign, const struct message *message)
{
    printf("%c %s: ", sign, message->name);
    show_datagram("UTF-8", message->text, message->length, message->length, "cut");
}

/* Takes off the list what has expired. Returns when the next one expires; INFINITY if none is left. */
static double expire(struct offer *offers)
{
    double next = INFINITY;
    for (struct offer *offer = offers; offer < offers + PLACES; offer++) {
        if (offer->taken && offer->expires <= now()) {
            offer->taken = false;
            if (!offer->message.withdraws)
                printf("- %s (expired)\n", offer->message.name);
        }
        if (offer->taken && offer->expires < next)
            next = offer->expires;
    }
    return next;
}

/* The place of this offer or, if it has none, a free one; NULL if there is none. */
static struct offer *find_offer(struct offer *offers, uint32_t id)
{
    struct offer *free_one = NULL;
    for (struct offer *offer = offers; offer < offers + PLACES; offer++) {
        if (offer->taken && offer->message.id == id)
            return offer;
        if (!offer->taken)
            free_one = offer;
    }
    return free_one;
}

/* Takes what came, and changes the list. */
static void take_message(int sock, struct offer *offers)
{
    static bool told; // that the list is full
    char bytes[MESSAGE_MAX];
    struct endpoint peer = { .length = sizeof peer.address };
    const ssize_t n = recvfrom(sock, bytes, sizeof bytes, MSG_DONTWAIT,
                               (struct sockaddr *)&peer.address, &peer.length);
    if (n == -1 && errno != EAGAIN)
        fail("cannot receive");
    struct message message;
    if (n == -1 || !read_message(bytes, (size_t)n, &message))
        return;

    struct offer *offer = find_offer(offers, message.id);
    if (!offer) {
        if (!told)
            say("the list is full");
        told = true;
        return;
    }
    if (!offer->taken) { // unknown so far
        if (message.withdraws)
            return;
        told = false;
        printf("+ %s from %s: ", message.name, endpoint_text(&peer));
        show_datagram("UTF-8", message.text, message.length, message.length, "cut");
    } else if (offer->message.withdraws || message.number <= offer->message.number) {
        return; // it comes too late, or it is the copy of the other family
    } else if (message.withdraws) {
        printf("- %s (withdrawn)\n", offer->message.name);
        offer->message.withdraws = true; // and it keeps its place until it would have expired
        return;
    } else if (strcmp(message.name, offer->message.name) != 0 ||
               message.length != offer->message.length ||
               memcmp(message.text, offer->message.text, message.length) != 0) {
        print_line('=', &message);
    }
    offer->taken = true;
    offer->message = message;
    offer->expires = now() + (double)message.lifetime / 1000;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct offer *const *)a)->message.name,
                  (*(const struct offer *const *)b)->message.name);
}

/* Finds what is on the list, sorts it by name, and returns how much it is. */
static size_t sort_offers(struct offer *offers, struct offer *sorted[])
{
    size_t count = 0;
    for (struct offer *offer = offers; offer < offers + PLACES; offer++)
        if (offer->taken && !offer->message.withdraws)
            sorted[count++] = offer;
    qsort(sorted, count, sizeof sorted[0], by_name);
    return count;
}

/* 7. Creates a socket, binds it to the group, and joins. Returns -1 if that cannot be done. */
static int join(const struct endpoint *group, const char *interface)
{
    const struct group_req request = { if_nametoindex(interface), group->address };
    const bool is_ipv4 = group->address.ss_family == AF_INET;
    const int on = 1, off = 0;
    int sock = socket(group->address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1) {
        warn("cannot create a socket");
        return -1;
    }
    /* Others on this machine may have the port of the group, too. */
    if (setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1)
        fail("cannot set SO_REUSEADDR");
    /* Linux: without this, what comes by another interface is for us, too, if another program has joined
     * there. (Over IPv6, the address that we bind to contains the interface.) */
    if (is_ipv4 && setsockopt(sock, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof off) == -1)
        fail("cannot set IP_MULTICAST_ALL");
    if (bind(sock, (const struct sockaddr *)&group->address, group->length) == -1)
        warn("cannot bind to %s", endpoint_text(group));
    else if (setsockopt(sock, is_ipv4 ? IPPROTO_IP : IPPROTO_IPV6, MCAST_JOIN_GROUP, &request,
                        sizeof request) == -1)
        warn("cannot join %s on %s", endpoint_host(group), interface);
    else
        return sock;
    close(sock);
    return -1;
}

static int watch(const struct arguments *args)
{
    static struct offer offers[PLACES];
    struct offer *sorted[PLACES];
    int socks[GROUPS], joined = 0;
    stop_on_signals();

    for (int i = 0; i < GROUPS; i++) {
        socks[i] = join(&args->groups[i], args->interface);
        joined += socks[i] != -1;
    }
    errno = 0;
    if (joined == 0)
        fail("no group could be joined");
    say("watching on %s", args->interface);

    int keyboard = STDIN_FILENO;
    while (!stop_requested()) {
        /* 8. Sleep until the next offer expires, a message comes, a key or Ctrl-C. */
        const double next = expire(offers);
        flush_output();
        struct pollfd inputs[] = { { socks[0], POLLIN, 0 },
                                   { socks[1], POLLIN, 0 },
                                   { keyboard, POLLIN, 0 },
                                   { stop_descriptor(), POLLIN, 0 } };
        if (poll(inputs, 4, milliseconds_until(next)) == -1) {
            if (errno != EINTR)
                fail("cannot wait");
            continue;
        }

        /* 9. Take what came, after what has expired before it. */
        expire(offers);
        for (int i = 0; i < GROUPS; i++)
            if (inputs[i].revents != 0)
                take_message(socks[i], offers);

        /* 10. Each newline asks for the list. */
        if (inputs[2].revents == 0)
            continue;
        char typed[512];
        const ssize_t n = read(keyboard, typed, sizeof typed);
        if (n == -1 && errno != EINTR && errno != EAGAIN)
            fail("cannot read standard input");
        if (n == 0)
            keyboard = -1;
        for (ssize_t i = 0; i < n; i++) {
            if (typed[i] != '\n')
                continue;
            const size_t count = sort_offers(offers, sorted);
            for (size_t j = 0; j < count; j++)
                print_line('*', &sorted[j]->message);
            printf("%zu offers\n", count);
        }
    }

    /* 11. Close the sockets, which leaves the groups. */
    for (int i = 0; i < GROUPS; i++)
        if (socks[i] != -1)
            close(socks[i]);
    flush_output();
    say("stopped with %zu offers", sort_offers(offers, sorted));
    return 0;
}

int main(int argc, char *argv[])
{
    const struct arguments args = parse_arguments(argc, argv);
    return args.offers ? offer(&args) : watch(&args);
}

static const char help[] =
    "usage: bulletin offer [-t SECONDS] INTERFACE NAME TEXT, or bulletin watch INTERFACE\n"
    "offer: announce NAME and TEXT to the network, until Ctrl-C; each line typed is a new TEXT.\n"
    "watch: print what others announce, until Ctrl-C; Enter prints the whole list.\n"
    "\n"
    "  INTERFACE   the interface to the network, such as eth0\n"
    "  NAME        1 to 32 bytes, printable ASCII without blanks, such as printer\n"
    "  TEXT        1 to 200 bytes\n"
    "  -t SECONDS  how long an announcement is valid, 0.1 to 86400 (default: 30)\n"
    "  -h          show this help\n";

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .seconds = 30 };
    program_begin("bulletin", help);
    next_option(argc, argv, "");
    const char *command = next_operand(argc, argv, "");
    args.offers = strcmp(command, "offer") == 0;
    if (!args.offers && strcmp(command, "watch") != 0)
        usage_error("COMMAND is missing: offer or watch");
    while (next_option(argc, argv, args.offers ? "t:" : "") != -1)
        args.seconds = parse_seconds(optarg);
    if (args.seconds < 0.1 || args.seconds > 86400)
        usage_error("bad time: SECONDS is from 0.1 to 86400");
    args.interface = next_operand(argc, argv, NULL);
    if (!args.interface)
        usage_error("INTERFACE is missing");
    if (args.offers) {
        args.name = next_operand(argc, argv, "");
        args.text = next_operand(argc, argv, "");
        if (!is_name(args.name, strlen(args.name)))
            usage_error("NAME is missing, or is not 1 to %d bytes of printable ASCII",
                        LONGEST_NAME);
        if (strlen(args.text) < 1 || strlen(args.text) > LONGEST_TEXT)
            usage_error("TEXT is missing, or is not 1 to %d bytes", LONGEST_TEXT);
    }
    no_more_operands(argc, argv);

    if (if_nametoindex(args.interface) == 0)
        fail("cannot find the interface %s", args.interface);
    char group[64];
    snprintf(group, sizeof group, "ff12::7788%%%s", args.interface); // valid on this interface
    args.groups[0] = endpoint_resolve("239.255.77.88", 7788);
    args.groups[1] = endpoint_resolve(group, 7788);
    return args;
}
