/**
 * @file patience.c
 * @brief Exercise 2: ask, wait, ask again, give up.
 *
 * The assignment is README.md, beside this file. Check it with `make check-02`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

struct arguments {
    double seconds;
    unsigned long tries;
    struct endpoint server;
    const char *text;
};

static struct arguments parse_arguments(int argc, char *argv[]);

int main(int argc, char *argv[])
{
    const struct arguments args = parse_arguments(argc, argv);

    /* TODO 1. Create the socket, of the family of the server's address. */

    /* TODO 2. Send the text to the server. */
    (void)args.server; // no warning meanwhile: delete this line when you use it
    (void)args.text;

    /* TODO 3. Wait for the answer, args.seconds at most: lesson 2, step 5. */
    (void)args.seconds;

    /* TODO 4. Did it come from the server? Then print it, after "answer after 1 tries: ", and exit 0.
     *         If not, wait on for the rest of the time. */

    /* TODO 5. No answer in time: do steps 2 to 4 again, args.tries times in all, and count. */

    /* TODO 6. Close the socket, and give up. */
    say("no answer after %lu tries", args.tries);
    return 1;
}

static const char help[] =
    "usage: patience [-w SECONDS] [-n TRIES] HOST PORT TEXT\n"
    "Send TEXT to HOST as one datagram and wait for the answer; if none comes, ask again.\n"
    "\n"
    "  HOST        a name, an IPv4 address or an IPv6 address\n"
    "  PORT        the port to send to, 1 to 65535\n"
    "  -w SECONDS  how long each try waits, such as 0.5 (default: 1)\n"
    "  -n TRIES    how many times to ask, 1 to 1000 (default: 3)\n"
    "  -h          show this help\n";

static unsigned long parse_tries(const char *text)
{
    const unsigned long tries = strtoul(text, NULL, 10);
    if (text[strspn(text, "0123456789")] != '\0' || tries < 1 || tries > 1000)
        usage_error("bad number of tries \"%s\": a number from 1 to 1000", text);
    return tries;
}

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .seconds = 1, .tries = 3 };
    program_begin("patience", help);
    for (int option; (option = next_option(argc, argv, "w:n:")) != -1;)
        if (option == 'w')
            args.seconds = parse_seconds(optarg);
        else
            args.tries = parse_tries(optarg);

    const char *host = next_operand(argc, argv, NULL);
    const char *port = next_operand(argc, argv, NULL);
    args.text = next_operand(argc, argv, NULL);
    if (!args.text)
        usage_error("%s is missing", port ? "TEXT" : host ? "PORT" : "HOST");
    no_more_operands(argc, argv);
    args.server = endpoint_resolve(host, parse_port(port, 1));
    return args;
}
