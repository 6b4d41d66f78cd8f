/**
 * @file connected.c
 * @brief Lesson 10: connects a UDP socket, asks, and takes answers of that peer alone.
 *
 * Shows connect(2) where there is no connection: it sends nothing. The kernel notes the peer, drops
 * what others send from then on, and tells us if an ICMP error comes back.
 *
 * Run it: `build/connected -w 2 127.0.0.1 7788 hello`. Its partner is echo (lesson 4),
 * `build/echo 7788`; or nobody, who refuses.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

struct arguments {
    const char *charset;
    double seconds;
    struct endpoint peer;
    const char *text; // NULL: read it
};

static struct arguments parse_arguments(int argc, char *argv[]);

int main(int argc, char *argv[])
{
    const struct arguments args = parse_arguments(argc, argv);

    /* 1. Create the socket. */
    int sock = socket(args.peer.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");

    /* 2. Bind it to any free port: all zeros, but for the family, is all addresses and port 0. A
     *    client need not do this. Here it gives everybody the time to send to us before step 4. */
    struct endpoint local = { .length = args.peer.length };
    local.address.ss_family = args.peer.address.ss_family;
    if (bind(sock, (struct sockaddr *)&local.address, local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&local));
    if (getsockname(sock, (struct sockaddr *)&local.address, &local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&local));

    /* 3. Get the text from the keyboard (or the command line), and turn it into bytes. */
    size_t length = args.text ? strlen(args.text) : 0;
    const char *text = args.text ? args.text : ask("Text to send: ", &length);
    char data[DATAGRAM_MAX];
    ssize_t n = encode_text(args.charset, text, length, data, sizeof data);
    if (n == -1)
        fail("cannot encode the text in %s", args.charset);

    /* 4. Connect: the kernel notes the peer, and chooses which of our addresses we send from. */
    if (connect(sock, (const struct sockaddr *)&args.peer.address, args.peer.length) == -1)
        fail("cannot connect to %s", endpoint_text(&args.peer));
    say("connected to %s: nothing was sent", endpoint_text(&args.peer));
    if (getsockname(sock, (struct sockaddr *)&local.address, &local.length) == -1)
        fail("cannot get the socket's address");
    say("this end is %s now", endpoint_text(&local));

    /* 5. Throw away what came before. The kernel looks at the sender when a datagram arrives, not
     *    when we take it: anybody may have sent these. */
    char buffer[1024];
    unsigned long before = 0;
    while (recv(sock, buffer, sizeof buffer, MSG_DONTWAIT) != -1)
        before++;
    if (errno != EAGAIN)
        fail("cannot receive");
    say("threw away %lu datagram%s from before", before, before == 1 ? "" : "s");

    /* 6. Send the bytes. The kernel knows where to. */
    if (send(sock, data, (size_t)n, 0) == -1)
        fail("cannot send %zd bytes to %s", n, endpoint_text(&args.peer));
    printf("sent %zd bytes to %s\n", n, endpoint_text(&args.peer));

    /* 7. Wait for the reply, as lesson 2 does. Nobody but the peer can send it. Or an ICMP error
     *    comes back; then recv fails, and errno says which. */
    const double deadline = now() + args.seconds;
    while ((n = recv(sock, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC)) == -1) {
        if (errno != EAGAIN)
            fail("an error came back for %s", endpoint_text(&args.peer));
        if (!wait_for_input(sock, deadline)) {
            say("neither a reply nor an error from %s in %g seconds", endpoint_text(&args.peer),
                args.seconds);
            return 1;
        }
    }
    printf("received %zd bytes from %s: ", n, endpoint_text(&args.peer));
    show_datagram(args.charset, buffer, sizeof buffer, (size_t)n, "cut");

    /* 8. Close the socket. Nothing is sent for this, either: the peer never learns of it. */
    close(sock);
    flush_output();
    say("the peer answered");
    return 0;
}

static const char help[] =
    "usage: connected [-e CHARSET] [-w SECONDS] HOST [PORT [TEXT]]\n"
    "Connect a UDP socket to HOST, send TEXT, and wait for the reply or an error.\n"
    "Without TEXT, send one line of standard input.\n"
    "\n"
    "  HOST        a name, an IPv4 address or an IPv6 address\n"
    "  PORT        the port to send to, 1 to 65535 (default: 7788)\n"
    "  -e CHARSET  the charset on the wire, such as gb2312 (default: UTF-8)\n"
    "  -w SECONDS  how long to wait for the reply, such as 0.5 (default: forever)\n"
    "  -h          show this help\n";

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .charset = "UTF-8", .seconds = INFINITY };
    program_begin("connected", help);
    for (int option; (option = next_option(argc, argv, "e:w:")) != -1;)
        if (option == 'e')
            args.charset = parse_charset(optarg);
        else
            args.seconds = parse_seconds(optarg);
    const char *host = next_operand(argc, argv, NULL);
    if (!host)
        usage_error("HOST is missing");
    const in_port_t port = parse_port(next_operand(argc, argv, "7788"), 1);
    args.text = next_operand(argc, argv, NULL);
    no_more_operands(argc, argv);
    args.peer = endpoint_resolve(host, port);
    return args;
}
