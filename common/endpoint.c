#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "program.h"

in_port_t parse_port(const char *text, in_port_t lowest)
{
    const unsigned long port = strtoul(text, NULL, 10);
    if (*text == '\0' || text[strspn(text, "0123456789")] != '\0' || port < lowest || port > 65535)
        usage_error("bad port \"%s\": a number from %u to 65535", text, (unsigned)lowest);
    return (in_port_t)port;
}

struct endpoint endpoint_resolve(const char *host, in_port_t port)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM };
    struct addrinfo *found;
    const int error = getaddrinfo(host, NULL, &hints, &found);
    if (error) {
        errno = error == EAI_SYSTEM ? errno : 0;
        fail("cannot find the host \"%.255s\": %s", host, gai_strerror(error));
    }
    const struct addrinfo *chosen = found;
    while (chosen->ai_family != AF_INET && chosen->ai_next)
        chosen = chosen->ai_next;
    if (chosen->ai_family != AF_INET)
        chosen = found;
    struct endpoint endpoint = { .length = chosen->ai_addrlen };
    memcpy(&endpoint.address, chosen->ai_addr, chosen->ai_addrlen);
    freeaddrinfo(found);

    // The port stands at the same place in the addresses of both families.
    ((struct sockaddr_in *)&endpoint.address)->sin_port = htons(port);
    return endpoint;
}

/* The texts of the endpoint that was asked for last. A busy server asks for the same one again and
 * again; so it is written only once. */
static _Thread_local struct {
    struct endpoint endpoint;
    char host[INET6_ADDRSTRLEN + 32]; // 32: an interface, as in fe80::1%eth0
    char text[INET6_ADDRSTRLEN + 40];
} written;

static void write_texts(const struct endpoint *endpoint)
{
    const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)&endpoint->address;
    const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)&endpoint->address;
    if (written.endpoint.length == endpoint->length &&
        memcmp(&written.endpoint.address, ipv4, endpoint->length) == 0)
        return;
    written.endpoint = *endpoint;
    if (ipv4->sin_family == AF_INET)
        inet_ntop(AF_INET, &ipv4->sin_addr, written.host, sizeof written.host);
    else if (IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr))
        inet_ntop(AF_INET, &ipv6->sin6_addr.s6_addr[12], written.host, sizeof written.host);
    else if (getnameinfo((const struct sockaddr *)ipv6, endpoint->length, written.host,
                         sizeof written.host, NULL, 0, NI_NUMERICHOST) != 0)
        snprintf(written.host, sizeof written.host, "(unknown)");
    snprintf(written.text, sizeof written.text, strchr(written.host, ':') ? "[%s]:%u" : "%s:%u",
             written.host, (unsigned)ntohs(ipv4->sin_port));
}

const char *endpoint_host(const struct endpoint *endpoint)
{
    write_texts(endpoint);
    return written.host;
}

const char *endpoint_text(const struct endpoint *endpoint)
{
    write_texts(endpoint);
    return written.text;
}
