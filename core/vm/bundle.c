/* bundle.c - sorted by path, compiled lazily, hashed over path and text.
 *
 * The hash is SHA-256 over lines of "path\0length\0" and the text, in the
 * order of paths, so it does not depend on the order of adding. (B2)
 */
#include "vm/bundle.h"

#include <ctype.h>
#include <lauxlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "vm/attempt.h"
#include "vm/ready.h"
#include "vm/vm.h"

static const unsigned char prelude_source[] = {
#include "prelude.lua.inc"
};
static const unsigned char ctx_source[] = {
#include "ctx.lua.inc"
};

static const char *const folders[] = {
#define X(id, folder) folder,
    SCRIPT_KINDS(X)
#undef X
};

struct bundle {
    digest_fn      *digest;
    struct clock   *clock;
    struct ready   *ready;
    struct room    *room;
    struct script **scripts;
    size_t          count, holders;
    struct buf      prelude, ctx;
    char            hash[2 * DIGEST_SIZE + 1];
};

struct bundle *bundle_open(digest_fn *digest, struct clock *clock) {
    struct bundle *bundle = mem_new(sizeof *bundle);

    bundle->holders = 1;
    bundle->ready = ready_open();
    bundle->digest = digest;
    bundle->clock = clock;
    return bundle;
}

static void script_release(struct script *script) {
    mem_free(script->id);
    mem_free(script->path);
    buf_release(&script->text);
    buf_release(&script->code);
    json_release(script->meta);
    mem_free(script);
}

struct bundle *bundle_retain(struct bundle *bundle) {
    bundle->holders++;
    return bundle;
}

/* (B3) */
void bundle_release(struct bundle *bundle) {
    if (!bundle || --bundle->holders > 0)
        return;
    ready_close(bundle->ready);
    for (size_t i = 0; i < bundle->count; i++)
        script_release(bundle->scripts[i]);
    mem_free(bundle->scripts);
    buf_release(&bundle->prelude);
    buf_release(&bundle->ctx);
    mem_free(bundle);
}

static bool kind_of(struct str folder, enum script_kind *kind) {
    for (int i = 0; i < SCRIPT_KIND_COUNT; i++)
        if (str_is(folder, folders[i])) {
            *kind = (enum script_kind)i;
            return true;
        }
    return false;
}

/* "a/b_c.lua" -> "a.b_c"; NULL when a character is not one of an id. */
static char *id_of(struct str name) {
    char *id;

    if (!str_ends(name, ".lua") || name.len == 4)
        return NULL;
    id = mem_text(name.data, name.len - 4);
    for (char *c = id; *c; c++) {
        if (*c == '/')
            *c = '.';
        else if (!isalnum((unsigned char)*c) && *c != '_') {
            mem_free(id);
            return NULL;
        }
    }
    return id;
}

static void insert(struct bundle *bundle, struct script *script) {
    size_t at = bundle->count++;

    bundle->scripts =
        mem_resize(bundle->scripts, bundle->count * sizeof *bundle->scripts);
    while (at > 0 && strcmp(bundle->scripts[at - 1]->path, script->path) > 0) {
        bundle->scripts[at] = bundle->scripts[at - 1];
        at--;
    }
    bundle->scripts[at] = script;
}

bool bundle_add(struct bundle *bundle, struct str path, struct str text,
                struct err *err) {
    struct str       name, folder = str_cut(path, '/', &name);
    struct script   *script;
    enum script_kind kind;
    char            *id;

    if (!name.data || !kind_of(folder, &kind))
        return err_set(err, ERR_INVALID,
                       "%.*s: scripts live in nodes/, playbooks/, policies/, "
                       "sources/ or lib/",
                       STR_ARG(path));
    if (text.len > BUNDLE_TEXT_MAX)
        return err_set(err, ERR_LIMIT,
                       "%.*s: %zu bytes, a script has at most "
                       "%u",
                       STR_ARG(path), text.len, BUNDLE_TEXT_MAX);
    id = id_of(name);
    if (!id)
        return err_set(err, ERR_INVALID,
                       "%.*s: a script's name is letters, "
                       "digits and _ and ends in .lua",
                       STR_ARG(path));
    script = mem_new(sizeof *script);
    script->kind = kind;
    script->id = id;
    script->path = mem_text(path.data, path.len);
    buf_add_str(&script->text, text);
    insert(bundle, script);
    return true;
}

void bundle_seal(struct bundle *bundle) {
    struct buf    all = BUF_EMPTY, hex = BUF_EMPTY;
    unsigned char digest[DIGEST_SIZE];

    for (size_t i = 0; i < bundle->count; i++) {
        const struct script *script = bundle->scripts[i];

        buf_add(&all, script->path, strlen(script->path) + 1);
        buf_addf(&all, "%zu", script->text.len);
        buf_add(&all, "", 1);
        buf_add_str(&all, buf_str(&script->text));
    }
    bundle->digest(buf_str(&all), digest);
    encode_hex(digest, sizeof digest, &hex);
    memcpy(bundle->hash, buf_text(&hex), sizeof bundle->hash);
    buf_release(&all);
    buf_release(&hex);
}

const char *bundle_hash(const struct bundle *bundle) {
    return bundle->hash;
}

size_t bundle_count(const struct bundle *bundle) {
    return bundle->count;
}

const struct script *bundle_at(const struct bundle *bundle, size_t index) {
    return bundle->scripts[index];
}

const struct script *bundle_find(const struct bundle *bundle,
                                 enum script_kind kind, struct str id) {
    for (size_t i = 0; i < bundle->count; i++)
        if (bundle->scripts[i]->kind == kind &&
            str_is(id, bundle->scripts[i]->id))
            return bundle->scripts[i];
    return NULL;
}

const char *bundle_folder(enum script_kind kind) {
    return folders[kind];
}

struct clock *bundle_clock(const struct bundle *bundle) {
    return bundle->clock;
}

struct ready *bundle_ready(struct bundle *bundle) {
    return bundle->ready;
}

void bundle_use_room(struct bundle *bundle, struct room *room) {
    bundle->room = room;
}

struct room *bundle_room(const struct bundle *bundle) {
    return bundle->room;
}

/* --- compiling -------------------------------------------------------- */

struct compiling {
    struct str  text;
    const char *name;
    struct buf *code;
    bool        stripped;
};

static int collect(lua_State *L, const void *part, size_t size, void *arg) {
    (void)L;
    buf_add(arg, part, size);
    return 0;
}

/* Mode "t": text only. (B1) */
static int compile(lua_State *L) {
    struct compiling *c = lua_touserdata(L, 1);

    if (luaL_loadbufferx(L, c->text.data, c->text.len, c->name, "t") != LUA_OK)
        return lua_error(L);
    lua_dump(L, collect, c->code, c->stripped);
    return 0;
}

/* Without lines and names when it is the engine's own: every VM holds it. */
static bool compile_text(struct bundle *bundle, const char *name,
                         struct str text, struct buf *code, struct err *err) {
    struct compiling c = {text, name, code, name[0] == '='};
    struct vm       *vm = vm_open(&vm_limits_source, bundle->clock);
    bool             ok;

    ok = vm_enter(vm, compile, &c, err);
    vm_close(vm);
    if (!ok)
        buf_release(code);
    return ok;
}

bool bundle_code(struct bundle *bundle, const struct script *script,
                 struct str *code, struct err *err) {
    struct script *own = (struct script *)script;
    struct buf     name = BUF_EMPTY;
    bool           ok = own->code.len > 0;

    if (!ok) {
        buf_addf(&name, "@scripts/%s", own->path);
        ok = compile_text(bundle, buf_text(&name), buf_str(&own->text),
                          &own->code, err);
        buf_release(&name);
    }
    *code = buf_str(&own->code);
    return ok;
}

bool bundle_engine_code(struct bundle *bundle, const char *name,
                        struct str *code, struct err *err) {
    bool        prelude = strcmp(name, "prelude") == 0;
    struct buf *held = prelude ? &bundle->prelude : &bundle->ctx;
    struct str  text =
        prelude
             ? (struct str){(const char *)prelude_source, sizeof prelude_source}
             : (struct str){(const char *)ctx_source, sizeof ctx_source};

    if (!held->len &&
        !compile_text(bundle, prelude ? "=prelude" : "=ctx", text, held, err))
        return false;
    *code = buf_str(held);
    return true;
}

bool bundle_meta(struct bundle *bundle, const struct script *script,
                 const struct json **meta, struct err *err) {
    struct script *own = (struct script *)script;

    if (!own->meta)
        own->meta = attempt_table(bundle, script, err);
    *meta = own->meta;
    return own->meta != NULL;
}
