/**
 * @file program.h
 * @brief What every program does: options, messages, stopping, waiting, checked output.
 */
#ifndef COMMON_PROGRAM_H
#define COMMON_PROGRAM_H

#include <math.h> // INFINITY, for wait_for_input()
#include <netinet/in.h>
#include <stdbool.h>

/**
 * Starts the program. Call this first.
 *
 * Opens /dev/null in place of a closed standard input, output or error, so that no socket can take
 * their numbers. A closed pipe and a file that has reached its limit (`ulimit -f`) no longer kill the
 * program: they become write errors, which flush_output() reports.
 *
 * @param name  the name that begins every message
 * @param help  what `-h` prints; its first line is `usage: ...`, which usage errors repeat
 */
void program_begin(const char *name, const char *help);

/**
 * Takes the next option, as getopt(3) does, with `-h` and `--help` for help added.
 *
 * Options come before operands (POSIX, XBD 12.2, guideline 9), so a TEXT after HOST may begin with
 * `-`. `-h` prints the help and exits 0. An unknown option or a missing argument is a usage error.
 *
 * @param argc, argv  those of main
 * @param letters     the option letters, as for getopt(3): `"e:w:"`
 * @return the letter, its argument in `optarg`; -1 when no option is left
 */
int next_option(int argc, char *argv[], const char *letters);

/**
 * Takes the next operand (an argument that is no option), once next_option() has returned -1.
 *
 * @param argc, argv  those of main
 * @param fallback    what to return if none is left; may be NULL
 * @return the operand, or `fallback`
 */
const char *next_operand(int argc, char *argv[], const char *fallback);

/**
 * Reports a usage error if operands remain.
 *
 * @param argc, argv  those of main
 */
void no_more_operands(int argc, char *argv[]);

/**
 * Reads a port number: decimal digits only, up to 65535 (RFC 768: the port fields have 16 bits).
 * Anything else is a usage error.
 *
 * @param text  what was typed
 * @param min   the lowest number allowed: 0 if the system may pick one (bind), else 1
 * @return the port in host byte order
 */
in_port_t parse_port(const char *text, in_port_t min);

/**
 * Reads a number of seconds: decimal, above 0, fractions allowed. Anything else is a usage error.
 *
 * @param text  what was typed
 * @return seconds
 */
double parse_seconds(const char *text);

/**
 * Prints `NAME: message` and the usage line on standard error, and exits 2.
 *
 * @param format  the message, as for printf()
 * @param ...     its arguments
 */
_Noreturn void usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * Prints `NAME: message: reason (advice)` on standard error, and exits 1. The reason comes from errno;
 * with errno 0 there is none. The advice is printed only where it is true of this error and message.
 *
 * @param format  the message, as for printf(): what the program was doing, to which endpoint
 * @param ...     its arguments
 */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * Prints what fail() prints, and goes on.
 *
 * @param format  as for fail()
 * @param ...     its arguments
 */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * Prints `NAME: message` on standard error, as one line: a control character in it becomes `?`.
 *
 * @param format  the message, as for printf()
 * @param ...     its arguments
 */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * From now on SIGINT (Ctrl-C) and SIGTERM do not end the program: they make stop_requested() true
 * and wait_for_input() return.
 */
void stop_on_signals(void);

/** Asks the program to stop, as Ctrl-C does. Safe in signal handlers and in any thread. */
void request_stop(void);

/**
 * Tells whether the program has been asked to stop.
 *
 * @return true once it has
 */
bool stop_requested(void);

/**
 * A descriptor for your own poll(2): the reading end of a pipe. Its other end is closed when somebody
 * asks the program to stop. From then on poll reports POLLHUP there.
 *
 * @return the descriptor; before stop_on_signals(), -1, which poll ignores
 */
int stop_descriptor(void);

/**
 * The time on a clock that never jumps (CLOCK_MONOTONIC).
 *
 * @return seconds since some moment in the past
 */
double now(void);

/**
 * Writes out what was printed, then waits until a descriptor has something to read.
 *
 * @param fd        the descriptor: a socket or standard input
 * @param deadline  when to give up, such as `now() + 0.5`; INFINITY: never
 * @return true if there is something to read; false if the program was asked to stop or the
 *         deadline has passed
 */
bool wait_for_input(int fd, double deadline);

/** Writes out what was printed; fails (exit 1) if that cannot be done. */
void flush_output(void);

/**
 * Says `stopped after N datagrams` on standard error.
 *
 * @param datagrams  how many
 */
void say_stopped(unsigned long datagrams);

#endif
