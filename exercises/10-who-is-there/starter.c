/**
 * @file who-is-there.c
 * @brief Exercise 10: finds who is on the network, by broadcast.
 *
 * The assignment is README.md, beside this file. Check it with `make check-10`.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"

#define LONGEST_NAME 32 // bytes

struct arguments {
    const char *name; // NULL: ask
    double seconds;
    struct endpoint endpoint; // where we serve, or whom we ask
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
    unsigned long answered = 0;
    stop_on_signals();

    int sock = socket(local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    if (bind(sock, (struct sockaddr *)&local.address, local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&local));
    if (getsockname(sock, (struct sockaddr *)&local.address, &local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&local));

    while (!stop_requested()) {
        /* TODO 1. Take a datagram, as lesson 4 does. Until you do, this waits for Ctrl-C. */
        (void)name; // no warning meanwhile: delete this line when you use it
        wait_for_input(stop_descriptor(), INFINITY);

        /* TODO 2. Is it a question: `WHO? `, a token of 8 digits 0 to 9, a to f, nothing else? */

        /* TODO 3. Answer it with `HERE TOKEN NAME`, and say whom you have answered. */
    }
    close(sock);
    flush_output();
    say_stopped(answered);
    return 0;
}

/* Asks everybody, and lists the answers; returns the exit status. */
static int ask_all(struct endpoint everyone, double seconds)
{
    stop_on_signals();

    /* TODO 4. Create the socket, and allow it to broadcast. */

    /* TODO 5. Ask, with a new random token. This code always asks with the same token. */
    const char question[] = "WHO? 00000000";
    (void)question;
    (void)everyone;

    /* TODO 6. Take answers until the time is up. Which are answers to your question? From whom have
     *         you had one already? */
    (void)seconds;

    /* TODO 7. Sort them, and list them. If nobody has answered, exit 1. */
    printf("0 found\n");
    flush_output();
    return 0;
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
