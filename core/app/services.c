/* services.c - the table by the bundle's own reader, checked, then put in. */
#include "app/services.h"

#include <ctype.h>
#include <stdlib.h>

#include "protocol/aws_service.h"

static void say(void *arg, enum aws_service_fault fault, const struct str *keys,
                size_t depth, const char *text) {
    struct err *err = arg;

    (void)fault;
    err_set(err, ERR_CONFIG, "scripts/lib/aws/services.lua: %.*s: %s",
            depth ? (int)keys[0].len : 0, depth ? keys[0].data : "", text);
}

static bool is_url(const char *text) {
    return str_starts(str_of(text), "https://") ||
           str_starts(str_of(text), "http://");
}

/* "CloudWatch Logs" -> AWS_ENDPOINT_URL_CLOUDWATCH_LOGS */
static void add_endpoint(struct config *config, struct str service,
                         struct str id) {
    struct buf  name = BUF_EMPTY;
    const char *url;

    buf_add_text(&name, "AWS_ENDPOINT_URL_");
    for (size_t i = 0; i < id.len; i++)
        buf_add_char(&name, isalnum((unsigned char)id.data[i])
                                ? (char)toupper((unsigned char)id.data[i])
                                : '_');
    url = getenv(buf_text(&name));
    if (url && is_url(url))
        config_put_endpoint(config, service, str_of(url), buf_text(&name));
    buf_release(&name);
}

bool services_attach(struct bundle *bundle, struct config *config,
                     struct err *err) {
    const struct script *script =
        bundle_find(bundle, SCRIPT_LIB, STR("aws.services"));
    const struct json *rows;
    struct json_walk   walk;

    if (!script)
        return true;
    if (!bundle_meta(bundle, script, &rows, err))
        return err_wrap(err, "scripts/%s", script->path);
    if (!aws_service_check(rows, say, err))
        return false;
    walk = json_walk_over(rows);
    while (json_walk_next(&walk)) {
        struct str id = json_find_text(walk.value, "id");

        add_endpoint(config, walk.key, id.len ? id : walk.key);
    }
    config_put(config, "aws_services", json_clone(rows));
    return true;
}
