/* check_private.h - what the parts of check share.
 *
 * check.c opens each script and hands it to the part for its kind; the parts
 * report through check_say(). `struct graph` is a playbook's nodes as numbers
 * with edges between them, made by check_graph.c and walked by check_walk.c.
 *
 * Lifetime: call. Thread: loop.
 */
#ifndef CHECK_CHECK_PRIVATE_H
#define CHECK_CHECK_PRIVATE_H

#include "base/nearest.h"
#include "check/findings.h"
#include "check/token.h"
#include "graph/reference.h"
#include "vm/bundle.h"

struct check {
    struct bundle       *bundle;
    struct json         *findings;
    const struct script *script; /* the one that is looked at */
    const struct json   *meta;   /* its table */
    struct tokens        tokens; /* its text */
    struct buf           words;  /* for nearest_words() */
};

/* A place inside the table of the script: the keys that lead there. */
#define SPOT_DEPTH 8
struct spot {
    const struct json *value;
    const char        *what; /* "node", "playbook", "retry" … */
    struct str         keys[SPOT_DEPTH];
    size_t             depth;
};

struct spot check_root(const struct check *check, const char *what);
/* The member, which may be absent. */
struct spot check_member(const struct spot *spot, struct str key);
int         check_line(const struct check *check, const struct spot *spot);
void        check_say(struct check *check, enum finding finding, int line,
                      const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* At the line of the spot. */
void        check_say_at(struct check *check, enum finding finding,
                         const struct spot *spot, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* What a member must look like. */
enum shape_kind {
    SHAPE_TEXT,
    SHAPE_TEXTS, /* a list of texts */
    SHAPE_MAP,   /* an empty list passes: Lua cannot tell */
    SHAPE_FUNCTION,
    SHAPE_DURATION, /* "30s" */
    SHAPE_COUNT,    /* an integer of at least 1 */
    SHAPE_MONEY,    /* a number of at least 0 */
    SHAPE_TRUE,
    SHAPE_TARGET /* the name of a node, or a fork */
};
struct shape {
    const char     *key;
    enum shape_kind kind;
    const char     *needed; /* NULL, or what it is for: it must be there */
};
/* Unknown, missing and wrong members of a map; false when any is wrong. */
bool check_shape(struct check *check, const struct spot *spot,
                 const struct shape *rows, size_t count);
/* A word of lower-case letters, digits and _. */
bool check_shape_word(struct check *check, const struct spot *spot,
                      struct str word);
/* A list of such words, none of them twice. */
void check_shape_words(struct check *check, const struct spot *owner,
                       const char *key);
/* `retry`, `rerun`: { times, backoff, on }. */
void check_shape_repeat(struct check *check, const struct spot *spot,
                        bool backoff);

/* The table of another script; NULL when there is none or it is broken. */
const struct json *check_other(struct check *check, enum script_kind kind,
                               struct str id);

/* The parts. */
void check_text(struct check *check);
void check_text_effects(struct check *check); /* asked for, not declared */
/* `return "word"` of a function that the table holds under this key. */
void check_text_outcomes(struct check *check, const char *function,
                         const struct json *declared, enum finding finding);
void check_node(struct check *check);
/* Does a node with this table change the world (messages to people aside)? */
bool check_node_writes(const struct json *meta);
void check_policy(struct check *check);
void check_source(struct check *check);
void check_services(struct check *check); /* lib/aws/services.lua */
void check_graph(struct check *check);

/* --- a playbook as a graph --------------------------------------------- */

struct vertex {
    struct str         name, use;
    const struct json *entry; /* of the playbook */
    const struct json *meta;  /* of the node; NULL when it is broken */
    bool               ends;  /* it has no `next` */
    bool               writes, proves;
};

enum edge {
    EDGE_NONE,
    EDGE_ARRIVES, /* a branch comes to the join, and waits there for others */
    EDGE_ERROR,   /* the node failed: it gave no output */
    EDGE_FORK,    /* to the head of a branch */
    EDGE_OUTCOME  /* wins over an error edge between the same two */
};

#define GRAPH_NODES_MAX 128
#define GRAPH_FORKS_MAX 32
/* And three that are reserved: undo, done, and where a run begins. */
#define GRAPH_VERTICES_MAX (GRAPH_NODES_MAX + 3)

/* From a node over all branches to the join. */
struct fork_edge {
    const struct json *at; /* of the playbook */
    size_t             from, join;
    size_t             count, members[GRAPH_NODES_MAX];
};

struct graph {
    size_t           count, undo, done, begin;
    size_t           start, failed; /* or GRAPH_NOWHERE */
    bool             holed; /* an edge was reported and is missing here */
    size_t           fork_count;
    struct fork_edge forks[GRAPH_FORKS_MAX];
    struct vertex    at[GRAPH_VERTICES_MAX];
    unsigned char    edge[GRAPH_VERTICES_MAX][GRAPH_VERTICES_MAX];
};
#define GRAPH_NOWHERE ((size_t)-1)

size_t check_graph_find(const struct graph *graph, struct str name);

/* Takes a fork into the graph; false when it is no sound one. */
bool check_fork(struct check *check, struct graph *graph, size_t from,
                struct spot spot);
/* Proves the branches of all of them. */
void check_forks(struct check *check, struct graph *graph);

bool check_walk_reaches(const struct graph *graph, size_t at); /* from start */
/* Can `at` be reached from the start without `needed` having ended with an
 * output? Writes that way down as "a -> b -> c". */
bool check_walk_skips(const struct graph *graph, size_t needed, size_t at,
                      struct buf *way);

void check_bindings(struct check *check, const struct graph *graph);
void check_walk(struct check *check, const struct graph *graph);

#endif
