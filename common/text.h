/**
 * @file text.h
 * @brief What people type and read: charset out, charset in, safe printing.
 */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stddef.h>
#include <sys/types.h>

/** Room for the largest datagram, in bytes: the length field of UDP has 16 bits (RFC 768). */
#define DATAGRAM_MAX 65536

/**
 * Checks the name of a charset, which is any name that iconv_open(3) knows. An unknown one is a
 * usage error.
 *
 * @param name  what was typed
 * @return the name
 */
const char *parse_charset(const char *name);

/**
 * Encodes text for the wire. In UTF-8, bytes pass through unchanged.
 *
 * @param charset  the charset on the wire: UTF-8, or a name from parse_charset()
 * @param text     UTF-8
 * @param length   in bytes
 * @param wire     where the encoded bytes go
 * @param size     how many bytes there is room for
 * @return how many bytes were written to `wire`; -1 with errno EILSEQ if the text is not UTF-8 or
 *         the charset cannot express it, EMSGSIZE if there is no room, ENOTSUP if this system's
 *         iconv can only read the charset
 */
ssize_t encode_text(const char *charset, const char *text, size_t length, char *wire, size_t size);

/**
 * Prints a received datagram's text and ends the line.
 *
 * What could do harm is printed as an escape (`\n`, `\x1b`, `\xff`, `\u202e`): control
 * characters, bidirectional controls, bytes that are not valid in the charset (for UTF-8, by
 * RFC 3629 section 4).
 *
 * @param charset  the charset on the wire: UTF-8, or a name from parse_charset()
 * @param bytes    the datagram's data
 * @param size     how many bytes to print at most, such as the buffer's size
 * @param length   how long the datagram was; if more than `size`, a note follows the text
 * @param note     the note's word: `cut` gives ` [cut: 1024 of 3000 bytes]`
 */
void show_datagram(const char *charset, const char *bytes, size_t size, size_t length,
                   const char *note);

/**
 * Reads a line from standard input, without its newline. Ends early when the program is asked to
 * stop.
 *
 * @param length  where the line's length in bytes goes (a '\0' in it counts, the one after it does
 *                not). Of a longer line, the first 262,143 bytes are kept: too many for encode_text().
 * @return the line, which the next call overwrites; NULL at the end of input
 */
const char *read_line(size_t *length);

/**
 * Shows a question and reads the answer; fails (exit 1) if the input has ended.
 *
 * @param question  shown as by prompt()
 * @param length    where the answer's length in bytes goes
 * @return the answer, as from read_line()
 */
const char *ask(const char *question, size_t *length);

/**
 * Shows a prompt on standard error, if standard input and standard error are a terminal.
 *
 * @param text  the prompt
 */
void prompt(const char *text);

#endif
