/* address.h - what kind of place an IP address is, for the SSRF guard.
 *
 * A request that an alert's label or a model's answer had a hand in must not
 * reach the metadata service of the machine or somebody's internal network.
 * Names say nothing about that, since they resolve to whatever their owner
 * likes; the address that is about to be connected does. Forms that carry an
 * IPv4 address inside an IPv6 one are judged by the address inside.
 *
 * Sources: the IANA IPv4 and IPv6 special-purpose address registries,
 * RFC 6890, RFC 6052 (NAT64), RFC 3056 (6to4).
 *
 * Lifetime: call. Thread: any.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

enum address_kind {
    ADDRESS_PUBLIC,    /* the internet */
    ADDRESS_PRIVATE,   /* loopback, private, shared (CGNAT), documentation */
    ADDRESS_FORBIDDEN, /* link-local, metadata, multicast, reserved, unknown */
};

enum address_kind address_judge(const struct sockaddr *address);

/* The same for "10.0.0.1" or "::1"; forbidden when it is no address. */
enum address_kind address_judge_text(const char *text);

/* Where AWS hands out credentials - EC2's metadata service, the agents of ECS
 * and of EKS - and loopback, where a stand-in for one of them may listen. By
 * whole address: no network and no address inside another. */
bool address_is_metadata(const struct sockaddr *address);
bool address_is_metadata_text(const char *text);

#endif
