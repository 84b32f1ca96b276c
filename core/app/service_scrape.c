/* service_scrape.c - /metrics: the ledger as the store has it, right now.
 *
 * The counts of occurrences and deliveries are not kept beside the ledger but
 * read from it, behind everything that was written before, so that what is
 * shown adds up and belongs together. (N2)
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/service_private.h"
#include "base/mem.h"
#include "net/http_server.h"
#include "store/audit.h"
#include "store/ledger.h"
#include "sys/file.h"

struct scrape {
    struct service       *service;
    struct http_exchange *exchange;
    struct ledger         ledger;
    struct audit_head     head;
};

static void set_ledger(struct metrics *metrics, const struct ledger *ledger) {
    for (int i = 0; i < LEDGER_COUNT; i++)
        metrics_set(metrics, METRIC_OCCURRENCES, (double)ledger->counts[i],
                    ledger_state_name((enum ledger_state)i), NULL);
    metrics_set(metrics, METRIC_OCCURRENCES_SEEN, (double)ledger->seen, NULL);
    metrics_set(metrics, METRIC_DELIVERIES_KEPT, (double)ledger->parsed,
                "parsed", NULL);
    metrics_set(metrics, METRIC_DELIVERIES_KEPT, (double)ledger->unparsed,
                "unparsed", NULL);
    metrics_set(metrics, METRIC_DELIVERIES_KEPT, (double)ledger->dropped,
                "dropped", NULL);
    metrics_set(metrics, METRIC_RETENTION_KEPT,
                (double)ledger_runs_kept(ledger),
                retention_kind_name(RETENTION_RUNS), NULL);
    metrics_set(metrics, METRIC_RETENTION_KEPT,
                (double)ledger_deliveries_kept(ledger),
                retention_kind_name(RETENTION_DELIVERIES), NULL);
    metrics_set(metrics, METRIC_RETENTION_KEPT, (double)ledger->unparsed,
                retention_kind_name(RETENTION_UNPARSED), NULL);
}

/* Fields 1 and 2 of /proc/self/statm are pages: all, and resident. */
static double resident_bytes(void) {
    struct buf text = BUF_EMPTY;
    struct str rest;
    struct err err;
    int64_t    pages = 0;

    if (file_read("/proc/self/statm", 4096, &text, &err)) {
        (void)str_cut(buf_str(&text), ' ', &rest);
        (void)str_to_int(str_cut(rest, ' ', &rest), &pages);
    }
    buf_release(&text);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* The one that looks is not counted. */
static double open_descriptors(void) {
    DIR   *folder = opendir("/proc/self/fd");
    double count = -1;

    if (!folder)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    (void)closedir(folder);
    return count;
}

static void set_process(struct metrics *metrics) {
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    metrics_set(metrics, METRIC_PROCESS_CPU,
                (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                    (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) /
                        1e6,
                NULL);
    metrics_set(metrics, METRIC_PROCESS_RESIDENT, resident_bytes(), NULL);
    metrics_set(metrics, METRIC_PROCESS_FDS, open_descriptors(), NULL);
}

/* Of both listeners; only what has been refused is shown. */
static void set_refused(const struct service *service) {
    for (const int *status = http_server_statuses; *status; status++) {
        uint64_t refused = 0;
        char     label[16];

        for (int i = 0; i < 2; i++)
            if (service->servers[i])
                refused += http_server_refused(service->servers[i], *status);
        (void)snprintf(label, sizeof label, "%d", *status);
        if (refused)
            metrics_set(service->metrics, METRIC_HTTP_REFUSED, (double)refused,
                        label, NULL);
    }
}

static void answer(struct scrape *scrape) {
    struct str accept = http_exchange_header(scrape->exchange, "Accept");
    enum metrics_format format =
        accept.data && strstr(accept.data, "application/openmetrics-text")
            ? METRICS_OPENMETRICS
            : METRICS_CLASSIC;
    struct buf body = BUF_EMPTY;

    set_process(scrape->service->metrics);
    set_refused(scrape->service);
    metrics_write(scrape->service->metrics, format, &body);
    http_exchange_answer(scrape->exchange, 200, metrics_content_type(format),
                         buf_str(&body));
    buf_release(&body);
    mem_free(scrape);
}

static bool read_counts(struct store *store, void *arg, struct err *err) {
    struct scrape *scrape = arg;

    return ledger_read(store, &scrape->ledger, err) &&
           audit_head_read(store, &scrape->head, err);
}

/* On the store thread. A store that has failed still has a service to watch. */
static void counted(void *arg, const struct err *err) {
    struct scrape  *scrape = arg;
    struct metrics *metrics = scrape->service->metrics;

    if (!err) {
        set_ledger(metrics, &scrape->ledger);
        metrics_set(metrics, METRIC_AUDIT_LENGTH, (double)scrape->head.length,
                    NULL);
    }
    answer(scrape);
}

void service_scrape(void *arg, struct http_exchange *exchange) {
    struct service *service = arg;
    struct scrape  *scrape = mem_new(sizeof *scrape);

    scrape->service = service;
    scrape->exchange = exchange;
    queue_submit(service->engine.queue, read_counts, counted, scrape);
}
