/**
 * @file race.c
 * @brief Lesson 12: the same question over UDP and over TCP, in packets, round trips and time.
 *
 * Shows what "no connection" saves, by counting, and what it does not save: a file. TCP_INFO, with
 * which the kernel tells what a connection has sent and received, is Linux's own.
 *
 * Run it: `build/race`, or with a bet, `build/race -b 2:1,2:1,2:1,1:1`. It needs no partner: a thread
 * of its own answers, on 127.0.0.1 or, with -6, on ::1.
 */
#define _GNU_SOURCE // for struct tcp_info
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <linux/tcp.h> // glibc's own struct tcp_info is too old: it counts no segments
#else
#include <netinet/tcp.h>
#endif

#include "endpoint.h"
#include "program.h"

#define PIECE 1200        // bytes of data in a packet, at most: see lesson 9
#define FILE_SIZE 6000000 // bytes: 5000 pieces
#define ROUNDS 5
#define LOST_MAX 10 // answers, before we give up

/* UDP does not send again: what has not come after so long is lost. */
static const struct timeval patience = { .tv_usec = 300000 };

/* What one can bet on. */
static const char *const ratios[] = { "packets", "round trips", "time to the first answer",
                                      "speed of the long answer" };

struct arguments {
    const char *host;
    unsigned long questions, bytes;
    double bet[4]; // TCP : UDP; 0: no bet
};

/* A row of the table: how to ask, and what. */
struct row {
    const char *name;
    int type;                         // SOCK_DGRAM, which is UDP; SOCK_STREAM, which is TCP
    unsigned long sockets, questions; // in a round; questions on each socket
    size_t question, answer;          // bytes
};

/* The end that answers. */
struct server {
    const struct row *row;
    int sock;
};

/* What it took, from nothing to an answer: packets sent and received; round trips and time before the
 * first answer; bytes of answers, and the time until the last. */
struct result {
    double asked, packets, trips, first, bytes, seconds;
};

static struct arguments parse_arguments(int argc, char *argv[]);

/* The server takes a question, and answers. A long answer is many datagrams; TCP cuts it by itself. */
static void *answer(void *argument)
{
    static char data[FILE_SIZE];
    const struct server *server = argument;
    const bool tcp = server->row->type == SOCK_STREAM;
    struct endpoint peer = { .length = sizeof peer.address };
    struct sockaddr *address = tcp ? NULL : (struct sockaddr *)&peer.address;
    ssize_t n = recvfrom(server->sock, data, server->row->question, MSG_WAITALL, address,
                         &peer.length);
    if (n == -1 && errno == EAGAIN)
        return NULL; // the question is lost
    if (n == -1)
        fail("cannot receive");
    for (size_t left = server->row->answer; left > 0; left -= (size_t)n) {
        n = sendto(server->sock, data, tcp || left < PIECE ? left : PIECE, 0, address, peer.length);
        if (n == -1)
            fail("cannot send the answer");
    }
    return NULL;
}

/* Waits for the answer; tells whether all of it came. */
static bool receive(int sock, const struct row *row, double start, struct result *result)
{
    static char data[65536];
    for (size_t missing = row->answer; missing > 0;) {
        if (result->first == 0)
            result->trips++; // we wait for the other side
        errno = 0;           // an end that comes too early has no reason
        const ssize_t n = recv(sock, data, sizeof data, 0);
        if (n == -1 && errno == EAGAIN)
            return false; // the time is up
        if (n < 1)
            fail("cannot receive");
        missing -= (size_t)n;
        result->bytes += (double)n;
        if (row->type == SOCK_DGRAM)
            result->packets++;
        result->seconds = now() - start;
        if (result->first == 0)
            result->first = result->seconds;
    }
    return true;
}

/* Asks with one socket: over UDP and over TCP with the same calls. */
static struct result ask(const struct row *row, int door, const struct endpoint *at)
{
    static char data[PIECE];
    const bool tcp = row->type == SOCK_STREAM;
    while (!tcp && recv(door, data, sizeof data, MSG_DONTWAIT) != -1)
        continue; // throw away a question that came too late
    struct result result = { 0 };
    const double start = now();
    const int sock = socket(at->address.ss_family, row->type, 0);
    if (sock == -1)
        fail("cannot create a socket");
    if (!tcp && setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == -1)
        fail("cannot set a time limit");
    /* TCP's segments must not be larger than our datagrams (12 bytes: a time stamp in each). */
    if (tcp && setsockopt(sock, IPPROTO_TCP, TCP_MAXSEG, &(int){ PIECE + 12 }, sizeof(int)) == -1)
        fail("cannot set the size of a segment");

    /* 1. Connect. UDP sends nothing for this (lesson 10). TCP does, and waits for the other side. */
    if (connect(sock, (const struct sockaddr *)&at->address, at->length) == -1)
        fail("cannot connect to %s", endpoint_text(at));
    if (tcp)
        result.trips++; // we have waited for the other side

    struct server server = { row, door };
    bool all = true;
    for (unsigned long i = 1; i <= row->questions && all; i++) {
        /* 2. Ask. With the last question, TCP tells the other side that no more will come. */
        if (send(sock, data, row->question, 0) == -1)
            fail("cannot send %zu bytes to %s", row->question, endpoint_text(at));
        if (tcp && i == row->questions && shutdown(sock, SHUT_WR) == -1)
            fail("cannot end the connection to %s", endpoint_text(at));
        result.asked++;
        if (!tcp)
            result.packets++;

        /* 3. The server answers. Over TCP it has a socket for each connection. A long answer fits
         *    into no buffer: a thread sends it while we receive. */
        if (tcp && i == 1 && (server.sock = accept(door, NULL, NULL)) == -1)
            fail("cannot accept a connection");
        pthread_t thread;
        const bool large = row->answer > PIECE;
        if (!large)
            answer(&server);
        else if ((errno = pthread_create(&thread, NULL, answer, &server)) != 0)
            fail("cannot create a thread");

        /* 4. Receive the answer. */
        all = receive(sock, row, start, &result);
        if (large)
            pthread_join(thread, NULL);
    }

    /* 5. TCP: when the server has ended the connection, too, all is sent. The kernel has counted it. */
    if (tcp) {
        struct tcp_info info = { 0 };
        close(server.sock);
        if (recv(sock, data, sizeof data, 0) != 0)
            fail("cannot receive the end");
        result.seconds = now() - start;
        if (getsockopt(sock, IPPROTO_TCP, TCP_INFO, &info, &(socklen_t){ sizeof info }) == -1)
            fail("cannot ask for the number of segments");
        result.packets = info.tcpi_segs_out + info.tcpi_segs_in;
    }
    close(sock);
    return result;
}

/* Opens the door of a row's server, asks in several rounds, and prints what it took. */
static struct result race(const struct row *row, const char *host)
{
    struct endpoint at = endpoint_resolve(host, 0);
    struct sockaddr *address = (struct sockaddr *)&at.address;
    const int door = socket(address->sa_family, row->type, 0);
    if (door == -1)
        fail("cannot create a socket");
    if (bind(door, address, at.length) == -1)
        fail("cannot bind to %s", endpoint_text(&at));
    if (getsockname(door, address, &at.length) == -1)
        fail("cannot get the socket's address");
    if (row->type == SOCK_STREAM && listen(door, 1) == -1)
        fail("cannot listen at %s", endpoint_text(&at));
    if (row->type == SOCK_DGRAM &&
        setsockopt(door, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == -1)
        fail("cannot set a time limit");

    struct result sum = { 0 };
    double answers = 0;
    const unsigned long starts = row->sockets * ROUNDS;
    for (unsigned long i = 0; i < starts; i++) {
        const struct result one = ask(row, door, &at);
        sum.asked += one.asked;
        sum.packets += one.packets;
        sum.trips += one.trips;
        sum.bytes += one.bytes;
        sum.seconds += one.seconds;
        if (one.first > 0 && (sum.first == 0 || one.first < sum.first))
            sum.first = one.first; // the shortest: other programs can only make it longer
        answers = sum.bytes / (double)row->answer;
        errno = 0;
        if (sum.asked - answers >= LOST_MAX)
            fail("%d answers were lost", LOST_MAX);
    }
    close(door);
    printf("%-28s %9.2f %12.1f %17.3f %10.0f %9.1f %%\n", row->name, sum.packets / sum.asked,
           sum.trips / (double)starts, sum.first * 1000, answers / sum.seconds,
           100 * answers / sum.asked);
    flush_output();
    return sum;
}

static double speed(const struct result *result)
{
    return result->bytes / result->seconds;
}

int main(int argc, char *argv[])
{
    const struct arguments args = parse_arguments(argc, argv);
    const unsigned long n = args.questions;
    const size_t size = args.bytes;
    const struct row rows[] = {
        { "UDP, a socket for each", SOCK_DGRAM, n, 1, size, size },
        { "TCP, a connection for each", SOCK_STREAM, n, 1, size, size },
        { "UDP, one socket", SOCK_DGRAM, 1, n, size, size },
        { "TCP, one connection", SOCK_STREAM, 1, n, size, size },
        { "UDP, a long answer", SOCK_DGRAM, 1, 1, 1, FILE_SIZE },
        { "TCP, a long answer", SOCK_STREAM, 1, 1, 1, FILE_SIZE },
    };
    struct result results[6];
    printf("%-28s %9s %12s %17s %10s %11s\n", "", "packets", "round trips", "first answer, ms",
           "answers/s", "arrived");
    for (int i = 0; i < 6; i++)
        results[i] = race(&rows[i], args.host);

    const struct result *udp = &results[0], *tcp = &results[1];
    const struct result *udp_long = &results[4], *tcp_long = &results[5];
    const double measured[] = { tcp->packets / udp->packets, tcp->trips / udp->trips,
                                tcp->first / udp->first, speed(tcp_long) / speed(udp_long) };
    if (args.bet[0] > 0)
        printf("\n%-28s %9s %12s\n", "TCP : UDP", "your bet", "measured");
    for (int i = 0; i < 4 && args.bet[0] > 0; i++)
        printf("%-28s %9.2f %12.2f\n", ratios[i], args.bet[i], measured[i]);
    flush_output();
    return 0;
}

static const char help[] =
    "usage: race [-6] [-b BET] [-n QUESTIONS] [-s BYTES]\n"
    "Ask over UDP and over TCP, and print what it takes. All of it stays on this machine.\n"
    "\n"
    "  -6            use ::1, which is IPv6, not 127.0.0.1\n"
    "  -b BET        four ratios, TCP : UDP, such as 2:1,2:1,2:1,1:1: of the packets for a\n"
    "                question, of the round trips and of the time before the first\n"
    "                answer, and of the speed of a long answer\n"
    "  -n QUESTIONS  in each of 5 rounds, 1 to 2000 (default: 200)\n"
    "  -s BYTES      of a question and of its answer, 1 to 1200 (default: 64)\n"
    "  -h            show this help\n";

static unsigned long parse_number(const char *name, const char *text, unsigned long max)
{
    const unsigned long number = strtoul(text, NULL, 10);
    if (text[strspn(text, "0123456789")] != '\0' || number < 1 || number > max)
        usage_error("bad %s \"%s\": a number from 1 to %lu", name, text, max);
    return number;
}

static void parse_bet(const char *text, double bet[4])
{
    double tcp[4], udp[4];
    int length = 0;
    const int read = sscanf(text, "%lf:%lf,%lf:%lf,%lf:%lf,%lf:%lf%n", &tcp[0], &udp[0], &tcp[1],
                            &udp[1], &tcp[2], &udp[2], &tcp[3], &udp[3], &length);
    bool good = read == 8 && length > 0 && text[strspn(text, "0123456789.:,")] == '\0' &&
                text[length] == '\0';
    for (int i = 0; i < 4 && good; i++) {
        bet[i] = tcp[i] / udp[i];
        good = tcp[i] > 0 && udp[i] > 0;
    }
    if (!good)
        usage_error("bad BET \"%s\": four ratios without spaces, such as 2:1,2:1,2:1,1:1", text);
}

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .host = "127.0.0.1", .questions = 200, .bytes = 64 };
    program_begin("race", help);
    for (int option; (option = next_option(argc, argv, "6b:n:s:")) != -1;)
        if (option == '6')
            args.host = "::1";
        else if (option == 'b')
            parse_bet(optarg, args.bet);
        else if (option == 'n')
            args.questions = parse_number("QUESTIONS", optarg, 2000);
        else
            args.bytes = parse_number("BYTES", optarg, PIECE);
    no_more_operands(argc, argv);
    return args;
}
