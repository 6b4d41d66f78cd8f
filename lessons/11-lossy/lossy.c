/**
 * @file lossy.c
 * @brief Lesson 11: a bad network in a box: loses, doubles, reorders, damages, delays datagrams.
 *
 * Shows what UDP does not promise, as often as you like: a relay between clients and a server, which
 * does to datagrams what bad networks do. The same seed does the same to the same datagrams.
 *
 * Run it: `build/lossy -l 30 127.0.0.1 7788 7789`. Its partners are a server, `build/echo 7788`,
 * and clients that send to the relay: `build/receiver 127.0.0.1 7789 hello`.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

#define MOST_STAND_INS 256
#define MOST_WAITING 1000 // datagrams
#define HOLD 100          // milliseconds

enum { LOST, DOUBLED, HELD, DAMAGED, FATES };

struct arguments {
    uint64_t seed;
    double percent[FATES];
    double shortest, longest; // delay in milliseconds
    struct endpoint own, server;
    struct endpoint any[2]; // where new stand-ins are bound: on the clients' side, on the server's
};

/* A socket that stands for somebody on the other side: what comes to it is for them, and what they
 * send leaves from it. The first one stands for the server. */
static struct stand_in {
    bool for_client;
    struct endpoint who;
    char name[100]; // the endpoint as text
} stand_ins[MOST_STAND_INS];
static struct pollfd sockets[MOST_STAND_INS + 1]; // of these; then the one that Ctrl-C makes ready
static nfds_t count;

/* A datagram that waits until it may leave. */
struct datagram {
    struct datagram *next; // leaves later, or at the same time
    double leaves;
    bool to_server;
    struct endpoint from, to;
    size_t length;
    char data[];
};
static struct datagram *first;
static int waiting;
static unsigned long taken[2]; // from the server, from the clients

static struct arguments parse_arguments(int argc, char *argv[]);

/* Lets a socket stand for somebody. */
static void set_stand_in(nfds_t i, int sock, const struct endpoint *who, bool for_client)
{
    stand_ins[i] = (struct stand_in){ .for_client = for_client, .who = *who };
    strcpy(stand_ins[i].name, endpoint_text(who));
    sockets[i] = (struct pollfd){ sock, POLLIN, 0 };
}

/* The socket from which the datagrams of somebody leave on the other side: a new one if they have
 * none. If there are too many, the oldest one is closed, but never that of the server. */
static int find_stand_in(const struct arguments *args, const struct endpoint *who, bool for_client)
{
    static nfds_t made; // for the first time or again
    const char *name = endpoint_text(who);
    for (nfds_t i = 0; i < count; i++)
        if (stand_ins[i].for_client == for_client && strcmp(stand_ins[i].name, name) == 0)
            return sockets[i].fd;

    const struct endpoint *any = &args->any[for_client];
    int sock = socket(any->address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1 || bind(sock, (const struct sockaddr *)&any->address, any->length) == -1) {
        warn("cannot create a socket for %s", name);
        if (sock != -1)
            close(sock);
        return -1;
    }
    const nfds_t i = 1 + made++ % (MOST_STAND_INS - 1); // round and round, but never 0
    if (i < count)
        close(sockets[i].fd);
    else
        count++;
    set_stand_in(i, sock, who, for_client);
    return sock;
}

/* Lets a datagram wait, behind those that leave before it. Returns false if too many wait. */
static bool put(const struct datagram *header, const char *data)
{
    struct datagram **place = &first; // what to change: `first`, or the `next` of another one
    struct datagram *datagram = malloc(sizeof *datagram + header->length);
    if (!datagram || waiting == MOST_WAITING) {
        free(datagram);
        return false;
    }
    *datagram = *header; // without data[], for which malloc has made room
    memcpy(datagram->data, data, header->length);
    while (*place && (*place)->leaves <= header->leaves)
        place = &(*place)->next;
    datagram->next = *place;
    *place = datagram;
    waiting++;
    return true;
}

/* A number from 0 up to 1, but never 1. It looks random, but the same state gives the same numbers
 * (splitmix64: Steele, Lea and Flood, 2014). The last line keeps 53 bits: a double holds no more. */
static double roll(uint64_t *state)
{
    uint64_t bits = *state += 0x9e3779b97f4a7c15;
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
    return (double)((bits ^ bits >> 31) >> 11) / (double)(UINT64_C(1) << 53);
}

/* Decides what becomes of a datagram, says so, and lets it wait. What is decided depends on the seed,
 * the direction and the number, and on nothing else. */
static void decide(const struct arguments *args, struct datagram *datagram, char *data)
{
    const bool to_server = datagram->to_server;
    const unsigned long number = ++taken[to_server];
    uint64_t state = args->seed + (2 * number + to_server) * 0xd1342543de82ef95;
    bool fate[FATES];
    for (int i = 0; i < FATES; i++)
        fate[i] = roll(&state) * 100 < args->percent[i];
    fate[DAMAGED] = fate[DAMAGED] && datagram->length > 0; // in an empty one is nothing to damage
    const size_t byte = (size_t)(roll(&state) * (double)datagram->length);
    const int bit = (int)(roll(&state) * 8);

    printf("#%lu %s", number, to_server ? "->" : "<-");
    if (fate[LOST]) {
        puts(" lost");
        return;
    }
    const char *separator = " ";
    if (fate[DAMAGED]) {
        data[byte] = (char)(data[byte] ^ 1 << bit);
        printf("%sbyte %zu damaged", separator, byte);
        separator = ", ";
    }
    const double time = now();
    for (int copy = 0; copy <= fate[DOUBLED]; copy++) {
        const bool held = fate[HELD] && copy == 0;
        const double range = args->longest - args->shortest + 1;
        const double delay = args->shortest + (double)(int)(roll(&state) * range);
        datagram->leaves = time + (held ? delay + HOLD : delay) / 1000;
        if (!put(datagram, data))
            printf("%sno room", separator);
        else if (held)
            printf(args->longest > 0 ? "%sheld back, %g ms late" : "%sheld back", separator,
                   delay + HOLD);
        else if (args->longest > 0)
            printf("%s%g ms late%s", separator, delay, copy == 1 ? " again" : "");
        else if (copy == 1)
            printf("%stwice", separator);
        else
            continue; // nothing to say yet
        separator = ", ";
    }
    puts(*separator == ' ' ? " passed" : "");
}

/* Takes the datagram that has come to a stand-in. */
static void take(const struct arguments *args, const struct stand_in *stand_in, int sock)
{
    static char data[DATAGRAM_MAX];
    struct datagram datagram = { .to_server = !stand_in->for_client, .to = stand_in->who };
    datagram.from.length = sizeof datagram.from.address;
    const ssize_t n = recvfrom(sock, data, sizeof data, MSG_DONTWAIT,
                               (struct sockaddr *)&datagram.from.address, &datagram.from.length);
    if (n == -1) {
        if (errno != EAGAIN)
            fail("cannot receive");
        return;
    }
    datagram.length = (size_t)n;
    decide(args, &datagram, data);
}

/* Sends those that may leave. Half a millisecond early is not too early: poll counts in whole ones. */
static void send_due(const struct arguments *args)
{
    while (first && first->leaves < now() + 0.0005) {
        struct datagram *datagram = first;
        int sock = find_stand_in(args, &datagram->from, datagram->to_server);
        if (sock != -1 &&
            sendto(sock, datagram->data, datagram->length, 0,
                   (struct sockaddr *)&datagram->to.address, datagram->to.length) == -1)
            warn("cannot send %zu bytes to %s", datagram->length, endpoint_text(&datagram->to));
        first = datagram->next;
        free(datagram);
        waiting--;
    }
}

int main(int argc, char *argv[])
{
    struct arguments args = parse_arguments(argc, argv);
    stop_on_signals();

    /* 1. Create the socket to which the clients send, and another one for a moment. */
    int sock = socket(args.own.address.ss_family, SOCK_DGRAM, 0);
    int guard = socket(args.server.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1 || guard == -1)
        fail("cannot create a socket");

    /* 2. Bind it. Meanwhile the other one keeps the server's place, if that is on this machine and
     *    free (if not, bind fails, and it need not): a relay that became its own server would send to
     *    itself forever. */
    bind(guard, (struct sockaddr *)&args.server.address, args.server.length);
    if (bind(sock, (struct sockaddr *)&args.own.address, args.own.length) == -1)
        fail("cannot bind to %s", endpoint_text(&args.own));
    if (getsockname(sock, (struct sockaddr *)&args.own.address, &args.own.length) == -1)
        fail("cannot get the socket's address");
    close(guard);
    say("seed %ju", (uintmax_t)args.seed);
    say("bound to %s", endpoint_text(&args.own));
    set_stand_in(count++, sock, &args.server, false);

    while (!stop_requested()) {
        /* 3. Sleep until a datagram comes, or until one must leave. */
        flush_output();
        const double seconds = first ? first->leaves - now() : 0;
        const int milliseconds = !first ? -1 : seconds > 0 ? (int)(seconds * 1000 + 0.5) : 0;
        sockets[count] = (struct pollfd){ stop_descriptor(), POLLIN, 0 };
        if (poll(sockets, count + 1, milliseconds) == -1 && errno != EINTR)
            fail("cannot wait");

        /* 4. Take the next datagram of each socket that has one. */
        for (nfds_t i = 0; i < count; i++)
            if (sockets[i].revents != 0)
                take(&args, &stand_ins[i], sockets[i].fd);

        /* 5. Send what must leave. */
        send_due(&args);
    }

    /* 6. Close the sockets. Whatever still waits is lost. */
    while (count > 0)
        close(sockets[--count].fd);
    flush_output();
    if (waiting > 0)
        say("%d still on their way, and lost", waiting);
    say_stopped(taken[false] + taken[true]);
    return 0;
}

static const char help[] =
    "usage: lossy [-s SEED] [-l PERCENT] [-d PERCENT] [-r PERCENT] [-c PERCENT] [-t DELAY] "
    "[-b ADDRESS] HOST PORT [OWN]\n"
    "Pass datagrams on between clients and a server, as a bad network does, until Ctrl-C.\n"
    "\n"
    "  HOST        the server: a name, an IPv4 address or an IPv6 address\n"
    "  PORT        its port, 1 to 65535\n"
    "  OWN         the port to which the clients send, 0 to 65535 (default: 7789; 0: any free one)\n"
    "  -s SEED     a number; the same one does the same again (default: a new one)\n"
    "  -l PERCENT  how many are lost (default of each: 0)\n"
    "  -d PERCENT  how many are doubled\n"
    "  -r PERCENT  how many are held back, so that later ones overtake them\n"
    "  -c PERCENT  how many are damaged: one bit of the data is changed\n"
    "  -t DELAY    how late they are, in milliseconds: 20, or 10-50 for anything from 10 to 50\n"
    "  -b ADDRESS  the address to bind to (default: 0.0.0.0, all IPv4 addresses)\n"
    "  -h          show this help\n";

static double parse_percent(const char *text)
{
    char *end;
    const double percent = strtod(text, &end);
    if (text[strspn(text, "0123456789.")] != '\0' || end == text || *end != '\0' || percent > 100)
        usage_error("bad percentage \"%s\": a number from 0 to 100, such as 12.5", text);
    return percent;
}

static uint64_t parse_seed(const char *text)
{
    if (*text == '\0' || strlen(text) > 18 || text[strspn(text, "0123456789")] != '\0')
        usage_error("bad seed \"%s\": a number of at most 18 digits", text);
    return strtoull(text, NULL, 10);
}

static void parse_delay(const char *text, struct arguments *args)
{
    const char *hyphen = strchr(text, '-'), *second = hyphen ? hyphen + 1 : text;
    args->shortest = (double)strtoul(text, NULL, 10);
    args->longest = (double)strtoul(second, NULL, 10);
    if (text == second - 1 || *second == '\0' || second[strspn(second, "0123456789")] != '\0' ||
        text[strspn(text, "0123456789-")] != '\0' || args->shortest > args->longest ||
        args->longest > 10000)
        usage_error("bad delay \"%s\": milliseconds up to 10000, such as 20 or 10-50", text);
}

static struct arguments parse_arguments(int argc, char *argv[])
{
    static const char letters[] = "ldrc"; // as LOST, DOUBLED, HELD, DAMAGED
    /* Two that start at the same time must not roll the same dice. */
    struct arguments args = { .seed = (uint64_t)(time(NULL) + getpid()) % 1000000 };
    const char *address = "0.0.0.0";
    program_begin("lossy", help);
    for (int option; (option = next_option(argc, argv, "s:l:d:r:c:t:b:")) != -1;)
        if (option == 's')
            args.seed = parse_seed(optarg);
        else if (option == 't')
            parse_delay(optarg, &args);
        else if (option == 'b')
            address = optarg;
        else
            args.percent[strchr(letters, option) - letters] = parse_percent(optarg);
    const char *host = next_operand(argc, argv, NULL);
    const char *port = next_operand(argc, argv, NULL);
    if (!host || !port)
        usage_error("%s is missing", host ? "PORT" : "HOST");
    const in_port_t server_port = parse_port(port, 1);
    const in_port_t own_port = parse_port(next_operand(argc, argv, "7789"), 0);
    no_more_operands(argc, argv);
    args.server = endpoint_resolve(host, server_port);
    args.own = endpoint_resolve(address, own_port);
    args.any[false] = endpoint_resolve(address, 0);
    args.any[true] = endpoint_resolve(args.server.address.ss_family == AF_INET ? "0.0.0.0" : "::",
                                      0);
    return args;
}
