/* config_scope.c - short lists beside config.def, since most keys are in none.
 */
#include "app/config_scope.h"

bool config_scope_is_transport(const struct config_key *key) {
    static const char *const kinds[] = {"url", "secret", "reference", NULL};
    static const char *const paths[] = {"http.private",
                                        "http.ca_file",
                                        "http.auth.*.header",
                                        "http.auth.*.prefix",
                                        "secrets.directory",
                                        "effect_timeout",
                                        NULL};

    return str_in(str_of(key->kind), kinds) || str_in(str_of(key->path), paths);
}

bool config_scope_is_service(const struct json *steps) {
    static const char *const first[] = {"listen", "tls",   "admin", "tokens",
                                        "limits", "drain", "log",   "sources",
                                        "otlp",   NULL};

    return str_in(json_text(json_at(steps, 0)), first);
}
