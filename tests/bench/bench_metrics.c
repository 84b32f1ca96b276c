/* bench_metrics.c - what counting costs, and how much a scrape is.
 *
 * Adding is measured without labels, with two and with three, observing with
 * one; the tables hold as many values as a busy service has. The size is that
 * of 64 playbooks and 64 effects, each with two outcomes.
 */
#include <stdio.h>

#include "observe/metrics.h"
#include "sys/clock_real.h"

enum { ROUNDS = 2000000, TURNS = 3, NAMES = 64, WRITES = 200 };

static struct metrics *metrics;
static char            names[NAMES][64];

static void fill(void) {
    for (int i = 0; i < NAMES; i++) {
        (void)snprintf(names[i], sizeof names[i], "aws:ecs:UpdateService%d", i);
        metrics_add(metrics, METRIC_RUNS_ENDED, 1, names[i], "done", NULL);
        metrics_add(metrics, METRIC_RUNS_ENDED, 1, names[i], "failed", NULL);
        metrics_add(metrics, METRIC_EFFECTS, 1, names[i], "set", "answered",
                    NULL);
        metrics_add(metrics, METRIC_EFFECTS, 1, names[i], "set", "failed",
                    NULL);
    }
}

static void add_plain(int i) {
    (void)i;
    metrics_add(metrics, METRIC_GATE_UNKNOWN, 1, NULL);
}

static void add_two(int i) {
    metrics_add(metrics, METRIC_RUNS_ENDED, 1, names[i % NAMES], "done", NULL);
}

static void add_three(int i) {
    metrics_add(metrics, METRIC_EFFECTS, 1, names[i % NAMES], "set", "answered",
                NULL);
}

static void observe_plain(int i) {
    metrics_observe(metrics, METRIC_ACCEPT_SECONDS, i % 100 * 1e-4, NULL);
}

static void observe_one(int i) {
    metrics_observe(metrics, METRIC_EFFECT_SECONDS, i % 100 * 0.01, "read",
                    NULL);
}

/* The least of some turns, in nanoseconds a call. */
static double cost(void (*work)(int), int rounds) {
    struct clock *clock = clock_real();
    double        least = 0;

    for (int turn = 0; turn < TURNS; turn++) {
        int64_t begun = clock->mono_ns(clock);
        double  each;

        for (int i = 0; i < rounds; i++)
            work(i);
        each = (double)(clock->mono_ns(clock) - begun) / rounds;
        if (!turn || each < least)
            least = each;
    }
    return least;
}

static void write_all(int i) {
    struct buf out = BUF_EMPTY;

    (void)i;
    metrics_write(metrics, METRICS_OPENMETRICS, &out);
    buf_release(&out);
}

int main(void) {
    struct buf out = BUF_EMPTY;

    metrics = metrics_open();
    metrics_write(metrics, METRICS_OPENMETRICS, &out);
    printf("bench metrics_empty_bytes %zu bytes\n", out.len);
    buf_clear(&out);
    fill();
    metrics_write(metrics, METRICS_OPENMETRICS, &out);
    printf("bench metrics_full_bytes %zu bytes\n", out.len);
    printf("bench metrics_add %.1f ns\n", cost(add_plain, ROUNDS));
    printf("bench metrics_add_two_labels %.1f ns (aim <= 200)\n",
           cost(add_two, ROUNDS));
    printf("bench metrics_add_three_labels %.1f ns\n", cost(add_three, ROUNDS));
    printf("bench metrics_observe %.1f ns\n", cost(observe_plain, ROUNDS));
    printf("bench metrics_observe_one_label %.1f ns\n",
           cost(observe_one, ROUNDS));
    printf("bench metrics_write %.0f us\n", cost(write_all, WRITES) / 1000);
    buf_release(&out);
    metrics_close(metrics);
    return 0;
}
