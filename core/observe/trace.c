/* trace.c - a ring of written spans.
 *
 * A span is written outside the lock, so that several threads only meet to
 * hang it in; what the queue costs is then known exactly, in bytes. (TR1)
 */
#include "observe/trace.h"

#include <assert.h>
#include <pthread.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/mem.h"

enum {
    SPANS_MAX = 2048,
    BYTES_MAX = 4 << 20,
    BATCH_MAX = 1 << 20,
    ATTRIBUTES_MAX = 32,
    TEXT_MAX = 1024
};

struct trace {
    struct trace_options options;
    pthread_mutex_t      lock;  /* guards what follows */
    struct buf          *spans; /* a ring of spans_max */
    size_t               first, count, bytes;
    uint64_t             dropped;
};

struct trace *trace_open(const struct trace_options *options) {
    struct trace *trace = mem_new(sizeof *trace);
    int           rc = pthread_mutex_init(&trace->lock, NULL);

    assert(rc == 0);
    (void)rc;
    trace->options = *options;
    if (!trace->options.spans_max)
        trace->options.spans_max = SPANS_MAX;
    if (!trace->options.bytes_max)
        trace->options.bytes_max = BYTES_MAX;
    trace->spans = mem_new(trace->options.spans_max * sizeof *trace->spans);
    return trace;
}

void trace_close(struct trace *trace) {
    if (!trace)
        return;
    for (size_t i = 0; i < trace->options.spans_max; i++)
        buf_release(&trace->spans[i]);
    mem_free(trace->spans);
    (void)pthread_mutex_destroy(&trace->lock);
    mem_free(trace);
}

/* A text with its quotes. A secret is looked for before anything is cut, since
 * half of one would not be found. (TR2) */
static void add_text(const struct trace *trace, struct str text,
                     struct buf *out) {
    struct buf clean = BUF_EMPTY, valid = BUF_EMPTY;

    if (trace->options.redact)
        trace->options.redact(trace->options.redact_arg, text, &clean);
    else
        buf_add_str(&clean, text);
    if (clean.len > TEXT_MAX)
        clean.len = TEXT_MAX;
    encode_utf8_mend(buf_str(&clean), &valid);
    json_write_text(buf_str(&valid), out);
    buf_release(&clean);
    buf_release(&valid);
}

static void add_attribute(const struct trace           *trace,
                          const struct trace_attribute *attribute,
                          struct buf                   *out) {
    buf_add_text(out, "{\"key\":");
    json_write_text(str_of(attribute->key), out);
    buf_add_text(out, ",\"value\":{");
    if (attribute->text.data) {
        buf_add_text(out, "\"stringValue\":");
        add_text(trace, attribute->text, out);
    } else {
        buf_addf(out, "\"intValue\":\"%lld\"", (long long)attribute->number);
    }
    buf_add_text(out, "}}");
}

static void add_attributes(const struct trace           *trace,
                           const struct trace_attribute *attributes,
                           size_t count, struct buf *out) {
    buf_add_text(out, "\"attributes\":[");
    for (size_t i = 0; i < count && i < ATTRIBUTES_MAX; i++) {
        if (i)
            buf_add_char(out, ',');
        add_attribute(trace, &attributes[i], out);
    }
    buf_add_char(out, ']');
    if (count > ATTRIBUTES_MAX)
        buf_addf(out, ",\"droppedAttributesCount\":%zu",
                 count - ATTRIBUTES_MAX);
}

static void add_id(const char *name, const unsigned char *id, size_t size,
                   struct buf *out) {
    buf_addf(out, "\"%s\":\"", name);
    encode_hex(id, size, out);
    buf_add_text(out, "\",");
}

static void add_time(const char *name, int64_t at_ms, struct buf *out) {
    buf_addf(out, "\"%s\":\"%lld000000\",", name,
             (long long)(at_ms > 0 ? at_ms : 0));
}

static bool has_parent(const struct trace_span *span) {
    static const unsigned char none[TRACE_SPAN_SIZE];

    return memcmp(span->parent.span, none, sizeof none) != 0;
}

static void add_status(const struct trace *trace, const struct trace_span *span,
                       struct buf *out) {
    buf_addf(out, ",\"status\":{\"code\":%d", (int)span->status);
    if (span->message.len) {
        buf_add_text(out, ",\"message\":");
        add_text(trace, span->message, out);
    }
    buf_add_char(out, '}');
}

static void write_span(const struct trace *trace, const struct trace_span *span,
                       struct buf *out) {
    buf_add_char(out, '{');
    add_id("traceId", span->parent.trace, sizeof span->parent.trace, out);
    add_id("spanId", span->id, sizeof span->id, out);
    if (has_parent(span))
        add_id("parentSpanId", span->parent.span, sizeof span->parent.span,
               out);
    buf_addf(out, "\"flags\":%d,\"kind\":%d,\"name\":",
             span->parent.flags & TRACE_SAMPLED, (int)span->kind);
    add_text(trace, span->name, out);
    buf_add_char(out, ',');
    add_time("startTimeUnixNano", span->start_ms, out);
    add_time("endTimeUnixNano", span->end_ms, out);
    add_attributes(trace, span->attributes, span->attribute_count, out);
    add_status(trace, span, out);
    buf_add_char(out, '}');
}

/* Takes the text when there is room, and clears it. */
static void hang_in(struct trace *trace, struct buf *text) {
    size_t max = trace->options.spans_max;

    if (trace->count == max ||
        trace->bytes + text->len > trace->options.bytes_max) {
        trace->dropped++;
        return;
    }
    trace->spans[(trace->first + trace->count++) % max] = *text;
    trace->bytes += text->len;
    *text = (struct buf)BUF_EMPTY;
}

/* The last 56 bits of an id as a number: what is random in it, whoever made it
 * up. */
static double position_of(const struct trace_parent *parent) {
    double position = 0;

    for (size_t i = TRACE_ID_SIZE - 7; i < TRACE_ID_SIZE; i++)
        position = position * 256 + parent->trace[i];
    return position / 0x1p56;
}

/* (TR4) */
void trace_sample(const struct trace *trace, bool joined,
                  struct trace_parent *parent) {
    bool kept = trace != NULL;

    if (trace && joined && !trace->options.sampler.ignores)
        kept = parent->flags & TRACE_SAMPLED;
    else if (trace && trace->options.sampler.some)
        kept = position_of(parent) >= 1 - trace->options.sampler.ratio;
    parent->flags = kept ? TRACE_SAMPLED : 0;
}

void trace_add(struct trace *trace, const struct trace_span *span) {
    struct buf text = BUF_EMPTY;

    if (!trace || !(span->parent.flags & TRACE_SAMPLED)) /* (TR4) */
        return;
    write_span(trace, span, &text);
    (void)pthread_mutex_lock(&trace->lock);
    hang_in(trace, &text);
    (void)pthread_mutex_unlock(&trace->lock);
    buf_release(&text);
}

static void add_head(const struct trace *trace, struct buf *body) {
    const struct {
        const char *key, *value;
    } said[] = {{"service.name", trace->options.service},
                {"service.version", trace->options.version},
                {"service.instance.id", trace->options.instance}};
    struct trace_attribute attributes[ATTRIBUTES_MAX];
    size_t                 count = 0;

    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (said[i].value)
            attributes[count++] =
                (struct trace_attribute){said[i].key, str_of(said[i].value), 0};
    for (size_t i = 0;
         i < trace->options.resource_count && count < ATTRIBUTES_MAX; i++)
        attributes[count++] = trace->options.resource[i];
    buf_add_text(body, "{\"resourceSpans\":[{\"resource\":{");
    add_attributes(trace, attributes, count, body);
    buf_add_text(body, "},\"scopeSpans\":[{\"scope\":{\"name\":\"nightshift\"},"
                       "\"spans\":[");
}

/* (TR3) */
static void take_first(struct trace *trace, struct buf *body) {
    struct buf *span = &trace->spans[trace->first];

    buf_add_str(body, buf_str(span));
    trace->bytes -= span->len;
    buf_release(span);
    trace->first = (trace->first + 1) % trace->options.spans_max;
    trace->count--;
}

/* At least one span, so that a large one does not block the way. */
static size_t take_some(struct trace *trace, size_t max, struct buf *body) {
    size_t begun = body->len, taken = 0;

    while (taken < max && trace->count && body->len - begun < BATCH_MAX) {
        if (taken++)
            buf_add_char(body, ',');
        take_first(trace, body);
    }
    return taken;
}

size_t trace_batch(struct trace *trace, size_t max, struct buf *body) {
    struct buf spans = BUF_EMPTY;
    size_t     taken;

    (void)pthread_mutex_lock(&trace->lock);
    taken = take_some(trace, max, &spans);
    (void)pthread_mutex_unlock(&trace->lock);
    if (taken) {
        add_head(trace, body);
        buf_add_str(body, buf_str(&spans));
        buf_add_text(body, "]}]}]}");
    }
    buf_release(&spans);
    return taken;
}

size_t trace_waiting(struct trace *trace) {
    size_t count;

    (void)pthread_mutex_lock(&trace->lock);
    count = trace->count;
    (void)pthread_mutex_unlock(&trace->lock);
    return count;
}

uint64_t trace_dropped(struct trace *trace) {
    uint64_t dropped;

    (void)pthread_mutex_lock(&trace->lock);
    dropped = trace->dropped;
    (void)pthread_mutex_unlock(&trace->lock);
    return dropped;
}
