#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "program.h"
#include "text.h"

static const iconv_t NO_ICONV = (iconv_t)-1;

/* -------------------------------- charset -------------------------------- */

struct charset charset_open(const char *name)
{
    struct charset charset = { name, false, NO_ICONV, NO_ICONV };
    if (strcasecmp(name, "UTF-8") == 0 || strcasecmp(name, "UTF8") == 0) {
        charset.utf8 = true;
        return charset;
    }
    // "", " " and "gb2312//IGNORE" mean something to iconv, but they name no charset. "GB2312//" does:
    // so `iconv -l` writes it.
    const size_t length = strcspn(name, " /");
    if (length > 0 && (name[length] == '\0' || strcmp(name + length, "//") == 0)) {
        charset.encoder = iconv_open(name, "UTF-8");
        charset.decoder = iconv_open("UTF-8", name);
    }
    if (charset.decoder == NO_ICONV)
        usage_error("unknown charset \"%s\" (`iconv -l` lists them)", name);
    return charset;
}

void charset_close(struct charset *charset)
{
    if (charset->encoder != NO_ICONV)
        iconv_close(charset->encoder);
    if (charset->decoder != NO_ICONV)
        iconv_close(charset->decoder);
}

ssize_t encode_text(const struct charset *charset, const char *text, size_t length, char *wire,
                    size_t size)
{
    char *in = (char *)text, *out = wire; // iconv does not write to its input
    if (charset->utf8 && length <= size) {
        memcpy(wire, text, length);
        return (ssize_t)length;
    }
    if (charset->utf8 || charset->encoder == NO_ICONV) {
        errno = charset->utf8 ? EMSGSIZE : ENOTSUP; // musl reads gb2312, but does not write it
        return -1;
    }
    iconv(charset->encoder, NULL, NULL, NULL, NULL);
    const size_t replaced = iconv(charset->encoder, &in, &length, &out, &size);
    if (replaced == 0 && iconv(charset->encoder, NULL, NULL, &out, &size) == 0)
        return out - wire;
    // More than 0 were replaced, where iconv writes a '*' for what it cannot express.
    errno = replaced == (size_t)-1 && errno == E2BIG ? EMSGSIZE : EILSEQ;
    return -1;
}

/* ------------------------------ safe printing ---------------------------- */

/* The length of the UTF-8 character at `bytes`, and its code; 0 if there is none: overlong forms and
 * surrogates are not UTF-8 (RFC 3629 section 3). */
static size_t utf8_character(const unsigned char *bytes, size_t n, uint32_t *code)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char first = bytes[0];
    const size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if ((first >= 0x80 && first < 0xc0) || first >= 0xf8 || length > n)
        return 0;
    uint32_t value = length == 1 ? first : first & (0x7fu >> length);
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

/* Controls (C0, DEL, C1), line separators, and what turns the direction of writing around. */
static bool is_harmful(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || code == 0x200e ||
           code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

/* Prints `\n`, `\x1b` (a byte, or ASCII) or `\u202e`. */
static void print_escape(uint32_t code, bool byte)
{
    putchar('\\');
    if (code == '\n' || code == '\r' || code == '\t') {
        putchar(code == '\n' ? 'n' : code == '\r' ? 'r' : 't');
        return;
    }
    putchar(byte ? 'x' : 'u');
    for (int shift = byte ? 4 : 12; shift >= 0; shift -= 4)
        putchar("0123456789abcdef"[code >> shift & 0xf]);
}

/* Whether eight bytes are all printable ASCII, 0x20 to 0x7e, at one go: where one is not, one of the
 * sums below has the top bit of a byte set. Most of a text is like that. */
static bool eight_printable(const unsigned char *bytes)
{
    uint64_t eight;
    memcpy(&eight, bytes, sizeof eight);
    const uint64_t each = 0x0101010101010101;
    return ((eight | (eight - 0x20 * each) | (eight + each)) & 0x80 * each) == 0;
}

/* Prints UTF-8, in runs as long as there is nothing to escape. */
static void print_safely(const char *text, size_t n)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t start = 0, i = 0;
    while (i < n) {
        if (n - i >= 8 && eight_printable(bytes + i)) {
            i += 8;
            continue;
        }
        uint32_t code = bytes[i];
        const size_t length = utf8_character(bytes + i, n - i, &code);
        if (length == 0 || is_harmful(code)) {
            fwrite(text + start, 1, i - start, stdout);
            print_escape(code, length < 2);
            start = i + (length ? length : 1);
        }
        i += length ? length : 1;
    }
    fwrite(text + start, 1, n - start, stdout);
}

/* Decodes and prints. A byte that the charset does not have is escaped, and decoding goes on. */
static void decode_and_print(iconv_t decoder, const char *bytes, size_t n)
{
    char *in = (char *)bytes;
    iconv(decoder, NULL, NULL, NULL, NULL);
    for (bool end = n == 0; !end;) {
        char text[512], *out = text;
        size_t room = sizeof text;
        end = n == 0; // a last call without input: what the decoder still holds back
        const size_t result = iconv(decoder, end ? NULL : &in, &n, &out, &room);
        const bool bad = result == (size_t)-1 && errno != E2BIG;
        print_safely(text, sizeof text - room);
        if (bad && n > 0) {
            print_escape((unsigned char)*in++, true);
            n--;
        }
    }
}

void show_datagram(const struct charset *charset, const char *bytes, size_t kept, size_t length,
                   const char *why)
{
    const size_t n = length < kept ? length : kept;
    if (charset->utf8)
        print_safely(bytes, n);
    else
        decode_and_print(charset->decoder, bytes, n);
    if (n < length)
        printf(" [%s: %zu of %zu bytes]", why, n, length);
    putchar('\n');
}

/* ------------------------------- keyboard -------------------------------- */

const char *read_line(size_t *length)
{
    static char buffer[4 * DATAGRAM_MAX]; // no charset makes a datagram of so much UTF-8
    static size_t start, end;             // what is in it and was not returned yet
    for (;;) {
        char *line = buffer + start;
        char *newline = memchr(line, '\n', end - start);
        if (newline) {
            *newline = '\0';
            *length = (size_t)(newline - line);
            start += *length + 1;
            return line;
        }
        end -= start;
        start = 0;
        memmove(buffer, line, end);
        errno = EMSGSIZE;
        if (end == sizeof buffer - 1)
            fail("cannot read a line of so many bytes");
        if (!wait_for_input(STDIN_FILENO, INFINITY))
            return NULL;
        const ssize_t n = read(STDIN_FILENO, buffer + end, sizeof buffer - 1 - end);
        if (n == -1 && errno != EINTR && errno != EAGAIN)
            fail("cannot read standard input");
        if (n == 0) { // the end; what is left is a last line without a newline
            *length = end;
            buffer[end] = '\0';
            end = 0;
            return *length > 0 ? buffer : NULL;
        }
        end += n > 0 ? (size_t)n : 0;
    }
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
