/* routes.c - a bundle is in the order of its paths, so its playbooks are. */
#include "serve/routes.h"

#include "base/mem.h"
#include "graph/match.h"

struct routes {
    struct bundle *bundle;
    struct route  *items;
    size_t         count;
    int            holders;
};

static bool is_off(const struct json *playbook) {
    return str_is(json_find_text(playbook, "mode"), "off");
}

static bool add(struct routes *routes, const struct script *script,
                struct err *err) {
    struct route route = {.id = str_of(script->id)};

    if (!bundle_meta(routes->bundle, script, &route.playbook, err))
        return err_wrap(err, "playbook %s", script->id);
    if (!is_off(route.playbook))
        routes->items[routes->count++] = route;
    return true;
}

struct routes *routes_open(struct bundle *bundle, struct err *err) {
    struct routes *routes = mem_new(sizeof *routes);
    size_t         count = bundle_count(bundle);
    bool           ok = true;

    routes->holders = 1;
    routes->bundle = bundle_retain(bundle);
    routes->items = mem_new((count + 1) * sizeof *routes->items);
    for (size_t i = 0; ok && i < count; i++)
        if (bundle_at(bundle, i)->kind == SCRIPT_PLAYBOOK)
            ok = add(routes, bundle_at(bundle, i), err);
    if (ok)
        return routes;
    routes_release(routes);
    return NULL;
}

struct routes *routes_retain(struct routes *routes) {
    routes->holders++;
    return routes;
}

void routes_release(struct routes *routes) {
    if (!routes || --routes->holders > 0)
        return;
    bundle_release(routes->bundle);
    mem_free(routes->items);
    mem_free(routes);
}

struct bundle *routes_bundle(const struct routes *routes) {
    return routes->bundle;
}

struct route routes_find(const struct routes *routes, struct str source,
                         struct str script, const struct json *occurrence) {
    for (size_t i = 0; i < routes->count; i++) {
        struct str wanted = json_find_text(
            json_find(routes->items[i].playbook, "trigger"), "source");

        if ((str_equal(wanted, source) || str_equal(wanted, script)) &&
            match_takes(routes->items[i].playbook, occurrence))
            return routes->items[i];
    }
    return (struct route){{NULL, 0}, NULL};
}
