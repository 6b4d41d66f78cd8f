#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "endpoint.h"
#include "program.h"

#define HOST_SIZE (INET6_ADDRSTRLEN + 32) // 32: an interface, as in fe80::1%eth0

struct endpoint endpoint_resolve(const char *host, in_port_t port)
{
    const struct addrinfo hints = { .ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM };
    struct addrinfo *found;
    char digits[6];
    snprintf(digits, sizeof digits, "%u", (unsigned)port);
    const int error = getaddrinfo(host, digits, &hints, &found);
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
    return endpoint;
}

const char *endpoint_host(const struct endpoint *endpoint)
{
    static _Thread_local char host[HOST_SIZE];
    const int error = errno; // a message about this endpoint may still need it
    if (getnameinfo((const struct sockaddr *)&endpoint->address, endpoint->length, host,
                    sizeof host, NULL, 0, NI_NUMERICHOST) != 0)
        strcpy(host, "(unknown)");
    errno = error;
    return strncmp(host, "::ffff:", 7) == 0 && strchr(host, '.') ? host + 7 : host; // IPv4-mapped
}

const char *endpoint_text(const struct endpoint *endpoint)
{
    static _Thread_local char text[HOST_SIZE + 8];
    const char *host = endpoint_host(endpoint);
    struct sockaddr_in ipv4; // both families have the port at the same offset
    memcpy(&ipv4, &endpoint->address, sizeof ipv4);
    snprintf(text, sizeof text, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
             (unsigned)ntohs(ipv4.sin_port));
    return text;
}
