/**
 * @file voice.c
 * @brief Lesson 15: sends a WAV file as RTP, a packet each 20 milliseconds, by the clock.
 *
 * Shows how a program sends what must be in time: it sleeps until a moment, not for a while, and it
 * waits for nobody. The packets are those of RFC 3550, their samples L16 of RFC 3551.
 *
 * Run it: `build/voice build/tune.wav`. Its partner is a player, such as ffplay, to which you give
 * what `build/voice -d build/tune.wav` prints.
 */
#define _DEFAULT_SOURCE // for ip_mreqn, which POSIX does not have
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h> // getrandom: Linux, FreeBSD
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"

#define PACKETS_A_SECOND 50 // each has 20 milliseconds (RFC 3551, section 4.2)
#define MOST_SAMPLES (16000 / PACKETS_A_SECOND)
#define PAYLOAD_TYPE 96      // 96 to 127: the description says what it is (RFC 3551, section 3)
#define UNKNOWN 0x7fff0000UL // a program that writes into a pipe puts such a size, or more

/* A packet of RTP (RFC 3550, section 5.1). Numbers of more than one byte are in network order. */
struct packet {
    uint8_t flags; // in its two highest bits the version, 2
    uint8_t payload_type;
    uint16_t number;    // of this packet
    uint32_t timestamp; // of the first sample: counts samples
    uint32_t source;    // a random number that names this sender
    uint16_t samples[MOST_SAMPLES];
};
#define HEADER 12 // bytes ahead of the samples
_Static_assert(sizeof(struct packet) == HEADER + 2 * MOST_SAMPLES, "a packet has no holes");

struct arguments {
    bool describes;        // print the description, and send nothing
    const char *interface; // where groups are; NULL: the kernel chooses
    const char *file;
    struct endpoint peer; // a host, a group, or a broadcast address
};

static struct arguments parse_arguments(int argc, char *argv[]);

/* Reads N bytes; returns less at the end of the file and at Ctrl-C. It waits before it reads: the file
 * may be a pipe, as from a microphone. */
static size_t read_bytes(int wav, const char *name, void *bytes, size_t n)
{
    size_t total = 0;
    while (total < n && wait_for_input(wav, INFINITY)) {
        const ssize_t more = read(wav, (char *)bytes + total, n - total);
        if (more == -1)
            fail("cannot read %s", name);
        if (more == 0)
            break;
        total += (size_t)more;
    }
    return total;
}

/* The lowest byte comes first: in a WAV file, and nowhere on the network. */
static uint32_t little_endian(const unsigned char *bytes, int n)
{
    uint32_t number = 0;
    while (n-- > 0)
        number = number << 8 | bytes[n];
    return number;
}

/* Reads a WAV file up to its samples: chunks, each with a name of 4 letters, a size, and so many bytes.
 * Sets the rate, in samples a second; returns the size of the samples in bytes. */
static uint32_t read_head(int wav, const char *name, uint32_t *rate)
{
    unsigned char head[12] = "", format[16] = "";
    *rate = 0;
    if (read_bytes(wav, name, head, sizeof head) != sizeof head || memcmp(head, "RIFF", 4) != 0 ||
        memcmp(head + 8, "WAVE", 4) != 0) {
        errno = 0;
        fail("%s is not a WAV file", name);
    }
    while (read_bytes(wav, name, head, 8) == 8) {
        uint64_t size = little_endian(head + 4, 4);
        if (memcmp(head, "data", 4) == 0 && *rate != 0)
            return (uint32_t)size;
        size += size % 2; // after an odd number of bytes there is one more
        if (memcmp(head, "fmt ", 4) == 0 && size >= sizeof format &&
            read_bytes(wav, name, format, sizeof format) == sizeof format) {
            size -= sizeof format;
            const unsigned kind = little_endian(format, 2), channels = little_endian(format + 2, 2);
            const unsigned bits = little_endian(format + 14, 2);
            *rate = little_endian(format + 4, 4);
            if (kind != 1 || channels != 1 || bits != 16 || (*rate != 8000 && *rate != 16000)) {
                errno = 0;
                fail("cannot use %s: kind %u, %u channels, %u samples a second, %u bits (needed: "
                     "kind 1, 1 channel, 8000 or 16000 samples a second, 16 bits)",
                     name, kind, channels, (unsigned)*rate, bits);
            }
        }
        char skipped[1024];
        while (size > 0) {
            const size_t n = size < sizeof skipped ? (size_t)size : sizeof skipped;
            if (read_bytes(wav, name, skipped, n) != n)
                break;
            size -= n;
        }
    }
    errno = 0;
    fail("cannot find the samples of %s", name);
}

/* Reads N samples, and turns their bytes round; returns less at the end of the file and at Ctrl-C. */
static size_t read_samples(int wav, const char *name, uint16_t *samples, size_t n)
{
    unsigned char bytes[2 * MOST_SAMPLES];
    const size_t whole = read_bytes(wav, name, bytes, 2 * n) / 2;
    for (size_t i = 0; i < whole; i++)
        samples[i] = htons((uint16_t)little_endian(bytes + 2 * i, 2));
    return whole;
}

/* Prints what a receiver must know (RFC 8866, SDP): where to wait, and what the packets carry. */
static void describe(const struct endpoint *peer, uint32_t rate)
{
    const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)&peer->address; // if it is one
    const char *host = endpoint_host(peer);
    const bool is_ipv6 = strchr(host, ':') != NULL;
    const char *hops = !is_ipv6 && IN_MULTICAST(ntohl(ipv4->sin_addr.s_addr)) ? "/1" : "";
    printf("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=voice\r\n");
    printf("c=IN IP%c %.*s%s\r\nt=0 0\r\n", is_ipv6 ? '6' : '4', (int)strcspn(host, "%"), host,
           hops);
    printf("m=audio %u RTP/AVP %d\r\n", (unsigned)ntohs(ipv4->sin_port), PAYLOAD_TYPE);
    printf("a=rtpmap:%d L16/%u\r\na=ptime:20\r\n", PAYLOAD_TYPE, (unsigned)rate);
}

/* Says through which interface this socket sends to groups, as in lesson 14. */
static void choose_interface(int sock, int family, const char *name)
{
    const unsigned number = if_nametoindex(name);
    if (number == 0)
        fail("cannot find the interface %s", name);
    const struct ip_mreqn way = { .imr_ifindex = (int)number }; // Linux and FreeBSD
    if ((family == AF_INET6
             ? setsockopt(sock, IPPROTO_IPV6, IPV6_MULTICAST_IF, &number, sizeof number)
             : setsockopt(sock, IPPROTO_IP, IP_MULTICAST_IF, &way, sizeof way)) == -1)
        fail("cannot choose the interface");
}

/* Sleeps until a moment of now(). A signal may wake it before. */
static void sleep_until(double moment)
{
    struct timespec time = { .tv_sec = (time_t)moment };
    time.tv_nsec = (long)((moment - (double)time.tv_sec) * 1e9);
    errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
    if (errno != 0 && errno != EINTR)
        fail("cannot sleep");
}

int main(int argc, char *argv[])
{
    const struct arguments args = parse_arguments(argc, argv);

    /* 1. Open the file, and read what its samples are. */
    const int wav = open(args.file, O_RDONLY);
    if (wav == -1)
        fail("cannot open %s", args.file);
    uint32_t rate;
    const uint32_t size = read_head(wav, args.file, &rate);
    if (args.describes) {
        describe(&args.peer, rate);
        flush_output();
        return 0;
    }

    /* 2. Create the socket. It may send to a broadcast address, and to a group through -i. */
    const int sock = socket(args.peer.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    if (setsockopt(sock, SOL_SOCKET, SO_BROADCAST, &(int){ 1 }, sizeof(int)) == -1)
        fail("cannot switch broadcasts on");
    if (args.interface)
        choose_interface(sock, args.peer.address.ss_family, args.interface);

    /* 3. Connect it: then the kernel tells us if nobody listens (lesson 10). */
    if (connect(sock, (const struct sockaddr *)&args.peer.address, args.peer.length) == -1)
        fail("cannot connect to %s", endpoint_text(&args.peer));

    /* 4. Begin with random numbers, so that nobody can guess them (RFC 3550, section 5.1). */
    struct {
        uint32_t source, timestamp, number;
    } begin;
    if (getrandom(&begin, sizeof begin, 0) != sizeof begin)
        fail("cannot get random numbers");
    struct packet packet = { 2 << 6, PAYLOAD_TYPE, .source = begin.source };

    stop_on_signals();

    /* 5. Send a packet each 20 milliseconds: number k at start + k * 20, whatever the turns before
     *    have taken. So nothing adds up. Who hears us may come and go: a packet that cannot be sent is
     *    lost, as one that the network loses. */
    const uint32_t most = rate / PACKETS_A_SECOND;
    unsigned long packets = 0, unsent = 0;
    const uint32_t all = size / 2;
    uint32_t samples = 0;
    double latest = 0;
    const double start = now();
    while (!stop_requested()) {
        const uint32_t left = all - samples;
        const size_t n = read_samples(wav, args.file, packet.samples, left < most ? left : most);
        if (n == 0)
            break;
        packet.number = htons((uint16_t)(begin.number + packets));
        packet.timestamp = htonl(begin.timestamp + samples);
        const double moment = start + (double)packets / PACKETS_A_SECOND;
        sleep_until(moment);
        const double late = now() - moment;
        latest = late > latest ? late : latest;
        if (packets % PACKETS_A_SECOND == 0 && isatty(STDERR_FILENO))
            fprintf(stderr, "  %lu s\r", packets / PACKETS_A_SECOND);
        if (send(sock, &packet, HEADER + 2 * n, 0) == -1 && unsent++ == 0)
            warn("cannot send a packet to %s", endpoint_text(&args.peer));
        packets++;
        samples += (uint32_t)n;
    }
    if (samples < all && size < UNKNOWN && !stop_requested())
        say("%s ends early: %u bytes of its samples are missing", args.file,
            2 * (unsigned)(all - samples));

    /* 6. Wait until the last sample has been heard, and close. */
    const double length = (double)samples / rate;
    if (!stop_requested())
        sleep_until(start + length);
    printf("sent %lu packet%s, %.2f s of sound, to %s in %.2f s, at most %.1f ms late",
           packets - unsent, packets - unsent == 1 ? "" : "s", length, endpoint_text(&args.peer),
           now() - start, latest * 1000);
    if (unsent > 0)
        printf("; %lu could not be sent", unsent);
    putchar('\n');
    close(sock);
    close(wav);
    flush_output();
    if (stop_requested())
        say_stopped(packets - unsent);
    return 0;
}

static const char help[] =
    "usage: voice [-d] [-i INTERFACE] FILE.wav [HOST [PORT]]\n"
    "Send the sound of FILE.wav as RTP, a packet each 20 milliseconds.\n"
    "\n"
    "  FILE.wav      8000 or 16000 samples a second, 16 bits each, one channel\n"
    "  HOST          who hears it: a host, a group or a broadcast address (default: 127.0.0.1)\n"
    "  PORT          the port to send to, 1 to 65535 (default: 5004)\n"
    "  -d            print the description (SDP) that a player needs, and send nothing\n"
    "  -i INTERFACE  where to send to a group, such as eth0 (default: as the routes say)\n"
    "  -h            show this help\n";

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { 0 };
    program_begin("voice", help);
    for (int option; (option = next_option(argc, argv, "di:")) != -1;)
        if (option == 'd')
            args.describes = true;
        else
            args.interface = optarg;
    args.file = next_operand(argc, argv, NULL);
    if (!args.file)
        usage_error("FILE.wav is missing");
    const char *host = next_operand(argc, argv, "127.0.0.1");
    const in_port_t port = parse_port(next_operand(argc, argv, "5004"), 1);
    no_more_operands(argc, argv);
    args.peer = endpoint_resolve(host, port);
    return args;
}
