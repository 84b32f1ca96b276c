/* effect.h - one contact with the world, named and classed by C.
 *
 * A script says what it wants; what that *is* - its name, whether it writes,
 * how it recovers, whom it touches - is derived here from the request itself
 * and never from what the script says of it. The table is effects.def; what
 * it does not know is a write of class `once` with the widest target of its
 * service.
 *
 *   E1  A name that no rule knows is a write of class `once`. (N4)
 *   E2  The digest depends on name and canonical arguments alone: not on
 *       dates, tokens, signatures or the mode.
 *   E3  What returns credentials or plain secrets is of class `secret`, and
 *       is refused to scripts in every mode. (N11)
 *
 * Lifetime: run. Thread: loop.
 */
#ifndef EFFECT_EFFECT_H
#define EFFECT_EFFECT_H

#include "base/err.h"
#include "base/json.h"

/* X(ENUM, "name", "after a crash with the result unknown") */
#define EFFECT_CLASSES(X)                                                \
    X(READ, "read", "ask again")                                         \
    X(SET, "set", "read, then set again")                                \
    X(TOKEN, "token", "send again with the same token")                  \
    X(VERIFY, "verify", "read back; send again only if provably absent") \
    X(NOTIFY, "notify", "at most once again")                            \
    X(ONCE, "once", "never again: the node's on_unknown, else escalate") \
    X(SECRET, "secret", "refused to scripts in every mode")

enum effect_class {
#define X(id, name, after) EFFECT_##id,
    EFFECT_CLASSES(X)
#undef X
        EFFECT_CLASS_COUNT
};

/* Who answers. Those from EFFECT_CATALOGUE on never leave the process. */
enum effect_kind {
    EFFECT_AWS,
    EFFECT_GITHUB,
    EFFECT_PROMETHEUS,
    EFFECT_HTTP,
    EFFECT_TO_PEOPLE,
    EFFECT_LLM,
    EFFECT_CATALOGUE,
    EFFECT_NOW,
    EFFECT_RANDOM,
    EFFECT_UUID,
    EFFECT_SLEEP,
    EFFECT_WAIT
};

struct effect;

/* How a write of this rule is read back, and what the answer proves. */
enum effect_proof { PROOF_ABSENT, PROOF_APPLIED, PROOF_UNSURE };

struct effect_rule {
    const char *name;      /* exact, or with one '*' */
    const char *needs_arg; /* NULL, or an argument that must be true */
    enum effect_class class;
    /* NULL: the widest target of the service. */
    void (*target)(const struct effect *effect, struct buf *out);
    /* NULL: cannot be read back. Gives a question: { where, kind, name, args }.
     */
    struct json *(*readback)(const struct effect *effect);
    bool before; /* the proof needs the answer from before the write */
    enum effect_proof (*prove)(const struct effect *effect,
                               const struct json   *before,
                               const struct json *now, struct json **answer);
    /* NULL: {}. What the answer would be; before may be NULL. */
    struct json *(*predict)(const struct effect *effect,
                            const struct json   *before);
    /* NULL, or the argument that carries the token of class `token`. */
    const char *token_arg;
};

struct effect {
    enum effect_kind kind;
    enum effect_class class;
    const struct effect_rule *rule; /* NULL when nothing is known */
    char                     *name, *target;
    char                      digest[65];
    struct json              *args, *options;
    struct json              *service; /* AWS: its row, or NULL */
    char                     *where;   /* the script's line, may be "" */
};

/* `question` is what an attempt asked: [where, kind, arguments …]. `config`
 * gives region, account and the services' own limits; may be an empty map. */
bool effect_make(struct effect *effect, const struct json *question,
                 const struct json *config, struct err *err);
/* The same for a read that is written down as { "aws:ecs:DescribeServices",
 * arguments, options }, as a wait and ctx.all take it; `who` names that. */
bool effect_make_ask(struct effect *effect, const struct json *ask,
                     const char *where, const char *who,
                     const struct json *config, struct err *err);
/* Has it that form? */
bool effect_ask_valid(const struct json *ask);
void effect_release(struct effect *effect);

/* For those that make effects: each option is taken or refused by name. What
 * is no map has no options. */
typedef bool effect_option_fn(struct effect *effect, struct str name,
                              const struct json *value, struct err *err);
bool effect_take_options(struct effect *effect, const struct json *options,
                         effect_option_fn *take, struct err *err);

static inline bool effect_writes(const struct effect *effect) {
    return effect->class != EFFECT_READ;
}

/* For `check`, which has a declaration and no arguments: the most careful
 * class that the name may have. */
enum effect_class effect_class_of(struct str name);
/* "aws:ecs:UpdateService", "github:GET /x", "github:graphql:query",
 * "prometheus:query", "http:GET host/path", "notify:channel", "llm:choose". */
bool              effect_name_valid(struct str name);
const char       *effect_class_name(enum effect_class class);
const char       *effect_class_after(enum effect_class class);

#endif
