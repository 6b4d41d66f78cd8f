/**
 * @file layers.c
 * @brief Lesson 8: takes each frame that passes apart, layer by layer.
 *
 * Shows a packet socket (packet(7)), which gets whole frames, and what a kernel does with each: it
 * reads one header after the other, believes a length only if that many bytes are there, and computes
 * the checksums. Linux's own, and for root only.
 *
 * Run it on the virtual LAN (`make lan`): `on 2 build/layers -p 7788 eth0 &`. Its partner is any
 * program that sends: `build/sender 10.77.0.2 7788 hello`.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netpacket/packet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "program.h"
#include "text.h"

struct arguments {
    unsigned long count; // 0: until Ctrl-C
    in_port_t port;      // 0: every frame
    const char *interface;
};

/* In the flags of the kernel's note on a frame (Linux calls it TP_STATUS_CSUMNOTREADY). */
enum { CHECKSUM_LEFT = 8 };

/* A frame, and how far it is read. */
struct frame {
    const unsigned char *bytes;
    size_t at, end;
    bool is_ethernet;
    bool show;          // what is read
    bool checksum_left; // UDP's is left to the network card
    bool is_arp;
    in_port_t source, destination;
};

static struct arguments parse_arguments(int argc, char *argv[]);
static struct frame unwrap(struct frame frame);

int main(int argc, char *argv[])
{
    const struct arguments args = parse_arguments(argc, argv);
    stop_on_signals();

    /* 1. Create a packet socket. Protocol 0: nothing comes before it is bound. */
    int sock = socket(AF_PACKET, SOCK_RAW, 0);
    if (sock == -1)
        fail("cannot create a packet socket");

    /* 2. Ask the kernel to say which checksums it leaves to the network card. */
    const int on = 1;
    if (setsockopt(sock, SOL_PACKET, PACKET_AUXDATA, &on, sizeof on) == -1)
        fail("cannot ask about checksums");

    /* 3. Bind it to every protocol, and to one network interface or, with number 0, to all. */
    struct sockaddr_ll local = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
    if (args.interface)
        local.sll_ifindex = (int)if_nametoindex(args.interface);
    if (args.interface && local.sll_ifindex == 0)
        fail("cannot find the interface %s", args.interface);
    const char *where = args.interface ? args.interface : "all interfaces";
    if (bind(sock, (struct sockaddr *)&local, sizeof local) == -1)
        fail("cannot bind to %s", where);
    say("bound to %s", where);

    unsigned long shown = 0;
    while (!stop_requested() && (args.count == 0 || shown < args.count)) {
        /* 4. Take the next frame, and what the kernel says about it. */
        static unsigned char bytes[14 + DATAGRAM_MAX];
        _Alignas(struct cmsghdr) char notes[64];
        struct sockaddr_ll from;
        struct iovec room = { .iov_base = bytes, .iov_len = sizeof bytes };
        struct msghdr message = { .msg_iov = &room, .msg_iovlen = 1 };
        message.msg_name = &from;
        message.msg_namelen = sizeof from;
        message.msg_control = notes;
        message.msg_controllen = sizeof notes;
        const ssize_t n = recvmsg(sock, &message, MSG_DONTWAIT | MSG_TRUNC);
        if (n == -1) {
            if (errno != EAGAIN)
                fail("cannot receive");
            wait_for_input(sock, INFINITY);
            continue;
        }
        const bool sent = from.sll_pkttype == PACKET_OUTGOING;
        if (sent && from.sll_hatype == ARPHRD_LOOPBACK)
            continue; // it comes back at once, and is shown then

        /* 5. Unwrap a copy of it, without showing anything, to find the ports. The kernel's note
         *    begins with its flags. */
        uint32_t flags = 0;
        const struct cmsghdr *note = CMSG_FIRSTHDR(&message);
        if (note && note->cmsg_type == PACKET_AUXDATA)
            memcpy(&flags, CMSG_DATA(note), sizeof flags);
        const size_t size = (size_t)n < sizeof bytes ? (size_t)n : sizeof bytes;
        struct frame frame = { .bytes = bytes,
                               .end = size,
                               .checksum_left = flags & CHECKSUM_LEFT };
        frame.is_ethernet = from.sll_hatype == ARPHRD_ETHER || from.sll_hatype == ARPHRD_LOOPBACK;
        const struct frame found = unwrap(frame);
        if (args.port != 0 && !found.is_arp && args.port != found.source &&
            args.port != found.destination)
            continue;

        /* 6. Unwrap it once more, from its first byte on, and show what is there. */
        char name[IF_NAMESIZE] = "?"; // if the interface is gone
        if_indextoname((unsigned)from.sll_ifindex, name);
        printf("#%lu %s %zd bytes on %s", ++shown, sent ? "sent" : "received", n, name);
        if (size < (size_t)n)
            printf(" [cut: %zu of %zd bytes]", size, n);
        putchar('\n');
        frame.show = true;
        unwrap(frame);
    }

    /* 7. Ask how many frames came too fast for us, and close the socket. */
    unsigned statistics[2] = { 0, 0 }; // frames, and those that were dropped
    if (getsockopt(sock, SOL_PACKET, PACKET_STATISTICS, statistics,
                   &(socklen_t){ sizeof statistics }) == -1)
        warn("cannot ask how many frames were dropped");
    if (statistics[1] > 0)
        say("%u frames came too fast, and were dropped", statistics[1]);
    close(sock);
    flush_output();
    say("stopped after %lu frame%s", shown, shown == 1 ? "" : "s");
    return 0;
}

/* The fields of each header, in the order in which they cross the wire. Of each: what it is (n: a
 * number, a: an address, b: bytes that say it all), its size in bytes, its name. */
static const char ethernet[] = "b6 destination; b6 source; b2 type;";
static const char arp[] =
    "n2 hardware; b2 protocol; n1 hardware size; n1 protocol size; n2 operation;"
    "b6 sender MAC; a4 sender IP; b6 target MAC; a4 target IP;";
static const char ipv4[] =
    "b1 version, IHL; b1 type of service; n2 total length; b2 identification;"
    "b2 flags, offset; n1 time to live; n1 protocol; b2 checksum;"
    "a4 source; a4 destination;";
static const char ipv6[] = "b4 version, flow; n2 payload length; n1 next header; n1 hop limit;"
                           "a16 source; a16 destination;";
static const char fragment[] = "n1 next header; b1 reserved; b2 offset, flag; b4 identification;";
static const char udp[] = "n2 source port; n2 destination port; n2 length; b2 checksum;";

static uint16_t number(const unsigned char *bytes) // the most significant byte comes first
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* Shows which bytes these are, of which layer. */
static void show_place(size_t begin, size_t size, const char *layer, const char *name)
{
    printf("%6zu-%-5zu %-14s %-17s", begin, begin + size - (size > 0), layer, name);
}

static void show_bytes(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size && i < 16; i++)
        printf(" %02x", bytes[i]);
    if (size > 16)
        printf(" [shown: 16 of %zu bytes]", size);
}

/* Can it be true that `length` bytes begin at `begin`? Not if we have taken more of them already, and
 * not if fewer are here. */
static bool believe(const struct frame *frame, const char *layer, const char *name, size_t begin,
                    size_t length)
{
    const size_t taken = frame->at - begin, here = frame->end - begin;
    if (taken <= length && length <= here)
        return true;
    if (frame->show) {
        show_place(begin, here, layer, name);
        printf(" wrong: %zu, but %zu bytes are %s\n", length, length > here ? here : taken,
               length > here ? "here" : "in the header");
    }
    return false;
}

/* Takes the next bytes as the fields of a header. sscanf reads one field: a letter, a number, and a
 * name that ends at the semicolon; %n tells how many characters that were. */
static bool take(struct frame *frame, const char *layer, const char *fields, size_t length)
{
    char kind, name[20], address[INET6_ADDRSTRLEN];
    size_t size;
    if (!believe(frame, layer, "header length", frame->at, length))
        return false;
    for (int used; sscanf(fields, " %c%zu %19[^;];%n", &kind, &size, name, &used) == 3;
         fields += used) {
        const unsigned char *bytes = frame->bytes + frame->at;
        if (frame->show) {
            show_place(frame->at, size, layer, name);
            if (size < 16)
                show_bytes(bytes, size);
            if (kind == 'n')
                printf(" = %u", size == 1 ? bytes[0] : number(bytes));
            if (kind == 'a')
                printf(" = %s",
                       inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, address, sizeof address));
            putchar('\n');
        }
        frame->at += size;
    }
    return true;
}

/* Adds up numbers of 16 bits, and each carry again. An odd byte is the upper half of a number. A
 * checksum is the complement of such a sum (RFC 1071 section 1). */
static unsigned add(unsigned sum, const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        sum += i % 2 == 0 ? bytes[i] * 256u : bytes[i];
        sum = (sum >> 16) + (sum & 0xffff);
    }
    return sum;
}

/* Shows whether a checksum is the one that we computed, or why that cannot be known. */
static void judge(const struct frame *frame, const char *layer, size_t begin, unsigned computed,
                  const char *unknown)
{
    const unsigned checksum = number(frame->bytes + begin);
    if (!frame->show)
        return;
    show_place(begin, 2, layer, "checksum is");
    if (unknown || checksum == computed)
        printf(" %s\n", unknown ? unknown : "ok");
    else
        printf(" wrong: %04x, should be %04x\n", checksum, computed);
}

/* Takes the next bytes without reading them. */
static void skip(struct frame *frame, const char *layer, const char *name, size_t size)
{
    if (frame->show && size > 0) {
        show_place(frame->at, size, layer, name);
        show_bytes(frame->bytes + frame->at, size);
        putchar('\n');
    }
    frame->at += size;
}

/* RFC 768. `sum` is that of the pseudo header, without the length. */
static void unwrap_udp(struct frame *frame, unsigned sum, bool is_ipv6, bool is_cut)
{
    const size_t begin = frame->at;
    const unsigned char *header = frame->bytes + begin;
    if (!take(frame, "transport UDP", udp, 8))
        return;
    frame->source = number(header);
    frame->destination = number(header + 2);
    const size_t length = is_cut ? frame->end - begin : number(header + 4);
    if (!believe(frame, "transport UDP", "length", begin, length))
        return;
    frame->end = begin + length;
    const char *unknown = NULL;
    if (number(header + 6) == 0 && !is_ipv6)
        unknown = "none";
    else if (frame->checksum_left)
        unknown = "left to the network card";
    else if (is_cut)
        unknown = "that of all fragments together";
    sum = add(sum, header + 4, 2); // the length is in the pseudo header, too
    sum = add(sum, header, 6);     // up to the checksum itself
    sum = add(sum, header + 8, length - 8);
    if (sum == 0xffff)
        sum = 0; // its complement is sent as ffff: 0 would mean "none"
    judge(frame, "transport UDP", begin + 6, 0xffff - sum, unknown);
    if (frame->show && length > 8) {
        show_place(frame->at, length - 8, "application", "data");
        putchar(' ');
        show_datagram("UTF-8", (const char *)header + 8, 64, length - 8, "shown");
    }
    frame->at = frame->end;
}

/* RFC 791 section 3.1. In the flags, one bit says that more fragments follow. */
static void unwrap_ipv4(struct frame *frame)
{
    const size_t begin = frame->at;
    const unsigned char *header = frame->bytes + begin;
    if (!take(frame, "network IPv4", ipv4, 20))
        return;
    const size_t size = 4u * (header[0] & 15); // IHL counts words of 4 bytes
    const size_t length = number(header + 2);
    if (!believe(frame, "network IPv4", "header length", begin, size))
        return;
    skip(frame, "network IPv4", "options", size - 20);
    judge(frame, "network IPv4", begin + 10,
          0xffff - add(add(0, header, 10), header + 12, size - 12), NULL);
    if (!believe(frame, "network IPv4", "total length", begin, length))
        return;
    frame->end = begin + length;
    const unsigned more = number(header + 6) & 0x2000, offset = number(header + 6) & 0x1fff;
    if (header[9] == IPPROTO_UDP && offset == 0)
        unwrap_udp(frame, add(IPPROTO_UDP, header + 12, 8), false, more);
}

/* RFC 8200 section 3, and the fragment header of section 4.5: 13 bits of offset, two bits that are
 * reserved, and one that says that more fragments follow. */
static void unwrap_ipv6(struct frame *frame)
{
    const unsigned char *header = frame->bytes + frame->at;
    if (!take(frame, "network IPv6", ipv6, 40) ||
        !believe(frame, "network IPv6", "payload length", frame->at, number(header + 4)))
        return;
    frame->end = frame->at + number(header + 4);
    unsigned next = header[6], offset = 0, more = 0;
    if (next == IPPROTO_FRAGMENT && take(frame, "network IPv6", fragment, 8)) {
        next = header[40];
        offset = number(header + 42) >> 3;
        more = number(header + 42) & 1;
    }
    if (next == IPPROTO_UDP && offset == 0)
        unwrap_udp(frame, add(IPPROTO_UDP, header + 8, 32), true, more);
}

/* Goes up the layers, as the kernel does. */
static struct frame unwrap(struct frame frame)
{
    const size_t size = frame.end;
    if (frame.is_ethernet && take(&frame, "link Ethernet", ethernet, 14)) {
        const unsigned type = number(frame.bytes + 12);
        frame.is_arp = type == ETHERTYPE_ARP;
        if (frame.is_arp)
            take(&frame, "link ARP", arp, 28);
        else if (type == ETHERTYPE_IP)
            unwrap_ipv4(&frame);
        else if (type == ETHERTYPE_IPV6)
            unwrap_ipv6(&frame);
    }
    skip(&frame, "not unwrapped", "bytes", frame.end - frame.at);
    skip(&frame, "unused", "bytes", size - frame.at);
    return frame;
}

static const char help[] =
    "usage: layers [-c COUNT] [-p PORT] [INTERFACE]\n"
    "Show each frame that passes, layer by layer, until Ctrl-C. Only root may.\n"
    "\n"
    "  INTERFACE  the network interface to look at, such as eth0 (default: all)\n"
    "  -c COUNT   stop after COUNT frames\n"
    "  -p PORT    show only ARP, and UDP datagrams from or to PORT, 1 to 65535\n"
    "  -h         show this help\n";

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .count = 0 };
    program_begin("layers", help);
    for (int option; (option = next_option(argc, argv, "c:p:")) != -1;) {
        if (option == 'p')
            args.port = parse_port(optarg, 1);
        else if ((args.count = strtoul(optarg, NULL, 10)) == 0 ||
                 optarg[strspn(optarg, "0123456789")])
            usage_error("bad COUNT \"%s\": a number from 1", optarg);
    }
    args.interface = next_operand(argc, argv, NULL);
    no_more_operands(argc, argv);
    return args;
}
