/* scripts.c - reads every .lua file below the folder into the bundle.
 *
 * Paths come in the order of their bytes and the bundle sorts by path, so the
 * hash does not depend on the file system.
 */
#include "app/scripts.h"

#include "check/findings.h"
#include "sys/crypto.h"
#include "sys/file.h"

/* Takes a path apart to say which rule of the bundle it broke. */
static enum finding finding_of(struct str path, const struct err *err) {
    struct str rest, folder = str_cut(path, '/', &rest);

    if (err->code == ERR_LIMIT)
        return FINDING_FILE_SIZE;
    if (err->code != ERR_INVALID)
        return FINDING_FILE_UNREADABLE;
    for (int kind = 0; rest.data && kind < SCRIPT_KIND_COUNT; kind++)
        if (str_is(folder, bundle_folder((enum script_kind)kind)))
            return FINDING_FILE_NAME;
    return FINDING_FILE_PLACE;
}

static bool add_file(struct bundle *bundle, const char *dir, const char *path,
                     struct err *err) {
    struct buf full = BUF_EMPTY, text = BUF_EMPTY;
    bool       ok;

    buf_addf(&full, "%s/%s", dir, path);
    ok = file_read(buf_text(&full), BUNDLE_TEXT_MAX, &text, err) &&
         bundle_add(bundle, str_of(path), buf_str(&text), err);
    buf_release(&full);
    buf_release(&text);
    return ok;
}

static bool collect(const char *dir, struct clock *clock,
                    struct bundle **bundle, struct json *findings,
                    struct err *err) {
    struct file_list list;
    bool             ok = true;

    if (!file_list_read(dir, ".lua", &list, err))
        return err_wrap(err, "scripts in %s", dir);
    *bundle = bundle_open(crypto_sha256, clock);
    for (size_t i = 0; i < list.count && ok; i++) {
        const char *path = list.paths[i];

        ok = add_file(*bundle, dir, path, err);
        if (!ok && findings) {
            findings_add(findings, finding_of(str_of(path), err), path, 1,
                         err->text);
            ok = true;
        }
    }
    file_list_release(&list);
    if (ok) {
        bundle_seal(*bundle);
        return true;
    }
    bundle_release(*bundle);
    *bundle = NULL;
    return err_wrap(err, "scripts in %s", dir);
}

bool scripts_load(const char *dir, struct clock *clock, struct bundle **bundle,
                  struct err *err) {
    return collect(dir, clock, bundle, NULL, err);
}

bool scripts_collect(const char *dir, struct clock *clock,
                     struct bundle **bundle, struct json *findings,
                     struct err *err) {
    return collect(dir, clock, bundle, findings, err);
}

/* The folder that the running binary lies in. */
static bool own_folder(struct buf *out) {
    char    path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);

    while (len > 0 && path[len - 1] != '/')
        len--;
    if (len <= 1)
        return false;
    buf_add(out, path, (size_t)len - 1);
    return true;
}

bool scripts_find(const char *given, struct buf *dir, struct err *err) {
    static const char *const beside[] = {"/scripts", "/../scripts",
                                         "/../share/nightshift/scripts"};
    struct buf               own = BUF_EMPTY;
    bool                     found = given || file_exists("scripts");

    if (found)
        buf_add_text(dir, given ? given : "scripts");
    else if (own_folder(&own))
        for (size_t i = 0; i < sizeof beside / sizeof *beside && !found; i++) {
            buf_clear(dir);
            buf_addf(dir, "%s%s", buf_text(&own), beside[i]);
            found = file_exists(buf_text(dir));
        }
    buf_release(&own);
    return found || err_set(err, ERR_NOT_FOUND,
                            "no scripts: neither ./scripts nor a folder of "
                            "that name beside the binary; use --scripts DIR");
}
