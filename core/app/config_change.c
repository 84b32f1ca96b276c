/* config_change.c - both as flat maps from path to value, held side by side. */
#include "app/config_change.h"

#include "app/config_key.h"

/* Each a whole key, or the steps that begin several. No `*` in them. */
static const char *const restart[] = {"listen",
                                      "tls",
                                      "admin.listen",
                                      "log",
                                      "otlp",
                                      "aws",
                                      "github.url",
                                      "github.app",
                                      "http.proxy",
                                      "http.auth",
                                      "http.ca_file",
                                      "http.private",
                                      "llm.openai.api_version",
                                      "limits.connections",
                                      "limits.request_seconds",
                                      "limits.idle_seconds",
                                      NULL};

static bool begins(struct str path, const char *root) {
    size_t len = strlen(root);

    return str_starts(path, root) && (path.len == len || path.data[len] == '.');
}

static void flatten(const struct json *map, const struct json *steps,
                    struct str before, struct json *flat) {
    struct json_walk walk = json_walk_over(map);

    while (json_walk_next(&walk)) {
        struct json *inner = json_clone(steps);
        struct buf   path = BUF_EMPTY;
        bool         prefix;

        json_append_text(inner, walk.key);
        buf_addf(&path, "%.*s%s%.*s", STR_ARG(before), before.len ? "." : "",
                 STR_ARG(walk.key));
        if (config_key_find(inner, &prefix))
            json_put_str(flat, buf_str(&path), json_clone(walk.value));
        else if (prefix)
            flatten(walk.value, inner, buf_str(&path), flat);
        buf_release(&path);
        json_release(inner);
    }
}

static struct json *flat_of(const struct config *config) {
    struct json *flat = json_new_map(), *steps = json_new_list();

    flatten(config_json(config), steps, STR(""), flat);
    json_release(steps);
    return flat;
}

/* (CC1) */
struct json *config_change_list(const struct config *present,
                                const struct config *next) {
    struct json     *before = flat_of(present), *after = flat_of(next);
    struct json     *all = json_new_map(), *list = json_new_list();
    struct json_walk walk;

    json_merge(all, before);
    json_merge(all, after);
    walk = json_walk_over(all);
    while (json_walk_next(&walk)) {
        const struct json *was = json_find_str(before, walk.key);
        const struct json *is = json_find_str(after, walk.key);

        if (!was || !is || !json_same(was, is))
            json_append_text(list, walk.key);
    }
    json_release(all);
    json_release(before);
    json_release(after);
    return list;
}

/* (CC2) */
struct json *config_change_hold(struct config       *next,
                                const struct config *present) {
    struct json *changes = config_change_list(present, next);
    struct json *held = json_new_list();

    for (size_t i = 0; i < json_count(changes); i++)
        for (const char *const *root = restart; *root; root++)
            if (begins(json_text(json_at(changes, i)), *root))
                json_append_text(held, json_text(json_at(changes, i)));
    for (const char *const *root = restart; *root; root++)
        config_keep(next, present, *root);
    json_release(changes);
    return held;
}
