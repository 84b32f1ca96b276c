/* metrics.h - what is counted, and how it is shown to a scraper.
 *
 * metrics.def is the one list: names, kinds, labels, buckets and help. Every
 * cell that a series can ever use is allocated when the object is opened, so
 * counting finds its cell and adds to it: no lock, and no memory but for the
 * first sight of a label's value. What can be shown is bounded by the list,
 * whatever comes from outside.
 *
 *   ME1  Counting is atomic from any thread; nothing that was added is lost.
 *   ME2  A label shows at most its cap of values; every further one, and one
 *        that is empty, longer than 128 bytes or not UTF-8, is counted under
 *        "other". No series is shown twice.
 *   ME3  A histogram's count is the sum of its buckets in every exposition.
 *   ME4  A value cannot forge a line: what is shown is UTF-8, and escaped.
 *   ME5  A series of known values is shown from the start, as zero; one with a
 *        value that was learnt, from the first time it is not zero.
 *
 * A label's value must come from configuration, scripts or our own words, not
 * from an unproven sender, who could use up the cap.
 *
 * Sources: OpenMetrics 1.0, and the Prometheus text format 0.0.4.
 *
 * Lifetime: process. Thread: any.
 */
#ifndef OBSERVE_METRICS_H
#define OBSERVE_METRICS_H

#include "base/buf.h"

enum metric {
#define METRIC(id, kind, name, buckets, one, two, three, help) METRIC_##id,
#include "observe/metrics.def"
    METRIC_COUNT
};

enum metrics_format { METRICS_CLASSIC, METRICS_OPENMETRICS };

struct metrics;

struct metrics *metrics_open(void);
void            metrics_close(struct metrics *metrics); /* NULL is fine */

/* The values of the labels follow in the order of the list, then NULL:
 *   metrics_add(metrics, METRIC_DELIVERIES, 1, source, "accepted", NULL);
 * With metrics NULL nothing is counted. */
void metrics_add(struct metrics *metrics, enum metric metric, uint64_t more,
                 ...) __attribute__((sentinel));
void metrics_set(struct metrics *metrics, enum metric metric, double value, ...)
    __attribute__((sentinel));
/* In seconds, bytes or pieces. Below zero counts as zero, NaN not at all. */
void metrics_observe(struct metrics *metrics, enum metric metric, double value,
                     ...) __attribute__((sentinel));
/* The one value of an info replaces the one before. */
void metrics_info(struct metrics *metrics, enum metric metric,
                  const char *value);

void        metrics_write(struct metrics *metrics, enum metrics_format format,
                          struct buf *out);
const char *metrics_content_type(enum metrics_format format);

#endif
