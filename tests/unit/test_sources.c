/* test_sources.c - the sources that are shipped, over deliveries as they come.
 *
 * A file of tests/fixtures/sources/ holds one delivery in the shape that its
 * sender documents, and what its source must make of it: the occurrences, or
 * the refusal. Everything runs in the sandbox and through the checks of the
 * engine. Then each delivery is spoilt, one field after the other.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "app/scripts.h"
#include "base/encode.h"
#include "graph/match.h"
#include "support.h"
#include "sys/clock_real.h"
#include "sys/file.h"
#include "vm/attempt.h"

#define FOLDER "tests/fixtures/sources"
#define FILE_NAME 80
#define RECEIVED SUPPORT_START

struct reading {
    struct json *occurrences, *notes; /* NULL: refused */
    struct err   err;
};

static struct bundle *open_scripts(void) {
    struct bundle *bundle;
    struct err     err;

    cr_assert(scripts_load("scripts", clock_real(), &bundle, &err), "%s",
              err.text);
    return bundle;
}

static struct json *read_file(const char *path) {
    static const struct json_caps caps = {1u << 20, 64};
    struct buf                    text = BUF_EMPTY;
    struct json                  *value;
    struct err                    err;

    cr_assert(file_read(path, 1u << 20, &text, &err), "%s", err.text);
    value = json_parse(buf_str(&text), &caps, &err);
    cr_assert(value, "%s: %s", path, err.text);
    buf_release(&text);
    return value;
}

/* As the dispatcher does it. */
static struct reading read_delivery(struct bundle *bundle, struct str source,
                                    struct json *headers, struct json *body) {
    const struct script *script = bundle_find(bundle, SCRIPT_SOURCE, source);
    struct json         *request =
        match_request(json_retain(headers), json_retain(body), RECEIVED);
    struct reading reading = {NULL, NULL, {.text = ""}};
    struct json   *results;

    cr_assert(script, "no source %.*s", STR_ARG(source));
    results = attempt_call(bundle, script, "occurrences", request,
                           &vm_limits_source, &reading.err);
    if (results) {
        reading.occurrences = match_occurrences(
            results, match_ends_by_key(bundle, script), &reading.err);
        reading.notes =
            match_notes(results) ? json_clone(match_notes(results)) : NULL;
    }
    json_release(results);
    json_release(request);
    return reading;
}

static void reading_release(struct reading *reading) {
    json_release(reading->occurrences);
    json_release(reading->notes);
}

/* --- what is documented --------------------------------------------------- */

static void same(const char *name, const struct json *given,
                 const struct json *wanted) {
    struct buf left = BUF_EMPTY, right = BUF_EMPTY;

    if (given)
        json_write(given, &left);
    if (wanted)
        json_write(wanted, &right);
    cr_expect_str_eq(buf_text(&left), buf_text(&right), "%s\n  %s\n  %s", name,
                     buf_text(&left), buf_text(&right));
    buf_release(&left);
    buf_release(&right);
}

static void expect_refused(const char *name, const struct reading *reading,
                           const struct json *refused) {
    cr_expect_null(reading->occurrences, "%s was taken", name);
    cr_expect(
        str_is(json_find_text(refused, "code"), err_name(reading->err.code)),
        "%s: %s: %s", name, err_name(reading->err.code), reading->err.text);
    cr_expect(
        support_has(reading->err.text, json_find_text(refused, "text").data),
        "%s: %s", name, reading->err.text);
}

static void expect_as_written(const char *name) {
    struct bundle     *bundle = open_scripts();
    struct buf         path = BUF_EMPTY;
    struct json       *file;
    const struct json *gives;
    struct reading     reading;

    buf_addf(&path, FOLDER "/%s", name);
    file = read_file(buf_text(&path));
    reading =
        read_delivery(bundle, json_find_text(file, "source"),
                      json_find(file, "headers"), json_find(file, "body"));
    gives = json_find(file, "gives");
    if (gives) {
        cr_assert(reading.occurrences, "%s: %s", name, reading.err.text);
        same(name, reading.occurrences, gives);
        same(name, reading.notes, json_find(file, "notes"));
    } else {
        expect_refused(name, &reading, json_find(file, "refused"));
    }
    reading_release(&reading);
    json_release(file);
    buf_release(&path);
    bundle_release(bundle);
}

static size_t list_files(char names[][FILE_NAME], size_t most) {
    struct file_list list = {0};
    struct err       err;
    size_t           count = 0;

    if (file_list_read(FOLDER, ".json", &list, &err))
        for (; count < list.count && count < most; count++)
            (void)snprintf(names[count], FILE_NAME, "%s", list.paths[count]);
    file_list_release(&list);
    return count;
}

ParameterizedTestParameters(sources, a_delivery_gives_what_is_written_by_it) {
    static char names[256][FILE_NAME];
    size_t      count = list_files(names, 256);

    return cr_make_param_array(char[FILE_NAME], names, count);
}

ParameterizedTest(char name[FILE_NAME], sources,
                  a_delivery_gives_what_is_written_by_it, .timeout = 60) {
    expect_as_written(name);
}

/* --- what is spoilt -------------------------------------------------------- */

/* Replaces one value of a tree, the nth in the order of walking. */
struct spoiler {
    size_t             at; /* the one to replace */
    size_t             seen;
    const struct json *by;
    char               place[160];
};

static bool spoil(struct json *tree, struct spoiler *spoiler);

static bool is_turn(struct spoiler *spoiler, struct str key) {
    if (spoiler->seen++ != spoiler->at)
        return false;
    (void)snprintf(spoiler->place, sizeof spoiler->place, "%.*s", STR_ARG(key));
    return true;
}

static bool spoil_list(struct json *list, struct spoiler *spoiler) {
    for (size_t i = 0; i < json_count(list); i++) {
        if (is_turn(spoiler, STR("[]"))) {
            json_replace(list, i, json_clone(spoiler->by));
            return true;
        }
        if (spoil(json_at(list, i), spoiler))
            return true;
    }
    return false;
}

static bool spoil_map(struct json *map, struct spoiler *spoiler) {
    struct json_walk walk = json_walk_over(map);

    while (json_walk_next(&walk)) {
        if (is_turn(spoiler, walk.key)) {
            struct buf key = BUF_EMPTY;

            buf_add_str(&key, walk.key);
            json_walk_stop(&walk);
            json_put_str(map, buf_str(&key), json_clone(spoiler->by));
            buf_release(&key);
            return true;
        }
        if (spoil(json_find_str(map, walk.key), spoiler)) {
            json_walk_stop(&walk);
            return true;
        }
    }
    return false;
}

static bool spoil(struct json *tree, struct spoiler *spoiler) {
    if (json_is(tree, JSON_LIST))
        return spoil_list(tree, spoiler);
    return json_is(tree, JSON_MAP) && spoil_map(tree, spoiler);
}

/* Either it makes sense, or it is refused in words about it: an error that Lua
 * raised by itself has no such code. */
static void expect_sense(const char *name, const struct spoiler *spoiler,
                         const struct reading *reading) {
    cr_expect(reading->occurrences || reading->err.code == ERR_EVENT_SHAPE ||
                  reading->err.code == ERR_EVENT_VERSION,
              "%s, %s: %s: %s", name, spoiler->place,
              err_name(reading->err.code), reading->err.text);
    cr_expect(reading->occurrences ||
                  !support_has(reading->err.text, "attempt to"),
              "%s, %s: %s", name, spoiler->place, reading->err.text);
}

static const char *const odd[] = {
    "null", "true", "-7",   "7.5",    "''",    "'text'",
    "[]",   "{}",   "[{}]", "[null]", "['x']", "{'1': 'x', 'b': [[]]}",
    "1e300"};

static void spoil_each(struct bundle *bundle, const char *name,
                       const struct json *file, const char *by) {
    struct json   *value = support_json(by);
    struct spoiler spoiler = {.by = value};
    bool           more = true;

    while (more) {
        struct json *copy = json_clone(file);

        spoiler.seen = 0;
        more = spoil(json_find(copy, "body"), &spoiler);
        if (more) {
            struct reading reading = read_delivery(
                bundle, json_find_text(copy, "source"),
                json_find(copy, "headers"), json_find(copy, "body"));

            expect_sense(name, &spoiler, &reading);
            reading_release(&reading);
        }
        json_release(copy);
        spoiler.at++;
    }
    json_release(value);
}

/* One of each shape; the file that has most of it. */
static const char *const spoilt[] = {"github_workflow_failed.json",
                                     "github_suite_failed.json",
                                     "github_deployment_failed.json",
                                     "generic_one.json",
                                     "generic_list.json",
                                     "generic_cloudevent.json",
                                     "pagerduty_triggered.json",
                                     "pagerduty_resolved.json",
                                     "cloudwatch_sns_alarm.json",
                                     "cloudwatch_sns_math.json",
                                     "cloudwatch_event_alarm.json",
                                     "grafana_mixed.json"};

ParameterizedTestParameters(sources, a_field_that_is_odd_is_refused_in_words) {
    static char names[sizeof spoilt / sizeof *spoilt][FILE_NAME];

    for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++)
        (void)snprintf(names[i], FILE_NAME, "%s", spoilt[i]);
    return cr_make_param_array(char[FILE_NAME], names,
                               sizeof spoilt / sizeof *spoilt);
}

ParameterizedTest(char name[FILE_NAME], sources,
                  a_field_that_is_odd_is_refused_in_words, .timeout = 120) {
    struct bundle *bundle = open_scripts();
    struct buf     path = BUF_EMPTY;
    struct json   *file;

    buf_addf(&path, FOLDER "/%s", name);
    file = read_file(buf_text(&path));
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        spoil_each(bundle, name, file, odd[i]);
    json_release(file);
    buf_release(&path);
    bundle_release(bundle);
}

static const char *const shipped[] = {
    "alertmanager", "cloudwatch", "generic", "github", "grafana", "pagerduty"};

Test(sources, a_body_that_is_no_object_is_refused_by_all) {
    static const char *const bodies[] = {"null", "7",    "'x'",
                                         "[[]]", "true", "[{}]"};
    struct bundle           *bundle = open_scripts();
    struct json             *headers = json_new_map();

    for (size_t i = 0; i < sizeof shipped / sizeof *shipped; i++)
        for (size_t k = 0; k < sizeof bodies / sizeof *bodies; k++) {
            struct json   *body = support_json(bodies[k]);
            struct reading reading =
                read_delivery(bundle, str_of(shipped[i]), headers, body);

            cr_expect_null(reading.occurrences, "%s took %s", shipped[i],
                           bodies[k]);
            cr_expect_eq(reading.err.code, ERR_EVENT_SHAPE, "%s, %s: %s",
                         shipped[i], bodies[k], reading.err.text);
            reading_release(&reading);
            json_release(body);
        }
    json_release(headers);
    bundle_release(bundle);
}

/* A text of a megabyte in a field is either kept or named, and an error never
 * repeats it. */
Test(sources, what_is_huge_makes_no_huge_error, .timeout = 60) {
    struct bundle *bundle = open_scripts();
    struct json   *headers = json_new_map(), *body = json_new_map();
    struct buf     text = BUF_EMPTY;
    struct reading reading;
    size_t         bad;

    for (int i = 0; i < 300000; i++)
        buf_add_str(&text, STR("\xE2\x82\xAC\n"));
    json_put_text(body, "status", buf_str(&text));
    json_put_text(body, "specversion", buf_str(&text));
    for (size_t i = 0; i < sizeof shipped / sizeof *shipped; i++) {
        reading = read_delivery(bundle, str_of(shipped[i]), headers, body);
        cr_expect_null(reading.occurrences);
        cr_expect(strlen(reading.err.text) < 300, "%s", shipped[i]);
        cr_expect_null(strchr(reading.err.text, '\n'), "%s: %s", shipped[i],
                       reading.err.text);
        cr_expect(encode_utf8_valid(str_of(reading.err.text), &bad), "%s: %s",
                  shipped[i], reading.err.text);
        reading_release(&reading);
    }
    json_release(headers);
    json_release(body);
    buf_release(&text);
    bundle_release(bundle);
}
