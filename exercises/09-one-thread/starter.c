/**
 * @file one-thread.c
 * @brief Exercise 9: a chat of two, in which one thread does everything.
 *
 * The assignment is README.md, beside this file. Check it with `make check-09`.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

struct chat {
    const char *charset;
    struct endpoint local, peer;
    int sock;
    unsigned long sent, received;
};

static struct chat parse_arguments(int argc, char *argv[]);

int main(int argc, char *argv[])
{
    struct chat chat = parse_arguments(argc, argv);
    stop_on_signals();

    chat.sock = socket(chat.local.address.ss_family, SOCK_DGRAM, 0);
    if (chat.sock == -1)
        fail("cannot create a socket");
    if (bind(chat.sock, (struct sockaddr *)&chat.local.address, chat.local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&chat.local));
    if (getsockname(chat.sock, (struct sockaddr *)&chat.local.address, &chat.local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&chat.local));

    /* TODO 1. Sleep in one poll(2) until there is something to do: a datagram, a key, or Ctrl-C
     *         (stop_descriptor() in program.h). Then do that, and sleep again. */

    /* TODO 4. The prompt, as in lesson 6: before each line, and again under each message. */

    close(chat.sock);
    prompt("\n");
    flush_output();
    say("stopped after %lu sent and %lu received", chat.sent, chat.received);
    return 0;
}

/* TODO 2. Take one datagram, if there is one, and print it, as lesson 6 does. Never sleep in here. */

/* TODO 3. Read what was typed with read(2), once. Send each line that is complete; keep the beginning
 *         of the next one for the next time. No read_line: it sleeps until a line is complete. */

static const char help[] =
    "usage: one-thread [-e CHARSET] [-b ADDRESS] [-l PORT] HOST [PORT]\n"
    "Chat with one peer: send every line typed, print every message that arrives,\n"
    "until end of input (Ctrl-D) or Ctrl-C.\n"
    "\n"
    "  HOST        the peer: a name, an IPv4 address or an IPv6 address\n"
    "  PORT        the peer's port, 1 to 65535 (default: 4567)\n"
    "  -l PORT     our own port, 0 to 65535; 0: any free one (default: 4567)\n"
    "  -b ADDRESS  the address of this machine to use (default: all of the\n"
    "              peer's family)\n"
    "  -e CHARSET  the charset on the wire, such as gb2312 (default: UTF-8)\n"
    "  -h          show this help\n";

static struct chat parse_arguments(int argc, char *argv[])
{
    struct chat chat = { .charset = "UTF-8" };
    const char *address = NULL, *own_port = "4567";
    program_begin("one-thread", help);
    for (int option; (option = next_option(argc, argv, "e:b:l:")) != -1;)
        if (option == 'e')
            chat.charset = parse_charset(optarg);
        else if (option == 'b')
            address = optarg;
        else
            own_port = optarg;
    const in_port_t local_port = parse_port(own_port, 0);
    const char *host = next_operand(argc, argv, NULL);
    if (!host)
        usage_error("HOST is missing");
    const in_port_t port = parse_port(next_operand(argc, argv, "4567"), 1);
    no_more_operands(argc, argv);
    chat.peer = endpoint_resolve(host, port);
    if (!address)
        address = chat.peer.address.ss_family == AF_INET6 ? "::" : "0.0.0.0";
    chat.local = endpoint_resolve(address, local_port);
    return chat;
}
