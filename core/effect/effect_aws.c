/* effect_aws.c - secret first, then by name, then by route; else once. */
#include "effect/effect_aws.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "base/nearest.h"
#include "protocol/aws_rest.h"
#include "protocol/aws_service.h"

/* --- the lists --------------------------------------------------------- */

#define SECRET(name)
#define SECRET_PART(part)
#define SECRET_START(start)
#define NOT_SECRET(name)
#define NOT_READ(name)
#define READ(service, name)
#define POST_READ(signing, name, path)
#define SECRET_ROUTE(signing, method, path, query)
#define NO_ROUTES(name)

#undef SECRET
#define SECRET(name) name,
static const char *const secrets[] = {
#include "effect/aws_operations.def"
    NULL};
#undef SECRET
#define SECRET(name)

#undef SECRET_PART
#define SECRET_PART(part) part,
static const char *const secret_parts[] = {
#include "effect/aws_operations.def"
    NULL};
#undef SECRET_PART
#define SECRET_PART(part)

#undef SECRET_START
#define SECRET_START(start) start,
static const char *const secret_starts[] = {
#include "effect/aws_operations.def"
    NULL};
#undef SECRET_START
#define SECRET_START(start)

#undef NOT_SECRET
#define NOT_SECRET(name) name,
static const char *const not_secrets[] = {
#include "effect/aws_operations.def"
    NULL};
#undef NOT_SECRET
#define NOT_SECRET(name)

#undef NOT_READ
#define NOT_READ(name) name,
static const char *const not_reads[] = {
#include "effect/aws_operations.def"
    NULL};
#undef NOT_READ
#define NOT_READ(name)

#undef NO_ROUTES
#define NO_ROUTES(name) name,
static const char *const no_routes[] = {
#include "effect/aws_operations.def"
    NULL};
#undef NO_ROUTES
#define NO_ROUTES(name)

static const struct {
    const char *service, *operation;
} other_reads[] = {
#undef READ
#define READ(service, name) {service, name},
#include "effect/aws_operations.def"
};
#undef READ
#define READ(service, name)

static const struct {
    const char *signing, *operation, *path;
} post_reads[] = {
#undef POST_READ
#define POST_READ(signing, name, path) {signing, name, path},
#include "effect/aws_operations.def"
};
#undef POST_READ
#define POST_READ(signing, name, path)

static const struct {
    const char *signing, *method, *path, *query;
} secret_routes[] = {
#undef SECRET_ROUTE
#define SECRET_ROUTE(signing, method, path, query) \
    {signing, method, path, query},
#include "effect/aws_operations.def"
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const char *const read_verbs[] = {"Describe", "List",   "Get",
                                         "BatchGet", "Filter", "Lookup",
                                         "Search",   "Head",   NULL};
static const char *const giving_verbs[] = {"Get", "BatchGet", "Create",
                                           "Generate", NULL};

/* --- names ------------------------------------------------------------- */

static int is_lower_or_digit(int c) {
    return islower(c) || isdigit(c);
}

/* One spelling of a service: another one would be another service. */
bool effect_aws_name_valid(struct str action) {
    struct str operation, service = str_cut(action, ':', &operation);

    return str_made_of(service, is_lower_or_digit, "-") &&
           str_made_of(operation, isalnum, "") &&
           isupper((unsigned char)operation.data[0]) && service.len < 40 &&
           operation.len < 100;
}

static struct str service_of(struct str name) {
    struct str rest;

    (void)str_cut(name, ':', &rest);
    return str_cut(rest, ':', &rest);
}

static struct str operation_of(struct str name) {
    struct str rest;

    (void)str_cut(name, ':', &rest);
    (void)str_cut(rest, ':', &rest);
    return rest;
}

struct str effect_aws_operation(const struct effect *effect) {
    return operation_of(str_of(effect->name));
}

const struct json *effect_aws_route(const struct effect *effect) {
    return json_find_str(json_find(effect->service, "operations"),
                         effect_aws_operation(effect));
}

/* --- by name ----------------------------------------------------------- */

/* "Getaway" is no Get: the verb ends where a capital begins. */
static bool begins_with(struct str operation, const char *const *verbs) {
    for (; *verbs; verbs++) {
        size_t len = strlen(*verbs);

        if (str_starts(operation, *verbs) &&
            (operation.len == len ||
             isupper((unsigned char)operation.data[len])))
            return true;
    }
    return false;
}

static bool secret_by_name(struct str operation) {
    if (str_in(operation, secrets))
        return true;
    for (size_t i = 0; secret_starts[i]; i++)
        if (str_starts(operation, secret_starts[i]))
            return true;
    if (!begins_with(operation, giving_verbs) || str_in(operation, not_secrets))
        return false;
    for (size_t i = 0; secret_parts[i]; i++)
        if (memmem(operation.data, operation.len, secret_parts[i],
                   strlen(secret_parts[i])))
            return true;
    return false;
}

static bool reads_by_name(struct str name) {
    struct str service = service_of(name), operation = operation_of(name);

    for (size_t i = 0; i < COUNT(other_reads); i++)
        if (str_is(service, other_reads[i].service) &&
            str_is(operation, other_reads[i].operation))
            return true;
    return begins_with(operation, read_verbs) && !str_in(operation, not_reads);
}

enum effect_class effect_aws_class_of(struct str name) {
    if (secret_by_name(operation_of(name)))
        return EFFECT_SECRET;
    return reads_by_name(name) ? EFFECT_READ : EFFECT_ONCE;
}

/* --- by route ---------------------------------------------------------- */

/* Cuts the next segment that is not empty; false at the end. */
static bool next_segment(struct str *path, struct str *segment) {
    do
        *segment = str_cut(*path, '/', path);
    while (segment->len == 0 && path->data);
    return segment->len > 0;
}

static bool segment_fits(struct str segment, struct str pattern) {
    struct buf plain = BUF_EMPTY;
    struct err err;
    bool       same;

    if (str_is(pattern, "*"))
        return true;
    same = encode_percent_read(segment, &plain, &err) &&
           plain.len == pattern.len &&
           strncasecmp(buf_text(&plain), pattern.data, pattern.len) == 0;
    buf_release(&plain);
    return same;
}

/* Services forgive slashes and some forgive case, so this does too. */
static bool path_fits(struct str path, const char *pattern) {
    struct str want = str_of(pattern), a, b;
    bool       more_path, more_want;

    for (;;) {
        more_path = next_segment(&path, &a);
        more_want = next_segment(&want, &b);
        if (!more_path || !more_want)
            return more_path == more_want;
        if (!segment_fits(a, b))
            return false;
    }
}

/* In the template, or as the name that the row gives an argument. */
static bool asks_for(const struct effect *effect, const char *query) {
    struct str       given, rest, uri;
    struct json_walk walk;
    bool             found = false;

    (void)str_cut(json_find_text(effect_aws_route(effect), "uri"), '?', &given);
    while (given.len && !found) {
        uri = str_cut(given, '&', &given);
        found = str_is(str_cut(uri, '=', &rest), query);
    }
    walk = json_walk_over(json_find(effect_aws_route(effect), "query"));
    while (json_walk_next(&walk))
        found = found || str_is(json_text(walk.value), query);
    return found;
}

static bool identity_is(const struct effect *effect, const char *name) {
    return str_is(json_find_text(effect->service, "signing"), name) ||
           str_is(json_find_text(effect->service, "endpoint"), name);
}

/* "sts-fips" and "sts.us-east-1" are hosts of the same service. */
static bool begins_identity(struct str host, const char *name) {
    size_t len = strlen(name);

    return str_starts(host, name) &&
           (host.len == len || host.data[len] == '.' ||
            str_starts((struct str){host.data + len, host.len - len}, "-fips"));
}

static bool has_no_routes(const struct effect *effect) {
    struct str host = json_find_text(effect->service, "endpoint");

    if (str_starts(host, "api."))
        host = (struct str){host.data + 4, host.len - 4};
    for (size_t i = 0; no_routes[i]; i++)
        if (identity_is(effect, no_routes[i]) ||
            begins_identity(host, no_routes[i]))
            return true;
    return false;
}

/* (EA2) */
static bool secret_by_route(const struct effect *effect, struct str path) {
    struct str method = json_find_text(effect_aws_route(effect), "method");

    for (size_t i = 0; i < COUNT(secret_routes); i++)
        if (identity_is(effect, secret_routes[i].signing) &&
            str_is(method, secret_routes[i].method) &&
            path_fits(path, secret_routes[i].path) &&
            (!secret_routes[i].query ||
             asks_for(effect, secret_routes[i].query)))
            return true;
    return false;
}

/* (EA1) */
static bool reads_by_route(const struct effect *effect, struct str path) {
    struct str method = json_find_text(effect_aws_route(effect), "method");
    struct str operation = effect_aws_operation(effect);

    if (str_is(method, "GET") || str_is(method, "HEAD"))
        return true;
    for (size_t i = 0; i < COUNT(post_reads) && str_is(method, "POST"); i++)
        if (identity_is(effect, post_reads[i].signing) &&
            str_is(operation, post_reads[i].operation) &&
            str_is(path, post_reads[i].path))
            return true;
    return false;
}

/* Without all arguments of its path it cannot be sent, whatever its class; a
 * read then stays one, so that a dry run asks and says what is wrong. */
static enum effect_class classify_route(const struct effect *effect,
                                        enum effect_class class) {
    struct buf path = BUF_EMPTY;
    struct err err;
    bool       whole = aws_rest_path(effect->service, effect_aws_route(effect),
                                     effect->args, &path, &err);

    if (has_no_routes(effect) ||
        (whole && secret_by_route(effect, buf_str(&path))))
        class = EFFECT_SECRET;
    else if (class == EFFECT_READ && !reads_by_route(effect, buf_str(&path)))
        class = EFFECT_ONCE;
    buf_release(&path);
    return class;
}

/* Services take "true" and 1 for true, so whatever is not surely no is yes. */
static bool given(const struct effect *effect, const char *argument) {
    struct json_walk walk = json_walk_over(effect->args);
    bool             found = false;

    while (json_walk_next(&walk))
        if (walk.key.len == strlen(argument) &&
            strncasecmp(walk.key.data, argument, walk.key.len) == 0)
            found =
                found ||
                (!json_is(walk.value, JSON_NULL_KIND) &&
                 (!json_is(walk.value, JSON_BOOL) || json_truth(walk.value)));
    return found;
}

/* Could the row's `names` make it of another argument? */
static bool names_it(const struct effect *effect, const char *wire) {
    struct json_walk walk = json_walk_over(json_find(effect->service, "names"));
    bool             found = false;

    while (json_walk_next(&walk)) {
        struct str name = json_text(walk.value);

        found = found || (name.len == strlen(wire) &&
                          strncasecmp(name.data, wire, name.len) == 0);
    }
    return found;
}

/* Parameters are plain without WithDecryption, secrets with it. */
static bool decrypts(const struct effect *effect) {
    return str_starts(effect_aws_operation(effect), "GetParameter") &&
           (given(effect, "WithDecryption") ||
            names_it(effect, "WithDecryption"));
}

bool effect_aws_is_itself(const struct effect *effect) {
    return !effect->service ||
           str_equal(json_find_text(effect->service, "signing"),
                     service_of(str_of(effect->name)));
}

enum effect_class effect_aws_classify(const struct effect *effect) {
    struct str name = str_of(effect->name);
    enum effect_class class = effect_aws_class_of(name);

    if (class == EFFECT_SECRET || decrypts(effect))
        return EFFECT_SECRET;
    if (!effect->service)
        return class;
    if (class == EFFECT_READ && !effect_aws_is_itself(effect) &&
        !begins_with(operation_of(name), read_verbs))
        class = EFFECT_ONCE;
    return aws_service_is_rest(effect->service) ? classify_route(effect, class)
                                                : class;
}

/* --- targets ----------------------------------------------------------- */

static struct str option_or_dash(const struct effect *effect,
                                 const char          *name) {
    struct str value = json_find_text(effect->options, name);

    return value.len ? value : STR("-");
}

/* Whom it is signed for, so that an alias touches what the service does. */
void effect_aws_target(const struct effect *effect, struct buf *out) {
    struct str service = json_find_text(effect->service, "signing");

    if (service.len == 0)
        service = service_of(str_of(effect->name));
    buf_addf(out, "aws:%.*s/%.*s/%.*s/*",
             STR_ARG(option_or_dash(effect, "account")),
             STR_ARG(option_or_dash(effect, "region")), STR_ARG(service));
}

/* --- making ------------------------------------------------------------ */

static const char *const option_names[] = {"region", "account"};

/* (EA3) */
static bool take_option(struct effect *effect, struct str name,
                        const struct json *value, struct err *err) {
    struct nearest nearest = nearest_to(name);
    struct buf     text = BUF_EMPTY;

    for (size_t i = 0; i < COUNT(option_names); i++) {
        if (str_is(name, option_names[i])) {
            json_put_str(effect->options, name, json_clone(value));
            return true;
        }
        nearest_offer(&nearest, str_of(option_names[i]));
    }
    err_set(err, ERR_INVALID,
            "%s: no option \"%.60s\"%s: region and account are", effect->name,
            name.data, nearest_words(&nearest, &text));
    buf_release(&text);
    return false;
}

static void add_defaults(struct effect *effect, const struct json *config) {
    for (size_t i = 0; i < COUNT(option_names); i++) {
        struct str value =
            json_find_text(json_find(config, "aws"), option_names[i]);

        if (value.len && !json_find(effect->options, option_names[i]))
            json_put_text(effect->options, option_names[i], value);
    }
}

static int is_account_letter(int c) {
    return isalnum(c);
}

/* (EA3) */
static bool check_options(const struct effect *effect, struct err *err) {
    const struct json *region = json_find(effect->options, "region");
    const struct json *account = json_find(effect->options, "account");

    if (region && !aws_service_region_valid(json_text(region)))
        return err_set(
            err, ERR_INVALID, "%s: \"%.60s\" is no region, as in eu-west-1",
            effect->name, json_text(region).len ? json_text(region).data : "");
    if (account && (!str_made_of(json_text(account), is_account_letter, "-_") ||
                    json_text(account).len > 64))
        return err_set(err, ERR_INVALID,
                       "%s: \"%.60s\" is no account, as in 123456789012",
                       effect->name,
                       json_text(account).len ? json_text(account).data : "");
    return true;
}

bool effect_aws_make(struct effect *effect, const struct json *question,
                     const struct json *config, struct err *err) {
    struct str action = json_text(json_at(question, 2));
    struct str operation;

    if (!effect_aws_name_valid(action))
        return err_set(err, ERR_INVALID,
                       "ctx.aws: \"%.*s\" is no "
                       "service:Operation, as in ecs:UpdateService",
                       STR_ARG(action));
    if (!effect_take_options(effect, json_at(question, 4), take_option, err))
        return false;
    add_defaults(effect, config);
    effect->service = aws_service_take(json_find(config, "aws_services"),
                                       str_cut(action, ':', &operation));
    return check_options(effect, err);
}
