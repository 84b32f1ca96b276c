/* state.c - three places, tried in order. */
#include "app/state.h"

#include <stdlib.h>

#include "store/store.h"
#include "sys/file.h"

bool state_find(const char *given, struct buf *dir, struct err *err) {
    const char *home = getenv("HOME");

    buf_clear(dir);
    if (!given || !*given)
        given = getenv("STATE_DIRECTORY");
    if (given && *given)
        buf_add_text(dir, given);
    else if (getenv("XDG_STATE_HOME"))
        buf_addf(dir, "%s/nightshift", getenv("XDG_STATE_HOME"));
    else if (home)
        buf_addf(dir, "%s/.local/state/nightshift", home);
    else
        return err_set(err, ERR_CONFIG, "no state directory: give --state DIR");
    return true;
}

struct store *state_open(const char *given, struct buf *dir, struct err *err) {
    struct buf file = BUF_EMPTY;
    bool       there;

    if (!state_find(given, dir, err))
        return NULL;
    buf_addf(&file, "%s/nightshift.db", buf_text(dir));
    there = file_exists(buf_text(&file));
    buf_release(&file);
    if (there)
        return store_sqlite_open(buf_text(dir), err);
    err_set(err, ERR_NOT_FOUND,
            "no run was ever live in %s; --state DIR looks elsewhere",
            buf_text(dir));
    return NULL;
}
