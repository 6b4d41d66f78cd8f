/**
 * @file endpoint.h
 * @brief An endpoint: the IP address and port at one end of a datagram's path.
 */
#ifndef COMMON_ENDPOINT_H
#define COMMON_ENDPOINT_H

#include <netinet/in.h>
#include <sys/socket.h>

/** An IPv4 or IPv6 address and a port, in the form that the socket calls use. */
struct endpoint {
    struct sockaddr_storage address; /**< room for the address of any family */
    socklen_t length;                /**< how many of its bytes are used */
};

/**
 * Looks up a host. If it has both IPv4 and IPv6 addresses, this takes IPv4, where the servers of the
 * lessons wait. Fails (exit 1) if there is no such host.
 *
 * @param host  a name, an IPv4 address or an IPv6 address
 * @param port  in host byte order
 * @return the endpoint, its address in network byte order
 * @see POSIX.1-2008 getaddrinfo()
 */
struct endpoint endpoint_resolve(const char *host, in_port_t port);

/**
 * The endpoint as text: `127.0.0.1:8080`, `[::1]:8080` (RFC 3986 section 3.2.2). An IPv4-mapped
 * IPv6 address (RFC 4291 section 2.5.5.2) is written as the IPv4 address in it.
 *
 * @param endpoint  from recvfrom() or endpoint_resolve()
 * @return text that the next call in the same thread overwrites; errno stays as it was
 */
const char *endpoint_text(const struct endpoint *endpoint);

/**
 * The endpoint's address alone, without the port: `127.0.0.1`, `::1`.
 *
 * @param endpoint  as for endpoint_text()
 * @return text that the next call in the same thread overwrites; errno stays as it was
 */
const char *endpoint_host(const struct endpoint *endpoint);

#endif
