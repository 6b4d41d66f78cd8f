/**
 * @file threaded-chat.c
 * @brief Lesson 6: a chat of two: one thread receives, the other one reads the keyboard.
 *
 * Shows two threads that share one socket, and a mutex: only one of them writes to the terminal at
 * a time.
 *
 * Run it with a second one as its partner, in two terminals:
 * `build/threaded-chat -l 4567 127.0.0.1 4568` and `build/threaded-chat -l 4568 127.0.0.1 4567`.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

struct chat {
    const char *charset;
    struct endpoint local, peer;
    int sock;
    pthread_mutex_t terminal; // the thread that holds it may write to the terminal
    unsigned long sent, received;
};

static struct chat parse_arguments(int argc, char *argv[]);
static void *receive_and_print(void *chat);
static void *read_and_send(void *chat);

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

    /* Both threads use the same socket: the kernel keeps a sendto and a recvfrom apart. */
    prompt("<<");
    pthread_t receiver, sender;
    if ((errno = pthread_mutex_init(&chat.terminal, NULL)) != 0)
        fail("cannot create a mutex");
    if ((errno = pthread_create(&receiver, NULL, receive_and_print, &chat)) != 0 ||
        (errno = pthread_create(&sender, NULL, read_and_send, &chat)) != 0)
        fail("cannot create a thread");
    pthread_join(receiver, NULL);
    pthread_join(sender, NULL);

    close(chat.sock);
    prompt("\n");
    flush_output();
    say("stopped after %lu sent and %lu received", chat.sent, chat.received);
    return 0;
}

/* 1. Receive, then print. */
static void *receive_and_print(void *argument)
{
    struct chat *chat = argument;
    while (!stop_requested()) {
        char buffer[1024];
        struct endpoint peer = { .length = sizeof peer.address };
        const ssize_t n = recvfrom(chat->sock, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC,
                                   (struct sockaddr *)&peer.address, &peer.length);
        if (n == -1) {
            if (errno != EAGAIN)
                fail("cannot receive");
            wait_for_input(chat->sock, INFINITY);
            continue;
        }
        pthread_mutex_lock(&chat->terminal);
        prompt("\r\033[K"); // erase the prompt's line; the prompt comes back under the message
        printf(">>%s:", endpoint_text(&peer));
        show_datagram(chat->charset, buffer, sizeof buffer, (size_t)n, "cut");
        flush_output();
        prompt("<<");
        pthread_mutex_unlock(&chat->terminal);
        chat->received++;
    }
    return NULL;
}

/* 2. Read the keyboard, then send. */
static void *read_and_send(void *argument)
{
    struct chat *chat = argument;
    size_t length;
    const char *line;
    while ((line = read_line(&length)) != NULL) {
        char data[DATAGRAM_MAX];
        const ssize_t n = encode_text(chat->charset, line, length, data, sizeof data);
        pthread_mutex_lock(&chat->terminal);
        if (n == -1)
            warn("line not sent: cannot encode it in %s", chat->charset);
        else if (sendto(chat->sock, data, (size_t)n, 0, (struct sockaddr *)&chat->peer.address,
                        chat->peer.length) == -1)
            warn("line not sent: cannot send %zd bytes to %s", n, endpoint_text(&chat->peer));
        else
            chat->sent++;
        prompt("<<");
        pthread_mutex_unlock(&chat->terminal);
    }
    request_stop(); // the end of the input ends the other thread, too
    return NULL;
}

static const char help[] =
    "usage: threaded-chat [-e CHARSET] [-b ADDRESS] [-l PORT] [HOST [PORT]]\n"
    "Chat with one peer: send every line typed, print every message that arrives,\n"
    "until end of input (Ctrl-D) or Ctrl-C. Without HOST, ask for it and for its port.\n"
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
    program_begin("threaded-chat", help);
    for (int option; (option = next_option(argc, argv, "e:b:l:")) != -1;)
        if (option == 'e')
            chat.charset = parse_charset(optarg);
        else if (option == 'b')
            address = optarg;
        else
            own_port = optarg;
    const in_port_t local_port = parse_port(own_port, 0);
    const char *host = next_operand(argc, argv, NULL);
    const char *port = next_operand(argc, argv, "4567");
    no_more_operands(argc, argv);
    char typed[256];
    size_t length;
    if (!host) {
        snprintf(typed, sizeof typed, "%s", ask("Peer's IP: ", &length));
        host = typed;
        port = ask("Peer's port: ", &length);
    }
    chat.peer = endpoint_resolve(host, parse_port(port, 1));
    if (!address)
        address = chat.peer.address.ss_family == AF_INET6 ? "::" : "0.0.0.0";
    chat.local = endpoint_resolve(address, local_port);
    return chat;
}
