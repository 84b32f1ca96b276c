/* plan.c - path, writes with before and after, reads, and what it comes to. */
#include "cli/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/timestamp.h"
#include "cli/paint.h"
#include "graph/fork.h"

#define P(text) STR_ARG(text)

static struct str text_of(const struct json *map, const char *key) {
    return json_find_text(map, key);
}

static const char *on(enum paint paint) {
    return paint_code(stdout, paint);
}

static void heading(const char *words) {
    printf("\n%s%s%s\n", on(PAINT_BOLD), words, on(PAINT_OFF));
}

static void print_head(const struct json *report) {
    const struct json *incident = json_find(report, "incident");
    const struct json *labels = json_find(incident, "labels");

    printf("%splan%s %.*s, %.*s run %.*s\n", on(PAINT_BOLD), on(PAINT_OFF),
           P(text_of(report, "playbook")), P(text_of(report, "mode")),
           P(text_of(report, "run")));
    if (text_of(labels, "service").len)
        printf("  %.*s on %.*s/%.*s, firing since %.*s\n",
               P(text_of(labels, "alertname")), P(text_of(labels, "cluster")),
               P(text_of(labels, "service")),
               P(text_of(incident, "started_at")));
    else
        printf("  %.*s of %.*s, firing since %.*s\n",
               P(text_of(incident, "fingerprint")),
               P(text_of(incident, "source")),
               P(text_of(incident, "started_at")));
}

static void print_edges(const struct json *step) {
    struct json_walk walk = json_walk_over(json_find(step, "edges"));
    struct buf       to = BUF_EMPTY;

    while (json_walk_next(&walk)) {
        buf_clear(&to);
        fork_write(walk.value, &to);
        if (!str_equal(walk.key, text_of(step, "outcome")))
            printf("      %sor %.*s -> %.*s%s\n", on(PAINT_DIM), P(walk.key),
                   P(buf_str(&to)), on(PAINT_OFF));
    }
    buf_release(&to);
}

static void print_branch(const struct json *step) {
    int64_t branch = json_find_int(step, "branch", 0);

    if (branch)
        printf("  %sbranch %lld%s", on(PAINT_DIM), (long long)branch,
               on(PAINT_OFF));
}

static void print_step(const struct json *step, size_t number) {
    const struct json *error = json_find(step, "error");
    bool               assumed = json_truth(json_find(step, "assumed"));

    printf("  %2zu  %-22.*s %s%.*s%s%s", number, P(text_of(step, "node")),
           on(error ? PAINT_RED : PAINT_GREEN), P(text_of(step, "outcome")),
           on(PAINT_OFF), assumed ? "  (assumed)" : "");
    print_branch(step);
    printf("\n");
    for (size_t i = 0; i < json_count(json_find(step, "reasons")); i++)
        printf("      %s- %.*s%s\n", on(PAINT_DIM),
               P(json_text(json_at(json_find(step, "reasons"), i))),
               on(PAINT_OFF));
    if (text_of(step, "asked").len)
        printf("      policy turned %.*s into %.*s\n",
               P(text_of(step, "asked")), P(text_of(step, "outcome")));
    if (text_of(step, "reason").len)
        printf("      %s%.*s%s\n", on(PAINT_DIM), P(text_of(step, "reason")),
               on(PAINT_OFF));
    if (error)
        printf("      %.*s: %.*s\n", P(text_of(error, "code")),
               P(text_of(error, "text")));
    print_edges(step);
}

/* Where a run is that has not ended. */
static void print_stand(const struct json *stand) {
    int64_t    due = json_find_int(stand, "due", 0);
    struct buf when = BUF_EMPTY;

    if (due)
        timestamp_write(due, &when);
    printf("   -> %.*s%s%s", P(text_of(stand, "node")), due ? "  until " : "",
           due ? buf_text(&when) : "");
    print_branch(stand);
    putchar('\n');
    buf_release(&when);
}

static void print_path(const struct json *report) {
    const struct json *path = json_find(report, "path");
    const struct json *stands = json_find(report, "stands");

    heading("Path");
    for (size_t i = 0; i < json_count(path); i++)
        print_step(json_at(path, i), i + 1);
    for (size_t i = 0; i < json_count(stands); i++)
        print_stand(json_at(stands, i));
}

/* --- writes --------------------------------------------------------------- */

static void scalar(const struct json *value, struct buf *out) {
    buf_clear(out);
    if (value)
        json_write(value, out);
}

static bool is_plain(const struct json *value) {
    return value && !json_is(value, JSON_MAP) && !json_is(value, JSON_LIST);
}

/* The thing that the before-image is of: the first of its only list. */
static const struct json *thing_before(const struct json *write) {
    const struct json *before = json_find(write, "before");
    struct json_walk   walk = json_walk_over(before);
    const struct json *found = before;

    while (json_walk_next(&walk))
        if (json_is(walk.value, JSON_LIST) && json_count(walk.value) == 1)
            found = json_at(walk.value, 0);
    return found;
}

static void print_argument(struct str key, const struct json *asked,
                           const struct json *before) {
    const struct json *was = json_find_str(before, key);
    struct buf         now = BUF_EMPTY, then = BUF_EMPTY;

    scalar(asked, &now);
    scalar(was, &then);
    if (is_plain(was) && !json_same(was, asked))
        printf("        %.*s: %s -> %s\n", P(key), buf_text(&then),
               buf_text(&now));
    else
        printf("        %.*s: %.300s%s\n", P(key), buf_text(&now),
               now.len > 300 ? " …" : "");
    buf_release(&now);
    buf_release(&then);
}

/* The thing that an answer is of: its only member that is a map. */
static const struct json *thing_after(const struct json *write) {
    struct json_walk   walk = json_walk_over(json_find(write, "after"));
    const struct json *found = json_find(write, "after");

    while (json_walk_next(&walk))
        if (json_is(walk.value, JSON_MAP))
            found = walk.value;
    return found;
}

static void print_change(const char *name, const struct json *was,
                         const struct json *is) {
    struct buf then = BUF_EMPTY, now = BUF_EMPTY;

    scalar(was, &then);
    scalar(is, &now);
    printf("        %s%s: %s -> %s%s\n", on(PAINT_DIM), name, buf_text(&then),
           buf_text(&now), on(PAINT_OFF));
    buf_release(&then);
    buf_release(&now);
}

/* What else is different after the write than before it. */
static void print_changes(const struct json *write) {
    const struct json *before = thing_before(write);
    const struct json *after = thing_after(write);
    const struct json *asked = json_find(write, "request");
    struct json_walk   walk = json_walk_over(before ? after : NULL);
    const struct json *old = json_at(json_find(before, "deployments"), 0);
    const struct json *new = json_at(json_find(after, "deployments"), 0);

    while (json_walk_next(&walk)) {
        const struct json *was = json_find_str(before, walk.key);

        if (is_plain(was) && is_plain(walk.value) &&
            !json_find_str(asked, walk.key) && !json_same(was, walk.value))
            print_change(walk.key.data, was, walk.value);
    }
    if (old && new && !json_same(json_find(old, "id"), json_find(new, "id")))
        print_change("deployment", json_find(old, "id"), json_find(new, "id"));
}

static void print_write(const struct json *write) {
    struct json_walk   walk = json_walk_over(json_find(write, "request"));
    const struct json *before = thing_before(write);
    const struct json *error = json_find(write, "error");

    printf("  %s~%s %.*s  [%.*s]  by %.*s%s\n", on(PAINT_YELLOW), on(PAINT_OFF),
           P(text_of(write, "effect")), P(text_of(write, "class")),
           P(text_of(write, "node")),
           str_is(text_of(write, "phase"), "undo") ? " (undo)" : "");
    printf("      on %.*s\n", P(text_of(write, "target")));
    while (json_walk_next(&walk))
        print_argument(walk.key, walk.value, before);
    print_changes(write);
    if (error)
        printf("      %s%.*s: %.*s%s\n", on(PAINT_RED),
               P(text_of(error, "code")), P(text_of(error, "text")),
               on(PAINT_OFF));
    if (text_of(write, "how").len && !str_is(text_of(write, "how"), "answered"))
        printf("      %.*s\n", P(text_of(write, "how")));
}

static void print_writes(const struct json *report) {
    const struct json *writes = json_find(report, "writes");

    heading("Writes");
    for (size_t i = 0; i < json_count(writes); i++)
        print_write(json_at(writes, i));
    if (json_count(writes) == 0)
        printf("  none\n");
}

/* --- reads and waits ------------------------------------------------------ */

static bool same_read(const struct json *a, const struct json *b) {
    return str_equal(text_of(a, "effect"), text_of(b, "effect")) &&
           str_equal(text_of(a, "target"), text_of(b, "target")) &&
           str_equal(text_of(json_find(a, "error"), "code"),
                     text_of(json_find(b, "error"), "code"));
}

/* How often reads[at] stands in the list; 0 when it stood there before. */
static int times_read(const struct json *reads, size_t at) {
    int times = 0;

    for (size_t i = 0; i < json_count(reads); i++) {
        if (!same_read(json_at(reads, i), json_at(reads, at)))
            continue;
        if (i < at)
            return 0;
        times++;
    }
    return times;
}

static void print_reads(const struct json *report) {
    const struct json *reads = json_find(report, "reads");

    heading("Reads");
    for (size_t i = 0; i < json_count(reads); i++) {
        const struct json *read = json_at(reads, i);
        const struct json *error = json_find(read, "error");
        int                times = times_read(reads, i);

        if (times == 0)
            continue;
        if (times > 1)
            printf(" %2dx", times);
        else
            printf("    ");

        printf(" %.*s  %s%.*s%s%s%.*s\n", P(text_of(read, "effect")),
               on(PAINT_DIM), P(text_of(read, "target")), on(PAINT_OFF),
               error ? "  " : "", P(text_of(error, "code")));
    }
    if (json_count(reads) == 0)
        printf("     none\n");
}

static void print_duration(const struct json *wait, const char *key) {
    struct buf text = BUF_EMPTY;

    timestamp_write_duration(json_find_int(wait, key, 0), &text);
    printf("%s", buf_text(&text));
    buf_release(&text);
}

static void print_waits(const struct json *report) {
    const struct json *waits = json_find(report, "waits");

    if (json_count(waits) == 0)
        return;
    heading("Waits");
    for (size_t i = 0; i < json_count(waits); i++) {
        const struct json *wait = json_at(waits, i);
        bool               assumed = json_truth(json_find(wait, "assumed"));

        printf("    %.*s: ", P(text_of(wait, "node")));
        if (json_find(wait, "sleep_ms")) {
            print_duration(wait, "sleep_ms");
        } else {
            printf("until %.*s shows it, at most ", P(text_of(wait, "for")));
            print_duration(wait, "within_ms");
        }
        printf("%s\n",
               assumed ? "  (assumed)"
               : json_find(wait, "came") && !json_truth(json_find(wait, "came"))
                   ? "  (did not come)"
                   : "");
    }
}

/* --- the end -------------------------------------------------------------- */

static void print_undone(const struct json *report) {
    const struct json *undone = json_find(report, "undone");

    if (json_count(undone) == 0)
        return;
    heading("Undo");
    for (size_t i = 0; i < json_count(undone); i++) {
        const struct json *one = json_at(undone, i);

        printf("    %.*s: %.*s%s%.*s\n", P(text_of(one, "node")),
               P(text_of(one, "outcome")),
               text_of(one, "reason").len ? ", " : "",
               P(text_of(one, "reason")));
    }
}

static void print_count(const struct json *report, const char *list,
                        const char *noun) {
    size_t count = json_count(json_find(report, list));

    printf("%zu %s%s", count, noun, count == 1 ? "" : "s");
}

/* What a plan takes for granted behind its first simulated write. */
static void print_assumption(const struct json *report) {
    static const struct {
        const char *scenario, *words;
    } table[] = {{"works", "it works"},
                 {"no_effect", "it has no effect"},
                 {"worse", "it makes things worse"},
                 {"no_data", "there are no measurements"}};

    if (json_count(json_find(report, "writes")) == 0)
        return;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (str_is(text_of(report, "assume"), table[i].scenario))
            printf("Behind the first write this plan assumes that %s; "
                   "--assume takes another scenario.\n",
                   table[i].words);
}

static void print_end(const struct json *report) {
    struct str verdict = text_of(report, "verdict");
    bool       live = str_is(text_of(report, "mode"), "live");

    printf("\n%s%.*s%s", on(PAINT_BOLD), P(text_of(report, "outcome")),
           on(PAINT_OFF));
    if (verdict.len)
        printf(", verdict %.*s", P(verdict));
    printf(": ");
    print_count(report, "writes", "write");
    printf(", ");
    print_count(report, "reads", "read");
    printf(".%s\n", live ? "" : " Nothing was changed.");
    print_assumption(report);
    if (text_of(report, "plan").len)
        printf("plan %.*s\n", P(text_of(report, "plan")));
}

static void print_handover(const struct json *report) {
    struct str text = text_of(report, "handover");

    if (text.len == 0)
        return;
    heading("Hand-over");
    while (text.data) {
        struct str rest, line = str_cut(text, '\n', &rest);

        printf("  | %.*s\n", P(line));
        text = rest;
    }
}

void plan_print(const struct json *report) {
    if (str_is(text_of(report, "outcome"), "no_action")) {
        printf("no action: %.*s. Nothing was changed.\n",
               P(text_of(report, "reason")));
        return;
    }
    print_head(report);
    print_path(report);
    print_writes(report);
    print_waits(report);
    print_reads(report);
    print_undone(report);
    print_handover(report);
    print_end(report);
}
