/* id.c - 48 bits of time and 80 of randomness in Crockford's base 32. */
#include "base/id.h"

#include <assert.h>
#include <string.h>

static const char set[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#define ULID_LEN 26
#define TIME_LEN 10 /* of its digits */

int64_t id_time(struct str id) {
    int64_t ms = 0;

    if (id.len < ULID_LEN)
        return 0;
    for (size_t i = id.len - ULID_LEN; i < id.len - ULID_LEN + TIME_LEN; i++) {
        const char *digit = memchr(set, id.data[i], sizeof set - 1);

        if (!digit)
            return 0;
        ms = ms << 5 | (digit - set);
    }
    return ms;
}

void id_make(char out[ID_SIZE], const char *prefix, int64_t now_ms,
             const unsigned char random[ID_RANDOM]) {
    size_t at = strlen(prefix);

    assert(at + 26 < ID_SIZE);
    memcpy(out, prefix, at);
    for (int i = 9; i >= 0; i--)
        out[at++] = set[now_ms >> (i * 5) & 31];
    for (int i = 0; i < 16; i++) {
        int      bit = i * 5, byte = bit / 8;
        unsigned pair = (unsigned)random[byte] << 8 |
                        (byte + 1 < ID_RANDOM ? random[byte + 1] : 0);

        out[at++] = set[pair >> (11 - bit % 8) & 31];
    }
    out[at] = '\0';
}
