/* address.c - two tables of prefixes; the first row that fits decides, so
 * single addresses stand before the network they are in. IPv6 outside
 * 2000::/3 has no row of its own and is refused as unassigned.
 */
#include "net/address.h"

#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

struct prefix4 {
    uint8_t           bytes[4];
    int               bits;
    enum address_kind kind;
};

static const struct prefix4 table4[] = {
    {{168, 63, 129, 16}, 32, ADDRESS_FORBIDDEN},   /* Azure's host agent */
    {{100, 100, 100, 200}, 32, ADDRESS_FORBIDDEN}, /* Alibaba's metadata */
    {{0, 0, 0, 0}, 8, ADDRESS_FORBIDDEN},          /* this host */
    {{10, 0, 0, 0}, 8, ADDRESS_PRIVATE},
    {{100, 64, 0, 0}, 10, ADDRESS_PRIVATE}, /* shared, CGNAT */
    {{127, 0, 0, 0}, 8, ADDRESS_PRIVATE},
    {{169, 254, 0, 0}, 16, ADDRESS_FORBIDDEN}, /* link-local, metadata */
    {{172, 16, 0, 0}, 12, ADDRESS_PRIVATE},
    {{192, 0, 0, 0}, 24, ADDRESS_FORBIDDEN}, /* IETF; Oracle's metadata */
    {{192, 0, 2, 0}, 24, ADDRESS_PRIVATE},   /* documentation */
    {{192, 88, 99, 0}, 24, ADDRESS_FORBIDDEN},
    {{192, 168, 0, 0}, 16, ADDRESS_PRIVATE},
    {{198, 18, 0, 0}, 15, ADDRESS_PRIVATE}, /* benchmarks */
    {{198, 51, 100, 0}, 24, ADDRESS_PRIVATE},
    {{203, 0, 113, 0}, 24, ADDRESS_PRIVATE},
    {{224, 0, 0, 0}, 4, ADDRESS_FORBIDDEN}, /* multicast */
    {{240, 0, 0, 0}, 4, ADDRESS_FORBIDDEN}, /* reserved, broadcast */
};

/* inside >= 0: the IPv4 address at that byte decides. */
struct prefix6 {
    uint8_t           bytes[16];
    int               bits;
    int               inside;
    enum address_kind kind;
};

static const struct prefix6 table6[] = {
    {{[15] = 1}, 128, -1, ADDRESS_PRIVATE}, /* ::1 */
    {{0}, 128, -1, ADDRESS_FORBIDDEN},      /* :: */
    {{[10] = 0xff, 0xff}, 96, 12, ADDRESS_FORBIDDEN},
    {{0}, 96, 12, ADDRESS_FORBIDDEN}, /* IPv4-compatible, obsolete */
    {{0, 0x64, 0xff, 0x9b}, 96, 12, ADDRESS_FORBIDDEN},       /* NAT64 */
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 48, -1, ADDRESS_FORBIDDEN}, /* local NAT64 */
    {{0x20, 0x02}, 16, 2, ADDRESS_FORBIDDEN},                 /* 6to4 */
    {{0x20, 0x01, 0, 0}, 32, -1, ADDRESS_FORBIDDEN},          /* Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, -1, ADDRESS_PRIVATE}, /* documentation */
    {{0x20, 0x01, 0, 0}, 23, -1, ADDRESS_FORBIDDEN},     /* IETF */
    {{0x3f, 0xff}, 20, -1, ADDRESS_PRIVATE},             /* documentation */
    /* Metadata services on unique local addresses: AWS, Google. */
    {{0xfd, 0, 0x0e, 0xc2, [14] = 0x02, 0x54}, 128, -1, ADDRESS_FORBIDDEN},
    {{0xfd, 0x20, 0, 0xce, [14] = 0x02, 0x54}, 128, -1, ADDRESS_FORBIDDEN},
    {{0xfc}, 7, -1, ADDRESS_PRIVATE}, /* unique local */
    {{0x20}, 3, -1, ADDRESS_PUBLIC},  /* all that is assigned */
};

static bool fits(const uint8_t *address, const uint8_t *prefix, int bits) {
    int whole = bits / 8, rest = bits % 8;
    int mask = rest ? 0xff << (8 - rest) & 0xff : 0;

    return memcmp(address, prefix, (size_t)whole) == 0 &&
           (rest == 0 || (address[whole] & mask) == (prefix[whole] & mask));
}

static enum address_kind judge4(const uint8_t *address) {
    for (size_t i = 0; i < sizeof table4 / sizeof *table4; i++)
        if (fits(address, table4[i].bytes, table4[i].bits))
            return table4[i].kind;
    return ADDRESS_PUBLIC;
}

static enum address_kind judge6(const uint8_t *address) {
    for (size_t i = 0; i < sizeof table6 / sizeof *table6; i++) {
        const struct prefix6 *row = &table6[i];

        if (!fits(address, row->bytes, row->bits))
            continue;
        return row->inside >= 0 ? judge4(address + row->inside) : row->kind;
    }
    return ADDRESS_FORBIDDEN;
}

/* The bytes of an IPv4 or IPv6 address, or 0 bytes of neither. */
static int read_bytes(const struct sockaddr *address, uint8_t bytes[16]) {
    struct sockaddr_in  v4;
    struct sockaddr_in6 v6;

    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        memcpy(bytes, &v4.sin_addr, 4);
        return 4;
    }
    if (address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof v6);
        memcpy(bytes, v6.sin6_addr.s6_addr, 16);
        return 16;
    }
    return 0; /* a unix socket is not for us */
}

static int read_text(const char *text, uint8_t bytes[16]) {
    if (inet_pton(AF_INET, text, bytes) == 1)
        return 4;
    return inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
}

static enum address_kind judge(const uint8_t *bytes, int count) {
    if (count == 0)
        return ADDRESS_FORBIDDEN;
    return count == 4 ? judge4(bytes) : judge6(bytes);
}

enum address_kind address_judge(const struct sockaddr *address) {
    uint8_t bytes[16];

    return judge(bytes, read_bytes(address, bytes));
}

enum address_kind address_judge_text(const char *text) {
    uint8_t bytes[16];

    return judge(bytes, read_text(text, bytes));
}

static bool is_metadata(const uint8_t *bytes, int count) {
    static const char *const known[] = {
        "169.254.169.254",
        "fd00:ec2::254", /* EC2 */
        "169.254.170.2", /* ECS */
        "169.254.170.23",
        "fd00:ec2::23", /* EKS */
        "::1",
    };
    uint8_t one[16];

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (read_text(known[i], one) == count && count &&
            memcmp(one, bytes, (size_t)count) == 0)
            return true;
    return count == 4 && bytes[0] == 127;
}

bool address_is_metadata(const struct sockaddr *address) {
    uint8_t bytes[16];

    return is_metadata(bytes, read_bytes(address, bytes));
}

bool address_is_metadata_text(const char *text) {
    uint8_t bytes[16];

    return is_metadata(bytes, read_text(text, bytes));
}
