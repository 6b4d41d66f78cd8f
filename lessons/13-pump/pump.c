/**
 * @file pump.c
 * @brief Lesson 13: as many datagrams as the machine can send and receive, in three ways.
 *
 * Shows what a system call costs, and what the way through the kernel costs: one datagram a call;
 * many a call (sendmmsg, recvmmsg); one large block, which the kernel cuts late and puts together
 * early (UDP_SEGMENT, UDP_GRO). Only the first way is in POSIX; see sendmmsg(2) and udp(7).
 *
 * Run it: `build/pump take -w stack 7788`, and in another terminal its partner,
 * `build/pump send -w stack 127.0.0.1 7788`. Send only to yourself: this is a flood.
 */
#define _GNU_SOURCE // for sendmmsg and recvmmsg
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

#define BATCH 64        // datagrams in a call, at most
#define BLOCK_MAX 65507 // bytes: the kernel takes a block as one datagram, until it cuts it
#define HEADER 8        // bytes: run and number
#define QUESTION 12     // bytes: the same, and what was sent
#define PATIENCE 0.2    // seconds: how long to wait for an answer
#define TRIES 10        // how often to ask for it
#define SILENCE 1.0     // seconds: if nothing comes for so long, the sender has gone

/* What the two ends say to each other, in network byte order. A datagram of the flood has the first
 * two fields, and then anything; a question has three; the answer repeats them, and has all four. */
struct message {
    uint32_t run;    // a number that the sender makes up
    uint32_t number; // of the datagram: 1, 2, 3, ...; of a question and its answer: 0
    uint32_t sent;   // datagrams, so far; 0 asks "may I send?"
    uint32_t come;   // of these
};

/* What has come of one sender. */
struct run {
    uint32_t id;
    unsigned long datagrams, bytes, calls;
    uint32_t sent; // what the sender says; 0: nothing so far
    bool asked;    // it waits for an answer
};

struct arguments {
    bool sends;
    const struct way *way;
    size_t size; // of a datagram, in bytes
    double seconds;
    struct endpoint endpoint;
};

static struct arguments parse_arguments(int argc, char *argv[]);

/* ------------------------------- three ways to send -------------------------------- */

/* Each sends, with one call, up to `count` datagrams of the block. Returns how many, or -1. */

static ssize_t send_one(int sock, char *block, size_t size, size_t count)
{
    (void)count;
    return send(sock, block, size, 0) == -1 ? -1 : 1;
}

static ssize_t send_calls(int sock, char *block, size_t size, size_t count)
{
    struct iovec data[BATCH];
    struct mmsghdr datagrams[BATCH] = { 0 };
    for (size_t i = 0; i < count; i++) {
        data[i] = (struct iovec){ block + i * size, size };
        datagrams[i].msg_hdr = (struct msghdr){ .msg_iov = &data[i], .msg_iovlen = 1 };
    }
    return sendmmsg(sock, datagrams, (unsigned)count, 0);
}

/* The kernel cuts the block: UDP_SEGMENT has told it where. */
static ssize_t send_stack(int sock, char *block, size_t size, size_t count)
{
    return send(sock, block, size * count, 0) == -1 ? -1 : (ssize_t)count;
}

/* ------------------------------ three ways to receive ------------------------------ */

static void count_datagram(const char *data, size_t n, struct run *run)
{
    struct message message = { 0 };
    memcpy(&message, data, n < sizeof message ? n : sizeof message);
    if (n < HEADER || ntohl(message.run) != run->id)
        return; // a stranger's
    if (message.number != 0) {
        run->datagrams++;
        run->bytes += n;
    } else if (n == QUESTION) {
        run->sent = ntohl(message.sent);
        run->asked = true;
    }
}

/* Each takes, with one call, datagrams that are there. -1: there are none. */

static ssize_t take_one(int sock, struct run *run)
{
    static char data[DATAGRAM_MAX];
    const ssize_t n = recv(sock, data, sizeof data, MSG_DONTWAIT);
    if (n != -1)
        count_datagram(data, (size_t)n, run);
    return n;
}

static ssize_t take_calls(int sock, struct run *run)
{
    static char data[BATCH][DATAGRAM_MAX];
    struct iovec room[BATCH];
    struct mmsghdr datagrams[BATCH] = { 0 };
    for (size_t i = 0; i < BATCH; i++) {
        room[i] = (struct iovec){ data[i], DATAGRAM_MAX };
        datagrams[i].msg_hdr = (struct msghdr){ .msg_iov = &room[i], .msg_iovlen = 1 };
    }
    const int count = recvmmsg(sock, datagrams, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++)
        count_datagram(data[i], datagrams[i].msg_len, run);
    return count;
}

/* UDP_GRO lets the kernel hand over a block. A control message says where to cut it; without one, it
 * is a single datagram. */
static ssize_t take_stack(int sock, struct run *run)
{
    static char block[DATAGRAM_MAX];
    union {
        struct cmsghdr header; // for the alignment
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec room = { block, sizeof block };
    struct msghdr message = {
        .msg_iov = &room, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    const ssize_t n = recvmsg(sock, &message, MSG_DONTWAIT);
    int size = (int)n;
    struct cmsghdr *about = n == -1 ? NULL : CMSG_FIRSTHDR(&message);
    if (about && about->cmsg_level == IPPROTO_UDP && about->cmsg_type == UDP_GRO)
        memcpy(&size, CMSG_DATA(about), sizeof size);
    for (ssize_t at = 0; at < n; at += size)
        count_datagram(block + at, (size_t)(n - at < size ? n - at : size), run);
    return n;
}

static const struct way {
    const char *name;
    size_t batch; // datagrams in a call, at most
    ssize_t (*send)(int sock, char *block, size_t size, size_t count);
    ssize_t (*take)(int sock, struct run *run);
} ways[] = {
    { "one", 1, send_one, take_one },
    { "calls", BATCH, send_calls, take_calls },
    { "stack", BATCH, send_stack, take_stack },
};

/* --------------------------------- the two programs -------------------------------- */

static void print_result(const char *what, unsigned long datagrams, unsigned long bytes,
                         unsigned long calls, double seconds)
{
    printf("%s %lu datagrams, %lu bytes in %.2f s: %.0f a second, %.2f Gbit/s, %.1f a call\n", what,
           datagrams, bytes, seconds, (double)datagrams / seconds, (double)bytes * 8e-9 / seconds,
           (double)datagrams / (double)calls);
}

static void print_loss(unsigned long sent, unsigned long received)
{
    const unsigned long lost = sent > received ? sent - received : 0;
    printf("lost %lu of %lu datagrams: %.1f %%\n", lost, sent, 100 * (double)lost / (double)sent);
}

/* Tells pump take how many datagrams we have sent, until it answers how many have come. (Refused: that
 * is about a datagram of before. We ask again.) */
static unsigned long ask_taker(int sock, uint32_t run, uint32_t sent, const struct endpoint *peer)
{
    const struct message question = { htonl(run), 0, htonl(sent), 0 };
    struct message answer;
    for (int i = 0; i < TRIES; i++) {
        if (send(sock, &question, QUESTION, 0) == -1 && errno != ECONNREFUSED)
            fail("cannot send %d bytes to %s", QUESTION, endpoint_text(peer));
        const double deadline = now() + PATIENCE;
        while (wait_for_input(sock, deadline)) {
            const ssize_t n = recv(sock, &answer, sizeof answer, MSG_TRUNC);
            if (n == -1)
                fail("an error came back for %s", endpoint_text(peer));
            if (n == sizeof answer && memcmp(&answer, &question, QUESTION) == 0)
                return ntohl(answer.come); // to this question, and not to an earlier one
        }
    }
    say("no answer from %s: is pump take there, and free?", endpoint_text(peer));
    exit(1);
}

static void send_flood(const struct arguments *args)
{
    /* 1. Create the socket and connect it, as in lesson 10. */
    const struct endpoint *peer = &args->endpoint;
    const int sock = socket(peer->address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    if (connect(sock, (const struct sockaddr *)&peer->address, peer->length) == -1)
        fail("cannot connect to %s", endpoint_text(peer));

    /* 2. Ask whether we may send: nobody gets a flood without having agreed. */
    uint32_t run;
    if (getrandom(&run, sizeof run, 0) == -1)
        fail("cannot make up a number");
    ask_taker(sock, run, 0, peer);

    /* 3. The third way: let the kernel cut blocks. */
    const bool stack = args->way->send == send_stack;
    const size_t size = args->size;
    size_t batch = args->way->batch;
    if (stack && setsockopt(sock, IPPROTO_UDP, UDP_SEGMENT, &(int){ (int)size }, sizeof(int)) == -1)
        fail("cannot let the kernel cut blocks (try -w calls)");
    if (stack && batch > BLOCK_MAX / size)
        batch = BLOCK_MAX / size;

    /* 4. Send as fast as we can. Each datagram has a number. An error in the middle of sendmmsg cuts
     *    the call short, and its reason is lost: then we stop, and ask. */
    static char block[BATCH * DATAGRAM_MAX];
    unsigned long sent = 0, calls = 0;
    double seconds = 0;
    ssize_t n = (ssize_t)batch;
    for (const double start = now(); seconds < args->seconds && n == (ssize_t)batch;
         seconds = now() - start) {
        for (size_t i = 0; i < batch; i++) {
            const struct message message = { htonl(run), htonl((uint32_t)(sent + i + 1)), 0, 0 };
            memcpy(block + i * size, &message, HEADER);
        }
        n = args->way->send(sock, block, size, batch);
        if (n == -1 && errno == ECONNREFUSED) // because of an earlier datagram
            fail("an error came back for %s", endpoint_text(peer));
        if (n == -1 && stack)
            fail("cannot send blocks, cut into %zu bytes, to %s", size, endpoint_text(peer));
        if (n == -1)
            fail("cannot send %zu bytes to %s", size, endpoint_text(peer));
        sent += (unsigned long)n;
        calls++;
    }
    print_result("sent", sent, sent * size, calls, seconds);

    /* 5. Ask what has come: only the other side knows. */
    print_loss(sent, ask_taker(sock, run, (uint32_t)sent, peer));
    close(sock);
}

static void answer(int sock, const struct endpoint *sender, struct run *run)
{
    const struct message message = { htonl(run->id), 0, htonl(run->sent),
                                     htonl((uint32_t)run->datagrams) };
    if (sendto(sock, &message, sizeof message, 0, (const struct sockaddr *)&sender->address,
               sender->length) == -1)
        warn("cannot send %zu bytes to %s", sizeof message, endpoint_text(sender));
    run->asked = false;
}

/* Takes the flood of a sender until it says how much it has sent, or until it is silent. */
static void take_flood(int sock, const struct endpoint *sender, struct run *run,
                       const struct way *way)
{
    answer(sock, sender, run);
    double start = now(), last = start;
    while (run->sent == 0 && !stop_requested()) {
        const unsigned long before = run->datagrams;
        if (way->take(sock, run) == -1) {
            if (errno != EAGAIN)
                fail("cannot receive");
            wait_for_input(sock, last + SILENCE);
        }
        if (run->datagrams != before) {
            run->calls++;
            last = now();
        } else if (now() > last + SILENCE) { // strangers may still send
            break;
        }
        if (run->asked) {
            answer(sock, sender, run);
            if (run->datagrams == 0)
                start = last = now(); // our first answer was late, or lost
        }
    }
    if (run->datagrams > 0)
        print_result("received", run->datagrams, run->bytes, run->calls, last - start);
    flush_output();
    if (run->sent > 0)
        print_loss(run->sent, run->datagrams);
    else
        say("%s has not said how much it has sent", endpoint_text(sender));
}

static void wait_for_floods(const struct arguments *args)
{
    /* 1. Create the socket and bind it, as in lesson 4. */
    struct endpoint local = args->endpoint;
    const int sock = socket(local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    if (bind(sock, (struct sockaddr *)&local.address, local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&local));
    if (getsockname(sock, (struct sockaddr *)&local.address, &local.length) == -1)
        fail("cannot get the socket's address");

    /* 2. The third way: let the kernel hand over blocks. */
    if (args->way->take == take_stack &&
        setsockopt(sock, IPPROTO_UDP, UDP_GRO, &(int){ 1 }, sizeof(int)) == -1)
        fail("cannot let the kernel hand over blocks (try -w calls)");
    stop_on_signals();
    say("bound to %s", endpoint_text(&local));

    struct run run = { 0 };
    unsigned long taken = 0;
    while (!stop_requested()) {
        /* 3. Wait until somebody asks. */
        struct message question;
        struct endpoint from = { .length = sizeof from.address };
        const ssize_t n = recvfrom(sock, &question, sizeof question, MSG_DONTWAIT | MSG_TRUNC,
                                   (struct sockaddr *)&from.address, &from.length);
        if (n == -1) {
            if (errno != EAGAIN)
                fail("cannot receive");
            wait_for_input(sock, INFINITY);
            continue;
        }
        if (n != QUESTION || question.number != 0)
            continue; // a stranger's, or late

        /* 4. Take the flood. If this sender has had its turn, our answer was lost: say it again. */
        if (ntohl(question.run) == run.id) {
            run.sent = ntohl(question.sent);
            answer(sock, &from, &run);
            continue;
        }
        run = (struct run){ .id = ntohl(question.run), .sent = ntohl(question.sent) };
        take_flood(sock, &from, &run, args->way);
        taken += run.datagrams;
    }
    close(sock);
    flush_output();
    say_stopped(taken);
}

int main(int argc, char *argv[])
{
    const struct arguments args = parse_arguments(argc, argv);
    if (args.sends)
        send_flood(&args);
    else
        wait_for_floods(&args);
    flush_output();
    return 0;
}

static const char help[] =
    "usage: pump send [-w WAY] [-s BYTES] [-t SECONDS] HOST [PORT], or "
    "pump take [-w WAY] [-b ADDRESS] [PORT]\n"
    "send: send datagrams as fast as this machine can, and tell how many have arrived.\n"
    "take: receive what pump send sends, until Ctrl-C.\n"
    "\n"
    "  HOST        where pump take is: a name, an IPv4 address or an IPv6 address\n"
    "  PORT        its port, 1 to 65535; for take, the own port (default: 7788; 0: any free one)\n"
    "  -w WAY      one: one datagram in a call; calls: 64 in a call;\n"
    "              stack: the kernel cuts or puts together one large block (default: one)\n"
    "  -s BYTES    the size of a datagram, 12 to 65507 (default: 64)\n"
    "  -t SECONDS  how long to send, such as 0.5, at most 60 (default: 2)\n"
    "  -b ADDRESS  the address of this machine to wait on (default: 0.0.0.0)\n"
    "  -h          show this help\n";

static const struct way *parse_way(const char *name)
{
    for (const struct way *way = ways; way < ways + 3; way++)
        if (strcmp(way->name, name) == 0)
            return way;
    usage_error("unknown way \"%s\": one, calls or stack", name);
}

static size_t parse_size(const char *text)
{
    const unsigned long n = strtoul(text, NULL, 10);
    if (text[strspn(text, "0123456789")] != '\0' || n < QUESTION || n > BLOCK_MAX)
        usage_error("bad size \"%s\": a number of bytes from 12 to 65507", text);
    return n;
}

/* A longer flood would run out of numbers. */
static double parse_time(const char *text)
{
    const double seconds = parse_seconds(text);
    if (seconds > 60)
        usage_error("bad time \"%s\": at most 60 seconds", text);
    return seconds;
}

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .way = ways, .size = 64, .seconds = 2 };
    program_begin("pump", help);
    next_option(argc, argv, ""); // -h
    const char *command = next_operand(argc, argv, ""), *host = "0.0.0.0";
    args.sends = strcmp(command, "send") == 0;
    if (!args.sends && strcmp(command, "take") != 0)
        usage_error("the first argument must be send or take");
    for (int option; (option = next_option(argc, argv, args.sends ? "w:s:t:" : "w:b:")) != -1;)
        if (option == 'w')
            args.way = parse_way(optarg);
        else if (option == 's')
            args.size = parse_size(optarg);
        else if (option == 't')
            args.seconds = parse_time(optarg);
        else
            host = optarg;
    if (args.sends && !(host = next_operand(argc, argv, NULL)))
        usage_error("HOST is missing");
    const in_port_t port = parse_port(next_operand(argc, argv, "7788"), args.sends ? 1 : 0);
    no_more_operands(argc, argv);
    args.endpoint = endpoint_resolve(host, port);
    return args;
}
