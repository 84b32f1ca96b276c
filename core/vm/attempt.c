/* attempt.c - everything happens inside vm_enter(); between two entries the
 * coroutine sleeps in the registry. */
#include "vm/attempt.h"

#include <assert.h>
#include <lauxlib.h>

#include "base/mem.h"
#include "vm/ctx.h"
#include "vm/marshal.h"
#include "vm/ready.h"
#include "vm/sandbox.h"

#define RESULTS_MAX 3
#define RESULT_SHARE 8 /* of the memory: 4 MiB of a node, 32 of a source */
#define QUESTION_MAX 8
#define QUESTION_COST 10000

struct attempt {
    struct vm           *vm; /* NULL before the first resume */
    struct bundle       *bundle;
    const struct script *script;
    const char          *function;
    bool                 ctx;
    struct ready_use     use;
    struct marshal_caps  result_caps;
    const struct json   *arguments;
    lua_State           *coroutine; /* NULL before the first resume */
    struct json         *question, *results;
    enum attempt_state   state;
    struct {
        bool               asked, ok;
        const struct json *value;
    } answer;
};

struct attempt *attempt_open(struct bundle *bundle, const struct script *script,
                             const char *function, bool ctx,
                             const struct json      *arguments,
                             const struct vm_limits *limits, struct err *err) {
    struct attempt *attempt = mem_new(sizeof *attempt);

    (void)err;
    attempt->bundle = bundle;
    attempt->script = script;
    attempt->function = function;
    attempt->ctx = ctx;
    attempt->use = (struct ready_use){script, ctx, *limits};
    attempt->result_caps = marshal_caps_output;
    attempt->result_caps.bytes = limits->memory / RESULT_SHARE;
    attempt->arguments = arguments;
    return attempt;
}

static void give_back(struct attempt *attempt) {
    if (!attempt->vm)
        return;
    vm_count_in(attempt->vm, NULL);
    ready_give(bundle_ready(attempt->bundle), &attempt->use, attempt->vm);
}

void attempt_close(struct attempt *attempt) {
    if (!attempt)
        return;
    give_back(attempt);
    json_release(attempt->question);
    json_release(attempt->results);
    mem_free(attempt);
}

/* Pushes the table that the script returns. */
static void push_table(lua_State *L, struct bundle *bundle,
                       const struct script *script) {
    sandbox_open(L, bundle);
    sandbox_load(L, bundle, script);
    lua_call(L, 0, 1);
    if (!lua_istable(L, -1))
        luaL_error(L, "scripts/%s: must return a table, returned a %s",
                   script->path, luaL_typename(L, -1));
}

static const char table_key, ctx_key; /* registry */

/* Everything that does not depend on the input. What loading leaves behind is
 * collected, so that the VM is small while it waits. */
static int prepare(lua_State *L) {
    struct attempt *attempt = lua_touserdata(L, 1);

    push_table(L, attempt->bundle, attempt->script);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &table_key);
    if (attempt->ctx) {
        ctx_push(L, attempt->bundle);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &ctx_key);
    }
    lua_gc(L, LUA_GCCOLLECT);
    return 0;
}

static bool build(struct attempt *attempt, struct err *err) {
    attempt->vm = vm_open(&attempt->use.limits, bundle_clock(attempt->bundle));
    if (!attempt->vm)
        return err_set(err, ERR_LIMIT, "no memory for a new VM");
    if (!vm_enter(attempt->vm, prepare, attempt, err))
        return false;
    ready_keep(bundle_ready(attempt->bundle), &attempt->use, attempt->vm);
    return true;
}

static bool make_ready(struct attempt *attempt, struct err *err) {
    attempt->vm = ready_take(bundle_ready(attempt->bundle), &attempt->use);
    if (!attempt->vm && !build(attempt, err))
        return false;
    vm_count_in(attempt->vm, bundle_room(attempt->bundle));
    return true;
}

/* Makes the coroutine with the function and its arguments on its stack. */
static int begin(lua_State *L, struct attempt *attempt) {
    int count = (int)json_count(attempt->arguments);

    lua_rawgetp(L, LUA_REGISTRYINDEX, &table_key);
    lua_pushstring(L, attempt->function);
    lua_rawget(L, -2);
    if (!lua_isfunction(L, -1))
        luaL_error(L, "scripts/%s: has no function '%s'", attempt->script->path,
                   attempt->function);
    attempt->coroutine = lua_newthread(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, attempt);
    luaL_checkstack(attempt->coroutine, 8, "arguments");
    if (attempt->ctx)
        lua_rawgetp(L, LUA_REGISTRYINDEX, &ctx_key);
    for (int i = 0; i < count; i++)
        marshal_push(L, json_at(attempt->arguments, (size_t)i));
    lua_xmove(L, attempt->coroutine, 1 + attempt->ctx + count);
    return attempt->ctx + count;
}

static void push_error(lua_State *L, const struct err *err) {
    lua_createtable(L, 0, 3);
    lua_pushstring(L, err_name(err->code));
    lua_setfield(L, -2, "code");
    lua_pushstring(L, err->text);
    lua_setfield(L, -2, "text");
}

/* Puts (ok, value) onto the coroutine's stack. */
static int give_answer(lua_State *L, struct attempt *attempt) {
    /* A resume sets Lua's count of instructions back, so a script that does
     * nothing but ask would never be counted. */
    vm_charge(L, QUESTION_COST);
    lua_pushboolean(L, attempt->answer.ok);
    marshal_push(L, attempt->answer.value);
    lua_xmove(L, attempt->coroutine, 2);
    return 2;
}

/* The top `count` values of the coroutine as a list; they are popped. NULL
 * when one of them cannot leave. */
static struct json *take_values(lua_State *co, int count, int most,
                                const struct marshal_caps *caps,
                                struct err                *err) {
    struct json *list = json_new_list();
    int          first = lua_gettop(co) - count + 1;

    if (count > most)
        err_set(err, ERR_INVALID, "%d values, at most %d are taken", count,
                most);
    for (int i = 0; i < count && list; i++) {
        struct json *value =
            count > most ? NULL : marshal_take(co, first + i, caps, err);

        if (value) {
            json_append(list, value);
        } else {
            json_release(list);
            list = NULL;
        }
    }
    lua_settop(co, first - 1);
    return list;
}

static int end(lua_State *L, struct attempt *attempt, int count) {
    struct err err;

    attempt->results = take_values(attempt->coroutine, count, RESULTS_MAX,
                                   &attempt->result_caps, &err);
    if (!attempt->results) {
        push_error(L, &err);
        return lua_error(L);
    }
    attempt->state = ATTEMPT_ENDED;
    return 0;
}

/* A question that cannot leave is answered here with its error. (AT2) */
static bool took_question(lua_State *L, struct attempt *attempt, int count) {
    struct err err;

    json_release(attempt->question);
    attempt->question = take_values(attempt->coroutine, count, QUESTION_MAX,
                                    &marshal_caps_output, &err);
    if (attempt->question) {
        attempt->state = ATTEMPT_ASKS;
        return true;
    }
    lua_pushboolean(L, false);
    push_error(L, &err);
    lua_xmove(L, attempt->coroutine, 2);
    return false;
}

static int go_on(lua_State *L) {
    struct attempt *attempt = lua_touserdata(L, 1);
    int             given = 0, count, rc;

    if (!attempt->coroutine)
        given = begin(L, attempt);
    else if (attempt->answer.asked)
        given = give_answer(L, attempt);
    for (;;) {
        rc = vm_resume(attempt->vm, attempt->coroutine, given, &count);
        if (rc == LUA_OK)
            return end(L, attempt, count);
        if (rc != LUA_YIELD) {
            lua_xmove(attempt->coroutine, L, 1);
            return lua_error(L);
        }
        if (vm_sliced(attempt->vm)) {
            attempt->state = ATTEMPT_SLICED;
            return 0;
        }
        if (took_question(L, attempt, count))
            return 0;
        given = 2;
    }
}

enum attempt_state attempt_resume(struct attempt *attempt, bool ok,
                                  const struct json *answer, struct err *err) {
    assert(attempt->state != ATTEMPT_ENDED && attempt->state != ATTEMPT_FAILED);
    attempt->answer.asked = attempt->state == ATTEMPT_ASKS;
    attempt->answer.ok = ok;
    attempt->answer.value = answer;
    if ((!attempt->vm && !make_ready(attempt, err)) ||
        !vm_enter(attempt->vm, go_on, attempt, err))
        attempt->state = ATTEMPT_FAILED;
    return attempt->state;
}

const struct json *attempt_question(const struct attempt *attempt) {
    return attempt->question;
}

const struct json *attempt_results(const struct attempt *attempt) {
    return attempt->results;
}

struct reading {
    struct bundle       *bundle;
    const struct script *script;
    struct json         *table;
};

static int read_table(lua_State *L) {
    static const struct marshal_caps caps = {1u << 20, 32, true};
    struct reading                  *reading = lua_touserdata(L, 1);
    struct err                       err;

    push_table(L, reading->bundle, reading->script);
    reading->table = marshal_take(L, -1, &caps, &err);
    if (!reading->table) {
        push_error(L, &err);
        return lua_error(L);
    }
    return 0;
}

struct json *attempt_table(struct bundle *bundle, const struct script *script,
                           struct err *err) {
    struct reading reading = {bundle, script, NULL};
    struct vm     *vm = vm_open(&vm_limits_node, bundle_clock(bundle));
    bool           ok;

    if (!vm) {
        err_set(err, ERR_LIMIT, "no memory for a new VM");
        return NULL;
    }
    ok = vm_enter(vm, read_table, &reading, err);
    vm_close(vm);
    if (!ok) {
        json_release(reading.table);
        return NULL;
    }
    return reading.table;
}

struct json *attempt_call(struct bundle *bundle, const struct script *script,
                          const char *function, const struct json *arguments,
                          const struct vm_limits *limits, struct err *err) {
    struct attempt *attempt =
        attempt_open(bundle, script, function, false, arguments, limits, err);
    enum attempt_state state = ATTEMPT_SLICED;
    struct json       *results = NULL;

    if (!attempt)
        return NULL;
    while (state == ATTEMPT_SLICED)
        state = attempt_resume(attempt, true, NULL, err);
    if (state == ATTEMPT_ENDED)
        results = json_retain(attempt->results);
    else if (state == ATTEMPT_ASKS)
        err_set(err, ERR_CONTRACT, "scripts/%s: '%s' may not ask for anything",
                script->path, function);
    attempt_close(attempt);
    return results;
}
