/**
 * @file jitter.c
 * @brief Exercise 17, one good solution: sound from a bad network, in order and in time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "program.h"
#include "text.h" // DATAGRAM_MAX

#define HEADER 12       // bytes of RTP's header, without what may follow it (RFC 3550, section 5.1)
#define WAV_HEADER 44   // bytes
#define PAYLOAD_TYPE 96 // L16, as the sender's description says
#define EARLIEST 10     // seconds
#define NUMBERS 65536   // there are so many, with 16 bits

struct arguments {
    struct endpoint local;
    int delay; // milliseconds
    int rate;  // samples a second
    double seconds;
    const char *file;
};

/* What one packet says. Its samples are in the datagram. */
struct packet {
    uint16_t number;
    uint32_t timestamp, source;
    const unsigned char *samples; // of 2 bytes each, the highest byte first
    size_t count;
};

struct stream {
    const struct arguments *args;
    int wav;
    bool has_begun;
    uint32_t source, timestamp; // of the first packet
    double arrival;             // of the first packet
    long long lowest, highest;  // numbers that do not wrap
    bool came[NUMBERS];         // of the 32769 numbers up to the highest: has it come?
    long long length;           // of the sound, in samples
    unsigned long played, late, doubled, bad;
};

static struct arguments parse_arguments(int argc, char *argv[]);
static bool take(struct stream *stream, const unsigned char *bytes, size_t n, double came_at);
static void finish(const struct stream *stream);

int main(int argc, char *argv[])
{
    struct arguments args = parse_arguments(argc, argv);
    stop_on_signals();

    /* 1. Create the socket, and bind it. */
    const int sock = socket(args.local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    if (bind(sock, (struct sockaddr *)&args.local.address, args.local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&args.local));
    if (getsockname(sock, (struct sockaddr *)&args.local.address, &args.local.length) == -1)
        fail("cannot get the socket's address");

    /* 2. Create the file, now that we have the port. */
    const int wav = open(args.file, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (wav == -1)
        fail("cannot create %s", args.file);
    say("bound to %s", endpoint_text(&args.local));

    /* 3. Take each datagram, and note when it has come. Only those of the stream move the deadline; so
     *    look at it after each datagram. */
    static unsigned char bytes[DATAGRAM_MAX];
    static struct stream stream;
    stream.args = &args;
    stream.wav = wav;
    double deadline = now() + args.seconds;
    while (!stop_requested()) {
        const ssize_t n = recv(sock, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n == -1 && errno != EAGAIN)
            fail("cannot receive");
        const double came_at = now();
        if (n >= 0 && take(&stream, bytes, (size_t)n, came_at))
            deadline = came_at + args.seconds;
        if (came_at >= deadline)
            break;
        if (n == -1)
            wait_for_input(sock, deadline);
    }

    /* 4. Complete the file, say how it went, and close both. */
    finish(&stream);
    if (close(wav) == -1)
        fail("cannot write %s", args.file);
    close(sock);
    flush_output();
    return 0;
}

/* ---------------------------------- a packet --------------------------------- */

/* The network's order: the highest byte comes first. */
static uint32_t big_endian(const unsigned char *bytes, int n)
{
    uint32_t number = 0;
    while (n-- > 0)
        number = number << 8 | *bytes++;
    return number;
}

/* Reads a packet. Each length in it is a claim: look whether there are so many bytes. Returns false if
 * this is no packet that we understand. */
static bool read_packet(const unsigned char *bytes, size_t n, struct packet *packet)
{
    size_t begin = HEADER;
    if (n < HEADER || bytes[0] >> 6 != 2 || (bytes[1] & 0x7f) != PAYLOAD_TYPE)
        return false;
    begin += 4 * (bytes[0] & 0xfu); // a list of sources
    if (bytes[0] & 0x10) {          // an extension
        if (n < begin + 4)
            return false;
        begin += 4 + 4 * (size_t)big_endian(bytes + begin + 2, 2);
    }
    if (n <= begin)
        return false;
    if (bytes[0] & 0x20) { // padding
        const size_t padding = bytes[n - 1];
        if (padding == 0 || padding >= n - begin)
            return false;
        n -= padding;
    }
    if ((n - begin) % 2 != 0)
        return false;
    *packet = (struct packet){ .number = (uint16_t)big_endian(bytes + 2, 2),
                               .timestamp = big_endian(bytes + 4, 4),
                               .source = big_endian(bytes + 8, 4),
                               .samples = bytes + begin,
                               .count = (n - begin) / 2 };
    return true;
}

/* --------------------------------- the stream -------------------------------- */

/* Notes that this number has come. Returns false if it had come before. */
static bool note_number(struct stream *stream, uint16_t number)
{
    /* The difference has 16 bits, too: -32768 to 32767, in two's complement. */
    const int ahead = (int16_t)(uint16_t)(number - (uint16_t)stream->highest);
    for (int i = 0; i < ahead; i++) // the new ones have the places of old ones
        stream->came[++stream->highest % NUMBERS] = false;
    if (stream->came[number])
        return false;
    stream->came[number] = true;
    if (ahead < 0 && stream->highest + ahead < stream->lowest)
        stream->lowest = stream->highest + ahead;
    return true;
}

/* Writes the samples to their place in the file, the lowest byte first. What is never written reads as
 * zeros: silence. */
static void play(struct stream *stream, const struct packet *packet, long long place)
{
    static unsigned char bytes[DATAGRAM_MAX];
    const size_t size = 2 * packet->count;
    for (size_t i = 0; i < size; i++)
        bytes[i] = packet->samples[i ^ 1];
    errno = 0;
    if (pwrite(stream->wav, bytes, size, (off_t)(WAV_HEADER + 2 * place)) != (ssize_t)size)
        fail("cannot write %s", stream->args->file);
    if (place + (long long)packet->count > stream->length)
        stream->length = place + (long long)packet->count;
    stream->played++;
}

/* Takes a datagram that came at this time. Returns whether it is of the stream. */
static bool take(struct stream *stream, const unsigned char *bytes, size_t n, double came_at)
{
    struct packet packet;
    if (!read_packet(bytes, n, &packet)) {
        stream->bad++;
        return false;
    }

    /* 5. The first packet begins the stream. */
    if (!stream->has_begun) {
        stream->has_begun = true;
        stream->source = packet.source;
        stream->timestamp = packet.timestamp;
        stream->arrival = came_at;
        stream->lowest = stream->highest = packet.number + NUMBERS; // so that none is below 0
    }

    /* 6. Where is its place, and when is its moment? */
    const int32_t place = (int32_t)(packet.timestamp - stream->timestamp);
    const double since = came_at - stream->arrival, begins = (double)place / stream->args->rate;
    if (packet.source != stream->source || begins > since + EARLIEST) {
        stream->bad++;
        return false;
    }
    if (!note_number(stream, packet.number))
        stream->doubled++;
    else if (place < 0 || since > begins + stream->args->delay / 1000.0)
        stream->late++;
    else
        play(stream, &packet, place);
    return true;
}

/* ---------------------------------- the file --------------------------------- */

/* WAV's order: the lowest byte comes first. */
static void little_endian(unsigned char *bytes, int n, uint32_t number)
{
    for (int i = 0; i < n; i++)
        bytes[i] = (unsigned char)(number >> 8 * i);
}

/* Writes the header of the file, now that its sizes are known, and prints the line. */
static void finish(const struct stream *stream)
{
    const uint32_t size = (uint32_t)(2 * stream->length), rate = (uint32_t)stream->args->rate;
    unsigned char header[WAV_HEADER + 1] = "RIFF....WAVEfmt ....................data....";
    little_endian(header + 4, 4, WAV_HEADER - 8 + size);
    little_endian(header + 16, 4, 16);
    little_endian(header + 20, 2, 1);
    little_endian(header + 22, 2, 1);
    little_endian(header + 24, 4, rate);
    little_endian(header + 28, 4, 2 * rate);
    little_endian(header + 32, 2, 2);
    little_endian(header + 34, 2, 16);
    little_endian(header + 40, 4, size);
    errno = 0;
    if (pwrite(stream->wav, header, WAV_HEADER, 0) != WAV_HEADER)
        fail("cannot write %s", stream->args->file);

    const long long came = (long long)(stream->played + stream->late);
    const long long all = stream->has_begun ? stream->highest - stream->lowest + 1 : 0;
    printf("played %lu of %lld packets: %lld lost, %lu late, %lu doubled, %lu bad; %.2f s, "
           "delay %d ms\n",
           stream->played, all, all - came, stream->late, stream->doubled, stream->bad,
           (double)stream->length / rate, stream->args->delay);
}

static const char help[] =
    "usage: jitter [-b ADDRESS] [-d MILLISECONDS] [-r RATE] [-w SECONDS] PORT FILE.wav\n"
    "Take sound that comes as RTP, and write it into FILE.wav, in order, until Ctrl-C.\n"
    "\n"
    "  PORT             the port to wait on, 0 to 65535 (0: any free one)\n"
    "  FILE.wav         where the sound goes; what is there is overwritten\n"
    "  -b ADDRESS       the address of this machine to wait on (default: 0.0.0.0)\n"
    "  -d MILLISECONDS  how long to wait before the sound begins, 0 to 10000 (default: 40)\n"
    "  -r RATE          samples a second: 8000 or 16000 (default: 16000)\n"
    "  -w SECONDS       end when nothing has come for so long (default: never)\n"
    "  -h               show this help\n";

/* Reads a number from 0 to MOST. */
static int parse_number(const char *text, const char *what, int most)
{
    const unsigned long number = strtoul(text, NULL, 10);
    if (*text == '\0' || text[strspn(text, "0123456789")] != '\0' || number > (unsigned long)most)
        usage_error("bad %s \"%s\": a number from 0 to %d", what, text, most);
    return (int)number;
}

static struct arguments parse_arguments(int argc, char *argv[])
{
    struct arguments args = { .delay = 40, .rate = 16000, .seconds = INFINITY };
    const char *host = "0.0.0.0";
    program_begin("jitter", help);
    for (int option; (option = next_option(argc, argv, "b:d:r:w:")) != -1;)
        if (option == 'b')
            host = optarg;
        else if (option == 'd')
            args.delay = parse_number(optarg, "number of milliseconds", 10000);
        else if (option == 'w')
            args.seconds = parse_seconds(optarg);
        else if (strcmp(optarg, "8000") == 0 || strcmp(optarg, "16000") == 0)
            args.rate = atoi(optarg);
        else
            usage_error("bad rate \"%s\": 8000 or 16000", optarg);
    const char *port = next_operand(argc, argv, NULL);
    args.file = next_operand(argc, argv, NULL);
    if (!args.file)
        usage_error("%s is missing", port ? "FILE.wav" : "PORT");
    no_more_operands(argc, argv);
    args.local = endpoint_resolve(host, parse_port(port, 0));
    return args;
}
