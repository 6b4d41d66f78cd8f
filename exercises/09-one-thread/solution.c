/**
 * @file one-thread.c
 * @brief Exercise 9, one good solution: a chat of two, with one thread.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

#define LONGEST_LINE (4 * DATAGRAM_MAX) // in no charset does so much UTF-8 fit a datagram

struct chat {
    const char *charset;
    struct endpoint local, peer;
    int sock;
    unsigned long sent, received;
};

static struct chat parse_arguments(int argc, char *argv[]);
static void receive_and_print(struct chat *chat);
static bool read_and_send(struct chat *chat);

int main(int argc, char *argv[])
{
    struct chat chat = parse_arguments(argc, argv);
    stop_on_signals();

    /* 1. Create the socket, and bind it to our own port. */
    chat.sock = socket(chat.local.address.ss_family, SOCK_DGRAM, 0);
    if (chat.sock == -1)
        fail("cannot create a socket");
    if (bind(chat.sock, (struct sockaddr *)&chat.local.address, chat.local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&chat.local));
    if (getsockname(chat.sock, (struct sockaddr *)&chat.local.address, &chat.local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&chat.local));

    /* 2. Sleep until there is something to do: a datagram, a key, or Ctrl-C. */
    prompt("<<");
    bool typing = true;
    while (typing && !stop_requested()) {
        struct pollfd inputs[] = { { chat.sock, POLLIN, 0 },
                                   { STDIN_FILENO, POLLIN, 0 },
                                   { stop_descriptor(), POLLIN, 0 } };
        if (poll(inputs, 3, -1) == -1) {
            if (errno != EINTR) // a signal: the condition of the loop looks whether to stop
                fail("cannot wait");
            continue;
        }
        /* 3. Do it, and wait for nothing else: half a line stays half a line. The end of the input
         *    may be reported as POLLHUP, without POLLIN. */
        if (inputs[0].revents != 0)
            receive_and_print(&chat);
        if (inputs[1].revents != 0)
            typing = read_and_send(&chat);
    }

    /* 4. Close the socket. */
    close(chat.sock);
    prompt("\n");
    flush_output();
    say("stopped after %lu sent and %lu received", chat.sent, chat.received);
    return 0;
}

/* Takes what came, and returns. It never sleeps. */
static void receive_and_print(struct chat *chat)
{
    char buffer[1024];
    struct endpoint peer = { .length = sizeof peer.address };
    const ssize_t n = recvfrom(chat->sock, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC,
                               (struct sockaddr *)&peer.address, &peer.length);
    if (n == -1) {
        if (errno != EAGAIN)
            fail("cannot receive");
        return;
    }
    prompt("\r\033[K"); // erase the line with the prompt; it comes again under the message
    printf(">>%s:", endpoint_text(&peer));
    show_datagram(chat->charset, buffer, sizeof buffer, (size_t)n, "cut");
    flush_output();
    prompt("<<");
    chat->received++;
}

static void send_line(struct chat *chat, const char *line, size_t length)
{
    static char data[DATAGRAM_MAX];
    const ssize_t n = encode_text(chat->charset, line, length, data, sizeof data);
    if (n == -1)
        warn("line not sent: cannot encode it in %s", chat->charset);
    else if (sendto(chat->sock, data, (size_t)n, 0, (struct sockaddr *)&chat->peer.address,
                    chat->peer.length) == -1)
        warn("line not sent: cannot send %zd bytes to %s", n, endpoint_text(&chat->peer));
    else
        chat->sent++;
}

/* Takes what was typed: half a line, or several. Returns false at the end of the input. */
static bool read_and_send(struct chat *chat)
{
    static char typed[LONGEST_LINE];
    static size_t length; // how much is in it: the beginning of a line
    const ssize_t n = read(STDIN_FILENO, typed + length, sizeof typed - length);
    if (n == -1 && errno != EINTR && errno != EAGAIN)
        fail("cannot read standard input");
    if (n == 0) { // the end; what is left is a last line without a newline
        if (length > 0)
            send_line(chat, typed, length);
        return false;
    }
    length += n > 0 ? (size_t)n : 0;

    char *line = typed, *end = typed + length;
    for (char *newline; (newline = memchr(line, '\n', (size_t)(end - line))); line = newline + 1) {
        send_line(chat, line, (size_t)(newline - line));
        prompt("<<");
    }
    length = (size_t)(end - line);
    memmove(typed, line, length); // the beginning of the next line waits for its rest
    errno = EMSGSIZE;
    if (length == sizeof typed)
        fail("cannot read a line of so many bytes");
    return true;
}

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
