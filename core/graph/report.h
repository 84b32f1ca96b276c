/* report.h - a run as people and programs read it, made from its journal.
 *
 * One object, schema "nightshift.run/1": the path, the writes with what was
 * before, the reads, the verdict and the end. Everything in it is derived from
 * records, so the report of a live run, of a dry run and of one read back
 * years later are the same code.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef GRAPH_REPORT_H
#define GRAPH_REPORT_H

#include "graph/walk.h"

struct report_context {
    const struct walk *walk;
    const struct json *records;
    const struct json *playbook; /* its table, for the other edges */
    const char        *scenario; /* of a dry run, or NULL */
};

/* Gives. */
struct json *report_make(const struct report_context *context);

#endif
