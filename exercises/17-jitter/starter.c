/**
 * @file jitter.c
 * @brief Exercise 17: sound from a bad network, in order and in time.
 *
 * The assignment is README.md, beside this file. Check it with `make check-17`.
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

static struct arguments parse_arguments(int argc, char *argv[]);

/* TODO 1. A structure for what one packet says, and a function that reads a packet. Each length in it
 *         is a claim: look whether there are so many bytes. */

/* TODO 2. A structure for the stream: its source, its first timestamp, when its first packet came,
 *         and all that the line at the end counts. */

/* TODO 3. A function that looks whether a number has come before. */

/* TODO 4. A function that takes one packet: is it bad, doubled, late, or is it played? */

/* TODO 5. A function that writes the header of a WAV file of so many samples. */

int main(int argc, char *argv[])
{
    struct arguments args = parse_arguments(argc, argv);
    stop_on_signals();

    const int sock = socket(args.local.address.ss_family, SOCK_DGRAM, 0);
    if (sock == -1)
        fail("cannot create a socket");
    if (bind(sock, (struct sockaddr *)&args.local.address, args.local.length) == -1)
        fail("cannot bind to %s", endpoint_text(&args.local));
    if (getsockname(sock, (struct sockaddr *)&args.local.address, &args.local.length) == -1)
        fail("cannot get the socket's address");

    /* TODO 6. Create the file. */

    say("bound to %s", endpoint_text(&args.local));

    static unsigned char bytes[DATAGRAM_MAX];
    (void)bytes; // no warning meanwhile: use it, and delete this line
    while (!stop_requested()) {
        /* TODO 7. Take the next datagram, and note when it has come. Until you do, this only waits. */
        wait_for_input(stop_descriptor(), INFINITY);

        /* TODO 8. Has nothing of the stream come for long? Then it is over. Wait if there was nothing. */
    }

    /* TODO 9. Write what is missing in the file, close it, and print the line. */

    close(sock);
    flush_output();
    return 0;
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
