/* metrics.c - rows of atomic words, one row for one metric.
 *
 * A metric with labels of 4 and 64 values has 5 * 65 series, the last value of
 * each being "other"; a series is one word, or, in a histogram, a word for each
 * bucket and one for the sum. A label's values stand in an open-addressed table
 * without room to spare whose entries are set once, by compare and swap, and
 * never move, so that a value's place is its number for ever. (ME1, ME2)
 *
 * Sums are whole numbers (nanoseconds, bytes) and not doubles: adding is then
 * one instruction and exact, and 584 years of waiting fit.
 */
#include "observe/metrics_private.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>

#include "base/encode.h"
#include "base/mem.h"

const struct metrics_label metrics_labels[LABEL_COUNT] = {
#define LABEL(id, name, cap, values) {name, values, cap},
#include "observe/metrics.def"
};

const struct metrics_buckets metrics_buckets[BUCKETS_COUNT] = {
#define BUCKETS(id, scale, bounds) {bounds, scale},
#include "observe/metrics.def"
};

const struct metrics_metric metrics_list[METRIC_COUNT] = {
#define METRIC(id, kind, name, buckets, one, two, three, help) \
    {name,                                                     \
     help,                                                     \
     kind,                                                     \
     BUCKETS_##buckets,                                        \
     {LABEL_##one, LABEL_##two, LABEL_##three}},
#include "observe/metrics.def"
};

static size_t hash(struct str text) {
    uint32_t sum = 2166136261u;

    for (size_t i = 0; i < text.len; i++)
        sum = (sum ^ (unsigned char)text.data[i]) * 16777619u;
    return sum;
}

/* What is not UTF-8 would have to be mended to be shown, and two values could
 * then look the same; so could a value and what stands for all the others. */
static bool can_be_shown(struct str value) {
    size_t bad;

    return value.len && value.len <= METRICS_VALUE_MAX &&
           !str_is(value, "other") && encode_utf8_valid(value, &bad);
}

/* Gives the value that stands there now: ours, or that of a faster thread;
 * NULL when it cannot be shown. */
static char *claim(_Atomic(char *) *at, struct str value) {
    char *mine, *there = NULL;

    if (!can_be_shown(value))
        return NULL;
    mine = mem_text(value.data, value.len);
    if (atomic_compare_exchange_strong(at, &there, mine))
        return mine;
    mem_free(mine);
    return there;
}

/* The number of a value; cap, which is "other", when it has none. */
static size_t number_of(struct values *values, struct str value) {
    size_t at = hash(value) % values->cap;

    for (size_t i = 0; i < values->cap; i++) {
        char *there =
            atomic_load_explicit(&values->at[at], memory_order_acquire);

        if (!there)
            there = claim(&values->at[at], value);
        if (!there || str_is(value, there))
            return there ? at : values->cap;
        at = at + 1 == values->cap ? 0 : at + 1;
    }
    return values->cap;
}

/* Cuts the next word off a text with spaces between; false behind the last. */
static bool next_word(struct str *text, struct str *word) {
    *word = str_cut(*text, ' ', text);
    return word->len > 0;
}

static struct values *values_open(enum label label) {
    struct str     known = str_of(metrics_labels[label].values), word;
    struct values *values;
    size_t         count = metrics_labels[label].cap;

    while (next_word(&known, &word))
        count++;
    assert(count > 0);
    values = mem_new(sizeof *values + count * sizeof values->at[0]);
    values->cap = count;
    known = str_of(metrics_labels[label].values);
    while (next_word(&known, &word))
        (void)number_of(values, word);
    return values;
}

static void values_close(struct values *values) {
    for (size_t i = 0; values && i < values->cap; i++)
        mem_free(atomic_load(&values->at[i]));
    mem_free(values);
}

static void bounds_read(struct bounds *bounds, const char *text) {
    struct str rest = str_of(text), word;

    while (next_word(&rest, &word)) {
        assert(bounds->count < METRICS_BOUNDS_MAX);
        bounds->upper[bounds->count] = strtod(word.data, NULL);
        bounds->text[bounds->count++] = word;
    }
}

static void row_open(struct metrics *metrics, enum metric metric) {
    struct row *row = &metrics->rows[metric];

    row->series = 1;
    for (int i = 0; i < METRICS_LABELS_MAX && metrics_list[metric].labels[i];
         i++) {
        row->values[i] = values_open(metrics_list[metric].labels[i]);
        row->series *= row->values[i]->cap + 1;
    }
    row->words_each = 1;
    if (metrics_list[metric].kind == HISTOGRAM)
        row->words_each =
            metrics->bounds[metrics_list[metric].buckets].count + 2;
    row->words = mem_new(row->series * row->words_each * sizeof *row->words);
}

struct metrics *metrics_open(void) {
    struct metrics *metrics = mem_new(sizeof *metrics);
    int             rc = pthread_mutex_init(&metrics->info_lock, NULL);

    assert(rc == 0);
    (void)rc;
    for (int i = 0; i < BUCKETS_COUNT; i++)
        bounds_read(&metrics->bounds[i], metrics_buckets[i].bounds);
    for (int i = 0; i < METRIC_COUNT; i++)
        row_open(metrics, (enum metric)i);
    return metrics;
}

void metrics_close(struct metrics *metrics) {
    if (!metrics)
        return;
    for (int i = 0; i < METRIC_COUNT; i++) {
        for (int k = 0; k < METRICS_LABELS_MAX; k++)
            values_close(metrics->rows[i].values[k]);
        mem_free((void *)metrics->rows[i].words);
        mem_free(metrics->rows[i].info);
    }
    (void)pthread_mutex_destroy(&metrics->info_lock);
    mem_free(metrics);
}

/* The first word of the series that these values name. */
static _Atomic uint64_t *series_find(struct row *row, va_list values) {
    size_t      series = 0;
    const char *value = va_arg(values, const char *);

    for (int i = 0; i < METRICS_LABELS_MAX && row->values[i]; i++) {
        assert(value); /* fewer values than labels */
        series = series * (row->values[i]->cap + 1) +
                 number_of(row->values[i], str_of(value));
        value = va_arg(values, const char *);
    }
    assert(!value); /* more values than labels */
    return row->words + series * row->words_each;
}

void metrics_add(struct metrics *metrics, enum metric metric, uint64_t more,
                 ...) {
    va_list values;

    assert(metrics_list[metric].kind == COUNTER);
    if (!metrics)
        return;
    va_start(values, more);
    atomic_fetch_add_explicit(series_find(&metrics->rows[metric], values), more,
                              memory_order_relaxed);
    va_end(values);
}

static uint64_t bits_of(double value) {
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

void metrics_set(struct metrics *metrics, enum metric metric, double value,
                 ...) {
    va_list values;

    assert(metrics_list[metric].kind == GAUGE ||
           metrics_list[metric].kind == READING);
    if (!metrics)
        return;
    va_start(values, value);
    atomic_store_explicit(series_find(&metrics->rows[metric], values),
                          bits_of(value), memory_order_relaxed);
    va_end(values);
}

static void observe(const struct bounds *bounds, double scale,
                    _Atomic uint64_t *words, double value) {
    size_t at = 0;

    while (at < bounds->count && value > bounds->upper[at])
        at++;
    atomic_fetch_add_explicit(&words[at], 1, memory_order_relaxed);
    /* Past this the sum could not hold it; nobody waits for 30 years. */
    value = fmin(value * scale, 1e18);
    atomic_fetch_add_explicit(&words[bounds->count + 1],
                              (uint64_t)(value + 0.5), memory_order_relaxed);
}

void metrics_observe(struct metrics *metrics, enum metric metric, double value,
                     ...) {
    enum buckets which = metrics_list[metric].buckets;
    va_list      values;

    assert(metrics_list[metric].kind == HISTOGRAM);
    if (!metrics || isnan(value))
        return;
    va_start(values, value);
    observe(&metrics->bounds[which], metrics_buckets[which].scale,
            series_find(&metrics->rows[metric], values), fmax(value, 0));
    va_end(values);
}

void metrics_info(struct metrics *metrics, enum metric metric,
                  const char *value) {
    struct row *row;

    assert(metrics_list[metric].kind == INFO);
    if (!metrics)
        return;
    row = &metrics->rows[metric];
    (void)pthread_mutex_lock(&metrics->info_lock);
    mem_free(row->info);
    row->info = mem_text(value, strnlen(value, METRICS_VALUE_MAX));
    (void)pthread_mutex_unlock(&metrics->info_lock);
}
