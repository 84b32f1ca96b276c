/* test_vm.c - one way in, and limits that hold. */
#include <criterion/criterion.h>

#include <lauxlib.h>
#include <string.h>

#include "support.h"
#include "sys/clock_real.h"
#include "vm/sandbox.h"
#include "vm/vm.h"

static const struct vm_limits small = {4u << 20, 20000000, 2000, 0};

static struct clock_virtual still;
static struct bundle       *bundle;
static struct vm           *vm;
static struct err           err;

static void open_with(const struct vm_limits *limits) {
    clock_virtual_init(&still, SUPPORT_START);
    bundle = bundle_open(NULL, &still.clock);
    vm = vm_open(limits, &still.clock);
}

static void open_small(void) {
    open_with(&small);
}

static void close_vm(void) {
    vm_close(vm);
    bundle_release(bundle);
}

TestSuite(vm, .init = open_small, .fini = close_vm);

struct script_run {
    const char *text;
    bool        sandboxed;
    struct buf  said;
};

static int run_text(lua_State *L) {
    struct script_run *run = lua_touserdata(L, 1);
    size_t             len;
    const char        *text;

    if (run->sandboxed)
        sandbox_open(L, bundle);
    if (luaL_loadstring(L, run->text) != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 1);
    text = lua_tolstring(L, -1, &len);
    if (text)
        buf_add(&run->said, text, len);
    return 0;
}

static const char *said;

static bool runs(const char *text) {
    static struct script_run run;

    buf_release(&run.said);
    run = (struct script_run){text, true, BUF_EMPTY};
    if (!vm_enter(vm, run_text, &run, &err))
        return false;
    said = buf_text(&run.said);
    return true;
}

static void strikes(const char *text, const char *limit) {
    cr_expect_not(runs(text), "%s", text);
    cr_expect_eq(err.code, ERR_LIMIT, "%s: %s", err_name(err.code), err.text);
    cr_expect(support_has(err.text, limit), "%s", err.text);
    cr_expect(vm_killed(vm));
}

static int raise_anything(lua_State *L) {
    lua_newtable(L);
    return lua_error(L);
}

static int build_much(lua_State *L) {
    for (int i = 1;; i++) {
        lua_checkstack(L, 2);
        lua_createtable(L, 1000, 0);
        lua_rawseti(L, LUA_REGISTRYINDEX, 1000 + i);
    }
    return 0;
}

Test(vm, V1_whatever_is_raised_inside_is_an_error_outside) {
    cr_expect_not(vm_enter(vm, raise_anything, NULL, &err));
    cr_expect_eq(err.code, ERR_SCRIPT);
    cr_expect_not(runs("error('plain')"));
    cr_expect_eq(err.code, ERR_SCRIPT);
    cr_expect(support_has(err.text, "plain"), "%s", err.text);
    cr_expect_not(runs("error(nil)"));
    cr_expect_not(runs("this is no Lua"));
    cr_expect(runs("return 'still in use'"));
    cr_expect_str_eq(said, "still in use");
}

Test(vm, V1_running_out_of_memory_in_our_own_C_is_no_panic) {
    cr_expect_not(vm_enter(vm, build_much, NULL, &err));
    cr_expect_eq(err.code, ERR_LIMIT);
    cr_expect_str_eq(err.text, "memory limit of 4194304 bytes");
}

Test(vm, a_typed_error_keeps_code_text_and_status) {
    cr_expect_not(runs("error({ code = 'denied', text = 'no right', status = "
                       "403, where = 'scripts/nodes/x.lua:7' })"));
    cr_expect_eq(err.code, ERR_DENIED);
    cr_expect_eq(err.status, 403);
    cr_expect_str_eq(err.text, "scripts/nodes/x.lua:7: no right");
    cr_expect_not(runs("error({ code = 'homemade', text = 'x' })"));
    cr_expect_eq(err.code, ERR_SCRIPT);
    cr_expect_str_eq(err.text, "homemade: x");
}

Test(vm, N14_a_loop_is_stopped_by_the_instructions) {
    strikes("while true do end", "instructions limit of 20000000");
}

Test(vm, V2_N14_a_strike_is_not_caught_by_pcall) {
    strikes("while true do pcall(function() while true do end end) end",
            "instructions");
}

Test(vm, V2_N14_a_strike_is_not_caught_by_xpcall_or_its_handler) {
    strikes("xpcall(function() while true do end end, function() "
            "while true do end end) return 'survived'",
            "instructions");
}

Test(vm, V2_N14_a_strike_is_not_caught_by_close_or_metamethods) {
    strikes("local t = setmetatable({}, { __index = function(t, k) "
            "while true do end end })\n"
            "pcall(function() return t.x end) return 'survived'",
            "instructions");
}

Test(vm, V2_N14_a_strike_in_a_charge_from_c_holds_too) {
    strikes("local s = ('x'):rep(100000)\n"
            "while true do pcall(string.rep, s, 10) end",
            "limit");
}

Test(vm, V3_N14_a_script_that_grows_is_stopped_at_the_limit) {
    strikes("local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) .. i end",
            "memory limit of 4194304 bytes");
    cr_expect_leq(vm_memory_used(vm), small.memory);
}

Test(vm, V3_memory_that_was_refused_is_not_caught_away) {
    strikes("local keep = {} while true do pcall(function() for i = 1, 1e9 do "
            "keep[#keep + 1] = ('x'):rep(100000) end end) end",
            "limit");
    cr_expect_leq(vm_memory_used(vm), small.memory);
}

/* Asks for more than the limit at every step and looks that it never gets it.
 */
Test(vm, V3_the_count_of_bytes_never_passes_the_limit) {
    static const size_t limits[] = {200000, 400000, 800000};

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct vm_limits tight = small;

        tight.memory = limits[i];
        close_vm();
        open_with(&tight);
        cr_assert_not_null(vm);
        cr_expect_not(runs("local t = {} while true do t[#t + 1] = {} end"));
        cr_expect_eq(err.code, ERR_LIMIT);
        cr_expect_leq(vm_memory_used(vm), limits[i]);
    }
}

Test(vm, V3_garbage_is_collected_before_anything_is_refused) {
    cr_expect(runs("for i = 1, 400 do local s = ('x'):rep(20000) .. i end "
                   "return 'ok'"),
              "%s", err.text);
}

static int64_t ticking_cpu(struct clock *clock) {
    static int64_t now;

    (void)clock;
    return now += 1000000;
}

Test(vm, N14_cpu_time_is_a_limit_of_its_own) {
    struct clock     clock = {ticking_cpu, ticking_cpu, ticking_cpu};
    struct vm_limits limits = {4u << 20, INT64_MAX / 2, 50, 0};

    close_vm();
    clock_virtual_init(&still, SUPPORT_START);
    bundle = bundle_open(NULL, &still.clock);
    vm = vm_open(&limits, &clock);
    strikes("while true do end", "cpu limit of 50 ms");
}

Test(vm, limits_are_those_that_the_documentation_names) {
    cr_expect_eq(vm_limits_node.memory, 32u << 20);
    cr_expect_eq(vm_limits_source.memory, 256u << 20);
    cr_expect_eq(vm_limits_source.cpu_ms, 5000);
}

Test(vm, V4_no_text_tells_an_address) {
    static const char *const texts[] = {
        "return tostring({})",
        "return tostring(print) .. tostring(string.rep)",
        "return tostring(function() end)",
        "return ('%s'):format({})",
        "return tostring(json.null)",
        "return tostring(setmetatable({}, { __name = 'thing' }))",
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cr_assert(runs(texts[i]), "%s: %s", texts[i], err.text);
        cr_expect_not(support_has(said, "0x"), "%s gives %s", texts[i], said);
    }
    cr_expect_not(runs("return ('%p'):format({})"));
}

/* Order, texts and errors of two VMs, which have hash seeds of their own. */
Test(vm, V4_two_vms_tell_the_same_of_the_same_script) {
    static const char text[] =
        "local out, t = {}, {}\n"
        "for i = 1, 60 do t['key' .. i * 7919 % 61] = i end\n"
        "for k, v in pairs(t) do out[#out + 1] = k .. v end\n"
        "for k in next, t do out[#out + 1] = k end\n"
        "out[#out + 1] = tostring({}) .. tostring(print)\n"
        "out[#out + 1] = select(2, pcall(function() return {} < {} end))\n"
        "return table.concat(out, ' ')";
    struct buf first = BUF_EMPTY;

    cr_assert(runs(text), "%s", err.text);
    buf_add_text(&first, said);
    for (int i = 0; i < 5; i++) {
        close_vm();
        clock_virtual_advance(&still, 1000);
        bundle = bundle_open(NULL, &still.clock);
        vm = vm_open(&small, &still.clock);
        cr_assert(runs(text), "%s", err.text);
        cr_expect_str_eq(said, buf_text(&first));
    }
    buf_release(&first);
}

Test(vm, V6_what_is_renewed_begins_where_it_was_kept) {
    size_t used;

    cr_assert(runs("return 'prepared'"));
    cr_assert(vm_keep(vm));
    used = vm_memory_used(vm);
    for (int i = 0; i < 3; i++) {
        cr_assert(runs("count = (count or 0) + 1 "
                       "for i = 1, 4000000 do local n = i end "
                       "return count .. #('x'):rep(100000)"),
                  "%s", err.text);
        cr_expect_str_eq(said, "1100000");
        vm_renew(vm);
        cr_expect_eq(vm_memory_used(vm), used);
    }
}

/* A prepared one that was used for encoding has something to finalize. */
Test(vm, V6_what_holds_c_memory_lets_go_of_it_when_it_is_renewed) {
    cr_assert(runs("return 1"));
    cr_assert(vm_keep(vm));
    for (int i = 0; i < 3; i++) {
        cr_assert(runs("return json.encode({ ('x'):rep(1000) })"));
        vm_renew(vm);
    }
    cr_assert(runs("return json.encode({ 1 })"));
}

Test(vm, V6_one_that_has_finalizers_or_struck_a_limit_is_not_kept) {
    cr_assert(runs("return json.encode({ 1 })"));
    cr_expect_not(vm_keep(vm));
    close_vm();
    open_small();
    cr_assert_not(runs("while true do end"));
    cr_expect_not(vm_keep(vm));
}
