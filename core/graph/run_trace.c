/* run_trace.c - what is open, in a list; a span is made when it closes.
 *
 * An entry is a function of a node at a visit: its `run` or its `undo`. While
 * records are folded that were read back, nothing is told (RTR2). Places of
 * spans are those of the journal, with '@' and the number of an attempt behind,
 * which no slot has (RTR1).
 */
#include "graph/run_trace.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct entry {
    struct entry *next;
    char         *node, *phase;
    int64_t       visit, began;
    int64_t       attempt, attempt_began; /* began 0: none runs */
    int64_t       parked;                 /* since when; 0: it is not */
};

struct run_trace {
    struct trace       *trace;
    char               *run;
    struct trace_parent parent, context; /* context: our root is the span */
    struct json        *started, *finished;
    struct entry       *entries;
    int64_t             last; /* when the record before was added */
    bool                silent;
    bool left; /* a branch has left the fork; its siblings are heard out */
};

/* Of a trace that nobody keeps nothing is folded either. */
static bool is_kept(const struct run_trace *spans) {
    return spans && spans->parent.flags & TRACE_SAMPLED;
}

/* --- one span ------------------------------------------------------------ */

struct draft {
    struct trace_span      span;
    struct trace_attribute attributes[16];
};

static void say(struct draft *draft, const char *key, struct str text) {
    if (text.len)
        draft->attributes[draft->span.attribute_count++] =
            (struct trace_attribute){key, text, 0};
}

static void say_number(struct draft *draft, const char *key, int64_t number) {
    draft->attributes[draft->span.attribute_count++] =
        (struct trace_attribute){key, {NULL, 0}, number};
}

static void span_id(const struct run_trace *spans, const struct buf *place,
                    unsigned char id[TRACE_SPAN_SIZE]) {
    trace_span_of(str_of(spans->run), buf_str(place), id);
}

static void add(struct run_trace *spans, struct draft *draft) {
    draft->span.attributes = draft->attributes;
    if (draft->span.end_ms < draft->span.start_ms) /* the clock was set */
        draft->span.end_ms = draft->span.start_ms;
    if (!spans->silent)
        trace_add(spans->trace, &draft->span);
}

static void fail(struct draft *draft, struct str code, struct str text) {
    draft->span.status = TRACE_ERROR;
    draft->span.message = text;
    say(draft, "error.type", code);
}

/* The error of a record, if it has one. */
static void judge(struct draft *draft, const struct json *record) {
    const struct json *error = json_find(record, "error");

    if (error)
        fail(draft, json_find_text(error, "code"),
             json_find_text(error, "text"));
}

/* --- places -------------------------------------------------------------- */

static void visit_place(const struct entry *entry, struct buf *out) {
    buf_clear(out);
    buf_addf(out, "%s/%04lld/%s", entry->node, (long long)entry->visit,
             entry->phase);
}

static void attempt_place(const struct entry *entry, const char *what,
                          struct buf *out) {
    visit_place(entry, out);
    buf_addf(out, "@%lld%s", (long long)entry->attempt, what);
}

/* The visit's, or with `attempt` that of what runs in it. */
static void hang_below(const struct run_trace *spans, const struct entry *entry,
                       bool attempt, struct trace_span *span) {
    struct buf place = BUF_EMPTY;

    if (attempt)
        attempt_place(entry, "", &place);
    else
        visit_place(entry, &place);
    span->parent = spans->context;
    span_id(spans, &place, span->parent.span);
    buf_release(&place);
}

/* --- entries ------------------------------------------------------------- */

static struct entry *find(const struct run_trace *spans, struct str node,
                          int64_t visit, struct str phase) {
    struct entry *entry = spans->entries;

    while (entry && !(entry->visit == visit && str_is(node, entry->node) &&
                      str_is(phase, entry->phase)))
        entry = entry->next;
    return entry;
}

static struct entry *enter(struct run_trace *spans, const struct json *record,
                           const char *phase) {
    struct str    node = json_find_text(record, "node");
    struct entry *entry = mem_new(sizeof *entry);

    entry->node = mem_text(node.data, node.len);
    entry->phase = mem_text(phase, strlen(phase));
    entry->visit = json_find_int(record, "visit", 1);
    entry->began = json_find_int(record, "at", 0);
    entry->next = spans->entries;
    spans->entries = entry;
    return entry;
}

static void leave(struct run_trace *spans, struct entry *entry) {
    struct entry **link = &spans->entries;

    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    mem_free(entry->node);
    mem_free(entry->phase);
    mem_free(entry);
}

static void say_node(struct draft *draft, const struct entry *entry) {
    say(draft, "nightshift.node", str_of(entry->node));
    say_number(draft, "nightshift.visit", entry->visit);
}

/* --- attempts ------------------------------------------------------------ */

/* `record` is what ended it; NULL: the process did. */
static void close_attempt(struct run_trace *spans, struct entry *entry,
                          const char *how, const struct json *record) {
    struct buf   place = BUF_EMPTY, name = BUF_EMPTY;
    struct draft draft = {.span = {.kind = TRACE_INTERNAL,
                                   .start_ms = entry->attempt_began,
                                   .end_ms = spans->last}};

    if (!entry->attempt_began)
        return;
    entry->attempt_began = 0;
    attempt_place(entry, "", &place);
    buf_addf(&name, "attempt %s", entry->node);
    hang_below(spans, entry, false, &draft.span);
    span_id(spans, &place, draft.span.id);
    draft.span.name = buf_str(&name);
    draft.span.end_ms = json_find_int(record, "at", spans->last);
    say_node(&draft, entry);
    say_number(&draft, "nightshift.attempt", entry->attempt);
    say(&draft, "nightshift.attempt.end", str_of(how));
    judge(&draft, record);
    add(spans, &draft);
    buf_release(&place);
    buf_release(&name);
}

static void close_parked(struct run_trace *spans, struct entry *entry,
                         int64_t at) {
    struct buf   place = BUF_EMPTY, name = BUF_EMPTY;
    struct draft draft = {.span = {.kind = TRACE_INTERNAL,
                                   .start_ms = entry->parked,
                                   .end_ms = at}};

    if (!entry->parked)
        return;
    entry->parked = 0;
    attempt_place(entry, "/parked", &place);
    buf_addf(&name, "parked %s", entry->node);
    hang_below(spans, entry, false, &draft.span);
    span_id(spans, &place, draft.span.id);
    draft.span.name = buf_str(&name);
    say_node(&draft, entry);
    add(spans, &draft);
    buf_release(&place);
    buf_release(&name);
}

static void take_attempt(struct run_trace *spans, const struct json *record) {
    struct str    phase = json_find_text(record, "phase");
    int64_t       at = json_find_int(record, "at", 0);
    struct entry *entry = find(spans, json_find_text(record, "node"),
                               json_find_int(record, "visit", 1), phase);

    if (!entry)
        entry = enter(spans, record, phase.data);
    close_attempt(spans, entry, "interrupted", NULL);
    close_parked(spans, entry, at);
    entry->attempt = json_find_int(record, "attempt", 1);
    entry->attempt_began = at;
}

static void take_parked(struct run_trace *spans, const struct json *record) {
    struct entry *entry = find(spans, json_find_text(record, "node"),
                               json_find_int(record, "visit", 1),
                               json_find_text(record, "phase"));

    if (!entry)
        return;
    close_attempt(spans, entry, "parked", record);
    entry->parked = json_find_int(record, "at", 0);
}

static void take_rerun(struct run_trace *spans, const struct json *record) {
    struct entry *entry = find(spans, json_find_text(record, "node"),
                               json_find_int(record, "visit", 1), STR("run"));

    if (entry)
        close_attempt(spans, entry, "rerun", record);
}

/* --- visits -------------------------------------------------------------- */

static void close_visit(struct run_trace *spans, struct entry *entry,
                        const struct json *record) {
    bool         undo = strcmp(entry->phase, "undo") == 0;
    struct buf   place = BUF_EMPTY, name = BUF_EMPTY;
    struct draft draft = {.span = {.parent = spans->context,
                                   .kind = TRACE_INTERNAL,
                                   .start_ms = entry->began}};

    close_attempt(spans, entry, record ? "ended" : "interrupted", record);
    close_parked(spans, entry, json_find_int(record, "at", spans->last));
    visit_place(entry, &place);
    buf_addf(&name, "%s %s", undo ? "undo" : "node", entry->node);
    span_id(spans, &place, draft.span.id);
    draft.span.name = buf_str(&name);
    draft.span.end_ms = json_find_int(record, "at", spans->last);
    say_node(&draft, entry);
    say(&draft, "nightshift.use", json_find_text(record, "use"));
    say(&draft, "nightshift.outcome", json_find_text(record, "outcome"));
    say(&draft, "nightshift.asked", json_find_text(record, "asked"));
    say(&draft, "nightshift.next", json_find_text(record, "next"));
    judge(&draft, record);
    if (undo && str_is(json_find_text(record, "outcome"), "failed"))
        fail(&draft, STR("undo"), json_find_text(record, "reason"));
    add(spans, &draft);
    leave(spans, entry);
    buf_release(&place);
    buf_release(&name);
}

static void take_end(struct run_trace *spans, const struct json *record,
                     const char *phase) {
    struct entry *entry =
        find(spans, json_find_text(record, "node"),
             json_find_int(record, "visit", 1), str_of(phase));

    if (entry)
        close_visit(spans, entry, record);
}

/* What is entered now is entered alone: nobody is heard out any more. */
static void close_siblings(struct run_trace *spans) {
    while (spans->left && spans->entries)
        close_visit(spans, spans->entries, NULL);
    spans->left = false;
}

/* --- the run ------------------------------------------------------------- */

static bool is_bad(struct str outcome) {
    return str_is(outcome, "failed") || str_is(outcome, "quarantined");
}

/* What was open when the run was ended from outside ends with it. */
void run_trace_end(struct run_trace *spans, struct str playbook) {
    struct buf         name = BUF_EMPTY;
    struct str         outcome;
    const struct json *incident;
    struct draft       draft = {.span = {.kind = TRACE_INTERNAL}};

    if (!is_kept(spans))
        return;
    while (spans->entries)
        close_visit(spans, spans->entries, NULL);
    buf_addf(&name, "run %.*s", STR_ARG(playbook));
    incident = json_find(spans->started, "incident");
    outcome = json_find_text(spans->finished, "outcome");
    memcpy(draft.span.id, spans->context.span, TRACE_SPAN_SIZE);
    draft.span.parent = spans->parent;
    draft.span.name = buf_str(&name);
    draft.span.end_ms = json_find_int(spans->finished, "at", spans->last);
    draft.span.start_ms =
        json_find_int(spans->started, "at", draft.span.end_ms);
    say(&draft, "nightshift.run", str_of(spans->run));
    say(&draft, "nightshift.playbook", playbook);
    say(&draft, "nightshift.mode", json_find_text(spans->started, "mode"));
    say(&draft, "nightshift.bundle", json_find_text(spans->started, "bundle"));
    say(&draft, "nightshift.incident", json_find_text(incident, "id"));
    say(&draft, "nightshift.source", json_find_text(incident, "source"));
    say(&draft, "nightshift.outcome", outcome);
    say(&draft, "nightshift.verdict",
        json_find_text(spans->finished, "verdict"));
    if (is_bad(outcome))
        fail(&draft, outcome, json_find_text(spans->finished, "reason"));
    add(spans, &draft);
    buf_release(&name);
}

static void keep(struct json **slot, const struct json *record) {
    json_release(*slot);
    *slot = json_retain((struct json *)record);
}

void run_trace_record(void *arg, const struct json *record) {
    struct run_trace *spans = arg;
    struct str        kind = json_find_text(record, "kind");

    if (!is_kept(spans))
        return;
    if (str_is(kind, "visit") || str_is(kind, "attempt"))
        close_siblings(spans);
    spans->left = spans->left || json_truth(json_find(record, "leaves"));
    if (str_is(kind, "started"))
        keep(&spans->started, record);
    else if (str_is(kind, "visit"))
        (void)enter(spans, record, "run");
    else if (str_is(kind, "attempt"))
        take_attempt(spans, record);
    else if (str_is(kind, "parked"))
        take_parked(spans, record);
    else if (str_is(kind, "rerun"))
        take_rerun(spans, record);
    else if (str_is(kind, "ended"))
        take_end(spans, record, "run");
    else if (str_is(kind, "undone"))
        take_end(spans, record, "undo");
    else if (str_is(kind, "finished"))
        keep(&spans->finished, record);
    if (!str_is(kind, "finished"))
        spans->last = json_find_int(record, "at", spans->last);
}

/* --- effects ------------------------------------------------------------- */

/* "ecs:UpdateService" behind "aws:", and a target that begins with
 * "aws:ACCOUNT/REGION/". The conventions have both names with a dot between. */
static void say_aws(struct draft *draft, const struct effect *effect,
                    struct buf *name) {
    struct str rest, service, method, account;

    (void)str_cut(str_of(effect->name), ':', &rest);
    service = str_cut(rest, ':', &method);
    buf_addf(name, "%.*s.%.*s", STR_ARG(service), STR_ARG(method));
    draft->span.name = buf_str(name);
    say(draft, "rpc.system", STR("aws-api"));
    say(draft, "rpc.service", service);
    say(draft, "rpc.method", method);
    (void)str_cut(str_of(effect->target), ':', &rest);
    account = str_cut(rest, '/', &rest);
    say(draft, "cloud.account.id", account);
    say(draft, "cloud.region", str_cut(rest, '/', &rest));
}

/* "GET /repos/…" or "GET host/path", behind the kind. */
static void say_method(struct draft *draft, const struct effect *effect) {
    struct str rest, method;

    (void)str_cut(str_of(effect->name), ':', &rest);
    method = str_cut(rest, ' ', &rest);
    if (rest.data)
        say(draft, "http.request.method", method);
}

static void say_kind(struct draft *draft, const struct effect *effect,
                     struct buf *name) {
    draft->span.kind =
        effect->kind == EFFECT_SLEEP ? TRACE_INTERNAL : TRACE_CLIENT;
    if (effect->kind == EFFECT_AWS)
        say_aws(draft, effect, name);
    else if (effect->kind == EFFECT_GITHUB || effect->kind == EFFECT_HTTP)
        say_method(draft, effect);
}

/* What outlasted an attempt hangs below the visit. */
static void hang_effect(const struct run_trace *spans,
                        const struct gate_seen *seen, struct trace_span *span) {
    struct str          rest = seen->place, visit;
    struct str          node = str_cut(rest, '/', &rest);
    int64_t             number = 0;
    const struct entry *entry;

    visit = str_cut(rest, '/', &rest);
    (void)str_to_int(visit, &number);
    entry = find(spans, node, number, str_cut(rest, '/', &rest));
    if (entry)
        hang_below(spans, entry,
                   entry->attempt_began &&
                       seen->began_ms >= entry->attempt_began,
                   span);
    else
        span->parent = spans->context;
}

void run_trace_effect(void *arg, const struct gate_seen *seen) {
    struct run_trace    *spans = arg;
    const struct effect *effect = seen->effect;
    struct buf           name = BUF_EMPTY;
    struct draft         draft = {.span = {.name = str_of(effect->name),
                                           .start_ms = seen->began_ms,
                                           .end_ms = seen->ended_ms}};

    if (!is_kept(spans))
        return;
    hang_effect(spans, seen, &draft.span);
    trace_span_of(str_of(spans->run), seen->place, draft.span.id);
    say_kind(&draft, effect, &name);
    say(&draft, "nightshift.effect.class",
        str_of(effect_class_name(effect->class)));
    say(&draft, "nightshift.effect.target", str_of(effect->target));
    say(&draft, "nightshift.effect.result", str_of(seen->how));
    say(&draft, "nightshift.slot", seen->place);
    if (seen->status)
        say_number(&draft, "http.response.status_code", seen->status);
    if (seen->tries > 0)
        say_number(&draft, "http.request.resend_count", seen->tries);
    if (seen->failed)
        fail(&draft, str_of(err_name(seen->err->code)),
             str_of(seen->err->text));
    add(spans, &draft);
    buf_release(&name);
}

/* --- the life of it ------------------------------------------------------ */

void run_trace_parent(const struct trace *trace, const char *run,
                      const struct json   *incident,
                      struct trace_parent *parent) {
    bool joined = trace_parent_read(json_find_text(incident, "trace"), parent);

    if (!joined)
        trace_parent_of_run(str_of(run), parent);
    trace_sample(trace, joined, parent);
}

struct run_trace *run_trace_open(struct trace *trace, const char *run,
                                 const struct json *incident,
                                 const struct json *records) {
    struct run_trace *spans = mem_new(sizeof *spans);

    spans->trace = trace;
    spans->run = mem_text(run, strlen(run));
    run_trace_parent(trace, run, incident, &spans->parent);
    spans->context = spans->parent;
    trace_span_of(str_of(run), STR(""), spans->context.span);
    spans->silent = true;
    for (size_t i = 0; i < json_count(records); i++)
        run_trace_record(spans, json_at(records, i));
    spans->silent = false;
    return spans;
}

void run_trace_close(struct run_trace *spans) {
    if (!spans)
        return;
    while (spans->entries)
        leave(spans, spans->entries);
    json_release(spans->started);
    json_release(spans->finished);
    mem_free(spans->run);
    mem_free(spans);
}

const struct trace_parent *run_trace_context(const struct run_trace *spans) {
    return spans ? &spans->context : NULL;
}

struct log *run_trace_log(const struct run_trace *spans,
                          const struct log       *log) {
    struct buf  id = BUF_EMPTY;
    struct log *named;

    if (!spans)
        return NULL;
    trace_id_write(&spans->parent, &id);
    named = log_with(log, "trace_id", buf_str(&id));
    buf_release(&id);
    return named;
}
