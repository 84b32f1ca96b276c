/* fuzz_event.c - arbitrary bytes as an Alertmanager delivery.
 *
 * The real source reads them, behind the wall, and a small playbook picks its
 * incidents. Whatever arrives: no crash, the same end each time, every alert
 * counted once, and no incident but of alerts that fire, led by the earliest.
 * Run from the top of the tree, where scripts/ is.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock_virtual.h"
#include "base/timestamp.h"
#include "graph/match.h"
#include "sys/crypto.h"
#include "sys/file.h"

#define NOW 1767225600000

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static struct clock_virtual clock_;
static struct bundle       *bundle;
static struct json         *playbook;

static void add_script(const char *path) {
    struct buf full = BUF_EMPTY, text = BUF_EMPTY;
    struct err err;

    buf_addf(&full, "scripts/%s", path);
    if (!file_read(buf_text(&full), BUNDLE_TEXT_MAX, &text, &err) ||
        !bundle_add(bundle, str_of(path), buf_str(&text), &err)) {
        fprintf(stderr, "fuzz_event: %s\n", err.text);
        exit(1);
    }
    buf_release(&full);
    buf_release(&text);
}

static void open_once(void) {
    struct err err;

    if (bundle)
        return;
    clock_virtual_init(&clock_, NOW);
    bundle = bundle_open(crypto_sha256, &clock_.clock);
    add_script("sources/alertmanager.lua");
    add_script("lib/notification.lua");
    add_script("lib/occurrence.lua");
    add_script("lib/payload.lua");
    bundle_seal(bundle);
    playbook = json_parse(
        STR("{\"trigger\":{\"source\":\"alertmanager\",\"labels\":{"
            "\"service\":\"*\"}},\"key\":[\"$incident.labels.cluster\","
            "\"$incident.labels.service\"]}"),
        &json_caps_answer, &err);
    assert(playbook);
}

static int64_t started(const struct json *occurrence) {
    int64_t    ms = 0;
    struct err err;

    assert(timestamp_read(json_find_text(occurrence, "started_at"), &ms, &err));
    return ms;
}

/* Gives how many occurrences stand behind the incident. */
static size_t check_incident(const struct json *incident) {
    const struct json *attached = json_find(incident, "attached");

    assert(str_is(json_find_text(incident, "status"), "firing"));
    assert(json_find_text(incident, "fingerprint").len > 0);
    assert(json_text(json_find(json_find(incident, "labels"), "service")).len);
    assert(json_count(json_find(incident, "key")) == 2);
    assert(json_find_int(incident, "started_ms", 0) == started(incident));
    for (size_t i = 0; i < json_count(attached); i++)
        assert(started(json_at(attached, i)) >= started(incident));
    return 1 + json_count(attached);
}

static void check_match(const struct match *match) {
    size_t behind = 0;

    assert(match->seen == match->firing + match->resolved);
    for (size_t i = 0; i < json_count(match->incidents); i++) {
        const struct json *one = json_at(match->incidents, i);

        behind += check_incident(one);
        for (size_t j = 0; j < i; j++)
            assert(!json_same(json_find(one, "key"),
                              json_find(json_at(match->incidents, j), "key")));
    }
    assert((size_t)match->firing == behind + (size_t)match->unmatched);
    assert((size_t)match->attached == behind - json_count(match->incidents));
}

/* What came of it, as text: the incidents or the error. */
static void deliver(struct str delivery, struct buf *out) {
    struct match match;
    struct err   err = {.text = ""};

    if (match_delivery(bundle, playbook, delivery, NOW, &match, &err)) {
        check_match(&match);
        json_write(match.incidents, out);
    } else {
        assert(err.code < ERR_COUNT && err.text[0]);
        assert(json_count(match.incidents) == 0);
        buf_addf(out, "%s: %s", err_name(err.code), err.text);
    }
    match_release(&match);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    struct str delivery = {(const char *)data, size};
    struct buf once = BUF_EMPTY, again = BUF_EMPTY;

    open_once();
    deliver(delivery, &once);
    deliver(delivery, &again);
    assert(str_equal(buf_str(&once), buf_str(&again)));
    buf_release(&once);
    buf_release(&again);
    return 0;
}
