/* match.h - from the bytes of a delivery to the incidents of one playbook.
 *
 * A source turns a delivery into occurrences; the playbook's trigger says which
 * of them it takes, and its key which of those are one incident. `resolved`
 * never becomes an incident (N10).
 *
 *   MT1  Occurrences of one key become one incident, the earliest leading.
 *   MT2  A resolved occurrence starts nothing. (N10)
 *   MT3  Only a resolved occurrence of a source that says `ends_by_key` may
 *        lack started_at, and then it has ended_at.
 *   MT4  An occurrence has no field that does not count.
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
/* Does the source say so? */
bool match_ends_by_key(struct bundle *bundle, const struct script *source);
/* The occurrences among what a source returned, each of them checked, the
 * earliest first. Gives; NULL with err filled. */
struct json *match_occurrences(const struct json *results, bool ends_by_key,
                               struct err *err);
/* What the source says of the delivery as its second result, a map; NULL: it
 * says nothing. Each may be absent: { truncated = alerts that the sender left
 * out, duplicates = alerts that were in it twice, ignored = why it gives
 * nothing }. Borrowed. */
const struct json *match_notes(const struct json *results);
bool match_takes(const struct json *playbook, const struct json *occurrence);
/* Without id; its `key` is that of its run. Gives. */
struct json *match_incident(const struct json *playbook,
                            const struct json *occurrence);

#endif
