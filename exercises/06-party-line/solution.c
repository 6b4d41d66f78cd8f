/**
 * @file party-line.c
 * @brief Exercise 6, one good solution: a chat server for up to 32 members.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

#define MEMBERS 32
#define LONGEST_NAME 16      // bytes
#define LONGEST_REQUEST 1024 // bytes

struct member {
    struct endpoint endpoint; // who it is: address and port
    char name[LONGEST_NAME + 1];
    double heard; // when its last datagram came
};

struct party {
    struct endpoint local;
    double seconds; // how long a member may be silent
    int sock;
    struct member members[MEMBERS]; // in the order in which they joined
    size_t count;
};

static struct party parse_arguments(int argc, char *argv[]);
static void send_bytes(const struct party *party, const struct endpoint *peer, const char *bytes,
                       size_t n);
static void drop_the_silent(struct party *party);
static struct member *find_member(struct party *party, const struct endpoint *peer);
static bool is(const char *request, size_t n, const char *word);
static const char *obey(struct party *party, const struct endpoint *peer, const char *request,
                        size_t n);

int main(int argc, char *argv[])
{
    struct party party = parse_arguments(argc, argv);
    stop_on_signals();

    /* 1. Create the socket, and bind it to our address and port. */
    party.sock = socket(party.local.address.ss_family, SOCK_DGRAM, 0);
    if (party.sock == -1)
        fail("cannot create a socket");
    if (bind(party.sock, (struct sockaddr *)&party.local.address, party.local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&party.local));
    if (getsockname(party.sock, (struct sockaddr *)&party.local.address, &party.local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&party.local));

    unsigned long requests = 0;
    while (!stop_requested()) {
        /* 2. Take the next request. MSG_TRUNC tells its whole length, if it was too long. */
        char request[LONGEST_REQUEST];
        struct endpoint peer = { .length = sizeof peer.address };
        const ssize_t n = recvfrom(party.sock, request, sizeof request, MSG_DONTWAIT | MSG_TRUNC,
                                   (struct sockaddr *)&peer.address, &peer.length);
        if (n == -1) {
            if (errno != EAGAIN)
                fail("cannot receive");
            wait_for_input(party.sock, INFINITY);
            continue;
        }

        /* 3. Log it, made harmless. */
        printf("%s: ", endpoint_text(&peer));
        show_datagram("UTF-8", request, sizeof request, (size_t)n, "cut");
        requests++;

        /* 4. Drop the members that were silent too long. This sender is not, if still a member. */
        drop_the_silent(&party);
        struct member *member = find_member(&party, &peer);
        if (member)
            member->heard = now();

        /* 5. Do what it asks for, and answer. */
        const char *answer = obey(&party, &peer, request, (size_t)n);
        send_bytes(&party, &peer, answer, strlen(answer));
    }

    /* 6. Close the socket. */
    close(party.sock);
    flush_output();
    say_stopped(requests);
    return 0;
}

/* A stranger chose the address: a failure is a warning, not the end. */
static void send_bytes(const struct party *party, const struct endpoint *peer, const char *bytes,
                       size_t n)
{
    if (sendto(party->sock, bytes, n, 0, (const struct sockaddr *)&peer->address, peer->length) ==
        -1)
        warn("cannot send %zu bytes to %s", n, endpoint_text(peer));
}

static void remove_member(struct party *party, struct member *member)
{
    const size_t behind = (size_t)(party->members + party->count - (member + 1));
    memmove(member, member + 1, behind * sizeof *member);
    party->count--;
}

static void drop_the_silent(struct party *party)
{
    const double moment = now();
    for (size_t i = party->count; i > 0; i--)
        if (moment - party->members[i - 1].heard > party->seconds)
            remove_member(party, &party->members[i - 1]);
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

/* The member at this endpoint, or NULL. */
static struct member *find_member(struct party *party, const struct endpoint *peer)
{
    for (size_t i = 0; i < party->count; i++)
        if (same_endpoint(&party->members[i].endpoint, peer))
            return &party->members[i];
    return NULL;
}

static bool is_name(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) // no isalnum: its answer depends on the locale
        if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') ||
              (text[i] >= '0' && text[i] <= '9')))
            return false;
    return n >= 1 && n <= LONGEST_NAME;
}

static const char *join(struct party *party, const struct endpoint *peer, const char *name,
                        size_t n)
{
    if (!is_name(name, n))
        return "ERROR bad name";
    if (find_member(party, peer))
        return "ERROR already a member";
    for (size_t i = 0; i < party->count; i++)
        if (strlen(party->members[i].name) == n && memcmp(party->members[i].name, name, n) == 0)
            return "ERROR name taken";
    if (party->count == MEMBERS)
        return "ERROR full";
    struct member *member = &party->members[party->count++];
    *member = (struct member){ .endpoint = *peer, .heard = now() };
    memcpy(member->name, name, n);
    return "OK";
}

static void relay(struct party *party, const struct member *speaker, const char *text, size_t n)
{
    char message[LONGEST_NAME + 2 + LONGEST_REQUEST];
    const size_t start = (size_t)snprintf(message, sizeof message, "%s: ", speaker->name);
    memcpy(message + start, text, n); // the text may contain zero bytes, where %s stops
    for (size_t i = 0; i < party->count; i++)
        if (&party->members[i] != speaker)
            send_bytes(party, &party->members[i].endpoint, message, start + n);
}

static const char *list_members(const struct party *party)
{
    static char list[16 + MEMBERS * (LONGEST_NAME + 1)];
    size_t used = (size_t)snprintf(list, sizeof list, "OK %zu:", party->count);
    for (size_t i = 0; i < party->count; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, " %s", party->members[i].name);
    return list;
}

static bool is(const char *request, size_t n, const char *word)
{
    return n == strlen(word) && memcmp(request, word, n) == 0;
}

static bool begins(const char *request, size_t n, const char *word)
{
    return n >= strlen(word) && memcmp(request, word, strlen(word)) == 0;
}

/* Does what a request asks for; returns the answer. */
static const char *obey(struct party *party, const struct endpoint *peer, const char *request,
                        size_t n)
{
    if (n > LONGEST_REQUEST)
        return "ERROR too long";
    if (n > 0 && request[n - 1] == '\n')
        n--;
    if (begins(request, n, "JOIN "))
        return join(party, peer, request + 5, n - 5);
    const bool say_text = begins(request, n, "SAY ");
    if (!say_text && !is(request, n, "LEAVE") && !is(request, n, "WHO"))
        return "ERROR bad request";
    struct member *member = find_member(party, peer);
    if (!member)
        return "ERROR not a member";
    if (is(request, n, "WHO"))
        return list_members(party);
    if (say_text)
        relay(party, member, request + 4, n - 4);
    else
        remove_member(party, member);
    return "OK";
}

static const char help[] =
    "usage: party-line [-b ADDRESS] [-t SECONDS] [PORT]\n"
    "Serve a chat of up to 32 members, until Ctrl-C.\n"
    "\n"
    "  PORT        the port to wait on, 0 to 65535; 0: any free one (default: 7788)\n"
    "  -b ADDRESS  the address of this machine to wait on (default: 0.0.0.0, all\n"
    "              IPv4 addresses; :: is all addresses, IPv4 and IPv6)\n"
    "  -t SECONDS  how long a member may be silent, such as 0.5 (default: 300)\n"
    "  -h          show this help\n";

static struct party parse_arguments(int argc, char *argv[])
{
    struct party party = { .seconds = 300 };
    const char *address = "0.0.0.0";
    program_begin("party-line", help);
    for (int option; (option = next_option(argc, argv, "b:t:")) != -1;)
        if (option == 'b')
            address = optarg;
        else
            party.seconds = parse_seconds(optarg);
    const in_port_t port = parse_port(next_operand(argc, argv, "7788"), 0);
    no_more_operands(argc, argv);
    party.local = endpoint_resolve(address, port);
    return party;
}
