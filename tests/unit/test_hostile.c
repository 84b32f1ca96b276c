/* test_hostile.c - every script of tests/hostile/ meets the wall.
 *
 * The first line of a script says how it must end. After each of them an
 * ordinary node runs in the same process and must not notice (N14).
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "graph/contract.h"
#include "sys/clock_real.h"
#include "sys/crypto.h"
#include "sys/file.h"
#include "vm/attempt.h"

#define FOLDER "tests/hostile"
#define ROUNDS 100000 /* resumes of one attempt */
#define FILE_NAME 64

static const char harmless[] =
    "return { about = 'x', outcomes = { 'ok' }, effects = {},"
    "  run = function(ctx, input) return 'ok', { n = #input.text } end }";

struct ending {
    bool         ended;
    struct json *results;
    struct err   err;
};

static struct json *text_list(const char *text) {
    struct json *list = json_new_list(), *input = json_new_map();

    json_put_text(input, "text", str_of(text));
    json_append(list, input);
    return list;
}

/* Everything that is asked is refused, but for the clock and the log. */
static enum attempt_state answer(struct attempt *attempt, struct err *err) {
    struct str         kind = json_text(json_at(attempt_question(attempt), 1));
    struct json       *value = NULL;
    enum attempt_state state;
    bool               ok = str_is(kind, "log") || str_is(kind, "now");

    if (str_is(kind, "now"))
        value = json_new_int(1700000000000);
    if (!ok) {
        value = json_new_map();
        json_put_text(value, "code", STR("denied"));
        json_put_text(value, "text", STR("not in this node's effects"));
    }
    state = attempt_resume(attempt, ok, value, err);
    json_release(value);
    return state;
}

static struct ending execute(struct bundle *bundle, const char *id) {
    const struct script *script = bundle_find(bundle, SCRIPT_NODE, str_of(id));
    struct json         *arguments = text_list("quiet");
    struct ending        ending = {false, NULL, {.text = ""}};
    struct attempt      *attempt;
    enum attempt_state   state;
    int                  rounds = 0;

    attempt = attempt_open(bundle, script, "run", true, arguments,
                           &vm_limits_node, &ending.err);
    state = attempt_resume(attempt, true, NULL, &ending.err);
    while (state == ATTEMPT_SLICED || state == ATTEMPT_ASKS) {
        cr_assert(++rounds < ROUNDS, "%s does not end", id);
        state = state == ATTEMPT_ASKS
                    ? answer(attempt, &ending.err)
                    : attempt_resume(attempt, true, NULL, &ending.err);
    }
    ending.ended = state == ATTEMPT_ENDED;
    if (ending.ended)
        ending.results = json_retain((void *)attempt_results(attempt));
    attempt_close(attempt);
    json_release(arguments);
    return ending;
}

static bool listed(const struct json *list, struct str text) {
    for (size_t i = 0; i < json_count(list); i++)
        if (str_equal(json_text(json_at(list, i)), text))
            return true;
    return false;
}

/* What the runner would say of an end that breaks the contract. */
static void check_contract(struct bundle *bundle, const char *id,
                           struct ending *ending) {
    const struct json *meta, *output = json_at(ending->results, 1);
    struct str         outcome = json_text(json_at(ending->results, 0));
    struct err         err;

    if (!bundle_meta(bundle, bundle_find(bundle, SCRIPT_NODE, str_of(id)),
                     &meta, &err)) {
        ending->ended = false;
        ending->err = err;
    } else if (!listed(json_find(meta, "outcomes"), outcome)) {
        ending->ended = false;
        err_set(&ending->err, ERR_CONTRACT, "\"%.*s\" is not in its outcomes",
                STR_ARG(outcome));
    } else if (output && !json_is(output, JSON_NULL_KIND) &&
               !contract_check(json_find(meta, "output"), output, "output",
                               &ending->err)) {
        ending->ended = false;
    }
}

static void expect(const char *name, struct str verdict,
                   const struct ending *ending) {
    struct str rest, word = str_cut(verdict, ' ', &rest), code, text;

    if (str_is(word, "ok")) {
        cr_assert(ending->ended, "%s: %s", name, ending->err.text);
        cr_assert(
            str_equal(json_text(json_at(ending->results, 0)), str_trim(rest)),
            "%s: another outcome", name);
        return;
    }
    cr_assert(!ending->ended, "%s ended, wanted %.*s", name, STR_ARG(verdict));
    if (str_is(word, "killed")) {
        cr_assert(ending->err.code == ERR_LIMIT, "%s: %s", name,
                  ending->err.text);
#ifndef __SANITIZE_ADDRESS__ /* which is slow enough to meet another limit */
        cr_assert(memmem(ending->err.text, strlen(ending->err.text), rest.data,
                         str_trim(rest).len),
                  "%s: wanted %.*s, got %s", name, STR_ARG(rest),
                  ending->err.text);
#endif
        return;
    }
    code = str_cut(rest, ':', &text);
    text = str_trim(text);
    cr_assert(str_is(code, err_name(ending->err.code)),
              "%s: wanted %.*s, got %s: %s", name, STR_ARG(code),
              err_name(ending->err.code), ending->err.text);
    cr_assert(
        text.len == 0 || memmem(ending->err.text, strlen(ending->err.text),
                                text.data, text.len),
        "%s: wanted \"%.*s\" in: %s", name, STR_ARG(text), ending->err.text);
}

static struct str verdict_of(struct str text, const char *name) {
    struct str rest, line = str_cut(text, '\n', &rest);

    cr_assert(str_starts(line, "-- verdict: "), "%s has no verdict", name);
    return str_trim((struct str){line.data + 12, line.len - 12});
}

static void meet_the_wall(const char *file) {
    struct bundle *bundle = bundle_open(crypto_sha256, clock_real());
    struct buf     text = BUF_EMPTY, path = BUF_EMPTY;
    struct ending  ending = {false, NULL, {.text = ""}}, after;
    struct err     err;
    struct str     verdict;

    buf_addf(&path, FOLDER "/%s", file);
    cr_assert(file_read(buf_text(&path), 1u << 20, &text, &err), "%s",
              err.text);
    verdict = verdict_of(buf_str(&text), file);
    cr_assert(
        bundle_add(bundle, STR("nodes/harmless.lua"), str_of(harmless), &err));
    if (bundle_add(bundle, STR("nodes/hostile.lua"), buf_str(&text), &err)) {
        bundle_seal(bundle);
        ending = execute(bundle, "hostile");
        if (ending.ended)
            check_contract(bundle, "hostile", &ending);
    } else {
        ending.err = err;
        bundle_seal(bundle);
    }
    expect(file, verdict, &ending);
    after = execute(bundle, "harmless");
    cr_assert(after.ended, "after %s: %s", file, after.err.text);
    json_release(ending.results);
    json_release(after.results);
    bundle_release(bundle);
    buf_release(&text);
    buf_release(&path);
}

ParameterizedTestParameters(hostile, N3_N14_every_script_ends_as_it_must) {
    static char      names[512][FILE_NAME];
    struct file_list list = {0};
    struct err       err;
    size_t           count = 0;

    if (file_list_read(FOLDER, ".lua", &list, &err))
        for (; count < list.count && count < 512; count++)
            (void)snprintf(names[count], FILE_NAME, "%s", list.paths[count]);
    file_list_release(&list);
    return cr_make_param_array(char[FILE_NAME], names, count);
}

ParameterizedTest(char name[FILE_NAME], hostile,
                  N3_N14_every_script_ends_as_it_must, .timeout = 60) {
    meet_the_wall(name);
}

Test(hostile, N14_there_are_at_least_forty_scripts) {
    struct file_list list = {0};
    struct err       err;

    cr_assert(file_list_read(FOLDER, ".lua", &list, &err), "%s", err.text);
    cr_assert(list.count >= 40, "only %zu", list.count);
    file_list_release(&list);
}
