/* test_routes.c - which playbook an occurrence goes to. */
#include "serve/routes.h"
#include "support.h"

#define PLAYBOOK(mode, labels)                                          \
    "return { about = 'x', " mode "trigger = { source = 'alarm'" labels \
    " }, key = { '$incident.labels.service' }, start = 'look', "        \
    "nodes = { look = { use = 'look', next = { found = 'done' } } } }"

static void add(struct bundle *bundle, const char *path, const char *text) {
    struct err err;

    cr_assert(bundle_add(bundle, str_of(path), str_of(text), &err), "%s",
              err.text);
}

static struct routes *open_routes(struct bench *bench) {
    struct err     err = {.text = ""};
    struct routes *routes;

    bench_open(bench, "");
    add(bench->bundle, "playbooks/z_all.lua", PLAYBOOK("", ""));
    add(bench->bundle, "playbooks/m_prod.lua",
        PLAYBOOK("", ", labels = { env = 'prod' }"));
    add(bench->bundle, "playbooks/a_off.lua", PLAYBOOK("mode = 'off', ", ""));
    add(bench->bundle, "playbooks/b_prod.lua",
        PLAYBOOK("", ", labels = { env = 'prod' }"));
    bundle_seal(bench->bundle);
    routes = routes_open(bench->bundle, &err);
    cr_assert(routes, "%s", err.text);
    return routes;
}

static void goes_to(const struct routes *routes, const char *source,
                    const char *script, const char *env, const char *wanted) {
    struct json *occurrence =
        support_json("{'key': 'k', 'status': 'firing', 'started_at': "
                     "'2026-01-01T00:00:00Z', 'labels': {'service': 'api'}}");
    struct route route;

    json_put_text(json_find(occurrence, "labels"), "env", str_of(env));
    route = routes_find(routes, str_of(source), str_of(script), occurrence);
    cr_expect(str_is(route.id, wanted), "%s/%s/%s: \"%.*s\"", source, script,
              env, STR_ARG(route.id));
    cr_expect_eq(route.playbook != NULL, *wanted != '\0');
    json_release(occurrence);
}

Test(routes, RT1_the_first_by_name_that_takes_it_gets_it_each_time) {
    struct bench   bench;
    struct routes *routes = open_routes(&bench);

    for (int i = 0; i < 3; i++) {
        goes_to(routes, "alarm", "alarm", "prod", "b_prod");
        goes_to(routes, "alarm", "alarm", "test", "z_all");
    }
    routes_release(routes);
    bench_close(&bench);
}

Test(routes, RT1_a_source_is_known_by_its_own_name_and_by_its_script) {
    struct bench   bench;
    struct routes *routes = open_routes(&bench);

    goes_to(routes, "team_alarm", "alarm", "prod", "b_prod");
    goes_to(routes, "alarm", "other", "prod", "b_prod");
    goes_to(routes, "other", "other", "prod", "");
    routes_release(routes);
    bench_close(&bench);
}

Test(routes, RT1_a_playbook_that_is_off_takes_nothing) {
    struct bench   bench;
    struct routes *routes = open_routes(&bench), *kept = routes_retain(routes);

    routes_release(routes);
    goes_to(kept, "alarm", "alarm", "test", "z_all");
    routes_release(kept);
    bench_close(&bench);
}

Test(routes, a_playbook_that_cannot_be_read_is_named) {
    struct bench bench;
    struct err   err = {.text = ""};

    bench_open(&bench, "");
    bench_script(&bench, "playbooks/bad.lua", "return error('no')");
    cr_expect_null(routes_open(bench.bundle, &err));
    cr_expect(support_has(err.text, "playbook bad"), "%s", err.text);
    bench_close(&bench);
}
