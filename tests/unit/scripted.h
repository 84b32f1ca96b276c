/* scripted.h - a few lines of Lua in a VM of their own, and what came of them.
 *
 * The bundle, the sandbox and the attempt are the product's; the clock stands
 * still unless the test brings one, so that nothing depends on the machine.
 *
 * Lifetime: a test. Thread: any.
 */
#ifndef TESTS_SCRIPTED_H
#define TESTS_SCRIPTED_H

#include <lauxlib.h>

#include "support.h"
#include "sys/crypto.h"
#include "vm/attempt.h"

static int64_t scripted_no_time(struct clock *clock) {
    (void)clock;
    return 0;
}

static struct clock scripted_clock = {scripted_no_time, scripted_no_time,
                                      scripted_no_time};

/* Enough for any honest test, and no slices. */
static const struct vm_limits scripted_limits = {32u << 20, 200000000, 2000, 0};

static inline struct bundle *scripted_open(struct clock *clock) {
    return bundle_open(crypto_sha256, clock ? clock : &scripted_clock);
}

static inline void scripted_add(struct bundle *bundle, const char *path,
                                const char *text) {
    struct err err;

    cr_assert(bundle_add(bundle, str_of(path), str_of(text), &err), "%s: %s",
              path, err.text);
    bundle_seal(bundle);
}

static inline const struct script *scripted_node(struct bundle *bundle,
                                                 const char    *id) {
    const struct script *script = bundle_find(bundle, SCRIPT_NODE, str_of(id));

    cr_assert(script, "there is no node %s", id);
    return script;
}

/* A bundle whose node "subject" has this as its run function's body. */
static inline struct bundle *
scripted_body(struct clock *clock, const char *parameters, const char *body) {
    struct bundle *bundle = scripted_open(clock);
    struct buf     text = BUF_EMPTY;

    buf_addf(&text, "return { run = function(%s) %s end }", parameters, body);
    scripted_add(bundle, "nodes/subject.lua", buf_text(&text));
    buf_release(&text);
    return bundle;
}

/* What the body returns, as a list, or NULL. The argument is `input`. */
static inline struct json *scripted_run(const char             *body,
                                        const struct vm_limits *limits,
                                        struct err             *err) {
    struct bundle *bundle = scripted_body(NULL, "input", body);
    struct json   *none = json_new_list(), *results;

    results = attempt_call(bundle, scripted_node(bundle, "subject"), "run",
                           none, limits, err);
    json_release(none);
    bundle_release(bundle);
    return results;
}

/* The body returns this list; ' stands for ". */
static inline void scripted_gives(const char *body, const char *expected) {
    struct err   err = {.text = ""};
    struct json *results = scripted_run(body, &scripted_limits, &err);

    cr_assert(results, "%s\n fails: %s", body, err.text);
    support_is(results, expected);
    json_release(results);
}

/* The body ends with this error, which has `part` in its sentence. */
static inline void scripted_fails_within(const char             *body,
                                         const struct vm_limits *limits,
                                         enum err_code code, const char *part) {
    struct err   err = {.text = ""};
    struct json *results = scripted_run(body, limits, &err);

    cr_assert_null(results, "%s\n does not fail", body);
    cr_expect(err.code == code && support_has(err.text, part),
              "%s\n gives %s: %s\n and not %s: %s", body, err_name(err.code),
              err.text, err_name(code), part);
}

static inline void scripted_fails(const char *body, enum err_code code,
                                  const char *part) {
    scripted_fails_within(body, &scripted_limits, code, part);
}

/* Resumes until it is no longer the slice that stopped it. */
static inline enum attempt_state scripted_resume(struct attempt    *attempt,
                                                 bool               ok,
                                                 const struct json *answer,
                                                 struct err        *err) {
    enum attempt_state state = attempt_resume(attempt, ok, answer, err);

    while (state == ATTEMPT_SLICED)
        state = attempt_resume(attempt, true, NULL, err);
    return state;
}

#endif
