/**
 * @file parcels.c
 * @brief Exercise 12, one good solution: a file in small datagrams, put together again.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h> // getrandom: Linux, FreeBSD
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h"

#define HEADER 12            // bytes: identifier, offset, total
#define LARGEST_PARCEL 1200  // bytes, with the header
#define LARGEST_FILE 1048576 // bytes
#define MOST_FILES 4         // unfinished ones

struct arguments {
    bool sends;
    double seconds;
    const char *file;
    struct endpoint endpoint; // where we wait, or to whom we send
};

/* What a parcel says, in the byte order of this machine. */
struct parcel {
    uint32_t identifier, offset, total;
    const unsigned char *data;
    size_t length; // of data
};

/* A file that is not finished. */
struct file {
    struct endpoint sender;
    uint32_t identifier, total;
    unsigned long last; // the number of its last good parcel; 0: this place is free
    unsigned long parcels, doubled;
    size_t have; // bytes that have come
    unsigned char data[LARGEST_FILE];
    bool came[LARGEST_FILE]; // whether this byte has come
};

static struct arguments parse_arguments(int argc, char *argv[]);

/* ---------------------------------- send ---------------------------------- */

static int send_file(const char *name, const struct endpoint *peer)
{
    static unsigned char data[LARGEST_FILE + 1];
    uint32_t header[3], identifier;
    unsigned long parcels = 0;

    /* 1. Read the file, and one byte more, so that we notice a larger one. */
    FILE *file = fopen(name, "rb");
    if (!file)
        fail("cannot read %s", name);
    const size_t total = fread(data, 1, sizeof data, file);
    if (ferror(file))
        fail("cannot read %s", name);
    fclose(file);
    errno = EFBIG;
    if (total > LARGEST_FILE)
        fail("cannot send %s", name);

    int sock = socket(peer->address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    if (getrandom(&identifier, sizeof identifier, 0) != sizeof identifier)
        fail("cannot get a random number");

    /* 2. Send piece after piece; an empty file is one parcel, too. */
    size_t offset = 0;
    do {
        unsigned char parcel[LARGEST_PARCEL];
        const size_t rest = total - offset, room = sizeof parcel - HEADER;
        const size_t n = rest < room ? rest : room;
        header[0] = htonl(identifier);
        header[1] = htonl((uint32_t)offset);
        header[2] = htonl((uint32_t)total);
        memcpy(parcel, header, HEADER);
        memcpy(parcel + HEADER, data + offset, n);
        if (sendto(sock, parcel, HEADER + n, 0, (const struct sockaddr *)&peer->address,
                   peer->length) == -1)
            fail("cannot send %zu bytes to %s", HEADER + n, endpoint_text(peer));
        offset += n;
        parcels++;
    } while (offset < total);
    close(sock);
    printf("sent %zu bytes in %lu parcels to %s\n", total, parcels, endpoint_text(peer));
    flush_output();
    return 0;
}

/* ---------------------------------- wait ---------------------------------- */

/* Takes the header off. Returns false if the parcel contradicts itself: never trust a number from
 * the wire. The last comparison is a subtraction, because a sum may be too large for 32 bits. */
static bool read_parcel(const unsigned char *bytes, size_t n, struct parcel *parcel)
{
    uint32_t header[3];
    if (n < HEADER)
        return false;
    memcpy(header, bytes, HEADER);
    *parcel = (struct parcel){ ntohl(header[0]), ntohl(header[1]), ntohl(header[2]), bytes + HEADER,
                               n - HEADER };
    return parcel->total <= LARGEST_FILE && (parcel->length > 0 || parcel->total == 0) &&
           parcel->offset <= parcel->total && parcel->length <= parcel->total - parcel->offset;
}

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
    return a6->sin6_port == b6->sin6_port && a6->sin6_scope_id == b6->sin6_scope_id &&
           memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0;
}

/* The file to which the parcel belongs; if it is new, in a free place or in the place of the file
 * from which nothing has come for the longest time. */
static struct file *find_file(struct file *files, const struct endpoint *sender,
                              const struct parcel *parcel)
{
    struct file *oldest = files;
    for (struct file *file = files; file < files + MOST_FILES; file++) {
        if (file->last > 0 && file->identifier == parcel->identifier &&
            same_endpoint(&file->sender, sender))
            return file;
        if (file->last < oldest->last)
            oldest = file;
    }
    memset(oldest, 0, sizeof *oldest);
    oldest->sender = *sender;
    oldest->identifier = parcel->identifier;
    oldest->total = parcel->total;
    return oldest;
}

/* Puts the parcel's data in their place. Returns false, and takes nothing, if the parcel contradicts
 * what came before. */
static bool put_in(struct file *file, const struct parcel *parcel)
{
    const size_t before = file->have;
    if (parcel->total != file->total)
        return false;
    for (size_t i = 0; i < parcel->length; i++)
        if (file->came[parcel->offset + i] && file->data[parcel->offset + i] != parcel->data[i])
            return false;
    for (size_t i = 0; i < parcel->length; i++) {
        file->have += !file->came[parcel->offset + i];
        file->came[parcel->offset + i] = true;
        file->data[parcel->offset + i] = parcel->data[i];
    }
    if (file->have > before || file->total == 0)
        file->parcels++;
    else
        file->doubled++;
    return true;
}

static void write_file(const char *name, const struct file *file)
{
    FILE *out = fopen(name, "wb");
    if (!out)
        fail("cannot write %s", name);
    const bool written = fwrite(file->data, 1, file->total, out) == file->total;
    if (fclose(out) == EOF || !written)
        fail("cannot write %s", name);
}

/* Says which bytes of a file have not come: `missing 0-99, 1500-1500 of 3000 bytes from ...`. */
static void say_missing(const struct file *file)
{
    const char *separator = "parcels: missing ";
    for (size_t i = 0; i < file->total; i++) {
        const size_t first = i;
        while (i < file->total && !file->came[i])
            i++;
        if (i > first) {
            fprintf(stderr, "%s%zu-%zu", separator, first, i - 1);
            separator = ", ";
        }
    }
    fprintf(stderr, " of %u bytes from %s\n", (unsigned)file->total, endpoint_text(&file->sender));
}

static int wait_for_file(const char *name, struct endpoint local, double seconds)
{
    static struct file files[MOST_FILES];
    static unsigned char bytes[DATAGRAM_MAX];
    unsigned long good = 0, bad = 0;
    stop_on_signals();

    /* 3. Bind, with a large receive buffer: the parcels of a file come all at once. */
    int sock = socket(local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    if (setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &(int){ 4 * LARGEST_FILE }, sizeof(int)) == -1)
        fail("cannot set the size of a buffer");
    if (bind(sock, (struct sockaddr *)&local.address, local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&local));
    if (getsockname(sock, (struct sockaddr *)&local.address, &local.length) == -1)
        fail("cannot get the socket's address");
    say("bound to %s", endpoint_text(&local));

    const double deadline = now() + seconds;
    while (!stop_requested() && now() < deadline) {
        /* 4. Take a parcel: others may send longer ones than we do. */
        struct endpoint sender = { .length = sizeof sender.address };
        const ssize_t n = recvfrom(sock, bytes, sizeof bytes, MSG_DONTWAIT,
                                   (struct sockaddr *)&sender.address, &sender.length);
        if (n == -1) {
            if (errno != EAGAIN)
                fail("cannot receive");
            wait_for_input(sock, deadline);
            continue;
        }

        /* 5. Put it into its file, unless it is bad. */
        struct parcel parcel;
        struct file *file = NULL;
        if (read_parcel(bytes, (size_t)n, &parcel))
            file = find_file(files, &sender, &parcel);
        if (!file || !put_in(file, &parcel)) {
            bad++;
            continue;
        }
        file->last = ++good;

        /* 6. The first complete file ends the program. */
        if (file->have == file->total) {
            close(sock);
            write_file(name, file);
            printf("received %u bytes in %lu parcels from %s (%lu doubled, %lu bad)\n",
                   (unsigned)file->total, file->parcels, endpoint_text(&sender), file->doubled,
                   bad);
            flush_output();
            return 0;
        }
    }
    close(sock);

    /* 7. No file is complete: say what is missing. */
    for (size_t i = 0; i < MOST_FILES; i++)
        if (files[i].last > 0)
            say_missing(&files[i]);
    say("no file is complete (%lu bad)", bad);
    return 1;
}

int main(int argc, char *argv[])
{
    const struct arguments args = parse_arguments(argc, argv);
    return args.sends ? send_file(args.file, &args.endpoint)
                      : wait_for_file(args.file, args.endpoint, args.seconds);
}

static const char help[] =
    "usage: parcels send FILE HOST PORT, or parcels wait [-b ADDRESS] [-w SECONDS] PORT FILE\n"
    "send: send FILE to HOST in datagrams of at most 1200 bytes.\n"
    "wait: put the first file that is complete together again, and write it to FILE.\n"
    "\n"
    "  HOST        who gets the file: a name, an IPv4 or an IPv6 address\n"
    "  PORT        the port there, 1 to 65535; for wait, the own port; 0: any free one\n"
    "  -b ADDRESS  the address of this machine to wait on (default: 0.0.0.0)\n"
    "  -w SECONDS  how long to wait, such as 0.5 (default: for ever)\n"
    "  -h          show this help\n";

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .seconds = INFINITY };
    program_begin("parcels", help);
    next_option(argc, argv, "");
    const char *command = next_operand(argc, argv, ""), *host = "0.0.0.0", *port;
    args.sends = strcmp(command, "send") == 0;
    if (!args.sends && strcmp(command, "wait") != 0)
        usage_error("COMMAND is missing: send or wait");
    for (int option; (option = next_option(argc, argv, args.sends ? "" : "b:w:")) != -1;)
        if (option == 'b')
            host = optarg;
        else
            args.seconds = parse_seconds(optarg);
    if (args.sends) {
        args.file = next_operand(argc, argv, NULL);
        host = next_operand(argc, argv, NULL);
        port = next_operand(argc, argv, NULL);
    } else {
        port = next_operand(argc, argv, NULL);
        args.file = next_operand(argc, argv, NULL);
    }
    if (!args.file || !host || !port)
        usage_error("%s is missing", args.file ? host ? "PORT" : "HOST" : "FILE");
    no_more_operands(argc, argv);
    args.endpoint = endpoint_resolve(host, parse_port(port, args.sends ? 1 : 0));
    return args;
}
