/**
 * @file who-is-there.c
 * @brief Exercise 10, one good solution: finds who is on the network, by broadcast.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h> // getrandom: Linux, FreeBSD
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"

#define LONGEST_NAME 32 // bytes

#define MOST_ANSWERS 1000

struct arguments {
    const char *name; // NULL: ask
    double seconds;
    struct endpoint endpoint; // where we serve, or whom we ask
};

struct answer {
    struct endpoint endpoint;
    char name[LONGEST_NAME + 1];
};

static struct arguments parse_arguments(int argc, char *argv[]);
static int serve(const char *name, struct endpoint local);
static int ask_all(struct endpoint everyone, double seconds);
static bool is_name(const char *bytes, size_t n);

int main(int argc, char *argv[])
{
    const struct arguments args = parse_arguments(argc, argv);
    return args.name ? serve(args.name, args.endpoint) : ask_all(args.endpoint, args.seconds);
}

/* Answers the questions that come to us; returns the exit status. */
static int serve(const char *name, struct endpoint local)
{
    stop_on_signals();

    /* 1. Bind to the port, on all addresses: a broadcast goes to an address that is not one of
     *    ours. */
    int sock = socket(local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    if (bind(sock, (struct sockaddr *)&local.address, local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&local));
    if (getsockname(sock, (struct sockaddr *)&local.address, &local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&local));

    unsigned long answered = 0;
    while (!stop_requested()) {
        /* 2. Take a question, with room for one byte more, so that we notice a longer one. */
        char question[13 + 1], answer[64];
        struct endpoint peer = { .length = sizeof peer.address };
        const ssize_t n = recvfrom(sock, question, sizeof question, MSG_DONTWAIT,
                                   (struct sockaddr *)&peer.address, &peer.length);
        if (n == -1) {
            if (errno != EAGAIN)
                fail("cannot receive");
            wait_for_input(sock, INFINITY);
            continue;
        }

        /* 3. Answer nothing else, not even with an error: every host would do so at once. */
        question[13] = '\0';
        if (n != 13 || memcmp(question, "WHO? ", 5) != 0 ||
            strspn(question + 5, "0123456789abcdef") != 8)
            continue;

        /* 4. Answer with our name and the token, only to the host that asked. */
        const int length = snprintf(answer, sizeof answer, "HERE %s %s", question + 5, name);
        if (sendto(sock, answer, (size_t)length, 0, (struct sockaddr *)&peer.address,
                   peer.length) == -1) {
            warn("cannot answer %s", endpoint_text(&peer));
            continue;
        }
        printf("answered %s\n", endpoint_text(&peer));
        answered++;
    }
    close(sock);
    flush_output();
    say_stopped(answered);
    return 0;
}

/* By name, then by address, then by port. Addresses and ports are in network byte order, the most
 * significant byte first: so memcmp compares them as numbers. */
static int compare(const void *one, const void *other)
{
    const struct answer *a = one, *b = other;
    const struct sockaddr_in *x = (const struct sockaddr_in *)&a->endpoint.address;
    const struct sockaddr_in *y = (const struct sockaddr_in *)&b->endpoint.address;
    int order = strcmp(a->name, b->name);
    if (order == 0)
        order = memcmp(&x->sin_addr, &y->sin_addr, sizeof x->sin_addr);
    return order ? order : memcmp(&x->sin_port, &y->sin_port, sizeof x->sin_port);
}

/* Same address, same port. IPv4 alone: IPv6 has no broadcast. */
static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
    const struct sockaddr_in *a4 = (const struct sockaddr_in *)&a->address;
    const struct sockaddr_in *b4 = (const struct sockaddr_in *)&b->address;
    return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
}

static bool is_known(const struct answer *answers, size_t count, const struct endpoint *peer)
{
    for (size_t i = 0; i < count; i++)
        if (same_endpoint(&answers[i].endpoint, peer))
            return true;
    return false;
}

/* Asks everybody, and lists the answers; returns the exit status. */
static int ask_all(struct endpoint everyone, double seconds)
{
    static struct answer answers[MOST_ANSWERS];
    size_t count = 0;
    stop_on_signals();

    /* 5. Create the socket, and allow it to broadcast. */
    int sock = socket(everyone.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    const int on = 1;
    if (setsockopt(sock, SOL_SOCKET, SO_BROADCAST, &on, sizeof on) == -1)
        fail("cannot allow broadcasting");

    /* 6. Ask, with a token that nobody can guess: an answer must contain it. */
    unsigned token;
    if (getrandom(&token, sizeof token, 0) != sizeof token)
        fail("cannot get a random number");
    char question[32], beginning[32];
    const int length = snprintf(question, sizeof question, "WHO? %08x", token);
    const size_t known = (size_t)snprintf(beginning, sizeof beginning, "HERE %08x ", token);
    if (sendto(sock, question, (size_t)length, 0, (struct sockaddr *)&everyone.address,
               everyone.length) == -1)
        fail("cannot send the question to %s", endpoint_text(&everyone));

    /* 7. Take the answers until the time has passed. An answer does not start it again. */
    const double deadline = now() + seconds;
    while (!stop_requested() && now() < deadline) {
        char data[64];
        struct endpoint peer = { .length = sizeof peer.address };
        const ssize_t n = recvfrom(sock, data, sizeof data, MSG_DONTWAIT,
                                   (struct sockaddr *)&peer.address, &peer.length);
        if (n == -1) {
            if (errno != EAGAIN)
                fail("cannot receive");
            wait_for_input(sock, deadline);
            continue;
        }
        /* 8. Keep an answer to our question, the first one from each endpoint, while there is room. */
        const size_t end = (size_t)n;
        if (end <= known || memcmp(data, beginning, known) != 0 ||
            !is_name(data + known, end - known) || is_known(answers, count, &peer) ||
            count == MOST_ANSWERS)
            continue;
        answers[count] = (struct answer){ .endpoint = peer };
        memcpy(answers[count++].name, data + known, end - known);
    }
    close(sock);

    /* 9. List them. */
    qsort(answers, count, sizeof answers[0], compare);
    for (size_t i = 0; i < count; i++)
        printf("%s at %s\n", answers[i].name, endpoint_text(&answers[i].endpoint));
    printf("%zu found\n", count);
    flush_output();
    return count > 0 ? 0 : 1;
}

/* Whether n bytes are a NAME. */
static bool is_name(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!((bytes[i] >= 'a' && bytes[i] <= 'z') || (bytes[i] >= 'A' && bytes[i] <= 'Z') ||
              (bytes[i] >= '0' && bytes[i] <= '9') || bytes[i] == '-'))
            return false;
    return n >= 1 && n <= LONGEST_NAME;
}

static const char help[] =
    "usage: who-is-there serve NAME [PORT], or who-is-there ask [-w SECONDS] [HOST [PORT]]\n"
    "serve: answer who asks for those on this network, until Ctrl-C.\n"
    "ask: broadcast the question, and list the answers.\n"
    "\n"
    "  NAME        1 to 32 letters, digits and hyphens\n"
    "  HOST        the broadcast address (default: 255.255.255.255)\n"
    "  PORT        where the question goes to, 1 to 65535 (7788); for serve, 0: any free one\n"
    "  -w SECONDS  how long to wait for answers, such as 0.5 (default: 1)\n"
    "  -h          show this help\n";

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .seconds = 1 };
    program_begin("who-is-there", help);
    next_option(argc, argv, "");
    const char *command = next_operand(argc, argv, "");
    if (strcmp(command, "serve") == 0) {
        next_option(argc, argv, "");
        args.name = next_operand(argc, argv, "");
        if (!is_name(args.name, strlen(args.name)))
            usage_error("bad name \"%s\": 1 to 32 letters, digits and hyphens", args.name);
        const in_port_t port = parse_port(next_operand(argc, argv, "7788"), 0);
        no_more_operands(argc, argv);
        args.endpoint = endpoint_resolve("0.0.0.0", port);
    } else if (strcmp(command, "ask") == 0) {
        while (next_option(argc, argv, "w:") != -1)
            args.seconds = parse_seconds(optarg);
        const char *host = next_operand(argc, argv, "255.255.255.255");
        const in_port_t port = parse_port(next_operand(argc, argv, "7788"), 1);
        no_more_operands(argc, argv);
        args.endpoint = endpoint_resolve(host, port);
    } else {
        usage_error("COMMAND is missing: serve or ask");
    }
    return args;
}
