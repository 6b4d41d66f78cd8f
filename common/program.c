#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "program.h"

static const char *program_name, *program_help;

static atomic_bool stopping;
static int stop_pipe[2] = { -1, -1 };

void program_begin(const char *name, const char *help)
{
    program_name = name;
    program_help = help;
    int fd;
    while ((fd = open("/dev/null", O_RDONLY)) >= 0 && fd <= STDERR_FILENO)
        continue; // read-only: writing to a closed output stays an error
    close(fd);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    /* Large enough that lines go out in flush_output, where the reason of a failure is known. */
    static char output[65536];
    setvbuf(stdout, output, _IOFBF, sizeof output);
}

/* ------------------------------- arguments ------------------------------- */

int next_option(int argc, char *argv[], const char *letters)
{
    if (optind < argc && strcmp(argv[optind], "--help") == 0)
        argv[optind] = "-h";
    char known[32];
    snprintf(known, sizeof known, "+:h%s", letters); // '+': glibc, too, stops at the first operand
    const int option = getopt(argc, argv, known);
    if (option == 'h') {
        fputs(program_help, stdout);
        flush_output();
        exit(0);
    }
    if (option == '?')
        usage_error("unknown option -%c", optopt);
    if (option == ':')
        usage_error("option -%c needs an argument", optopt);
    return option;
}

const char *next_operand(int argc, char *argv[], const char *fallback)
{
    return optind < argc ? argv[optind++] : fallback;
}

void no_more_operands(int argc, char *argv[])
{
    if (optind < argc)
        usage_error("unexpected argument \"%s\" (options come first; quote a TEXT with spaces)",
                    argv[optind]);
}

in_port_t parse_port(const char *text, in_port_t min)
{
    const unsigned long port = strtoul(text, NULL, 10);
    if (*text == '\0' || text[strspn(text, "0123456789")] != '\0' || port < min || port > 65535)
        usage_error("bad port \"%s\": a number from %u to 65535", text, (unsigned)min);
    return (in_port_t)port;
}

double parse_seconds(const char *text)
{
    char *end;
    const double seconds = strtod(text, &end);
    if (text[strspn(text, "0123456789.")] != '\0' || end == text || *end != '\0' || seconds <= 0)
        usage_error("bad time \"%s\": a number of seconds above 0, such as 0.5", text);
    return seconds;
}

/* ------------------------------- messages -------------------------------- */

/* Advice for common errors, from the first row with this error whose pattern fits the message. */
static const char *advice(int error, const char *text)
{
    static const struct {
        int error;
        const char *pattern, *advice;
    } known[] = {
        { EACCES, "*bind to*", " (a port below 1024 needs root)" },
        { EACCES, "*bytes to [[]*", " (this machine's routing table forbids it)" },
        { EACCES, "*bytes to*",
          " (a broadcast needs SO_BROADCAST; else the routing table forbids it)" },
        { EACCES, "*connect to*",
          " (a broadcast needs SO_BROADCAST; else the routing table forbids it)" },
        { EADDRINUSE, "*bind to [[]ff*", " (a program has it for itself: take another port)" },
        { EADDRINUSE, "*bind to 2[23]?.*", " (a program has it for itself: take another port)" },
        { EADDRINUSE, "*bind to*", " (take another port, or 0 for any free one)" },
        { EADDRNOTAVAIL, "*bind to*", " (this machine has no such address)" },
        { EADDRNOTAVAIL, "*bytes to [[]*", " (this machine has no IPv6 address to send from)" },
        { EAFNOSUPPORT, "*create a socket", " (this system has no IPv6)" },
        { EAFNOSUPPORT, "*bytes to [[]*", " (the socket is bound to an IPv4 address)" },
        { ECONNREFUSED, "*came back*", " (an ICMP message says that no program has this port)" },
        { ECONNREFUSED, "*packet to*", " (no program has this port: start the player first)" },
        { EHOSTUNREACH, "*bytes to*", " (this machine's routing table forbids it)" },
        { EILSEQ, "*", " (the text is not UTF-8, or the charset has no such character)" },
        { EINVAL, "*bind to [[]fe80*", " (it needs an interface, as in fe80::1%eth0)" },
        { EINVAL, "*bind to [[]ff*", " (it needs an interface, as in ff12::1%eth0)" },
        { EINVAL, "*connect to [[]fe80*", " (it needs an interface, as in fe80::1%eth0)" },
        { EINVAL, "*connect to [[]ff*", " (it needs an interface, as in ff12::1%eth0)" },
        { EINVAL, "*path to [[]fe80*", " (it needs an interface, as in fe80::1%eth0)" },
        { EINVAL, "*bytes to*:0", " (nobody can be at port 0)" },
        { EINVAL, "*blocks, cut into*",
          " (with headers, that is more than the MTU; try -w calls)" },
        { EINVAL, "*bytes to [[]*", "" },
        { EINVAL, "*bytes to*",
          " (a socket bound to 127.0.0.1 reaches only this machine; else the routing table forbids it)" },
        { EMSGSIZE, "*blocks, cut into*",
          " (with headers, that is more than the MTU; try -w calls)" },
        { EMSGSIZE, "*", " (a datagram carries at most 65507 bytes, over IPv6 65527)" },
        { ENETUNREACH, "*bytes to [[]ff*",
          " (no route leads there, or the interface is down: see `ip route` and `ip link`)" },
        { ENETUNREACH, "*bytes to 2[23]?.*",
          " (no route leads there, or the interface is down: see `ip route` and `ip link`)" },
        { ENETUNREACH, "*bytes to [[]*", " (no route; ::1 is this machine)" },
        { ENETUNREACH, "*bytes to 127.*", "" }, // from a socket that is bound to ::1
        { ENETUNREACH, "*bytes to*",
          " (no route; 127.0.0.1, or 127.255.255.255 to broadcast, is this machine)" },
        { ENETUNREACH, "*connect to 2[23]?.*", " (no route leads to this group: see `ip route`)" },
        { ENODEV, "*find the interface*", " (`ip link` lists them)" },
        { ENODEV, "*join*", " (no route leads to this group: name an interface, as in -i eth0)" },
        { ENOTSUP, "*encode*", " (this system's iconv can only read that charset)" },
        { EPERM, "*bytes to*", " (a firewall of this machine forbids it)" },
        { EPERM, "*packet socket", " (only root may; in `make lan` you are root)" },
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].error == error && fnmatch(known[i].pattern, text, 0) == 0)
            return known[i].advice;
    return "";
}

/* Prints the message as one whole line, after everything that was printed before. */
static void message(int error, const char *format, va_list arguments)
{
    char text[1024];
    vsnprintf(text, sizeof text, format, arguments);
    for (char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) // a control character, from an argument
            *c = '?';
    fflush(stdout);
    fprintf(stderr, "%s: %s%s%s%s\n", program_name, text, error ? ": " : "",
            error ? strerror(error) : "", advice(error, text));
}

void usage_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    message(0, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%.*s\n", (int)strcspn(program_help, "\n"), program_help);
    exit(2);
}

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    flockfile(stderr); // another thread that fails, too, waits here until the program has ended
    message(errno, format, arguments);
    va_end(arguments);
    exit(1);
}

void warn(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    message(errno, format, arguments);
    va_end(arguments);
}

void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    message(0, format, arguments);
    va_end(arguments);
}

void say_stopped(unsigned long datagrams)
{
    say("stopped after %lu datagram%s", datagrams, datagrams == 1 ? "" : "s");
}

/* --------------------------- stopping, waiting --------------------------- */

/*
 * A handler that only sets a flag is not enough. A signal may come after the program looked at the
 * flag and before it sleeps in recvfrom: the program would miss it and sleep on. So the handler also
 * closes the writing end of a pipe, and the program sleeps in poll, which watches the reading end
 * beside the socket. From then on the pipe has no writer, so poll reports it at each later call, in
 * any thread.
 */
void request_stop(void)
{
    const int error = errno; // a handler must leave errno as it was
    if (!atomic_exchange(&stopping, true))
        close(stop_pipe[1]); // once only: later the number may belong to another file
    errno = error;
}

static void on_signal(int number)
{
    (void)number;
    request_stop();
}

void stop_on_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    sigemptyset(&action.sa_mask);
    if (pipe(stop_pipe) == -1 || sigaction(SIGINT, &action, NULL) == -1 ||
        sigaction(SIGTERM, &action, NULL) == -1)
        fail("cannot catch signals");
}

bool stop_requested(void)
{
    return stopping;
}

int stop_descriptor(void)
{
    return stop_pipe[0];
}

double now(void)
{
    struct timespec time;
    if (clock_gettime(CLOCK_MONOTONIC, &time) == -1)
        fail("cannot read the clock");
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

bool wait_for_input(int fd, double deadline)
{
    flush_output();
    while (!stop_requested()) {
        const double seconds = deadline - now();
        if (seconds <= 0)
            return false;
        /* Rounded up. A wait of more than 10^6 seconds is several waits. */
        const int milliseconds = seconds < 1e6 ? (int)(seconds * 1000) + 1 : 1000000000;
        struct pollfd inputs[] = { { fd, POLLIN, 0 }, { stop_pipe[0], POLLIN, 0 } };
        if (poll(inputs, 2, milliseconds) == -1 && errno != EINTR)
            fail("cannot wait");
        if (inputs[0].revents != 0 && inputs[1].revents == 0)
            return true;
    }
    return false;
}

void flush_output(void)
{
    errno = 0; // if the failure came before this call, its reason is not known
    if (fflush(stdout) == EOF || ferror(stdout))
        fail("cannot write standard output");
}
