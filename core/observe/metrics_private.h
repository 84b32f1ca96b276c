/* metrics_private.h - the rows of metrics, for counting and for writing.
 *
 * Lifetime: process. Thread: any.
 */
#ifndef OBSERVE_METRICS_PRIVATE_H
#define OBSERVE_METRICS_PRIVATE_H

#include "observe/metrics.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    METRICS_LABELS_MAX = 3,
    METRICS_BOUNDS_MAX = 16,
    METRICS_VALUE_MAX = 128
};
enum metrics_kind { COUNTER, READING, GAUGE, HISTOGRAM, INFO };

enum label {
#define LABEL(id, name, cap, values) LABEL_##id,
#include "observe/metrics.def"
    LABEL_COUNT
};

enum buckets {
#define BUCKETS(id, scale, bounds) BUCKETS_##id,
#include "observe/metrics.def"
    BUCKETS_COUNT
};

struct metrics_label {
    const char *name, *values;
    size_t      cap;
};

struct metrics_buckets {
    const char *bounds;
    double      scale;
};

struct metrics_metric {
    const char       *name, *help;
    enum metrics_kind kind;
    enum buckets      buckets;
    enum label        labels[METRICS_LABELS_MAX]; /* LABEL_NONE: no more */
};

extern const struct metrics_label   metrics_labels[LABEL_COUNT];
extern const struct metrics_buckets metrics_buckets[BUCKETS_COUNT];
extern const struct metrics_metric  metrics_list[METRIC_COUNT];

/* The values of one label of one metric. */
struct values {
    size_t          cap;
    _Atomic(char *) at[];
};

struct row {
    struct values    *values[METRICS_LABELS_MAX]; /* NULL behind the last */
    _Atomic uint64_t *words;
    size_t            series, words_each;
    char             *info;
};

struct bounds {
    size_t     count;
    double     upper[METRICS_BOUNDS_MAX];
    struct str text[METRICS_BOUNDS_MAX];
};

struct metrics {
    struct row      rows[METRIC_COUNT];
    struct bounds   bounds[BUCKETS_COUNT];
    pthread_mutex_t info_lock; /* guards each row's info */
};

#endif
