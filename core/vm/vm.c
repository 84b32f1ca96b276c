/* vm.c - limits kept by an allocator, a count hook and charges from C.
 *
 * The hook fires every TICK instructions and at every one after a strike. The
 * allocator cannot raise, so it marks the strike and pulls the hook close.
 * Lua collects garbage and asks again when an allocation is refused; only the
 * second refusal in a row is a strike, since the first may be healed.
 *
 * A slice is counted in work and not in time: where a script yields shows in
 * how deep it may recurse through the library (Lua counts C calls anew after a
 * yield), and that has to be the same on every machine and every re-run. (N7)
 */
#include "vm/vm.h"

#include <lauxlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "vm/arena.h"
#include "vm/room.h"

#define TICK 256
#define CPU_CHECK_NS 500000 /* the CPU clock is a system call */
/* One instruction over such a text takes as long as thousands of others:
 * comparing, hashing or joining long texts. Then the hook comes closer. */
#define LARGE_TEXT (1u << 20)
#define LARGE_TICK 8
#define LARGE_WORK 20000  /* what such a tick counts for in a slice */
#define SLICE_WORK 200000 /* about 2 ms of instructions */

/* A tenth of the steps a second allows; CPU time is the limit that bites. */
const struct vm_limits vm_limits_node = {32u << 20, 200000000, 2000,
                                         SLICE_WORK};
const struct vm_limits vm_limits_source = {256u << 20, 2000000000, 5000, 0};

enum strike { STRIKE_NONE, STRIKE_MEMORY, STRIKE_INSTRUCTIONS, STRIKE_CPU };

struct vm {
    struct arena    *arena;
    struct vm       *then; /* what vm_keep() kept of this struct, or NULL */
    lua_State       *L;
    lua_State       *running; /* the coroutine inside L, or L */
    struct vm_limits limits;
    struct clock    *clock;
    struct room     *room; /* that `used` is counted in, or NULL */
    size_t           used;
    bool             refused; /* the last growth was refused */
    enum strike      strike;
    int64_t          steps;
    int64_t          slice_from; /* steps when this turn began */
    int              pace;       /* instructions between two ticks */
    int64_t          checked_ns, cpu_from_ns, cpu_spent_ns;
    bool             sliced;
    bool             finalizes;
};

struct vm *vm_of(lua_State *L) {
    return *(struct vm **)lua_getextraspace(L);
}

lua_State *vm_state(struct vm *vm) {
    return vm->L;
}

bool vm_killed(const struct vm *vm) {
    return vm->strike != STRIKE_NONE;
}

static void tick(lua_State *L, lua_Debug *ar);

static void set_pace(struct vm *vm, int pace) {
    vm->pace = pace;
    lua_sethook(vm->L, tick, LUA_MASKCOUNT, pace);
    lua_sethook(vm->running, tick, LUA_MASKCOUNT, pace);
}

/* From here on no pcall of the script holds: see tick(). (V2) */
static void strike(struct vm *vm, enum strike kind) {
    if (vm->strike == STRIKE_NONE)
        vm->strike = kind;
    set_pace(vm, 1);
}

/* (RO1) */
static void set_used(struct vm *vm, size_t used) {
    if (vm->room)
        vm->room->used += used - vm->used;
    vm->used = used;
}

/* (V3) */
static void *allocate(void *arg, void *old, size_t old_size, size_t size) {
    struct vm *vm = arg;
    size_t     had = old ? old_size : 0;
    void      *got;

    if (size == 0) {
        (void)arena_resize(vm->arena, old, had, 0);
        set_used(vm, vm->used - had);
        return NULL;
    }
    if (size > had && vm->used - had + size > vm->limits.memory) {
        if (vm->refused && vm->L)
            strike(vm, STRIKE_MEMORY);
        vm->refused = true;
        return NULL;
    }
    got = arena_resize(vm->arena, old, had, size);
    if (!got)
        return NULL;
    if (size > had) {
        vm->refused = false;
        vm->steps += (int64_t)((size - had) >> 6);
    }
    set_used(vm, vm->used - had + size);
    /* For a new block Lua says in old_size what it is for. */
    if (!old && old_size == LUA_TSTRING && size >= LARGE_TEXT &&
        vm->pace > LARGE_TICK)
        set_pace(vm, LARGE_TICK);
    return got;
}

static int64_t cpu_spent(const struct vm *vm) {
    return vm->cpu_spent_ns + vm->clock->cpu_ns(vm->clock) - vm->cpu_from_ns;
}

/* Looks at every limit; true when a strike is on. */
static bool struck(struct vm *vm) {
    int64_t now;

    if (vm->strike)
        return true;
    if (vm->steps > vm->limits.instructions) {
        strike(vm, STRIKE_INSTRUCTIONS);
        return true;
    }
    now = vm->clock->mono_ns(vm->clock);
    if (now - vm->checked_ns < CPU_CHECK_NS)
        return false;
    vm->checked_ns = now;
    if (cpu_spent(vm) > vm->limits.cpu_ms * 1000000)
        strike(vm, STRIKE_CPU);
    return vm->strike != STRIKE_NONE;
}

static void describe(const struct vm *vm, struct err *err) {
    switch (vm->strike) {
    case STRIKE_MEMORY:
        err_set(err, ERR_LIMIT, "memory limit of %zu bytes", vm->limits.memory);
        break;
    case STRIKE_INSTRUCTIONS:
        err_set(err, ERR_LIMIT, "instructions limit of %lld",
                (long long)vm->limits.instructions);
        break;
    default:
        err_set(err, ERR_LIMIT, "cpu limit of %lld ms",
                (long long)vm->limits.cpu_ms);
    }
}

static int raise_strike(lua_State *L) {
    struct err err;

    describe(vm_of(L), &err);
    return luaL_error(L, "%s", err.text);
}

/* An error raised here can be caught by the script, so after a strike the
 * hook fires at every instruction: the one after the script's pcall returned
 * is no longer inside it. (V2) */
static void tick(lua_State *L, lua_Debug *ar) {
    struct vm *vm = vm_of(L);

    (void)ar;
    vm->steps += vm->pace;
    if (struck(vm)) {
        lua_sethook(L, tick, LUA_MASKCOUNT, 1);
        raise_strike(L);
        return;
    }
    if (vm->pace == LARGE_TICK)
        vm->slice_from -= LARGE_WORK;
    if (vm->limits.slice && lua_isyieldable(L) &&
        vm->steps - vm->slice_from > vm->limits.slice) {
        vm->sliced = true;
        lua_yield(L, 0);
    }
}

void vm_charge(lua_State *L, size_t work) {
    struct vm *vm = vm_of(L);

    vm->steps += (int64_t)(work > 1u << 30 ? 1u << 30 : work);
    if (struck(vm))
        raise_strike(L);
}

struct vm *vm_open(const struct vm_limits *limits, struct clock *clock) {
    struct vm *vm = mem_new(sizeof *vm);

    vm->limits = *limits;
    vm->clock = clock;
    vm->arena = arena_open();
    vm->L = lua_newstate(allocate, vm);
    if (!vm->L) {
        arena_close(vm->arena);
        mem_free(vm);
        return NULL;
    }
    *(struct vm **)lua_getextraspace(vm->L) = vm;
    vm->running = vm->L;
    set_pace(vm, TICK);
    return vm;
}

/* What Lua would free block by block goes with the arena. */
static void finalize(struct vm *vm) {
    lua_sethook(vm->L, NULL, 0, 0);
    if (vm->finalizes)
        lua_close(vm->L);
}

void vm_close(struct vm *vm) {
    if (!vm)
        return;
    finalize(vm);
    arena_close(vm->arena);
    mem_free(vm->then);
    mem_free(vm);
}

bool vm_keep(struct vm *vm) {
    if (vm->strike || vm->finalizes || !arena_keep(vm->arena))
        return false;
    vm->cpu_spent_ns = 0;
    vm->then = mem_new(sizeof *vm);
    *vm->then = *vm;
    return true;
}

bool vm_kept(const struct vm *vm) {
    return vm->then != NULL;
}

/* (V6) */
void vm_renew(struct vm *vm) {
    struct vm *then = vm->then;

    finalize(vm);
    arena_restore(vm->arena);
    *vm = *then;
    vm->then = then;
}

void vm_count_in(struct vm *vm, struct room *room) {
    struct room *old = vm->room;

    vm->room = room;
    if (room) {
        room->used += vm->used;
        room->vms++;
    }
    if (!old)
        return;
    old->used -= vm->used;
    old->vms--;
    if (old->left)
        old->left(old->arg);
}

void vm_finalizes(lua_State *L) {
    vm_of(L)->finalizes = true;
}

static void clock_in(struct vm *vm) {
    vm->slice_from = vm->steps;
    vm->checked_ns = vm->clock->mono_ns(vm->clock);
    vm->cpu_from_ns = vm->clock->cpu_ns(vm->clock);
    vm->sliced = false;
}

static void clock_out(struct vm *vm) {
    vm->cpu_spent_ns = cpu_spent(vm);
}

static void field_text(lua_State *L, int table, const char *name,
                       struct str *out) {
    lua_pushstring(L, name);
    lua_rawget(L, table);
    out->data =
        lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &out->len) : NULL;
    lua_pop(L, 1);
}

/* Inside a protected call: reads the error value at index 1 of `L`. */
static int read_error(lua_State *L) {
    struct err *err = lua_touserdata(L, 2);
    struct str  code = {NULL, 0}, text = {NULL, 0}, where = {NULL, 0};

    if (lua_type(L, 1) == LUA_TSTRING) {
        err_set(err, ERR_SCRIPT, "%s", lua_tostring(L, 1));
        return 0;
    }
    if (lua_type(L, 1) != LUA_TTABLE) {
        err_set(err, ERR_SCRIPT, "error value is a %s", luaL_typename(L, 1));
        return 0;
    }
    field_text(L, 1, "code", &code);
    field_text(L, 1, "text", &text);
    field_text(L, 1, "where", &where);
    if (!code.data || err_find(code.data) == ERR_COUNT)
        err_set(err, ERR_SCRIPT, "%s%s%s", code.data ? code.data : "",
                code.data ? ": " : "", text.data ? text.data : "(no text)");
    else
        err_set(err, err_find(code.data), "%s", text.data ? text.data : "");
    if (where.data && where.len)
        err_wrap(err, "%s", where.data);
    lua_pushliteral(L, "status");
    lua_rawget(L, 1);
    if (lua_isinteger(L, -1))
        err->status = (int)lua_tointeger(L, -1);
    return 0;
}

void vm_error_take(struct vm *vm, lua_State *from, int rc, struct err *err) {
    if (vm->strike) {
        describe(vm, err);
        return;
    }
    if (rc == LUA_ERRMEM) {
        err_set(err, ERR_LIMIT, "memory limit of %zu bytes", vm->limits.memory);
        return;
    }
    lua_checkstack(vm->L, 8);
    lua_pushcfunction(vm->L, read_error);
    if (from == vm->L)
        lua_insert(vm->L, -2);
    else
        lua_xmove(from, vm->L, 1);
    lua_pushlightuserdata(vm->L, err);
    if (lua_pcall(vm->L, 2, 0, 0) != LUA_OK)
        err_set(err, ERR_SCRIPT, "an error that cannot be read");
}

struct entry {
    lua_CFunction fn;
    void         *arg;
};

static int trampoline(lua_State *L) {
    struct entry *entry = lua_touserdata(L, 1);

    lua_settop(L, 0);
    lua_pushcfunction(L, entry->fn);
    lua_pushlightuserdata(L, entry->arg);
    lua_call(L, 1, 0);
    return 0;
}

/* The two pushes cannot allocate: a light C function and a pointer. (V1) */
bool vm_enter(struct vm *vm, lua_CFunction fn, void *arg, struct err *err) {
    struct entry entry = {fn, arg};
    int          rc;

    vm->running = vm->L;
    clock_in(vm);
    lua_pushcfunction(vm->L, trampoline);
    lua_pushlightuserdata(vm->L, &entry);
    rc = lua_pcall(vm->L, 1, 0, 0);
    clock_out(vm);
    if (rc == LUA_OK && !vm->strike)
        return true;
    vm_error_take(vm, vm->L, rc, err);
    lua_settop(vm->L, 0);
    return false;
}

/* Runs inside vm_enter(), so its own entry has set the clocks. The count of
 * hooks is kept by the coroutine, which inherited the hook when it was made.
 */
int vm_resume(struct vm *vm, lua_State *coroutine, int arguments,
              int *results) {
    int rc;

    vm->running = coroutine;
    lua_sethook(coroutine, tick, LUA_MASKCOUNT, vm->pace);
    vm->sliced = false;
    rc = lua_resume(coroutine, vm->L, arguments, results);
    vm->running = vm->L;
    return rc;
}

bool vm_sliced(const struct vm *vm) {
    return vm->sliced;
}

size_t vm_memory_used(const struct vm *vm) {
    return vm->used;
}

size_t vm_memory_held(const struct vm *vm) {
    return arena_bytes(vm->arena);
}
