/**
 * @file drain.c
 * @brief Exercise 15, one good solution: keep up with a flood, and say what is missing.
 */
#define _GNU_SOURCE // recvmmsg: Linux, FreeBSD, NetBSD
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"

#define BATCH 64    // datagrams that one call takes, at most
#define WINDOW 1024 // numbers
#define HEADER 8    // bytes: RUN and NUMBER
#define END 12      // bytes: RUN, 0 and TOTAL
#define KEPT 16     // bytes of each datagram; more than an end has, so that a longer one shows

struct arguments {
    struct endpoint local;
    int bytes; // 0: as the system gives it
    double seconds;
};

/* One datagram: as much of it as we keep, and what the kernel tells about it. Its control messages
 * must be aligned (cmsg(3)). */
struct datagram {
    struct endpoint peer;
    uint32_t words[KEPT / 4];
    struct iovec piece;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint32_t))];
};

struct run {
    uint32_t id;
    struct endpoint peer;
    double deadline;
    uint64_t lowest, highest;         // the window goes from the one number to the other
    uint64_t came[WINDOW / 64];       // a bit for each number in the window: has it come?
    uint64_t first_gap, last_gap;     // a range that is not printed yet; first_gap 0: there is none
    uint32_t received, missing;       // of the numbers so far
    uint32_t total;                   // as the last end says; 0: as the last question
    uint32_t dropped_before, dropped; // the drop count at the first datagram, and at the last one
    unsigned long twice, late, strange;
};

struct drain {
    int sock;
    double seconds;
    bool is_running; // a run is in progress ...
    struct run run;  // ... this one
    bool has_last;   // a run is over ...
    struct run last; // ... this one: its end is answered again
    unsigned long taken;
};

static struct arguments parse_arguments(int argc, char *argv[]);
static void take(struct drain *drain, const struct datagram *datagram, size_t length,
                 uint32_t drops, double moment);

/* -------------------------------- numbers -------------------------------- */

static void print_gap(struct run *run)
{
    if (run->first_gap == 0)
        return;
    if (run->first_gap == run->last_gap)
        printf("missing %" PRIu64 "\n", run->first_gap);
    else
        printf("missing %" PRIu64 " to %" PRIu64 "\n", run->first_gap, run->last_gap);
    run->first_gap = 0;
}

/* These numbers follow all that were settled before. */
static void add_gap(struct run *run, uint64_t first, uint64_t last)
{
    if (run->first_gap == 0)
        run->first_gap = first;
    run->last_gap = last;
    run->missing += (uint32_t)(last - first + 1);
}

/* Settles all numbers below `end`: they leave the window, and what has not come is missing. Only
 * those up to the highest can have come, so the loop is short; all others are one gap. */
static void settle(struct run *run, uint64_t end)
{
    for (; run->lowest < end && run->lowest <= run->highest; run->lowest++) {
        uint64_t *word = &run->came[run->lowest % WINDOW / 64];
        const uint64_t bit = UINT64_C(1) << run->lowest % 64;
        if (*word & bit)
            print_gap(run);
        else
            add_gap(run, run->lowest, run->lowest);
        *word &= ~bit; // this place is for the number that is higher by 1024
    }
    if (run->lowest < end) {
        add_gap(run, run->lowest, end - 1);
        run->lowest = end;
    }
}

static void take_number(struct run *run, uint32_t number)
{
    if (number < run->lowest) {
        run->late++;
        return;
    }
    if (number > run->highest) {
        if (number > WINDOW)
            settle(run, number - WINDOW + UINT64_C(1));
        run->highest = number;
    }
    uint64_t *word = &run->came[number % WINDOW / 64];
    const uint64_t bit = UINT64_C(1) << number % 64;
    if (*word & bit)
        run->twice++;
    else
        run->received++;
    *word |= bit;
}

/* ---------------------------------- runs --------------------------------- */

static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
    const struct sockaddr_in *a4 = (const struct sockaddr_in *)&a->address;
    const struct sockaddr_in *b4 = (const struct sockaddr_in *)&b->address;
    const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)&a->address;
    const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)&b->address;
    if (a->address.ss_family != b->address.ss_family)
        return false;
    if (a->address.ss_family == AF_INET)
        return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
    return a6->sin6_port == b6->sin6_port &&
           memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0;
}

/* Settles what is left of the run, and prints its line. */
static void finish(struct drain *drain, uint64_t total, bool has_end)
{
    struct run *run = &drain->run;
    settle(run, total + 1);
    print_gap(run);
    printf("run %08" PRIx32 ": %s%" PRIu64 " sent, %" PRIu32 " received, %" PRIu32
           " missing (%" PRIu32 " dropped here), %lu twice, %lu late, %lu strange\n",
           run->id, has_end ? "" : "no end, at least ", total, run->received, run->missing,
           run->dropped - run->dropped_before, run->twice, run->late, run->strange);
    drain->is_running = false;
    drain->has_last = true;
    drain->last = *run;
}

/* Answers the end of this run, or its question: repeats it, and says how many have come. */
static void answer(const struct drain *drain, const struct run *run)
{
    const uint32_t words[] = { htonl(run->id), 0, htonl(run->total), htonl(run->received) };
    if (sendto(drain->sock, words, sizeof words, 0, (const struct sockaddr *)&run->peer.address,
               run->peer.length) == -1)
        warn("cannot answer %s", endpoint_text(&run->peer));
}

/* The drop count that came with this datagram; the kernel sends none as long as it is 0. */
static uint32_t read_drops(struct msghdr *message)
{
    uint32_t drops = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
            memcpy(&drops, CMSG_DATA(c), sizeof drops);
    return drops;
}

int main(int argc, char *argv[])
{
    struct arguments args = parse_arguments(argc, argv);
    stop_on_signals();

    /* 1. Create the socket. Ask for the drop count and for the buffer before anything can come. */
    int sock = socket(args.local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    const int on = 1;
    if (setsockopt(sock, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on) == -1)
        fail("cannot ask for the drop count");
    if (args.bytes > 0 &&
        setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &args.bytes, sizeof args.bytes) == -1)
        fail("cannot ask for a receive buffer of %d bytes", args.bytes);

    /* 2. Bind it, and say what we have got. */
    if (bind(sock, (struct sockaddr *)&args.local.address, args.local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&args.local));
    if (getsockname(sock, (struct sockaddr *)&args.local.address, &args.local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&args.local));
    if (args.bytes > 0) {
        if (getsockopt(sock, SOL_SOCKET, SO_RCVBUF, &args.bytes,
                       &(socklen_t){ sizeof args.bytes }) == -1)
            fail("cannot get the size of the receive buffer");
        say("receive buffer %d bytes", args.bytes);
    }

    static struct datagram datagrams[BATCH];
    struct drain drain = { .sock = sock, .seconds = args.seconds };
    while (!stop_requested()) {
        /* 3. Take what has come, up to 64 datagrams in one call. The call changes the structures,
         *    so prepare all of them again. */
        struct mmsghdr messages[BATCH];
        for (int i = 0; i < BATCH; i++) {
            struct datagram *datagram = &datagrams[i];
            datagram->piece = (struct iovec){ datagram->words, KEPT };
            messages[i].msg_hdr = (struct msghdr){ .msg_name = &datagram->peer.address,
                                                   .msg_namelen = sizeof datagram->peer.address,
                                                   .msg_iov = &datagram->piece,
                                                   .msg_iovlen = 1,
                                                   .msg_control = datagram->control,
                                                   .msg_controllen = sizeof datagram->control };
        }
        const int n = recvmmsg(sock, messages, BATCH, MSG_DONTWAIT, NULL);
        if (n == -1 && errno != EAGAIN)
            fail("cannot receive");
        const double moment = now();
        for (int i = 0; i < n; i++) {
            datagrams[i].peer.length = messages[i].msg_hdr.msg_namelen;
            take(&drain, &datagrams[i], messages[i].msg_len, read_drops(&messages[i].msg_hdr),
                 moment);
        }

        /* 4. A run from which nothing comes any more is over, too. Wait, if there was nothing. */
        if (drain.is_running && moment >= drain.run.deadline)
            finish(&drain, drain.run.highest, false);
        if (n == -1)
            wait_for_input(sock, drain.is_running ? drain.run.deadline : INFINITY);
    }

    /* 5. Settle the run in progress, and close the socket. */
    if (drain.is_running)
        finish(&drain, drain.run.highest, false);
    close(sock);
    flush_output();
    say_stopped(drain.taken);
    return 0;
}

/* One datagram of this length, of which we have the beginning. */
static void take(struct drain *drain, const struct datagram *datagram, size_t length,
                 uint32_t drops, double moment)
{
    struct run *run = &drain->run;
    const uint32_t id = ntohl(datagram->words[0]), number = ntohl(datagram->words[1]);
    const uint32_t total = ntohl(datagram->words[2]); // of an end alone
    const bool is_data = length >= HEADER && number > 0;
    const bool is_end = length == END && number == 0; // TOTAL 0: a question
    drain->taken++;
    if (drain->is_running)
        run->dropped = drops;

    /* 6. Is it of the run that was over last? Answer its end again. */
    const bool is_old = drain->has_last && id == drain->last.id &&
                        same_endpoint(&datagram->peer, &drain->last.peer);
    if (is_end && is_old) {
        drain->last.total = total;
        answer(drain, &drain->last);
        return;
    }

    /* 7. Does it begin a run? */
    if (!drain->is_running) {
        if ((!is_data && !is_end) || is_old)
            return;
        drain->is_running = true;
        *run = (struct run){
            .id = id, .peer = datagram->peer, .lowest = 1, .dropped_before = drops, .dropped = drops
        };
    }

    /* 8. Is it of this run? */
    if ((!is_data && !is_end) || id != run->id || !same_endpoint(&datagram->peer, &run->peer) ||
        (is_end && total > 0 && total < run->highest)) {
        run->strange++;
        return;
    }
    run->deadline = moment + drain->seconds;

    /* 9. A number, a question, or the end. */
    if (is_data) {
        take_number(run, number);
        return;
    }
    run->total = total;
    if (total == 0) {
        answer(drain, run);
        return;
    }
    finish(drain, total, true);
    answer(drain, &drain->last);
}

static const char help[] =
    "usage: drain [-b ADDRESS] [-r BYTES] [-w SECONDS] [PORT]\n"
    "Take a flood of numbered datagrams, and say which numbers are missing, until Ctrl-C.\n"
    "\n"
    "  PORT        the port to wait on, 0 to 65535 (default: 7788; 0: any free one)\n"
    "  -b ADDRESS  the address of this machine to wait on (default: 0.0.0.0)\n"
    "  -r BYTES    the receive buffer to ask for, 1 to 2147483647 (default: the system's)\n"
    "  -w SECONDS  after how long without a datagram a run is over (default: 1)\n"
    "  -h          show this help\n";

/* Reads a number of bytes. */
static int parse_bytes(const char *text)
{
    const unsigned long bytes = strtoul(text, NULL, 10);
    if (text[strspn(text, "0123456789")] != '\0' || bytes < 1 || bytes > INT32_MAX)
        usage_error("bad number of bytes \"%s\": a number from 1 to %d", text, INT32_MAX);
    return (int)bytes;
}

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .seconds = 1 };
    const char *host = "0.0.0.0";
    program_begin("drain", help);
    for (int option; (option = next_option(argc, argv, "b:r:w:")) != -1;)
        if (option == 'b')
            host = optarg;
        else if (option == 'r')
            args.bytes = parse_bytes(optarg);
        else
            args.seconds = parse_seconds(optarg);
    const in_port_t port = parse_port(next_operand(argc, argv, "7788"), 0);
    no_more_operands(argc, argv);
    args.local = endpoint_resolve(host, port);
    return args;
}
