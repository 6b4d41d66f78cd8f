/**
 * @file by-hand.c
 * @brief Exercise 11: builds a frame by hand, and takes frames apart.
 *
 * The assignment is README.md, beside this file. Check it with `make check-11`.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h> // Linux's own
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "program.h"
#include "text.h"

#define ETHERNET_HEADER 14
#define IPV4_HEADER 20 // without options
#define UDP_HEADER 8
#define MTU 1500 // the longest packet in a frame (RFC 894)
#define DATA_MAX (MTU - IPV4_HEADER - UDP_HEADER)
#define LONGEST_FRAME (ETHERNET_HEADER + 65535) // the total length has 16 bits

struct arguments {
    char **files;          // NULL: build
    const char *interface; // NULL: standard output
    unsigned char source_mac[6], destination_mac[6];
    struct in_addr source, destination; // in network byte order
    in_port_t source_port, destination_port;
    const char *text; // NULL: standard input
};

/* What a frame can be, in the order of the last line. */
enum kind {
    GOOD,
    TOO_SHORT,
    NOT_IPV4,
    BAD_IPV4_HEADER,
    WRONG_HEADER_CHECKSUM,
    FRAGMENT,
    NOT_UDP,
    BAD_UDP_LENGTH,
    WRONG_UDP_CHECKSUM,
    KINDS
};

static const char *const names[KINDS] = {
    "good",     "too short", "not IPv4",       "bad IPv4 header",    "wrong header checksum",
    "fragment", "not UDP",   "bad UDP length", "wrong UDP checksum",
};

static struct arguments parse_arguments(int argc, char *argv[]);
static bool read_all(FILE *input, unsigned char *bytes, size_t *size);
static size_t build(const struct arguments *args, const void *data, size_t length,
                    unsigned char *frame);
static void send_frame(const char *interface, const unsigned char *frame, size_t size);
static enum kind take(const unsigned char *frame, size_t size);

static int build_one(const struct arguments *args)
{
    static unsigned char input[LONGEST_FRAME];
    unsigned char frame[ETHERNET_HEADER + MTU];
    const void *data = args->text ? (const void *)args->text : input;
    size_t length = args->text ? strlen(args->text) : 0;
    if (!args->text && !read_all(stdin, input, &length))
        fail("cannot read standard input");

    /* TODO 1. If there is more data than a frame has room for, fail. (With errno = 0, fail() adds no
     *         reason.) */

    const size_t size = build(args, data, length, frame);
    if (args->interface)
        send_frame(args->interface, frame, size);
    else
        fwrite(frame, 1, size, stdout);
    flush_output();
    return 0;
}

static int take_all(char **files)
{
    static unsigned char bytes[LONGEST_FRAME];
    unsigned long counts[KINDS] = { 0 };
    int status = 0;
    for (; *files; files++) {
        size_t size = 0;
        FILE *file = fopen(*files, "rb");
        if (file && read_all(file, bytes, &size)) {
            /* In memory of exactly its size, so that the sanitizer sees each read beyond the end. */
            unsigned char *frame = malloc(size);
            if (!frame)
                fail("cannot get memory");
            memcpy(frame, bytes, size);
            counts[take(frame, size)]++;
            free(frame);
        } else {
            warn("cannot read %s", *files);
            status = 1;
        }
        if (file)
            fclose(file);
    }
    /* TODO 9. Print the last line: how many frames, then how many of each kind (names[]). */
    (void)names; // no warning meanwhile: delete this line when you use it

    flush_output();
    return status;
}

int main(int argc, char *argv[])
{
    const struct arguments args = parse_arguments(argc, argv);
    return args.files ? take_all(args.files) : build_one(&args);
}

/* Builds the frame, layer by layer; returns its size. */
static size_t build(const struct arguments *args, const void *data, size_t length,
                    unsigned char *frame)
{
    memset(frame, 0, ETHERNET_HEADER + MTU);

    /* TODO 2. The Ethernet header. The MACs are in args. */
    (void)args; // no warning meanwhile: delete this line when you use it

    /* TODO 3. The IPv4 header, without the checksum. args->source is four bytes, in the right order. */

    /* TODO 4. Its checksum. Write a function that adds up bytes: you need it four times. */

    /* TODO 5. The UDP header, without the checksum, and the data. */
    (void)data; // delete these two lines
    (void)length;

    /* TODO 6. The UDP checksum. */

    return ETHERNET_HEADER;
}

/* Looks at a frame from outside to inside; prints it if it is good. */
static enum kind take(const unsigned char *frame, size_t size)
{
    /* TODO 7. Ask the questions of README.md, in their order. */
    (void)frame; // delete these two lines
    (void)size;

    /* TODO 8. Print it: who, to whom, how many bytes, and the data with show_datagram. */

    return GOOD;
}

/* Reads to the end, or as much as a frame can have. Returns false, and errno tells why, if it cannot
 * be read. */
static bool read_all(FILE *input, unsigned char *bytes, size_t *size)
{
    *size = fread(bytes, 1, LONGEST_FRAME, input);
    return !ferror(input);
}

/* Sends the frame as it is: a packet socket adds no header (packet(7)). For root only, as in
 * `make lan`. */
static void send_frame(const char *interface, const unsigned char *frame, size_t size)
{
    struct sockaddr_ll link = { .sll_family = AF_PACKET };
    link.sll_ifindex = (int)if_nametoindex(interface);
    if (link.sll_ifindex == 0)
        fail("cannot find the interface %s", interface);
    int sock = socket(AF_PACKET, SOCK_RAW, 0);
    if (sock == -1)
        fail("cannot create a packet socket");
    if (sendto(sock, frame, size, 0, (struct sockaddr *)&link, sizeof link) == -1)
        fail("cannot send the frame out of %s", interface);
    close(sock);
    printf("sent %zu bytes out of %s\n", size, interface);
}

static const char help[] =
    "usage: by-hand build [-i INTERFACE] MAC ADDRESS PORT MAC ADDRESS PORT [TEXT], "
    "or by-hand take FILE...\n"
    "build: make the frame of one datagram, from the first MAC, ADDRESS, PORT to the second.\n"
    "take: take each FILE apart, as a frame.\n"
    "\n"
    "  MAC           as in 02:00:00:00:00:0a\n"
    "  ADDRESS       an IPv4 address, as in 10.77.0.1\n"
    "  PORT          1 to 65535; the first one may be 0: none\n"
    "  TEXT          the data (default: all of standard input)\n"
    "  -i INTERFACE  send the frame, in place of writing it to standard output\n"
    "  -h            show this help\n";

/* Six pairs of digits with colons between them. */
static void parse_mac(const char *text, unsigned char mac[6])
{
    static const char digits[] = "0123456789abcdefABCDEF";
    for (int i = 0; i < 6; i++) {
        if (strspn(text + 3 * i, digits) != 2 || text[3 * i + 2] != (i < 5 ? ':' : '\0'))
            usage_error("bad MAC \"%s\": as in 02:00:00:00:00:0a", text);
        mac[i] = (unsigned char)strtoul(text + 3 * i, NULL, 16);
    }
}

static void parse_address(const char *text, struct in_addr *address)
{
    if (inet_pton(AF_INET, text, address) != 1)
        usage_error("bad address \"%s\": as in 10.77.0.1", text);
}

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .files = NULL };
    program_begin("by-hand", help);
    next_option(argc, argv, "");
    const char *command = next_operand(argc, argv, "");
    if (strcmp(command, "build") == 0) {
        while (next_option(argc, argv, "i:") != -1)
            args.interface = optarg;
        parse_mac(next_operand(argc, argv, ""), args.source_mac);
        parse_address(next_operand(argc, argv, ""), &args.source);
        args.source_port = parse_port(next_operand(argc, argv, ""), 0);
        parse_mac(next_operand(argc, argv, ""), args.destination_mac);
        parse_address(next_operand(argc, argv, ""), &args.destination);
        args.destination_port = parse_port(next_operand(argc, argv, ""), 1);
        args.text = next_operand(argc, argv, NULL);
        no_more_operands(argc, argv);
    } else if (strcmp(command, "take") == 0) {
        next_option(argc, argv, "");
        if (optind == argc)
            usage_error("FILE is missing");
        args.files = argv + optind;
    } else {
        usage_error("COMMAND is missing: build or take");
    }
    return args;
}
