#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "program.h"
#include "text.h"

static const iconv_t UNKNOWN = (iconv_t)-1;

/* -------------------------------- charset -------------------------------- */

static bool is_utf8(const char *charset)
{
    return strcasecmp(charset, "UTF-8") == 0 || strcasecmp(charset, "UTF8") == 0;
}

const char *parse_charset(const char *name)
{
    /* "", "gb2312," and "gb2312//IGNORE" mean something to iconv, but they name no charset.
     * "GB2312//" does: `iconv -l` writes it so. */
    const char *end = strstr(name, "//");
    iconv_t decoder = UNKNOWN;
    if (strcspn(name, "/") > 0 && name[strcspn(name, " ,\n")] == '\0' && (!end || end[2] == '\0'))
        decoder = iconv_open("UTF-8", name);
    if (decoder == UNKNOWN)
        usage_error("unknown charset \"%s\" (`iconv -l` lists them)", name);
    iconv_close(decoder);
    return name;
}

ssize_t encode_text(const char *charset, const char *text, size_t length, char *wire, size_t size)
{
    if (is_utf8(charset) && length <= size) {
        memcpy(wire, length > 0 ? text : "", length); // an empty text may have no memory
        return (ssize_t)length;
    }
    const iconv_t encoder = is_utf8(charset) ? UNKNOWN : iconv_open(charset, "UTF-8");
    if (encoder == UNKNOWN) {
        errno = is_utf8(charset) ? EMSGSIZE : ENOTSUP; // musl reads gb2312, but does not write it
        return -1;
    }
    char *in = (char *)text, *out = wire; // iconv does not write to its input
    size_t replaced = iconv(encoder, &in, &length, &out, &size);
    if (replaced == 0)
        replaced = iconv(encoder, NULL, NULL, &out, &size); // back to the first shift state
    /* Some versions of iconv write a '*' for what they cannot express, and count it in `replaced`. */
    const int error = replaced == (size_t)-1 && errno == E2BIG ? EMSGSIZE : EILSEQ;
    iconv_close(encoder);
    errno = error;
    return replaced == 0 ? out - wire : -1;
}

/* ------------------------------ safe printing ---------------------------- */

/* Returns the length of the UTF-8 character at `bytes`, and its code; 0 if there is none. Overlong
 * forms and surrogates are not UTF-8 (RFC 3629 section 3). */
static size_t utf8_character(const unsigned char *bytes, size_t n, unsigned *code)
{
    static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const size_t length = *bytes < 0x80 ? 1 : *bytes < 0xe0 ? 2 : *bytes < 0xf0 ? 3 : 4;
    if ((*bytes & 0xc0) == 0x80 || *bytes >= 0xf8 || length > n)
        return 0;
    unsigned value = *bytes & (length == 1 ? 0x7fu : 0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (bytes[i] & 0x3f);
    }
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *code = value;
    return length;
}

/* Controls (C0, DEL, C1), line separators, and what changes the text direction. */
static bool needs_escape(unsigned code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || code == 0x200e ||
           code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

/* Prints `\n`, `\x1b` (a byte, or ASCII) or `\u202e`. */
static void print_escape(unsigned code, bool byte)
{
    if (code == '\n' || code == '\r' || code == '\t')
        printf("\\%c", code == '\n' ? 'n' : code == '\r' ? 'r' : 't');
    else
        printf(byte ? "\\x%02x" : "\\u%04x", code);
}

/* Prints UTF-8 in runs. A run ends before the next character to escape. */
static void print_safely(const char *text, size_t n)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t start = 0, i = 0;
    while (i < n) {
        unsigned code = bytes[i];
        const size_t length = utf8_character(bytes + i, n - i, &code);
        if (length == 0 || needs_escape(code)) {
            fwrite(text + start, 1, i - start, stdout);
            print_escape(code, length < 2);
            start = i + (length ? length : 1);
        }
        i += length ? length : 1;
    }
    fwrite(text + start, 1, n - start, stdout);
}

/* Decodes and prints. A byte that the charset does not have is escaped, and decoding goes on. */
static void decode_and_print(const char *charset, const char *bytes, size_t n)
{
    /* Opened for each datagram: the one before may have changed its state, such as the byte order. */
    const iconv_t decoder = iconv_open("UTF-8", charset);
    const size_t size = 16 * n + 64; // more than any charset needs
    char *text = malloc(size), *in = (char *)bytes;
    if (decoder == UNKNOWN || !text)
        fail("cannot decode %s", charset);
    for (bool end = false; !end;) {
        char *out = text;
        size_t room = size;
        end = n == 0; // a last call without input: what the decoder still holds back
        iconv(decoder, end ? NULL : &in, &n, &out, &room);
        print_safely(text, size - room);
        if (n > 0) { // this byte stopped it
            print_escape((unsigned char)*in++, true);
            n--;
        }
    }
    free(text);
    iconv_close(decoder);
}

void show_datagram(const char *charset, const char *bytes, size_t size, size_t length,
                   const char *note)
{
    const size_t n = length < size ? length : size;
    if (is_utf8(charset))
        print_safely(bytes, n);
    else
        decode_and_print(charset, bytes, n);
    if (n < length)
        printf(" [%s: %zu of %zu bytes]", note, n, length);
    putchar('\n');
}

/* ------------------------------- keyboard -------------------------------- */

const char *read_line(size_t *length)
{
    static char line[4 * DATAGRAM_MAX]; // so much UTF-8 fits into no datagram, in any charset
    for (*length = 0; wait_for_input(STDIN_FILENO, INFINITY);) {
        char c;
        const ssize_t n = read(STDIN_FILENO, &c, 1); // no more: the rest is for the next program
        if (n == -1 && errno != EINTR && errno != EAGAIN)
            fail("cannot read standard input");
        if (n == 0 || (n == 1 && c == '\n')) {
            line[*length] = '\0';
            return n == 1 || *length > 0 ? line : NULL; // the last line may lack its newline
        }
        if (n == 1 && *length < sizeof line - 1)
            line[(*length)++] = c;
    }
    return NULL;
}

const char *ask(const char *question, size_t *length)
{
    prompt(question);
    const char *line = read_line(length);
    errno = 0;
    if (!line)
        fail("nothing was typed: the input has ended");
    return line;
}

void prompt(const char *text)
{
    if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
        fputs(text, stderr);
}
