/* cmd_check.c - nightshift check: every finding with file and line.
 *
 * Findings are data and go to standard output, one line each in the form that
 * editors jump to, what to do next below it; the count goes to standard error.
 */
#include "app/config.h"
#include "app/scripts.h"
#include "app/service_settings.h"
#include "check/check.h"
#include "check/findings.h"
#include "cli/cli.h"
#include "cli/paint.h"
#include "sys/clock_real.h"

static void print_finding(const char *dir, const struct json *finding) {
    struct str file = json_find_text(finding, "file");
    struct str code = json_find_text(finding, "code");
    struct str text = json_find_text(finding, "text");
    struct str next = json_find_text(finding, "next");

    printf("%s/%.*s:%d: %s%.*s%s: %.*s\n  %.*s\n", dir, STR_ARG(file),
           (int)json_find_int(finding, "line", 1),
           paint_code(stdout, PAINT_RED), STR_ARG(code),
           paint_code(stdout, PAINT_OFF), STR_ARG(text), STR_ARG(next));
}

static void print_text(const char *dir, const struct bundle *bundle,
                       const struct json *findings) {
    size_t count = json_count(findings), scripts = bundle_count(bundle);

    for (size_t i = 0; i < count; i++)
        print_finding(dir, json_at(findings, i));
    if (count > 0)
        fprintf(stderr, "%zu script%s, %zu finding%s\n", scripts,
                scripts == 1 ? "" : "s", count, count == 1 ? "" : "s");
    else
        printf("%zu script%s, no findings\n", scripts, scripts == 1 ? "" : "s");
}

static void print_json(const char *dir, const struct bundle *bundle,
                       const struct json *findings) {
    struct json *object = json_new_map();
    struct buf   text = BUF_EMPTY;

    json_put_text(object, "schema", STR("nightshift.check/1"));
    json_put_text(object, "path", str_of(dir));
    json_put_text(object, "bundle", str_of(bundle_hash(bundle)));
    json_put_int(object, "scripts", (int64_t)bundle_count(bundle));
    json_put(object, "findings", json_clone(findings));
    json_write(object, &text);
    printf("%s\n", buf_text(&text));
    buf_release(&text);
    json_release(object);
}

/* What could not be loaded, and what is wrong with the rest, as one list. */
static struct json *all_findings(struct bundle *bundle, struct json *loading) {
    struct json *checked = check_bundle(bundle);

    for (size_t i = 0; i < json_count(checked); i++)
        json_append(loading, json_retain(json_at(checked, i)));
    json_release(checked);
    return findings_sort(loading);
}

/* "aws.region" of { aws = { region } }; names of services may hold dots, so the
 * longest step that is there is taken. */
static const struct json *value_at(const struct json *map, struct str path) {
    const struct json *found = json_find_str(map, path);

    for (size_t i = path.len; !found && i > 0; i--)
        if (path.data[i - 1] == '.') {
            const struct json *inner =
                json_find_str(map, (struct str){path.data, i - 1});

            if (inner)
                found =
                    value_at(inner, (struct str){path.data + i, path.len - i});
        }
    return found;
}

/* Every value that is set, and who set it. References to secrets are shown as
 * references. */
static void print_config(const struct config *config) {
    struct json_walk walk = json_walk_over(config_origins(config));

    while (json_walk_next(&walk)) {
        struct buf text = BUF_EMPTY;

        json_write(value_at(config_json(config), walk.key), &text);
        printf("%.*s = %s  -- %.*s\n", STR_ARG(walk.key), buf_text(&text),
               STR_ARG(json_text(walk.value)));
        buf_release(&text);
    }
}

/* The configuration is proven with the scripts: an unknown key in it is as
 * much a mistake as an unknown outcome. */
static bool check_config(const struct cli *cli, struct bundle *bundle,
                         struct err *err) {
    struct config *config = config_load(cli->value.config, bundle, err);
    struct service_settings settings;
    bool                    ok;

    if (!config)
        return false;
    ok = service_settings_read(config_json(config), &settings, err) ||
         err_wrap(err, "configuration");
    if (ok && cli->value.print_config)
        print_config(config);
    config_release(config);
    return ok;
}

int cmd_check(const struct cli *cli) {
    const char    *given = cli->count ? cli->args[0] : cli->value.scripts;
    struct json   *findings = json_new_list();
    struct bundle *bundle = NULL;
    struct buf     dir = BUF_EMPTY;
    struct err     err;
    int            code;

    if (!scripts_find(given, &dir, &err) ||
        !scripts_collect(buf_text(&dir), clock_real(), &bundle, findings,
                         &err) ||
        !check_config(cli, bundle, &err)) {
        code = cli_fail(cli, &err);
    } else {
        findings = all_findings(bundle, findings);
        if (cli->value.json)
            print_json(buf_text(&dir), bundle, findings);
        else
            print_text(buf_text(&dir), bundle, findings);
        code = json_count(findings) ? EXIT_FAILED : EXIT_DONE;
    }
    json_release(findings);
    bundle_release(bundle);
    buf_release(&dir);
    return code;
}
