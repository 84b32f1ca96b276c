/* test_attempt.c - one execution of one function, and that it stands alone. */
#include "scripted.h"

static struct json *no_arguments(void) {
    return json_new_list();
}

/* The results of run() of this node, as a list that the test releases. */
static struct json *run_node(struct bundle *bundle, const char *id) {
    struct json *none = no_arguments();
    struct err   err = {.text = ""};
    struct json *results = attempt_call(bundle, scripted_node(bundle, id),
                                        "run", none, &scripted_limits, &err);

    cr_assert(results, "%s: %s", id, err.text);
    json_release(none);
    return results;
}

static void gives(struct bundle *bundle, const char *id, const char *expected) {
    struct json *results = run_node(bundle, id);

    support_is(results, expected);
    json_release(results);
}

/* --- alone ---------------------------------------------------------------- */

/* Changes all that a script can lay hands on and says that it worked. */
static const char vandal[] =
    "local lib = require 'lib.shared' "
    "local cjson = require 'cjson' "
    "return { run = function() "
    "  count = (count or 0) + 1 "
    "  string.upper = function() return 'vandal' end "
    "  math.floor, table.concat, tostring = nil, nil, nil "
    "  json.null, json.extra, utf8 = 1, 'left', nil "
    "  cjson.null, lib.value = 'gone', 'changed' "
    "  lib.list[1] = 'changed' "
    "  pcall(rawset, getmetatable('') or {}, '__index', nil) "
    "  return count, ('a'):upper() end }";

static const char witness[] =
    "local lib = require 'lib.shared' "
    "local cjson = require 'cjson' "
    "return { run = function() "
    "  local found = {} "
    "  local function note(name, good) "
    "    if not good then found[#found + 1] = name end end "
    "  note('count', count == nil) "
    "  note('upper', string.upper('a') == 'A' and ('a'):upper() == 'A') "
    "  note('floor', math.floor and math.floor(1.5) == 1) "
    "  note('concat', table.concat and table.concat({ 1, 2 }) == '12') "
    "  note('tostring', tostring and tostring(1) == '1') "
    "  note('utf8', utf8 and utf8.char(65) == 'A') "
    "  note('null', json.null ~= 1 and json.extra == nil) "
    "  note('cjson', cjson.null == json.null) "
    "  note('lib', lib.value == 'as written' and lib.list[1] == 'first') "
    "  return json.array(found) end }";

static struct bundle *open_street(void) {
    struct bundle *bundle = scripted_open(NULL);

    scripted_add(bundle, "lib/shared.lua",
                 "return { value = 'as written', list = { 'first' } }");
    scripted_add(bundle, "nodes/vandal.lua", vandal);
    scripted_add(bundle, "nodes/witness.lua", witness);
    return bundle;
}

Test(attempt, AT1_an_attempt_finds_nothing_that_another_changed) {
    struct bundle *bundle = open_street();

    gives(bundle, "witness", "[[]]");
    gives(bundle, "vandal", "[1, 'vandal']");
    gives(bundle, "witness", "[[]]");
    gives(bundle, "vandal", "[1, 'vandal']");
    gives(bundle, "witness", "[[]]");
    bundle_release(bundle);
}

Test(attempt, AT1_nothing_passes_between_two_that_run_at_the_same_time) {
    struct bundle  *bundle = scripted_open(NULL);
    struct json    *none = no_arguments(), *answer = json_new_int(1);
    struct err      err = {.text = ""};
    struct attempt *both[2];

    scripted_add(bundle, "nodes/turns.lua",
                 "return { run = function(ctx) "
                 "  for i = 1, 3 do "
                 "    count = (count or 0) + ctx.random() "
                 "    string.count = count ctx.count = count end "
                 "  return count, string.count, ctx.count end }");
    for (int i = 0; i < 2; i++) {
        both[i] = attempt_open(bundle, scripted_node(bundle, "turns"), "run",
                               true, none, &scripted_limits, &err);
        cr_assert_eq(attempt_resume(both[i], true, NULL, &err), ATTEMPT_ASKS);
    }
    for (int turn = 0; turn < 3; turn++)
        for (int i = 0; i < 2; i++)
            (void)attempt_resume(both[i], true, answer, &err);
    for (int i = 0; i < 2; i++) {
        support_is(attempt_results(both[i]), "[3, 3, 3]");
        attempt_close(both[i]);
    }
    json_release(none);
    json_release(answer);
    bundle_release(bundle);
}

/* How many rounds of the loop fit into the instructions. */
static int64_t rounds_until_struck(struct bundle *bundle) {
    static const struct vm_limits few = {8u << 20, 300000, 2000, 0};
    struct json    *none = no_arguments(), *answer = json_new_int(1);
    struct err      err = {.text = ""};
    struct attempt *attempt =
        attempt_open(bundle, scripted_node(bundle, "subject"), "run", true,
                     none, &few, &err);
    enum attempt_state state = attempt_resume(attempt, true, NULL, &err);
    int64_t            rounds = 0;

    for (; state == ATTEMPT_ASKS; rounds++)
        state = attempt_resume(attempt, true, answer, &err);
    cr_assert_eq(state, ATTEMPT_FAILED);
    cr_assert_eq(err.code, ERR_LIMIT);
    attempt_close(attempt);
    json_release(none);
    json_release(answer);
    return rounds;
}

/* The first builds its VM; that one was struck and is thrown away. What is in
 * use by others is built anew, too, or taken from what is ready. */
Test(attempt, V6_V5_a_vm_that_was_ready_has_the_same_budget_as_a_new_one) {
    struct bundle *bundle =
        scripted_body(NULL, "ctx", "while true do ctx.random() end");
    struct json    *none = no_arguments();
    struct err      err = {.text = ""};
    struct attempt *attempt;
    int64_t         rounds = rounds_until_struck(bundle);

    cr_assert_gt(rounds, 5);
    for (int i = 0; i < 3; i++) {
        static const struct vm_limits few = {8u << 20, 300000, 2000, 0};

        attempt = attempt_open(bundle, scripted_node(bundle, "subject"), "run",
                               true, none, &few, &err);
        cr_assert_eq(attempt_resume(attempt, true, NULL, &err), ATTEMPT_ASKS);
        attempt_close(attempt);
        cr_expect_eq(rounds_until_struck(bundle), rounds);
    }
    json_release(none);
    bundle_release(bundle);
}

Test(attempt, AT1_changing_its_arguments_changes_no_ones_but_its_own) {
    struct bundle *bundle = scripted_body(
        NULL, "input", "input.list[1] = 'mine' input.new = 1 return input");
    struct json *arguments = support_json("[{'list': ['given']}]");
    struct err   err = {.text = ""};

    for (int i = 0; i < 2; i++) {
        struct json *results =
            attempt_call(bundle, scripted_node(bundle, "subject"), "run",
                         arguments, &scripted_limits, &err);

        support_is(results, "[{'list': ['mine'], 'new': 1}]");
        json_release(results);
    }
    support_is(arguments, "[{'list': ['given']}]");
    json_release(arguments);
    bundle_release(bundle);
}

Test(attempt, AT1_N14_one_that_is_killed_is_not_noticed_by_one_that_waits) {
    struct bundle  *bundle = scripted_open(NULL);
    struct json    *none = no_arguments(), *answer = json_new_int(41);
    struct err      err = {.text = ""};
    struct attempt *waits, *dies;

    scripted_add(bundle, "nodes/waits.lua",
                 "return { run = function(ctx) local kept = { 1 } "
                 "return ctx.now() + kept[1] end }");
    scripted_add(bundle, "nodes/dies.lua",
                 "return { run = function() "
                 "local t = {} while true do t[#t + 1] = ('x'):rep(4096) .. #t "
                 "end end }");
    waits = attempt_open(bundle, scripted_node(bundle, "waits"), "run", true,
                         none, &scripted_limits, &err);
    cr_assert_eq(attempt_resume(waits, true, NULL, &err), ATTEMPT_ASKS);
    dies = attempt_open(bundle, scripted_node(bundle, "dies"), "run", true,
                        none, &scripted_limits, &err);
    cr_assert_eq(scripted_resume(dies, true, NULL, &err), ATTEMPT_FAILED);
    cr_expect_eq(err.code, ERR_LIMIT, "%s", err.text);
    attempt_close(dies);
    cr_assert_eq(attempt_resume(waits, true, answer, &err), ATTEMPT_ENDED);
    support_is(attempt_results(waits), "[42]");
    attempt_close(waits);
    json_release(none);
    json_release(answer);
    bundle_release(bundle);
}

Test(attempt, N8_one_that_has_begun_ends_on_the_bundle_it_began_with) {
    static const char *const texts[] = {"return { name = 'old' }",
                                        "return { name = 'new' }"};
    struct bundle           *bundles[2];
    struct json             *none = no_arguments();
    struct err               err = {.text = ""};
    struct attempt          *attempt;

    for (int i = 0; i < 2; i++) {
        bundles[i] = scripted_open(NULL);
        scripted_add(bundles[i], "lib/name.lua", texts[i]);
        scripted_add(bundles[i], "nodes/late.lua",
                     "return { run = function(ctx) ctx.sleep(1) "
                     "return require('lib.name').name end }");
        scripted_add(bundles[i], "nodes/soon.lua",
                     "return { run = function() "
                     "return require('lib.name').name end }");
    }
    attempt = attempt_open(bundles[0], scripted_node(bundles[0], "late"), "run",
                           true, none, &scripted_limits, &err);
    cr_assert_eq(attempt_resume(attempt, true, NULL, &err), ATTEMPT_ASKS);
    gives(bundles[1], "soon", "['new']");
    cr_assert_eq(attempt_resume(attempt, true, NULL, &err), ATTEMPT_ENDED);
    support_is(attempt_results(attempt), "['old']");
    attempt_close(attempt);
    json_release(none);
    bundle_release(bundles[0]);
    bundle_release(bundles[1]);
}

/* --- what cannot be plain values ------------------------------------------ */

/* Runs to its end; every question is answered with true. */
static enum attempt_state run_body(const char *body, struct json **results,
                                   struct err *err) {
    struct bundle  *bundle = scripted_body(NULL, "ctx", body);
    struct json    *none = no_arguments(), *yes = json_new_bool(true);
    struct attempt *attempt =
        attempt_open(bundle, scripted_node(bundle, "subject"), "run", true,
                     none, &scripted_limits, err);
    enum attempt_state state = scripted_resume(attempt, true, NULL, err);

    while (state == ATTEMPT_ASKS)
        state = scripted_resume(attempt, true, yes, err);
    *results = NULL;
    if (state == ATTEMPT_ENDED)
        *results = json_clone(attempt_results(attempt));
    attempt_close(attempt);
    json_release(none);
    json_release(yes);
    bundle_release(bundle);
    return state;
}

static void ends(const char *body, const char *expected) {
    struct json *results;
    struct err   err = {.text = ""};

    cr_assert_eq(run_body(body, &results, &err), ATTEMPT_ENDED, "%s: %s", body,
                 err.text);
    support_is(results, expected);
    json_release(results);
}

static void fails(const char *body, enum err_code code, const char *part) {
    struct json *results;
    struct err   err = {.text = ""};

    cr_assert_eq(run_body(body, &results, &err), ATTEMPT_FAILED, "%s", body);
    cr_expect(err.code == code && support_has(err.text, part),
              "%s\n gives %s: %s", body, err_name(err.code), err.text);
}

Test(attempt,
     AT2_a_question_that_cannot_leave_is_an_error_the_script_may_catch) {
    ends("local ok, e = pcall(ctx.http, { get = type }) "
         "return ok, e.code, e.text",
         "[false, 'contract', '.get: a function cannot leave a script']");
    ends("local t = {} t.t = t "
         "local answer, e = ctx.try.http(t) return answer, e.code",
         "[null, 'limit']");
    ends("local _, e = ctx.try.aws('x', 0 / 0) return e.code", "['contract']");
    ends("local _, e = ctx.try.aws(1, 2, 3, 4, 5, 6, 7) return e.code, e.text",
         "['invalid', '9 values, at most 8 are taken']");
    ends("for i = 1, 50 do ctx.try.http(type) end return ctx.try.http(1)",
         "[true]");
}

Test(attempt, AT2_a_question_that_cannot_leave_and_is_not_caught_fails_it) {
    fails("ctx.http({ get = type })", ERR_CONTRACT, ".get: a function cannot");
}

Test(attempt, AT2_a_result_that_cannot_leave_fails_the_attempt) {
    fails("return 'ok', { n = 0 / 0 }", ERR_CONTRACT, ".n: number is not");
    fails("return 'ok', { f = type }", ERR_CONTRACT, ".f: a function cannot");
    fails("local t = {} t.t = t return 'ok', t", ERR_LIMIT, "nested more");
    fails("return '\\xff'", ERR_CONTRACT, "not valid UTF-8");
    fails("return 1, 2, 3, 4", ERR_INVALID, "4 values, at most 3 are taken");
}

Test(attempt, AT2_a_result_may_take_a_share_of_its_limit_of_memory) {
    static const char six_mib[] = "return ('x'):rep(6 << 20)";
    struct err        err = {.text = ""};
    struct json      *results = scripted_run(six_mib, &vm_limits_source, &err);

    cr_expect(results, "%s", err.text);
    json_release(results);
    cr_expect_null(scripted_run(six_mib, &vm_limits_node, &err));
    cr_expect_eq(err.code, ERR_LIMIT);
    cr_expect(support_has(err.text, "4194304 bytes"), "%s", err.text);
}

Test(attempt, AT2_after_such_a_failure_the_bundle_serves_the_next) {
    struct bundle *bundle = scripted_body(
        NULL, "input", "if input then return type end return 'well'");
    struct json *arguments = support_json("[true]");
    struct err   err = {.text = ""};

    cr_expect_null(attempt_call(bundle, scripted_node(bundle, "subject"), "run",
                                arguments, &scripted_limits, &err));
    cr_expect_eq(err.code, ERR_CONTRACT, "%s", err.text);
    gives(bundle, "subject", "['well']");
    json_release(arguments);
    bundle_release(bundle);
}

/* --- errors and ends ------------------------------------------------------ */

Test(attempt, an_error_with_a_code_keeps_it_and_one_without_is_the_scripts) {
    fails("error { code = 'conflict', text = 'two of them' }", ERR_CONFLICT,
          "two of them");
    fails("error { code = 'mine', text = 'odd' }", ERR_SCRIPT, "mine: odd");
    fails("error 'plain'", ERR_SCRIPT, "scripts/nodes/subject.lua:1: plain");
    fails("error()", ERR_SCRIPT, "error value is a nil");
    fails("error(type)", ERR_SCRIPT, "error value is a function");
    fails("error(setmetatable({}, { __index = function() while true do end end,"
          " __tostring = function() while true do end end }))",
          ERR_SCRIPT, "(no text)");
    fails("local x = nil; return x.y", ERR_SCRIPT, "attempt to index a nil");
}

Test(attempt, a_script_that_has_no_such_function_or_no_table_says_so) {
    struct bundle *bundle = scripted_open(NULL);
    struct json   *none = no_arguments();
    struct err     err = {.text = ""};

    scripted_add(bundle, "nodes/empty.lua", "return { run = 1 }");
    scripted_add(bundle, "nodes/nothing.lua", "");
    cr_expect_null(attempt_call(bundle, scripted_node(bundle, "empty"), "run",
                                none, &scripted_limits, &err));
    cr_expect(
        support_has(err.text, "scripts/nodes/empty.lua: has no function 'run'"),
        "%s", err.text);
    cr_expect_null(attempt_call(bundle, scripted_node(bundle, "nothing"), "run",
                                none, &scripted_limits, &err));
    cr_expect(support_has(err.text, "must return a table, returned a nil"),
              "%s", err.text);
    json_release(none);
    bundle_release(bundle);
}

Test(attempt, a_function_that_must_be_pure_may_not_ask) {
    struct bundle *bundle = scripted_body(NULL, "ctx", "return ctx == nil");

    gives(bundle, "subject", "[true]");
    bundle_release(bundle);
}

Test(attempt, AT2_the_table_of_a_script_has_caps_of_its_own) {
    struct bundle *bundle = scripted_open(NULL);
    struct err     err = {.text = ""};
    struct json   *table;

    scripted_add(bundle, "nodes/good.lua",
                 "return { run = type, deep = { f = function() end } }");
    scripted_add(bundle, "nodes/huge.lua", "return { ('x'):rep(2 << 20) }");
    scripted_add(bundle, "nodes/knot.lua", "local t = {} t.t = t return t");
    table = attempt_table(bundle, scripted_node(bundle, "good"), &err);
    support_is(table, "{'deep': {'f': 'function'}, 'run': 'function'}");
    json_release(table);
    cr_expect_null(attempt_table(bundle, scripted_node(bundle, "huge"), &err));
    cr_expect_eq(err.code, ERR_LIMIT, "%s", err.text);
    cr_expect_null(attempt_table(bundle, scripted_node(bundle, "knot"), &err));
    cr_expect_eq(err.code, ERR_LIMIT, "%s", err.text);
    bundle_release(bundle);
}

/* --- turns ---------------------------------------------------------------- */

/* A millisecond passes whenever somebody looks. */
static int64_t busy_time(struct clock *clock) {
    static int64_t now;

    (void)clock;
    return now += 1000000;
}

static struct clock busy_clock = {busy_time, busy_time, scripted_no_time};

Test(attempt, a_busy_script_gives_the_loop_its_turn_and_ends_all_the_same) {
    static const struct vm_limits limits = {32u << 20, 200000000, 2000, 500};
    struct bundle                *bundle =
        scripted_body(&busy_clock, "",
                      "local sum = 0 for i = 1, 100000 do sum = sum + i end "
                      "return sum");
    struct json    *none = no_arguments();
    struct err      err = {.text = ""};
    struct attempt *attempt =
        attempt_open(bundle, scripted_node(bundle, "subject"), "run", false,
                     none, &limits, &err);
    enum attempt_state state = attempt_resume(attempt, true, NULL, &err);
    int                turns = 0;

    for (; state == ATTEMPT_SLICED; turns++)
        state = attempt_resume(attempt, true, NULL, &err);
    cr_expect_gt(turns, 100);
    cr_assert_eq(state, ATTEMPT_ENDED, "%s", err.text);
    support_is(attempt_results(attempt), "[5000050000]");
    attempt_close(attempt);
    json_release(none);
    bundle_release(bundle);
}

Test(attempt, N14_one_that_does_nothing_but_ask_spends_its_budget) {
    static const struct vm_limits limits = {32u << 20, 1000000, 2000, 0};
    struct bundle                *bundle =
        scripted_body(NULL, "ctx", "while true do ctx.now() end");
    struct json    *none = no_arguments();
    struct err      err = {.text = ""};
    struct attempt *attempt =
        attempt_open(bundle, scripted_node(bundle, "subject"), "run", true,
                     none, &limits, &err);
    enum attempt_state state = attempt_resume(attempt, true, NULL, &err);
    int                asked = 0;

    for (; state == ATTEMPT_ASKS && asked < 1000; asked++)
        state = attempt_resume(attempt, true, none, &err);
    cr_expect_eq(state, ATTEMPT_FAILED);
    cr_expect_eq(err.code, ERR_LIMIT, "%s", err.text);
    attempt_close(attempt);
    json_release(none);
    bundle_release(bundle);
}

Test(attempt, one_that_waits_for_an_answer_can_be_closed) {
    struct bundle  *bundle = scripted_body(NULL, "ctx", "ctx.http({ 'a' })");
    struct json    *none = no_arguments();
    struct err      err = {.text = ""};
    struct attempt *attempt =
        attempt_open(bundle, scripted_node(bundle, "subject"), "run", true,
                     none, &scripted_limits, &err);

    cr_assert_eq(attempt_resume(attempt, true, NULL, &err), ATTEMPT_ASKS);
    attempt_close(attempt);
    attempt_close(attempt_open(bundle, scripted_node(bundle, "subject"), "run",
                               true, none, &scripted_limits, &err));
    attempt_close(NULL);
    json_release(none);
    bundle_release(bundle);
}

/* The same work with a turn of the loop at every tick: it is spread over all
 * places in which a script can be while its slice ends. */
Test(attempt, V2_a_slice_may_end_anywhere_and_changes_no_result) {
    static const char body[] =
        "local out, list, keyed = {}, {}, {} "
        "for i = 1, 300 do list[i] = (i * 7919) % 307 keyed['k' .. i] = i end "
        "table.sort(list, function(a, b) return a > b end) "
        "local slow = setmetatable({}, { __index = function(_, k) "
        "  local n = 0 for i = 1, 200 do n = n + i end return n .. k end, "
        "  __lt = function() for _ = 1, 200 do end return true end, "
        "  __concat = function() for _ = 1, 200 do end return 'joined' end }) "
        "out[1] = table.concat(list, ',') "
        "out[2] = (('abc'):rep(50):gsub('%w', function(c) "
        "  for _ = 1, 50 do end return c:upper() end)) "
        "out[3] = select(2, pcall(function() "
        "  for _ = 1, 2000 do end error('caught', 0) end)) "
        "out[4] = slow.x .. tostring(slow < slow) .. (slow .. slow) "
        "for k, v in pairs(keyed) do out[5] = (out[5] or '') .. k .. v end "
        "out[6] = select(2, xpcall(function() "
        "  for _ = 1, 2000 do end error('seen', 0) end, "
        "  function(e) for _ = 1, 2000 do end return e .. '!' end)) "
        "return out";
    static const struct vm_limits limits = {32u << 20, 200000000, 2000, 1};
    struct bundle                *bundle = scripted_body(&busy_clock, "", body);
    struct json                  *none = no_arguments();
    struct json                  *whole;
    struct buf                    wanted = BUF_EMPTY;
    struct err                    err = {.text = ""};
    struct attempt               *attempt =
        attempt_open(bundle, scripted_node(bundle, "subject"), "run", false,
                     none, &limits, &err);

    whole = scripted_run(body, &scripted_limits, &err);
    cr_assert(whole, "%s", err.text);
    json_write(whole, &wanted);
    cr_assert_eq(attempt_resume(attempt, true, NULL, &err), ATTEMPT_SLICED);
    cr_assert_eq(scripted_resume(attempt, true, NULL, &err), ATTEMPT_ENDED,
                 "%s", err.text);
    support_is(attempt_results(attempt), buf_text(&wanted));
    attempt_close(attempt);
    json_release(whole);
    json_release(none);
    buf_release(&wanted);
    bundle_release(bundle);
}

/* Lua counts C calls anew after each turn, so a turn that ended by the clock
 * would let a script on a slow machine recurse deeper than on a fast one. */
static struct json *depth_under(struct clock *clock) {
    static const char body[] =
        "local depth = 0 local function f(s) depth = depth + 1 "
        "return (s:gsub('.', f)) end pcall(f, 'x') return depth";
    struct bundle  *bundle = scripted_body(clock, "", body);
    struct json    *none = no_arguments(), *depth;
    struct err      err = {.text = ""};
    struct attempt *attempt =
        attempt_open(bundle, scripted_node(bundle, "subject"), "run", false,
                     none, &vm_limits_node, &err);

    cr_assert_eq(scripted_resume(attempt, true, NULL, &err), ATTEMPT_ENDED,
                 "%s", err.text);
    depth = json_clone(attempt_results(attempt));
    attempt_close(attempt);
    json_release(none);
    bundle_release(bundle);
    return depth;
}

Test(attempt, V5_N7_a_slow_machine_changes_no_result) {
    struct json *fast = depth_under(&scripted_clock);
    struct json *slow = depth_under(&busy_clock);

    cr_assert_gt(json_int(json_at(fast, 0)), 100);
    cr_assert(json_same(fast, slow), "%lld and %lld",
              (long long)json_int(json_at(fast, 0)),
              (long long)json_int(json_at(slow, 0)));
    json_release(fast);
    json_release(slow);
}

Test(attempt, V2_N14_many_small_turns_add_up_to_the_cpu_limit) {
    static struct clock           cpu_clock = {busy_time, busy_time, busy_time};
    static const struct vm_limits limits = {32u << 20, INT64_MAX / 2, 500, 1};
    struct bundle                *bundle =
        scripted_body(&scripted_clock, "", "while true do pcall(error) end");
    struct bundle *timed =
        scripted_body(&cpu_clock, "", "while true do pcall(error) end");
    struct json    *none = no_arguments();
    struct err      err = {.text = ""};
    struct attempt *attempt;
    struct str      code;
    int             turns = 0;

    /* Compiling is not what is timed. */
    cr_assert(
        bundle_code(bundle, scripted_node(bundle, "subject"), &code, &err));
    attempt = attempt_open(timed, scripted_node(timed, "subject"), "run", false,
                           none, &limits, &err);
    while (turns < 10000 &&
           attempt_resume(attempt, true, NULL, &err) == ATTEMPT_SLICED)
        turns++;
    cr_expect_gt(turns, 10);
    cr_assert_lt(turns, 10000, "it goes on for ever");
    cr_expect(err.code == ERR_LIMIT && support_has(err.text, "cpu limit"), "%s",
              err.text);
    attempt_close(attempt);
    json_release(none);
    bundle_release(bundle);
    bundle_release(timed);
}

/* --- little memory -------------------------------------------------------- */

/* Refuses an allocation at every place in which a sandbox, a library, a
 * coroutine, an argument or a result can need one. */
Test(attempt, V1_V3_N14_whatever_memory_it_has_it_ends_or_meets_its_limit,
     .timeout = 120) {
    struct bundle   *bundle = open_street();
    struct json     *arguments = support_json("[{'a': [1, {'b': 'text'}]}]");
    struct vm_limits limits = scripted_limits;
    int              ended = 0, refused = 0;

    scripted_add(bundle, "nodes/small.lua",
                 "local lib = require 'lib.shared' "
                 "return { run = function(input) "
                 "  local ok, e = pcall(function() return nil .. 'x' end) "
                 "  return json.encode(input), ('x'):rep(200), e end }");
    for (limits.memory = 1000; ended < 20; limits.memory += 97) {
        struct err   err = {.text = ""};
        struct json *results =
            attempt_call(bundle, scripted_node(bundle, "small"), "run",
                         arguments, &limits, &err);

        cr_assert(results || err.code == ERR_LIMIT, "%zu bytes: %s: %s",
                  limits.memory, err_name(err.code), err.text);
        ended += results != NULL;
        refused += results == NULL;
        json_release(results);
        cr_assert_lt(limits.memory, 1u << 20);
    }
    cr_expect_gt(refused, 100);
    json_release(arguments);
    bundle_release(bundle);
}

/* --- all that can be reached ---------------------------------------------- */

#define WALK                                                                 \
    "local seen, tables, all = {}, {}, {} "                                  \
    "local function walk(path, value) "                                      \
    "  all[#all + 1] = path .. ' ' .. type(value) "                          \
    "  if type(value) ~= 'table' or seen[value] then return end "            \
    "  seen[value] = true tables[#tables + 1] = value "                      \
    "  for k, v in pairs(value) do walk(path .. '.' .. tostring(k), v) end " \
    "end "                                                                   \
    "local function everything(ctx) "                                        \
    "  walk('env', _ENV) walk('ctx', ctx) "                                  \
    "  walk('cjson', require 'cjson') walk('lib', require 'lib.shared') "    \
    "  walk('text', getmetatable('')) walk('list', "                         \
    "getmetatable(json.array())) "                                           \
    "end "

static const char observer[] =
    WALK "return { run = function(ctx) everything(ctx) "
         "return all, ctx.now() end }";

static const char destroyer[] =
    WALK "return { run = function(ctx) "
         "  local pairs, pcall, rawset, now = pairs, pcall, rawset, ctx.now "
         "  everything(ctx) "
         "  local count = 0 "
         "  for i = 1, #tables do local t = tables[i] "
         "    local names = {} "
         "    for k in pairs(t) do names[k] = true end "
         "    for k in pairs(names) do "
         "      if pcall(rawset, t, k, 'broken') then count = count + 1 end "
         "    end "
         "    rawset(t, 'left', 'behind') "
         "  end "
         "  return count > 80, now() end }";

static struct json *look_around(struct bundle *bundle, const char *id) {
    struct json    *none = no_arguments(), *results = NULL;
    struct err      err = {.text = ""};
    struct attempt *attempt =
        attempt_open(bundle, scripted_node(bundle, id), "run", true, none,
                     &scripted_limits, &err);

    cr_assert_eq(attempt_resume(attempt, true, NULL, &err), ATTEMPT_ASKS,
                 "%s: %s", id, err.text);
    cr_assert_eq(attempt_resume(attempt, true, none, &err), ATTEMPT_ENDED,
                 "%s: %s", id, err.text);
    results = json_clone(json_at(attempt_results(attempt), 0));
    attempt_close(attempt);
    json_release(none);
    return results;
}

Test(attempt, AT1_SB2_one_that_overwrites_all_it_can_reach_changes_no_other) {
    struct bundle *bundle = open_street();
    struct json   *before, *destroyed, *after;

    scripted_add(bundle, "nodes/observer.lua", observer);
    scripted_add(bundle, "nodes/destroyer.lua", destroyer);
    before = look_around(bundle, "observer");
    cr_expect_gt(json_count(before), 90);
    destroyed = look_around(bundle, "destroyer");
    support_is(destroyed, "true");
    after = look_around(bundle, "observer");
    cr_expect(json_same(before, after));
    json_release(before);
    json_release(destroyed);
    json_release(after);
    bundle_release(bundle);
}
