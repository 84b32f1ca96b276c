/* match.h - from the bytes of a delivery to the incidents of one playbook.
 *
 * A source turns a delivery into occurrences; the playbook's trigger says which
 * of them it takes, and its key which of those are one incident. `resolved`
 * never becomes an incident (N10).
 *
 *   MT1  Occurrences of one key become one incident, the earliest leading.
 *   MT2  A resolved occurrence starts nothing. (N10)
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef GRAPH_MATCH_H
#define GRAPH_MATCH_H

#include "base/json.h"
#include "vm/bundle.h"

struct match {
    struct json *incidents; /* list, without id */
    int          seen, firing, resolved, unmatched, attached;
};

#define MATCH_EVENT_MAX (8u << 20) /* bytes of one delivery */

bool match_delivery(struct bundle *bundle, const struct json *playbook,
                    struct str delivery, int64_t now_ms, struct match *match,
                    struct err *err);
void match_release(struct match *match);

/* --- the parts, for who matches one by one ------------------------------- */

/* What a source is called with: a list of one request. Takes both. */
struct json *match_request(struct json *headers, struct json *body,
                           int64_t received_ms);
/* The occurrences among what a source returned, each of them checked, the
 * earliest first. Gives; NULL with err filled. */
struct json *match_occurrences(const struct json *results, struct err *err);
bool match_takes(const struct json *playbook, const struct json *occurrence);
/* Without id; its `key` is that of its run. Gives. */
struct json *match_incident(const struct json *playbook,
                            const struct json *occurrence);

#endif
