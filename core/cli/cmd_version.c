/* cmd_version.c - nightshift version: this build, and what it runs on.
 *
 * Libraries are asked of the loader, so that what is printed is what is in
 * use and not what was there when the binary was built.
 */
#include <limits.h>
#include <link.h>

#include "app/version.h"
#include "base/json.h"
#include "cli/cli.h"

/* What Nightshift itself is linked with; theirs would be forty lines more. */
static bool is_own(const char *name) {
    static const char *const own[] = {"libc.so",    "libcrypto", "libcurl",
                                      "libjansson", "liblua",    "libsqlite",
                                      "libuv"};

    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strncmp(name, own[i], strlen(own[i])) == 0)
            return true;
    return false;
}

static int add_library(struct dl_phdr_info *info, size_t size, void *arg) {
    struct json *libraries = arg;
    char         path[PATH_MAX];
    const char  *base;

    (void)size;
    if (!info->dlpi_name || !realpath(info->dlpi_name, path))
        return 0;
    base = strrchr(path, '/');
    base = base ? base + 1 : path;
    if (is_own(base))
        json_put_text(libraries, base, str_of(path));
    return 0;
}

int cmd_version(const struct cli *cli) {
    struct json     *object = json_new_map(), *libraries = json_new_map();
    struct json_walk walk;
    struct buf       text = BUF_EMPTY;

    (void)dl_iterate_phdr(add_library, libraries);
    json_put_text(object, "schema", STR("nightshift.version/1"));
    json_put_text(object, "version", STR(APP_VERSION));
    json_put_text(object, "compiler", STR(__VERSION__));
    json_put(object, "libraries", libraries);
    if (cli->value.json) {
        json_write(object, &text);
        printf("%s\n", buf_text(&text));
    } else {
        printf("nightshift %s (%s)\n", APP_VERSION, __VERSION__);
        walk = json_walk_over(libraries);
        while (json_walk_next(&walk))
            printf("  %.*s\n", STR_ARG(walk.key));
    }
    buf_release(&text);
    json_release(object);
    return EXIT_DONE;
}
