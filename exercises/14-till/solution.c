/**
 * @file till.c
 * @brief Exercise 14, one good solution: each booking counts exactly once, however bad the network is.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h> // getrandom: Linux, FreeBSD
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"

#define MOST_TILLS 100
#define LARGEST 1000000                  // of NUMBER and of AMOUNT
#define LARGEST_TOTAL 999999999999999999 // 18 digits
#define SHORTEST_RTO 0.05                // seconds
#define MESSAGE_MAX 64                   // bytes; the longest one has 40

struct arguments {
    bool serves;
    double seconds;
    uint64_t tries;
    struct endpoint endpoint; // where we wait, or whom we ask
    char **amounts;
    size_t count;
};

/* `BOOK TILL NUMBER AMOUNT` or `DONE TILL NUMBER TOTAL`. */
struct message {
    uint32_t till;
    uint64_t number, value; // an amount or a total
};

/* What the server remembers of a till: the last booking that counted, and what it answered. */
struct till {
    struct message booking;
    uint64_t total;
    uint64_t answered; // the number of our last answer to it; 0: this place is free
};

static struct arguments parse_arguments(int argc, char *argv[]);

/* -------------------------------- messages -------------------------------- */

static size_t write_message(char *text, const char *word, const struct message *message)
{
    return (size_t)snprintf(text, MESSAGE_MAX, "%s %08" PRIx32 " %" PRIu64 " %" PRIu64, word,
                            message->till, message->number, message->value);
}

/* Returns false if it is not well-formed. strtoull is lenient: it takes blanks, signs, capitals. So we
 * write again what we have read: only of a well-formed message the same bytes come out. */
static bool read_message(const char *bytes, size_t n, const char *word, uint64_t largest,
                         struct message *message)
{
    char text[MESSAGE_MAX], again[MESSAGE_MAX], *end;
    if (n < 5 || n >= sizeof text)
        return false;
    memcpy(text, bytes, n);
    text[n] = '\0';
    message->till = (uint32_t)strtoull(text + 5, &end, 16);
    message->number = strtoull(end, &end, 10);
    message->value = strtoull(end, &end, 10);
    return write_message(again, word, message) == n && memcmp(again, bytes, n) == 0 &&
           message->number >= 1 && message->number <= LARGEST && message->value >= 1 &&
           message->value <= largest;
}

/* ---------------------------------- serve --------------------------------- */

/* The place of this till. If it is unknown: NULL or, for its first booking, a free place or that of the
 * till that we have not answered for the longest time. */
static struct till *find_till(struct till *tills, const struct message *booking)
{
    struct till *oldest = tills;
    for (struct till *till = tills; till < tills + MOST_TILLS; till++) {
        if (till->answered > 0 && till->booking.till == booking->till)
            return till;
        if (till->answered < oldest->answered)
            oldest = till;
    }
    if (booking->number != 1)
        return NULL;
    memset(oldest, 0, sizeof *oldest);
    return oldest;
}

static int serve(struct endpoint local)
{
    static struct till tills[MOST_TILLS];
    uint64_t answers = 0, bookings = 0, total = 0;
    stop_on_signals();

    /* 1. Create the socket and bind it. */
    int sock = socket(local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    if (bind(sock, (struct sockaddr *)&local.address, local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&local));
    if (getsockname(sock, (struct sockaddr *)&local.address, &local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&local));

    while (!stop_requested()) {
        /* 2. Take a booking. A longer datagram is cut; what is left is still too long to be one. */
        char bytes[MESSAGE_MAX];
        struct endpoint peer = { .length = sizeof peer.address };
        const ssize_t n = recvfrom(sock, bytes, sizeof bytes, MSG_DONTWAIT,
                                   (struct sockaddr *)&peer.address, &peer.length);
        if (n == -1) {
            if (errno != EAGAIN)
                fail("cannot receive");
            wait_for_input(sock, INFINITY);
            continue;
        }
        struct message booking;
        if (!read_message(bytes, (size_t)n, "BOOK", LARGEST, &booking))
            continue;

        /* 3. Does it count, is it the last one again, or is it neither? */
        struct till *till = find_till(tills, &booking);
        if (!till)
            continue;
        if (booking.number == till->booking.number + 1) {
            bookings++;
            total += booking.value;
            till->booking = booking;
            till->total = total;
            printf("booked %" PRIu64 " for %08" PRIx32 ", number %" PRIu64 ": total %" PRIu64 "\n",
                   booking.value, booking.till, booking.number, total);
        } else if (booking.number != till->booking.number || booking.value != till->booking.value)
            continue;
        till->answered = ++answers;

        /* 4. Answer, the same each time. */
        const struct message answer = { booking.till, booking.number, till->total };
        const size_t length = write_message(bytes, "DONE", &answer);
        if (sendto(sock, bytes, length, 0, (struct sockaddr *)&peer.address, peer.length) == -1)
            warn("cannot answer %s", endpoint_text(&peer));
    }

    /* 5. Close the socket. */
    close(sock);
    flush_output();
    say("stopped after %" PRIu64 " bookings, total %" PRIu64, bookings, total);
    return 0;
}

/* ---------------------------------- book ---------------------------------- */

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

/* Waits for the answer to this booking until the deadline, which nothing else moves. */
static bool wait_for_answer(int sock, const struct endpoint *server, const struct message *booking,
                            double deadline, struct message *answer)
{
    do {
        char bytes[MESSAGE_MAX];
        struct endpoint peer = { .length = sizeof peer.address };
        const ssize_t n = recvfrom(sock, bytes, sizeof bytes, MSG_DONTWAIT,
                                   (struct sockaddr *)&peer.address, &peer.length);
        if (n == -1 && errno != EAGAIN)
            fail("cannot receive");
        if (n != -1 && same_endpoint(&peer, server) &&
            read_message(bytes, (size_t)n, "DONE", LARGEST_TOTAL, answer) &&
            answer->till == booking->till && answer->number == booking->number)
            return true;
    } while (wait_for_input(sock, deadline));
    return false;
}

static int book(const struct arguments *args)
{
    struct message booking = { 0 }, answer;
    double srtt = 0, rttvar = 0, rto = args->seconds; // as in RFC 6298; in seconds
    bool has_sample = false;

    /* 6. Create the socket, and make up who we are. */
    int sock = socket(args->endpoint.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    if (getrandom(&booking.till, sizeof booking.till, 0) != sizeof booking.till)
        fail("cannot get a random number");

    for (size_t i = 0; i < args->count; i++) {
        char bytes[MESSAGE_MAX];
        booking.number = i + 1;
        booking.value = strtoull(args->amounts[i], NULL, 10);
        const size_t length = write_message(bytes, "BOOK", &booking);

        /* 7. Ask until the answer is there; each time wait twice as long. */
        uint64_t tries = 1;
        double sent = now();
        while (true) {
            if (sendto(sock, bytes, length, 0, (const struct sockaddr *)&args->endpoint.address,
                       args->endpoint.length) == -1)
                fail("cannot send %zu bytes to %s", length, endpoint_text(&args->endpoint));
            if (wait_for_answer(sock, &args->endpoint, &booking, sent + rto, &answer))
                break;
            if (tries == args->tries) {
                close(sock);
                say("no answer to booking %" PRIu64 " (amount %" PRIu64 ") after %" PRIu64
                    " tries: it may count, or not",
                    booking.number, booking.value, tries);
                return 1;
            }
            tries++;
            rto *= 2;
            sent = now();
        }

        /* 8. Only an answer to a single question tells how long the round trip is (Karn). */
        printf("booked %" PRIu64 ": total %" PRIu64 " (%" PRIu64 " tries, ", booking.value,
               answer.value, tries);
        if (tries == 1) {
            const double sample = now() - sent;
            if (has_sample) {
                const double difference = srtt > sample ? srtt - sample : sample - srtt;
                rttvar = 0.75 * rttvar + 0.25 * difference; // from the old SRTT
                srtt = 0.875 * srtt + 0.125 * sample;
            } else {
                srtt = sample;
                rttvar = sample / 2;
                has_sample = true;
            }
            rto = srtt + 4 * rttvar;
            if (rto < SHORTEST_RTO)
                rto = SHORTEST_RTO;
            printf("sample %.0f ms, SRTT %.0f ms, RTTVAR %.0f ms", 1000 * sample, 1000 * srtt,
                   1000 * rttvar);
        } else
            printf("no sample");
        printf(", RTO %.0f ms)\n", 1000 * rto);
        flush_output();
    }
    close(sock);
    return 0;
}

int main(int argc, char *argv[])
{
    const struct arguments args = parse_arguments(argc, argv);
    return args.serves ? serve(args.endpoint) : book(&args);
}

static const char help[] =
    "usage: till serve [-b ADDRESS] [PORT], or "
    "till book [-w SECONDS] [-n TRIES] HOST PORT AMOUNT...\n"
    "serve: add up what tills book, each booking once, until Ctrl-C.\n"
    "book: book each AMOUNT at HOST, and ask again until it is answered.\n"
    "\n"
    "  HOST        the server: a name, an IPv4 address or an IPv6 address\n"
    "  PORT        its port, 1 to 65535; for serve, the own port (default: 7788; 0: any free one)\n"
    "  AMOUNT      what to book, 1 to 1000000\n"
    "  -b ADDRESS  the address of this machine to wait on (default: 0.0.0.0)\n"
    "  -w SECONDS  how long the first try waits, such as 0.5 (default: 1)\n"
    "  -n TRIES    how many times to ask, 1 to 1000 (default: 6)\n"
    "  -h          show this help\n";

/* Reads a number from 1 to the largest one. */
static uint64_t parse_number(const char *text, const char *what, uint64_t largest)
{
    const uint64_t number = strtoull(text, NULL, 10);
    if (text[strspn(text, "0123456789")] != '\0' || *text == '0' || number < 1 || number > largest)
        usage_error("bad %s \"%s\": a number from 1 to %" PRIu64, what, text, largest);
    return number;
}

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .seconds = 1, .tries = 6 };
    program_begin("till", help);
    next_option(argc, argv, "");
    const char *command = next_operand(argc, argv, ""), *host = "0.0.0.0", *port;
    args.serves = strcmp(command, "serve") == 0;
    if (!args.serves && strcmp(command, "book") != 0)
        usage_error("COMMAND is missing: serve or book");
    for (int option; (option = next_option(argc, argv, args.serves ? "b:" : "w:n:")) != -1;)
        if (option == 'b')
            host = optarg;
        else if (option == 'w')
            args.seconds = parse_seconds(optarg);
        else
            args.tries = parse_number(optarg, "number of tries", 1000);
    if (args.serves) {
        port = next_operand(argc, argv, "7788");
        no_more_operands(argc, argv);
    } else {
        host = next_operand(argc, argv, NULL);
        port = next_operand(argc, argv, NULL);
        args.amounts = argv + optind;
        for (const char *text; (text = next_operand(argc, argv, NULL)) != NULL; args.count++)
            parse_number(text, "AMOUNT", LARGEST);
        if (args.count == 0)
            usage_error("%s is missing", port ? "AMOUNT" : host ? "PORT" : "HOST");
    }
    args.endpoint = endpoint_resolve(host, parse_port(port, args.serves ? 0 : 1));
    return args;
}
