/* candidate.c - what was read between two equal looks at the folder is of one
 * moment; what was not is thrown away and read again. (CA1)
 */
#include "app/candidate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "app/scripts.h"
#include "app/secret_fetch.h"
#include "app/service_settings.h"
#include "app/services.h"
#include "base/mem.h"
#include "check/check.h"
#include "check/findings.h"
#include "sys/file.h"
#include "sys/watch.h"

#define LOOKS_MAX 5

/* --- problems --------------------------------------------------------------- */

static void add_problem(struct candidate *candidate, const char *file, int line,
                        enum err_code code, const char *text) {
    struct json *problem = json_new_map();

    json_put_text(problem, "code", str_of(err_name(code)));
    json_put_text(problem, "file", str_of(file));
    json_put_int(problem, "line", line > 0 ? line : 1);
    json_put_text(problem, "text", str_of(text));
    json_put_text(problem, "next", str_of(err_next(code)));
    json_append(candidate->problems, problem);
}

/* "…FILE:12: sentence" -> 12 and the sentence, by the last FILE in it. */
static int cut_place(const char *file, const char **text) {
    const char *at = *text, *found;
    char       *rest;
    long        line = 1, number;

    while ((found = strstr(at, file)) != NULL) {
        at = found + strlen(file);
        if (*at != ':' || !isdigit((unsigned char)at[1]))
            continue;
        number = strtol(at + 1, &rest, 10);
        if (*rest != ':')
            continue;
        line = number;
        *text = rest + 1 + strspn(rest + 1, " ");
    }
    return line > 0 && line < 1 << 20 ? (int)line : 1;
}

void candidate_add_problem(struct candidate *candidate, struct str key,
                           const struct err *err) {
    const char *file = config_file(candidate->config);

    add_problem(candidate, file ? file : "environment",
                file ? config_line(candidate->config, key) : 1, err->code,
                err->text);
}

/* Files of findings begin in the folder; here they begin where it does. */
static void add_findings(struct candidate *candidate, const char *dir,
                         const struct json *findings) {
    for (size_t i = 0; i < json_count(findings); i++) {
        struct json *problem = json_clone(json_at(findings, i));
        struct buf   file = BUF_EMPTY;

        buf_addf(&file, "%s/%.*s", dir,
                 STR_ARG(json_find_text(problem, "file")));
        json_put_text(problem, "file", buf_str(&file));
        json_append(candidate->problems, problem);
        buf_release(&file);
    }
}

/* --- making ----------------------------------------------------------------- */

static void make_bundle(struct candidate *candidate, const char *dir,
                        struct clock *clock) {
    struct json *findings = json_new_list(), *proven;
    struct str   code;
    struct err   err;

    if (!scripts_collect(dir, clock, &candidate->bundle, findings, &err)) {
        add_problem(candidate, dir, 1, err.code, err.text);
    } else if (bundle_count(candidate->bundle) == 0 &&
               json_count(findings) == 0) {
        add_problem(candidate, dir, 1, ERR_NOT_FOUND,
                    "no script is in this folder; one that is empty, or not "
                    "mounted, does not come into force");
    } else {
        proven = check_bundle(candidate->bundle);
        for (size_t i = 0; i < json_count(proven); i++)
            json_append(findings, json_retain(json_at(proven, i)));
        json_release(proven);
        /* The last part that would be compiled while runs wait for it. */
        (void)bundle_engine_code(candidate->bundle, "ctx", &code, &err);
    }
    findings = findings_sort(findings);
    add_findings(candidate, dir, findings);
    json_release(findings);
}

static void check_settings(struct candidate *candidate) {
    struct service_settings settings;
    struct err              err;
    struct str              rest;

    /* Its sentence begins with the key. */
    if (!service_settings_read(config_json(candidate->config), &settings, &err))
        candidate_add_problem(candidate, str_cut(str_of(err.text), ' ', &rest),
                              &err);
}

static void check_secrets(struct candidate *candidate) {
    const struct json *missing = config_missing(candidate->config);

    for (size_t i = 0; i < json_count(missing); i++) {
        const struct json *reference = json_at(missing, i);
        struct str         path = json_find_text(reference, "path");
        struct err         err;

        if (secret_fetch_takes(reference))
            continue;
        err_set(&err, ERR_CONFIG, "%.*s: %.*s", STR_ARG(path),
                STR_ARG(json_find_text(reference, "why")));
        candidate_add_problem(candidate, path, &err);
    }
}

static void make_config(struct candidate *candidate, const char *dir,
                        const char *path) {
    const char *text;
    struct err  err;
    int         line;

    candidate->config = config_load(path, candidate->bundle, &err);
    if (!candidate->config) {
        text = err.text;
        path = path ? path : "nightshift.lua";
        line = cut_place(path, &text);
        add_problem(candidate, path, line, err.code, text);
        return;
    }
    check_settings(candidate);
    check_secrets(candidate);
    if (json_count(candidate->problems) == 0 &&
        !services_attach(candidate->bundle, candidate->config, &err))
        add_problem(candidate, dir, 1, err.code, err.text);
}

/* --- one moment ------------------------------------------------------------- */

static void look(const char *dir, const char *config, struct buf *out) {
    struct file_list list;
    struct buf       path = BUF_EMPTY;
    struct err       err;

    buf_clear(out);
    if (file_list_read(dir, ".lua", &list, &err))
        for (size_t i = 0; i < list.count; i++) {
            buf_clear(&path);
            buf_addf(&path, "%s/%s", dir, list.paths[i]);
            buf_addf(out, "%s ", list.paths[i]);
            file_stamp(buf_text(&path), out);
        }
    file_list_release(&list);
    file_stamp(config ? config : "nightshift.lua", out);
    buf_release(&path);
}

static bool looks_the_same(const struct buf *a, const struct buf *b) {
    return str_equal(buf_str(a), buf_str(b));
}

void candidate_make(const char *scripts, const char *config,
                    struct clock *clock, struct candidate *candidate) {
    struct buf               before = BUF_EMPTY, after = BUF_EMPTY;
    int                      looks = 0;
    const struct watch_paths paths = {
        (const char *const[]){scripts, config ? config : "nightshift.lua"}, 2,
        ".lua"};

    memset(candidate, 0, sizeof *candidate);
    do {
        candidate_release(candidate);
        candidate->problems = json_new_list();
        look(scripts, config, &before);
        watch_digest(&paths, candidate->digest);
        make_bundle(candidate, scripts, clock);
        if (candidate->bundle)
            make_config(candidate, scripts, config);
        look(scripts, config, &after);
    } while (!looks_the_same(&before, &after) && ++looks < LOOKS_MAX);
    if (looks == LOOKS_MAX)
        add_problem(candidate, scripts, 1, ERR_CONFLICT,
                    "the files change faster than they can be read; the next "
                    "change tries again");
    buf_release(&before);
    buf_release(&after);
}

void candidate_release(struct candidate *candidate) {
    bundle_release(candidate->bundle);
    config_release(candidate->config);
    json_release(candidate->problems);
    memset(candidate, 0, sizeof *candidate);
}
