/* bundle.h - all scripts of one moment, named by their content.
 *
 * A bundle is filled once with paths and texts, sealed with a hash over all of
 * them, and never changes; a run keeps the one that it began with (N8), so a
 * bundle is counted and lasts as long as anybody holds it.
 * Scripts are compiled the first time they are used and kept as bytecode that
 * only this process made, so that a fresh VM for every attempt is cheap. Text
 * is the only form in which a script comes in.
 *
 *   B1  Bytecode from outside is never loaded.
 *   B2  The hash names every path and every byte of every script.
 *   B3  A bundle lasts until the last of those who hold it lets go. (N8)
 *
 * What is compiled on first use is written then, so a bundle belongs to one
 * thread at a time: one that is made aside is handed over whole.
 *
 * Lifetime: until released. Thread: one at a time.
 */
#ifndef VM_BUNDLE_H
#define VM_BUNDLE_H

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"

#define BUNDLE_TEXT_MAX (128u << 10) /* of one script */

/* X(ENUM, "folder under scripts/") */
#define SCRIPT_KINDS(X)      \
    X(NODE, "nodes")         \
    X(PLAYBOOK, "playbooks") \
    X(POLICY, "policies")    \
    X(SOURCE, "sources")     \
    X(LIB, "lib")

enum script_kind {
#define X(id, folder) SCRIPT_##id,
    SCRIPT_KINDS(X)
#undef X
        SCRIPT_KIND_COUNT
};

/* `id` is the path under its folder without ".lua", '/' written as '.'. */
struct script {
    enum script_kind kind;
    char            *id, *path;
    struct buf       text, code;
    struct json     *meta; /* its table, functions as the text "function" */
};

struct bundle;
struct ready;
struct room;

struct bundle *bundle_open(digest_fn *digest, struct clock *clock);
/* One more holder; gives the same bundle back. */
struct bundle *bundle_retain(struct bundle *bundle);
void           bundle_release(struct bundle *bundle); /* NULL is fine */

/* `path` is relative: "nodes/analyst.lua". Files in other folders, and names
 * that are no ids, are refused. */
bool bundle_add(struct bundle *bundle, struct str path, struct str text,
                struct err *err);
void bundle_seal(struct bundle *bundle);

const char          *bundle_hash(const struct bundle *bundle);
size_t               bundle_count(const struct bundle *bundle);
const struct script *bundle_at(const struct bundle *bundle, size_t index);
const struct script *bundle_find(const struct bundle *bundle,
                                 enum script_kind kind, struct str id);
const char          *bundle_folder(enum script_kind kind);

/* What its attempts' VMs are counted in, from the next one on; borrowed. */
void         bundle_use_room(struct bundle *bundle, struct room *room);
struct room *bundle_room(const struct bundle *bundle);

/* The compiled form, made on first use: give the name of a script. */
bool bundle_code(struct bundle *bundle, const struct script *script,
                 struct str *code, struct err *err);
/* The returned table as JSON, evaluated on first use within its limits. */
bool bundle_meta(struct bundle *bundle, const struct script *script,
                 const struct json **meta, struct err *err);

/* The engine's own Lua parts, "prelude" and "ctx". */
bool          bundle_engine_code(struct bundle *bundle, const char *name,
                                 struct str *code, struct err *err);
struct clock *bundle_clock(const struct bundle *bundle);
struct ready *bundle_ready(struct bundle *bundle); /* VMs for its scripts */

#endif
