/* check.c - opens each script, reports, and keeps the list in order.
 *
 * A script that does not load brings one finding and is left out of the rest:
 * check_other() gives nothing for it. (CK3)
 */
#include "check/check.h"

#include <stdarg.h>
#include <string.h>

#include "check/check_private.h"
#include "check/lines.h"

/* --- reporting --------------------------------------------------------- */

struct spot check_root(const struct check *check, const char *what) {
    return (struct spot){.value = check->meta, .what = what};
}

struct spot check_member(const struct spot *spot, struct str key) {
    struct spot member = *spot;
    int64_t     item;

    member.value = json_find_str(spot->value, key);
    if (json_is(spot->value, JSON_LIST) && str_to_int(key, &item) && item > 0)
        member.value = json_at(spot->value, (size_t)item - 1);
    if (member.depth < SPOT_DEPTH)
        member.keys[member.depth++] = key;
    return member;
}

int check_line(const struct check *check, const struct spot *spot) {
    return lines_find_path(buf_str(&check->script->text), spot->keys,
                           spot->depth);
}

static void say(struct check *check, enum finding finding, int line,
                const char *fmt, va_list args) {
    char text[400];

    (void)vsnprintf(text, sizeof text, fmt, args);
    findings_add(check->findings, finding, check->script->path, line, text);
}

void check_say(struct check *check, enum finding finding, int line,
               const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    say(check, finding, line, fmt, args);
    va_end(args);
}

void check_say_at(struct check *check, enum finding finding,
                  const struct spot *spot, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    say(check, finding, check_line(check, spot), fmt, args);
    va_end(args);
}

/* --- loading ----------------------------------------------------------- */

/* "scripts/nodes/a.lua:12: sentence" -> 12 and the sentence. An error from
 * inside a library has a line of its own there, and one here in front. */
static int error_line(const struct script *script, const char *text,
                      const char **sentence) {
    struct buf  prefix = BUF_EMPTY;
    const char *found;
    char       *rest;
    long        line = 1;

    *sentence = text;
    buf_addf(&prefix, "scripts/%s:", script->path);
    found = strstr(text, buf_text(&prefix));
    if (found) {
        line = strtol(found + prefix.len, &rest, 10);
        line = rest == found + prefix.len ? 1 : line;
        if (line != 1 || *rest == ':')
            *sentence = *rest == ':' ? rest + 1 + strspn(rest + 1, " ") : text;
    }
    buf_release(&prefix);
    return line > 0 && line < 1 << 20 ? (int)line : 1;
}

static bool loads(struct bundle *bundle, const struct script *script,
                  const struct json **meta, struct err *err) {
    struct str code;

    return bundle_code(bundle, script, &code, err) &&
           bundle_meta(bundle, script, meta, err);
}

/* A library's own mistake is its own finding, not one of all who use it. */
static bool blames_library(struct check *check, const char *text) {
    for (size_t i = 0; i < bundle_count(check->bundle); i++) {
        const struct script *other = bundle_at(check->bundle, i);
        const struct json   *meta;
        struct err           err;

        if (other->kind == SCRIPT_LIB && other != check->script &&
            strstr(text, other->path) &&
            !loads(check->bundle, other, &meta, &err))
            return true;
    }
    return false;
}

static void say_broken(struct check *check, enum finding finding,
                       const struct err *err) {
    const char *sentence, *table = strstr(err->text, "must return a table");
    int         line = error_line(check->script, err->text, &sentence);

    if (table && finding == FINDING_SCRIPT_ERROR)
        check_say(check, FINDING_SCRIPT_NO_TABLE,
                  lines_find(buf_str(&check->script->text), NULL), "%s", table);
    else
        check_say(check, finding, line, "%s", sentence);
}

/* What the text shows (a global that does not exist, an unknown library) may
 * be what stops the loading; then it is said once. (CK3) */
static bool open_script(struct check *check) {
    size_t     before = json_count(check->findings);
    struct err err;
    struct str code;

    if (!bundle_code(check->bundle, check->script, &code, &err)) {
        say_broken(check, FINDING_SCRIPT_SYNTAX, &err);
        return false;
    }
    check_text(check);
    if (bundle_meta(check->bundle, check->script, &check->meta, &err))
        return true;
    if (json_count(check->findings) == before &&
        !blames_library(check, err.text))
        say_broken(check, FINDING_SCRIPT_ERROR, &err);
    return false;
}

const struct json *check_other(struct check *check, enum script_kind kind,
                               struct str id) {
    const struct script *script = bundle_find(check->bundle, kind, id);
    const struct json   *meta;
    struct err           err;

    return script && loads(check->bundle, script, &meta, &err) ? meta : NULL;
}

static void check_kind(struct check *check) {
    switch (check->script->kind) {
    case SCRIPT_NODE: check_node(check); break;
    case SCRIPT_PLAYBOOK: check_graph(check); break;
    case SCRIPT_POLICY: check_policy(check); break;
    case SCRIPT_SOURCE: check_source(check); break;
    case SCRIPT_LIB:
        if (strcmp(check->script->id, "aws.services") == 0)
            check_services(check);
        break;
    case SCRIPT_KIND_COUNT: break;
    }
}

static void check_script(struct check *check, const struct script *script) {
    check->script = script;
    tokens_read(&check->tokens, buf_str(&script->text));
    if (open_script(check))
        check_kind(check);
    tokens_release(&check->tokens);
}

struct json *check_bundle(struct bundle *bundle) {
    struct check check = {.bundle = bundle, .findings = json_new_list()};

    for (size_t i = 0; i < bundle_count(bundle); i++)
        check_script(&check, bundle_at(bundle, i));
    buf_release(&check.words);
    return findings_sort(check.findings);
}

/* --- one playbook ------------------------------------------------------ */

static void check_used(struct check *check, enum script_kind kind,
                       struct str id) {
    const struct script *script = bundle_find(check->bundle, kind, id);

    if (script)
        check_script(check, script);
}

/* Every library is looked at: which of them a script requires is known only
 * when it runs. Nodes that stand in the graph twice are only said once, since
 * the list drops what is equal. */
static struct json *check_all_used(struct bundle       *bundle,
                                   const struct script *playbook) {
    struct check       check = {.bundle = bundle, .findings = json_new_list()};
    struct json_walk   walk;
    const struct json *table;

    check_script(&check, playbook);
    table = check_other(&check, SCRIPT_PLAYBOOK, str_of(playbook->id));
    check_used(&check, SCRIPT_SOURCE,
               json_find_text(json_find(table, "trigger"), "source"));
    walk = json_walk_over(json_find(table, "nodes"));
    while (json_walk_next(&walk)) {
        check_used(&check, SCRIPT_NODE, json_find_text(walk.value, "use"));
        check_used(&check, SCRIPT_POLICY, json_find_text(walk.value, "policy"));
    }
    for (size_t i = 0; i < bundle_count(bundle); i++)
        if (bundle_at(bundle, i)->kind == SCRIPT_LIB)
            check_script(&check, bundle_at(bundle, i));
    buf_release(&check.words);
    return findings_sort(check.findings);
}

static bool no_playbook(struct bundle *bundle, struct str id, struct err *err) {
    struct nearest nearest = nearest_to(id);
    struct buf     words = BUF_EMPTY;

    for (size_t i = 0; i < bundle_count(bundle); i++)
        if (bundle_at(bundle, i)->kind == SCRIPT_PLAYBOOK)
            nearest_offer(&nearest, str_of(bundle_at(bundle, i)->id));
    err_set(err, ERR_NOT_FOUND, "no playbook '%.*s'%s", STR_ARG(id),
            nearest_words(&nearest, &words));
    buf_release(&words);
    return false;
}

bool check_playbook(struct bundle *bundle, struct str id, struct err *err) {
    const struct script *script = bundle_find(bundle, SCRIPT_PLAYBOOK, id);
    struct json         *findings;
    const struct json   *first;

    if (!script)
        return no_playbook(bundle, id, err);
    findings = check_all_used(bundle, script);
    first = json_at(findings, 0);
    if (first)
        err_set(err, ERR_CONFIG, "scripts/%.*s:%d: %.*s: %.*s",
                STR_ARG(json_find_text(first, "file")),
                (int)json_find_int(first, "line", 1),
                STR_ARG(json_find_text(first, "code")),
                STR_ARG(json_find_text(first, "text")));
    json_release(findings);
    return !first;
}
