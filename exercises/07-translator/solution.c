/**
 * @file translator.c
 * @brief Exercise 7, one good solution: a relay between two charsets.
 */
#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

/* Translate through a charset that has every character, with 4 bytes each. Then a character that we
 * can read but not write differs from bytes that we cannot read. */
#define PIVOT "UTF-32LE"

struct arguments {
    const char *left, *right; // charsets
    struct endpoint local, peer;
};

/* One way through: what iconv needs to translate in one direction. */
struct way {
    iconv_t decoder, encoder; // from one charset to the pivot, and from there to the other
};

static struct arguments parse_arguments(int argc, char *argv[]);
static struct way open_way(const char *from, const char *to);
static ssize_t translate(const struct way *way, char *in, size_t n, char *result, size_t size,
                         unsigned long *replaced);
static void close_way(const struct way *way);
static bool same_endpoint(const struct endpoint *a, const struct endpoint *b);

int main(int argc, char *argv[])
{
    struct arguments args = parse_arguments(argc, argv);

    /* 1. Does iconv know both ways? While they are open, it need not load them again. */
    const struct way to_right = open_way(args.left, args.right);
    const struct way to_left = open_way(args.right, args.left);
    stop_on_signals();

    /* 2. Create the socket, and bind it to our own port. */
    int sock = socket(args.local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    if (bind(sock, (struct sockaddr *)&args.local.address, args.local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&args.local));
    if (getsockname(sock, (struct sockaddr *)&args.local.address, &args.local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&args.local));

    struct endpoint left = { .length = 0 }; // nobody yet
    unsigned long datagrams = 0, all_replaced = 0;
    while (!stop_requested()) {
        /* 3. Take the next datagram. Its sender decides where it goes. */
        char data[DATAGRAM_MAX];
        struct endpoint sender = { .length = sizeof sender.address };
        const ssize_t n = recvfrom(sock, data, sizeof data, MSG_DONTWAIT,
                                   (struct sockaddr *)&sender.address, &sender.length);
        if (n == -1) {
            if (errno != EAGAIN)
                fail("cannot receive");
            wait_for_input(sock, INFINITY);
            continue;
        }
        const bool from_right = same_endpoint(&sender, &args.peer);
        if (!from_right)
            left = sender;
        const struct endpoint *receiver = from_right ? &left : &args.peer;
        if (receiver->length == 0) {
            say("%zd bytes not passed on: nobody has written from the left yet", n);
            continue;
        }

        /* 4. Translate it, and pass it on: all of it, or nothing. The way is a new one: a decoder of
         *    UTF-16 keeps the byte order of the datagram before, even if we reset it. */
        char result[DATAGRAM_MAX];
        unsigned long replaced;
        const struct way way = from_right ? open_way(args.right, args.left)
                                          : open_way(args.left, args.right);
        const ssize_t length = translate(&way, data, (size_t)n, result, sizeof result, &replaced);
        close_way(&way);
        if (length == -1)
            errno = EMSGSIZE;
        if (length == -1 ||
            sendto(sock, result, (size_t)length, 0, (const struct sockaddr *)&receiver->address,
                   receiver->length) == -1) {
            warn("%zd bytes not passed on to %s", n, endpoint_text(receiver));
            continue;
        }

        /* 5. Say what we did. */
        printf("%s to ", endpoint_text(&sender));
        printf("%s: %zd bytes in, %zd bytes out, %lu replaced\n", endpoint_text(receiver), n,
               length, replaced);
        datagrams++;
        all_replaced += replaced;
    }

    /* 6. Close the socket. */
    close(sock);
    close_way(&to_right);
    close_way(&to_left);
    flush_output();
    say("stopped after %lu datagrams, %lu replaced", datagrams, all_replaced);
    return 0;
}

/* Same address, same port. Not memcmp of the whole: an address has parts that mean nothing here. */
static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
    if (a->address.ss_family != b->address.ss_family)
        return false;
    if (a->address.ss_family == AF_INET) {
        const struct sockaddr_in *a4 = (const struct sockaddr_in *)&a->address;
        const struct sockaddr_in *b4 = (const struct sockaddr_in *)&b->address;
        return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
    }
    const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)&a->address;
    const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)&b->address;
    return a6->sin6_port == b6->sin6_port &&
           memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0;
}

static iconv_t open_iconv(const char *to, const char *from, const char *charset)
{
    const iconv_t opened = iconv_open(to, from);
    if (opened == (iconv_t)-1 || *charset == '\0' || strchr(charset, '/'))
        usage_error("unknown charset \"%s\" (`iconv -l` lists them)", charset);
    return opened;
}

static struct way open_way(const char *from, const char *to)
{
    return (struct way){ open_iconv(PIVOT, from, from), open_iconv(to, PIVOT, to) };
}

/* Writes a character of the pivot after what the encoder wrote before: only the encoder knows what
 * must come between them, such as an escape sequence. Returns false, with errno E2BIG if there is no
 * room, else EILSEQ. */
static bool encode(const struct way *way, char *character, char **out, size_t *size)
{
    char *const before = *out;
    size_t left = 4;
    const size_t answer = iconv(way->encoder, &character, &left, out, size);
    if (answer != 0 && answer != (size_t)-1) { // musl wrote a `*` instead
        *size += (size_t)(*out - before);
        *out = before;
        errno = EILSEQ;
    }
    return answer == 0;
}

/* Translates n bytes; returns the length of the result, -1 if it does not fit. Counts in `replaced` what
 * became a question mark. */
static ssize_t translate(const struct way *way, char *in, size_t n, char *result, size_t size,
                         unsigned long *replaced)
{
    char *const end = in + n, *out = result;
    size_t broken = 0; // so many of the next bytes are an incomplete character
    *replaced = 0;
    if (n == 0)
        return 0; // an encoder may begin with an escape sequence, even if there is no text
    while (true) {
        /* No character takes more than 8 bytes; if it got more, iconv would look at all of them each
         * time. There is room for one character, so iconv takes one, or none where none begins. At
         * the end it gives what it held back: a letter that an accent could have followed. */
        char character[4], *pivot = character;
        size_t room = sizeof character;
        const char *const start = in;
        size_t some = end - in < 8 ? (size_t)(end - in) : 8;
        if (broken == 0 &&
            iconv(way->decoder, start < end ? &in : NULL, &some, &pivot, &room) == (size_t)-1 &&
            errno == EINVAL && in + some == end)
            broken = some; // the datagram ends in the middle of a character
        if (room == 0) {
            if (encode(way, character, &out, &size))
                continue;
            if (errno == E2BIG)
                return -1;
        } else if (start == end) {
            break;
        } else if (in > start) {
            continue; // no character yet, but a change of state
        } else {
            in++; // no character begins with this byte
            broken -= broken > 0;
        }
        /* We cannot read it, or cannot write it. */
        if (!encode(way, (char[4]){ '?' }, &out, &size))
            return -1;
        (*replaced)++;
    }
    /* What the encoder held back, and what brings it back to its first state. */
    return iconv(way->encoder, NULL, NULL, &out, &size) == (size_t)-1 ? -1 : out - result;
}

static void close_way(const struct way *way)
{
    iconv_close(way->decoder);
    iconv_close(way->encoder);
}

static const char help[] =
    "usage: translator [-b ADDRESS] LEFT RIGHT HOST PORT [OWN]\n"
    "Pass datagrams on between those who write to OWN, in the charset LEFT, and the one at\n"
    "HOST and PORT, in the charset RIGHT, until Ctrl-C.\n"
    "\n"
    "  LEFT, RIGHT  charsets that iconv knows, such as gb2312 and utf-8\n"
    "  HOST         the right one: a name, an IPv4 address or an IPv6 address\n"
    "  PORT         its port, 1 to 65535\n"
    "  OWN          our own port, 0 to 65535; 0: any free one (default: 4567)\n"
    "  -b ADDRESS   the address of this machine to use (default: all of the\n"
    "               right one's family)\n"
    "  -h           show this help\n";

static struct arguments parse_arguments(int argc, char *argv[])
{
    const char *address = NULL;
    program_begin("translator", help);
    while (next_option(argc, argv, "b:") != -1)
        address = optarg;
    struct arguments args = { .left = next_operand(argc, argv, NULL) };
    args.right = next_operand(argc, argv, NULL);
    const char *host = next_operand(argc, argv, NULL);
    const char *port = next_operand(argc, argv, NULL);
    if (!port)
        usage_error("LEFT, RIGHT, HOST or PORT is missing");
    const in_port_t peer_port = parse_port(port, 1);
    const in_port_t local_port = parse_port(next_operand(argc, argv, "4567"), 0);
    no_more_operands(argc, argv);
    args.peer = endpoint_resolve(host, peer_port);
    if (!address)
        address = args.peer.address.ss_family == AF_INET6 ? "::" : "0.0.0.0";
    args.local = endpoint_resolve(address, local_port);
    return args;
}
