/* test_metrics.c - nothing is lost, nothing grows, nothing forges a line. */
#include <criterion/criterion.h>

#include <math.h>
#include <pthread.h>

#include "observe/metrics.h"

static struct metrics *metrics;
static struct buf      text;

static void begin(void) {
    metrics = metrics_open();
}

static void end(void) {
    metrics_close(metrics);
    buf_release(&text);
}

static const char *shown(enum metrics_format format) {
    buf_clear(&text);
    metrics_write(metrics, format, &text);
    return buf_text(&text);
}

static bool shows(const char *line) {
    return strstr(shown(METRICS_OPENMETRICS), line) != NULL;
}

static int count_of(const char *part) {
    int count = 0;

    for (const char *at = shown(METRICS_OPENMETRICS); (at = strstr(at, part));
         at++)
        count++;
    return count;
}

TestSuite(metrics, .init = begin, .fini = end, .timeout = 20);

Test(metrics, adds_to_the_series_that_the_values_name) {
    metrics_add(metrics, METRIC_DELIVERIES, 2, "am", "accepted", NULL);
    metrics_add(metrics, METRIC_DELIVERIES, 1, "am", "duplicate", NULL);
    metrics_add(metrics, METRIC_DELIVERIES, 3, "am", "accepted", NULL);
    cr_assert(shows("\nnightshift_deliveries_total{source=\"am\",result="
                    "\"accepted\"} 5\n"));
    cr_assert(shows("\nnightshift_deliveries_total{source=\"am\",result="
                    "\"duplicate\"} 1\n"));
}

Test(metrics, counts_three_labels_apart) {
    metrics_add(metrics, METRIC_EFFECTS, 1, "aws:ecs:UpdateService", "set",
                "answered", NULL);
    metrics_add(metrics, METRIC_EFFECTS, 1, "aws:ecs:UpdateService", "verify",
                "answered", NULL);
    cr_assert_eq(count_of("\nnightshift_effects_total{"), 2);
    cr_assert(shows("{effect=\"aws:ecs:UpdateService\",class=\"verify\","
                    "outcome=\"answered\"} 1\n"));
}

Test(metrics, writes_a_gauge_with_the_fewest_digits_that_read_back) {
    metrics_set(metrics, METRIC_QUEUE_AGE, 0.1, NULL);
    cr_assert(shows("\nnightshift_queue_age_seconds 0.1\n"));
    metrics_set(metrics, METRIC_QUEUE_AGE, 1.0 / 3, NULL);
    cr_assert(shows("\nnightshift_queue_age_seconds 0.3333333333333333\n"));
    metrics_set(metrics, METRIC_QUEUE_AGE, -HUGE_VAL, NULL);
    cr_assert(shows("\nnightshift_queue_age_seconds -Inf\n"));
}

Test(metrics, ME3_puts_a_value_on_its_bound_into_that_bucket) {
    metrics_observe(metrics, METRIC_STORE_GROUP_JOBS, 4, NULL);
    metrics_observe(metrics, METRIC_STORE_GROUP_JOBS, 5, NULL);
    metrics_observe(metrics, METRIC_STORE_GROUP_JOBS, 1e9, NULL);
    cr_assert(shows("_jobs_bucket{le=\"2.0\"} 0\n"));
    cr_assert(shows("_jobs_bucket{le=\"4.0\"} 1\n"));
    cr_assert(shows("_jobs_bucket{le=\"8.0\"} 2\n"));
    cr_assert(shows("_jobs_bucket{le=\"512.0\"} 2\n"));
    cr_assert(shows("_jobs_bucket{le=\"+Inf\"} 3\n"));
    cr_assert(shows("_jobs_count 3\n"));
    cr_assert(shows("_jobs_sum 1000000009\n"));
}

Test(metrics, ME3_takes_times_that_clocks_should_not_give) {
    metrics_observe(metrics, METRIC_EFFECT_SECONDS, -1, "read", NULL);
    metrics_observe(metrics, METRIC_EFFECT_SECONDS, NAN, "read", NULL);
    metrics_observe(metrics, METRIC_EFFECT_SECONDS, HUGE_VAL, "read", NULL);
    cr_assert(shows("_seconds_bucket{class=\"read\",le=\"0.005\"} 1\n"));
    cr_assert(shows("_seconds_count{class=\"read\"} 2\n"));
    cr_assert(shows("_seconds_sum{class=\"read\"} 1000000000\n"));
}

Test(metrics, ME2_counts_what_is_over_the_cap_under_other) {
    char name[32];

    for (int i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof name, "source-%d", i);
        metrics_add(metrics, METRIC_DELIVERIES, 1, name, "accepted", NULL);
    }
    cr_assert_eq(count_of("\nnightshift_deliveries_total{"), 33);
    cr_assert(shows("{source=\"other\",result=\"accepted\"} 468\n"));
    cr_assert(shows("{source=\"source-31\",result=\"accepted\"} 1\n"));
}

Test(metrics, ME2_counts_an_unknown_word_of_a_fixed_set_under_other) {
    metrics_add(metrics, METRIC_RELOADS, 1, "sideways", NULL);
    cr_assert(shows("\nnightshift_reloads_total{result=\"other\"} 1\n"));
}

Test(metrics, ME2_counts_what_is_empty_or_too_long_under_other) {
    char longest[130];

    memset(longest, 'x', sizeof longest);
    longest[129] = '\0';
    metrics_add(metrics, METRIC_RUNS_ENDED, 1, "", "done", NULL);
    metrics_add(metrics, METRIC_RUNS_ENDED, 1, longest, "done", NULL);
    cr_assert(shows("{playbook=\"other\",outcome=\"done\"} 2\n"));
    metrics_add(metrics, METRIC_RUNS_ENDED, 1, longest + 1, "done", NULL);
    cr_assert_eq(count_of("\nnightshift_runs_ended_total{"), 2);
}

Test(metrics, ME2_shows_no_series_twice) {
    metrics_add(metrics, METRIC_RUNS_ENDED, 1, "bad \377", "done", NULL);
    metrics_add(metrics, METRIC_RUNS_ENDED, 2, "bad \376", "done", NULL);
    metrics_add(metrics, METRIC_RUNS_ENDED, 4, "other", "done", NULL);
    cr_assert_eq(count_of("\nnightshift_runs_ended_total{"), 1);
    cr_assert(shows("{playbook=\"other\",outcome=\"done\"} 7\n"));
}

Test(metrics, ME4_escapes_and_mends_what_could_forge_a_line) {
    metrics_add(metrics, METRIC_RUNS_ENDED, 1, "a\"} 9\nb\\c", "done", NULL);
    metrics_info(metrics, METRIC_BUNDLE, "\"}\n\377");
    cr_assert(shows("{playbook=\"a\\\"} 9\\nb\\\\c\",outcome=\"done\"} 1\n"));
    cr_assert(shows("_bundle_info{hash=\"\\\"}\\n\357\277\275\"} 1\n"));
}

Test(metrics, ME5_shows_known_series_as_zero_and_learnt_ones_when_they_count) {
    cr_assert(shows("\nnightshift_occurrences{state=\"quarantined\"} 0\n"));
    cr_assert(shows("\nnightshift_gate_unknown_total 0\n"));
    cr_assert(shows("_phase_seconds_count{phase=\"recovered\"} 0\n"));
    cr_assert_eq(count_of("nightshift_deliveries_total{"), 0);
    cr_assert_eq(count_of("\"other\""), 0);
}

Test(metrics, an_info_has_one_value_the_last) {
    cr_assert_eq(count_of("nightshift_bundle_info{"), 0);
    metrics_info(metrics, METRIC_BUNDLE, "sha256:old");
    metrics_info(metrics, METRIC_BUNDLE, "sha256:new");
    cr_assert_eq(count_of("nightshift_bundle_info{"), 1);
    cr_assert(shows("\nnightshift_bundle_info{hash=\"sha256:new\"} 1\n"));
}

Test(metrics, the_two_formats_differ_in_heads_and_end_only) {
    cr_assert(shows("# TYPE nightshift_reloads counter\n"));
    cr_assert(shows("# UNIT nightshift_accept_seconds seconds\n"));
    cr_assert(shows("# TYPE nightshift_bundle info\n"));
    cr_assert_str_eq(text.data + text.len - 6, "# EOF\n");
    (void)shown(METRICS_CLASSIC);
    cr_assert(strstr(text.data, "# TYPE nightshift_reloads_total counter\n"));
    cr_assert(strstr(text.data, "# TYPE nightshift_bundle_info gauge\n"));
    cr_assert_null(strstr(text.data, "# UNIT"));
    cr_assert_null(strstr(text.data, "# EOF"));
}

Test(metrics, counts_nothing_when_there_is_no_object) {
    metrics_add(NULL, METRIC_GATE_UNKNOWN, 1, NULL);
    metrics_set(NULL, METRIC_STORE_FAILED, 1, NULL);
    metrics_observe(NULL, METRIC_ACCEPT_SECONDS, 1, NULL);
    metrics_info(NULL, METRIC_BUILD, "1");
    metrics_close(NULL);
}

enum { THREADS = 4, ROUNDS = 20000 };

/* All threads meet each new value at about the same time. */
static void *count(void *arg) {
    char name[32];

    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        (void)snprintf(name, sizeof name, "p%d", i % 80);
        metrics_add(metrics, METRIC_RUNS_ENDED, 1, name, "done", NULL);
        metrics_observe(metrics, METRIC_EFFECT_SECONDS, 0.5, "set", NULL);
    }
    return NULL;
}

static uint64_t total_of(const char *series) {
    uint64_t total = 0;

    for (const char *at = shown(METRICS_CLASSIC); (at = strstr(at, series));
         at++)
        total += strtoull(strchr(at, ' ') + 1, NULL, 10);
    return total;
}

Test(metrics, ME1_loses_nothing_when_threads_count_at_once) {
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, count, NULL), 0);
    for (int i = 0; i < 100; i++)
        (void)shown(METRICS_OPENMETRICS);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    cr_assert_eq(total_of("\nnightshift_runs_ended_total{"), THREADS * ROUNDS);
    cr_assert(shows("_seconds_count{class=\"set\"} 80000\n"));
    cr_assert(shows("_seconds_sum{class=\"set\"} 40000\n"));
    cr_assert_eq(count_of("\nnightshift_runs_ended_total{"), 65);
}
