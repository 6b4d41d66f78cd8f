/**
 * @file by-hand.c
 * @brief Exercise 11, one good solution: builds a frame by hand, and takes frames apart.
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
    errno = 0;
    if (length > DATA_MAX)
        fail("the data is too long: a frame has room for %d bytes", DATA_MAX);
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
    unsigned long frames = 0, counts[KINDS] = { 0 };
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
            frames++;
            free(frame);
        } else {
            warn("cannot read %s", *files);
            status = 1;
        }
        if (file)
            fclose(file);
    }
    printf("%lu frames:", frames);
    for (int kind = 0; kind < KINDS; kind++)
        printf(" %lu %s%s", counts[kind], names[kind], kind < KINDS - 1 ? "," : "\n");
    flush_output();
    return status;
}

int main(int argc, char *argv[])
{
    const struct arguments args = parse_arguments(argc, argv);
    return args.files ? take_all(args.files) : build_one(&args);
}

/* A number of 16 bits crosses the wire with its upper half first. */
static void put(unsigned char *bytes, size_t number)
{
    bytes[0] = (unsigned char)(number >> 8);
    bytes[1] = (unsigned char)number;
}

static unsigned get(const unsigned char *bytes)
{
    return bytes[0] * 256u + bytes[1];
}

/* Adds numbers of 16 bits to the sum, and each carry again; an odd byte is the upper half of a number
 * (RFC 1071 section 1). */
static unsigned add(unsigned sum, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sum += i % 2 == 0 ? bytes[i] * 256u : bytes[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

/* The sum of the pseudo header and of the whole UDP datagram (RFC 768). */
static unsigned add_udp(const unsigned char *ip, const unsigned char *udp, size_t length)
{
    const unsigned sum = add((unsigned)length + IPPROTO_UDP, ip + 12, 8);
    return add(sum, udp, length);
}

/* Builds the frame, layer by layer; returns its size. */
static size_t build(const struct arguments *args, const void *data, size_t length,
                    unsigned char *frame)
{
    unsigned char *ip = frame + ETHERNET_HEADER, *udp = ip + IPV4_HEADER;
    memset(frame, 0, ETHERNET_HEADER + IPV4_HEADER + UDP_HEADER);

    /* 1. The Ethernet header: to whom comes first. */
    memcpy(frame, args->destination_mac, 6);
    memcpy(frame + 6, args->source_mac, 6);
    put(frame + 12, 0x0800);

    /* 2. The IPv4 header. The checksum comes last, while its own field is still 0. */
    ip[0] = 4 << 4 | IPV4_HEADER / 4; // version, IHL
    put(ip + 2, IPV4_HEADER + UDP_HEADER + length);
    put(ip + 6, 0x4000); // don't fragment
    ip[8] = 64;          // time to live
    ip[9] = IPPROTO_UDP;
    memcpy(ip + 12, &args->source, 4);
    memcpy(ip + 16, &args->destination, 4);
    put(ip + 10, 0xffff - add(0, ip, IPV4_HEADER));

    /* 3. The UDP header and the data. A checksum of 0 would mean that there is none. */
    put(udp, args->source_port);
    put(udp + 2, args->destination_port);
    put(udp + 4, UDP_HEADER + length);
    memcpy(udp + UDP_HEADER, data, length);
    const unsigned sum = add_udp(ip, udp, UDP_HEADER + length);
    put(udp + 6, sum == 0xffff ? 0xffff : 0xffff - sum);
    return ETHERNET_HEADER + IPV4_HEADER + UDP_HEADER + length;
}

/* Looks at a frame from outside to inside; prints it if it is good. No length is believed
 * before we know that so many bytes are here. */
static enum kind take(const unsigned char *frame, size_t size)
{
    /* 4. Ethernet */
    if (size < ETHERNET_HEADER)
        return TOO_SHORT;
    if (get(frame + 12) != 0x0800)
        return NOT_IPV4;

    /* 5. IPv4. Behind the total length there may be padding, which is not ours. */
    const unsigned char *ip = frame + ETHERNET_HEADER;
    size -= ETHERNET_HEADER;
    if (size < IPV4_HEADER)
        return TOO_SHORT;
    const size_t header = (ip[0] & 15) * 4u, total = get(ip + 2);
    if (ip[0] >> 4 != 4 || header < IPV4_HEADER || total < header || total > size)
        return BAD_IPV4_HEADER;
    if (add(0, ip, header) != 0xffff) // with a right checksum in it, the sum is always that
        return WRONG_HEADER_CHECKSUM;
    if ((get(ip + 6) & 0x3fff) != 0) // more fragments, or an offset
        return FRAGMENT;
    if (ip[9] != IPPROTO_UDP)
        return NOT_UDP;

    /* 6. UDP */
    const unsigned char *udp = ip + header;
    if (total - header < UDP_HEADER)
        return TOO_SHORT;
    const size_t length = get(udp + 4);
    if (length < UDP_HEADER || length > total - header)
        return BAD_UDP_LENGTH;
    if (get(udp + 6) != 0 && add_udp(ip, udp, length) != 0xffff)
        return WRONG_UDP_CHECKSUM;

    /* 7. The data */
    char source[INET_ADDRSTRLEN], destination[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, ip + 12, source, sizeof source);
    inet_ntop(AF_INET, ip + 16, destination, sizeof destination);
    const size_t n = length - UDP_HEADER;
    printf("%s:%u > %s:%u %zu bytes: ", source, get(udp), destination, get(udp + 2), n);
    show_datagram("UTF-8", (const char *)udp + UDP_HEADER, n, n, "shown");
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
