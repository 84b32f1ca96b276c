/* cmd_graph.c - nightshift graph: a playbook as people draw it.
 *
 * Reads the playbook's table and nothing else, so that a graph can be looked
 * at while `check` still complains about it. Nodes come in the order of a walk
 * in breadth from the start, so that a small change moves little.
 */
#include "app/scripts.h"
#include "base/nearest.h"
#include "cli/cli.h"
#include "graph/fork.h"
#include "sys/clock_real.h"

struct drawing {
    const struct json *playbook, *nodes;
    struct json       *order; /* names of nodes */
    const struct json *start; /* a name, or a fork */
    struct str         failed, undone;
};

typedef void edge_fn(const struct drawing *drawing, struct str from,
                     struct str label, struct str to);

/* --- the walk ------------------------------------------------------------- */

static void enlist(struct drawing *drawing, struct str name) {
    if (json_find_str(drawing->nodes, name) &&
        !json_lists(drawing->order, name))
        json_append_text(drawing->order, name);
}

static const struct json *next_of(const struct drawing *drawing,
                                  struct str            name) {
    return json_find(json_find_str(drawing->nodes, name), "next");
}

/* A node, or the heads of branches and then their join. */
static void enlist_target(struct drawing *drawing, const struct json *target) {
    for (size_t i = 0; i < fork_count(target); i++)
        enlist(drawing, fork_head(target, i));
    enlist(drawing, fork_is(target) ? fork_join(target) : json_text(target));
}

static void enlist_all(struct drawing *drawing) {
    struct json_walk walk;

    enlist_target(drawing, drawing->start);
    for (size_t i = 0; i < json_count(drawing->order); i++) {
        walk = json_walk_over(
            next_of(drawing, json_text(json_at(drawing->order, i))));
        while (json_walk_next(&walk))
            enlist_target(drawing, walk.value);
    }
    walk = json_walk_over(drawing->nodes);
    while (json_walk_next(&walk))
        enlist(drawing, walk.key);
}

/* A fork is an edge to each of its branches. */
static void each_head(const struct drawing *drawing, struct str from,
                      struct str label, const struct json *target,
                      edge_fn *draw) {
    struct buf both = BUF_EMPTY;

    buf_addf(&both, "%.*s%sall", STR_ARG(label), label.len ? ": " : "");
    for (size_t i = 0; i < fork_count(target); i++)
        draw(drawing, from, buf_str(&both), fork_head(target, i));
    buf_release(&both);
}

/* Every edge, and the two routes of an undo when one is used. */
static void each_edge(const struct drawing *drawing, edge_fn *draw) {
    bool undoes = false;

    for (size_t i = 0; i < json_count(drawing->order); i++) {
        struct str       from = json_text(json_at(drawing->order, i));
        struct json_walk walk = json_walk_over(next_of(drawing, from));

        while (json_walk_next(&walk)) {
            struct str to = json_text(walk.value);

            undoes = undoes || str_is(to, "undo");
            if (to.len > 0)
                draw(drawing, from, walk.key, to);
            each_head(drawing, from, walk.key, walk.value, draw);
        }
    }
    if (undoes) {
        draw(drawing, STR("undo"), STR("undone"), drawing->undone);
        draw(drawing, STR("undo"), STR("failed"), drawing->failed);
    }
}

/* Where a run begins: one node, or several. */
static void each_first(const struct drawing *drawing,
                       void (*draw)(struct str to)) {
    for (size_t i = 0; i < fork_count(drawing->start); i++)
        draw(fork_head(drawing->start, i));
    if (!fork_is(drawing->start))
        draw(json_text(drawing->start));
}

/* --- mermaid -------------------------------------------------------------- */

/* "end" is a word of mermaid's own. */
static const char *safe(struct str name) {
    return str_is(name, "end") ? "_" : "";
}

static void mermaid_edge(const struct drawing *drawing, struct str from,
                         struct str label, struct str to) {
    (void)drawing;
    printf("    %.*s%s -- %.*s --> %.*s%s\n", STR_ARG(from), safe(from),
           STR_ARG(label), STR_ARG(to), safe(to));
}

static void mermaid_start(struct str to) {
    printf("    start((start)) --> %.*s%s\n", STR_ARG(to), safe(to));
}

static void draw_mermaid(const struct drawing *drawing) {
    printf("flowchart TD\n");
    each_first(drawing, mermaid_start);
    for (size_t i = 0; i < json_count(drawing->order); i++) {
        struct str name = json_text(json_at(drawing->order, i));

        if (!next_of(drawing, name))
            printf("    %.*s%s([%.*s])\n", STR_ARG(name), safe(name),
                   STR_ARG(name));
        else
            printf("    %.*s%s[%.*s]\n", STR_ARG(name), safe(name),
                   STR_ARG(name));
    }
    each_edge(drawing, mermaid_edge);
    printf("    errors((errors)) -.-> %.*s%s\n", STR_ARG(drawing->failed),
           safe(drawing->failed));
}

/* --- dot ------------------------------------------------------------------ */

static void dot_edge(const struct drawing *drawing, struct str from,
                     struct str label, struct str to) {
    (void)drawing;
    printf("    \"%.*s\" -> \"%.*s\" [label=\"%.*s\"];\n", STR_ARG(from),
           STR_ARG(to), STR_ARG(label));
}

static void dot_start(struct str to) {
    printf("    \"start\" -> \"%.*s\";\n", STR_ARG(to));
}

static void draw_dot(const struct drawing *drawing) {
    printf("digraph playbook {\n    rankdir=TB;\n    node [shape=box];\n"
           "    \"start\" [shape=circle];\n    \"errors\" [shape=circle];\n"
           "    \"done\" [shape=doublecircle];\n");
    each_first(drawing, dot_start);
    for (size_t i = 0; i < json_count(drawing->order); i++) {
        struct str name = json_text(json_at(drawing->order, i));

        printf("    \"%.*s\"%s;\n", STR_ARG(name),
               next_of(drawing, name) ? "" : " [style=rounded]");
    }
    each_edge(drawing, dot_edge);
    printf("    \"errors\" -> \"%.*s\" [style=dashed];\n}\n",
           STR_ARG(drawing->failed));
}

/* --- ascii ---------------------------------------------------------------- */

static bool is_first(const struct drawing *drawing, struct str name) {
    for (size_t i = 0; i < fork_count(drawing->start); i++)
        if (str_equal(name, fork_head(drawing->start, i)))
            return true;
    return str_equal(name, json_text(drawing->start));
}

static void draw_ascii(const struct drawing *drawing) {
    struct buf to = BUF_EMPTY;

    for (size_t i = 0; i < json_count(drawing->order); i++) {
        struct str         name = json_text(json_at(drawing->order, i));
        const struct json *next = next_of(drawing, name);
        struct json_walk   walk = json_walk_over(next);

        printf("%s %.*s%s\n", is_first(drawing, name) ? ">" : " ",
               STR_ARG(name), next ? "" : "  (end)");
        while (json_walk_next(&walk)) {
            buf_clear(&to);
            fork_write(walk.value, &to);
            printf("    %-18.*s -> %s\n", STR_ARG(walk.key), buf_text(&to));
        }
    }
    buf_release(&to);
    printf("  undo\n    %-18s -> %.*s\n    %-18s -> %.*s\n", "undone",
           STR_ARG(drawing->undone), "failed", STR_ARG(drawing->failed));
    printf("  errors and struck limits -> %.*s\n", STR_ARG(drawing->failed));
}

/* --- json ----------------------------------------------------------------- */

static void draw_json(const struct drawing *drawing) {
    struct json *object = json_new_map();
    struct buf   text = BUF_EMPTY;

    json_put_text(object, "schema", STR("nightshift.graph/1"));
    json_put(object, "start", json_clone(drawing->start));
    json_put_text(object, "failed", drawing->failed);
    json_put_text(object, "undone", drawing->undone);
    json_put(object, "order", json_clone(drawing->order));
    json_put(object, "nodes", json_clone(drawing->nodes));
    json_write(object, &text);
    printf("%s\n", buf_text(&text));
    buf_release(&text);
    json_release(object);
}

/* --- the command ---------------------------------------------------------- */

static struct str route(const struct json *playbook, const char *key) {
    struct str to = json_find_text(playbook, key);

    return to.len > 0 ? to : STR("escalation");
}

static void draw(const struct cli *cli, const struct json *playbook) {
    const char    *format = cli->value.format ? cli->value.format : "mermaid";
    struct drawing drawing = {
        .playbook = playbook,
        .nodes = json_find(playbook, "nodes"),
        .order = json_new_list(),
        .start = json_find(playbook, "start"),
        .failed = route(playbook, "failed"),
        .undone = route(playbook, "undone"),
    };

    enlist_all(&drawing);
    if (cli->value.json)
        draw_json(&drawing);
    else if (strcmp(format, "dot") == 0)
        draw_dot(&drawing);
    else if (strcmp(format, "ascii") == 0)
        draw_ascii(&drawing);
    else
        draw_mermaid(&drawing);
    json_release(drawing.order);
}

static bool find_playbook(struct bundle *bundle, const char *name,
                          const struct json **playbook, struct err *err) {
    const struct script *script =
        bundle_find(bundle, SCRIPT_PLAYBOOK, str_of(name));
    struct nearest nearest = nearest_to(str_of(name));
    struct buf     words = BUF_EMPTY;

    if (script)
        return bundle_meta(bundle, script, playbook, err);
    for (size_t i = 0; i < bundle_count(bundle); i++)
        if (bundle_at(bundle, i)->kind == SCRIPT_PLAYBOOK)
            nearest_offer(&nearest, str_of(bundle_at(bundle, i)->id));
    err_set(err, ERR_NOT_FOUND, "no playbook '%s'%s", name,
            nearest_words(&nearest, &words));
    buf_release(&words);
    return false;
}

int cmd_graph(const struct cli *cli) {
    const struct json *playbook;
    struct bundle     *bundle = NULL;
    struct buf         dir = BUF_EMPTY;
    struct err         err;
    int                code = EXIT_DONE;

    if (scripts_find(cli->value.scripts, &dir, &err) &&
        scripts_load(buf_text(&dir), clock_real(), &bundle, &err) &&
        find_playbook(bundle, cli->args[0], &playbook, &err))
        draw(cli, playbook);
    else
        code = cli_fail(cli, &err);
    bundle_release(bundle);
    buf_release(&dir);
    return code;
}
