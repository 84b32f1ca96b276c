/* effect.c - from a question to a name, a class and a target.
 *
 * The order is: form of the name, rule by name and argument, read by form,
 * else once. `secret` is decided before all of it, so that no rule can make
 * such an operation harmless. (E3)
 */
#include "effect/effect.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/timestamp.h"
#include "effect/effect_aws.h"
#include "effect/effect_llm.h"
#include "effect/effect_private.h"
#include "effect/rule.h"
#include "sys/crypto.h"

static const struct effect_rule rules[] = {
#define RULE(name, needs_arg, class, target, readback, before, prove, predict, \
             token_arg)                                                        \
    {name,   needs_arg, class,   target,   readback,                           \
     before, prove,     predict, token_arg},
#include "effect/effects.def"
#undef RULE
};
#define RULES (sizeof rules / sizeof *rules)

static const struct {
    const char *name, *after;
} classes[] = {
#define X(id, name, after) {name, after},
    EFFECT_CLASSES(X)
#undef X
};

const char *effect_class_name(enum effect_class class) {
    return classes[class].name;
}

const char *effect_class_after(enum effect_class class) {
    return classes[class].after;
}

/* --- names ------------------------------------------------------------ */

bool effect_method_valid(struct str method) {
    static const char *const methods[] = {"GET",   "HEAD",   "POST", "PUT",
                                          "PATCH", "DELETE", NULL};

    return str_in(method, methods);
}

static bool prometheus_valid(struct str call) {
    return str_is(call, "query") || str_is(call, "query_range");
}

bool effect_name_valid(struct str name) {
    struct str rest, kind = str_cut(name, ':', &rest);
    struct str path, method;

    if (!rest.data)
        return false;
    if (str_is(kind, "aws"))
        return effect_aws_name_valid(rest);
    if (str_is(kind, "github"))
        return effect_github_name_valid(rest);
    if (str_is(kind, "prometheus"))
        return prometheus_valid(rest);
    if (str_is(kind, "notify"))
        return str_made_of(rest, isalnum, "_-");
    if (str_is(kind, "llm"))
        return effect_llm_valid(rest);
    method = str_cut(rest, ' ', &path);
    return str_is(kind, "http") && effect_method_valid(method) &&
           path.len > 0 && path.data[0] != '/';
}

/* --- classes ---------------------------------------------------------- */

static bool reads_by_form(struct str name) {
    return str_starts(name, "github:GET ") ||
           str_starts(name, "github:HEAD ") ||
           str_is(name, "github:graphql:query") ||
           str_starts(name, "prometheus:") ||
           (str_starts(name, "llm:") && effect_name_valid(name));
}

/* (E1) */
static enum effect_class class_by_form(struct str name) {
    if (str_starts(name, "aws:"))
        return effect_aws_class_of(name);
    if (str_starts(name, "github:") && effect_github_gives_token(name))
        return EFFECT_SECRET;
    if (str_starts(name, "notify:"))
        return EFFECT_NOTIFY;
    return reads_by_form(name) ? EFFECT_READ : EFFECT_ONCE;
}

enum effect_class effect_class_of(struct str name) {
    enum effect_class class = class_by_form(name);

    for (size_t i = 0; i < RULES && class == EFFECT_ONCE; i++)
        if (str_is(name, rules[i].name))
            class = rules[i].class;
    return class;
}

/* Services take "true" and 1 for true, so whatever is not surely no is yes. */
static bool given(const struct effect *effect, const char *argument) {
    const struct json *value = json_find(effect->args, argument);

    return value && !json_is(value, JSON_NULL_KIND) &&
           (!json_is(value, JSON_BOOL) || json_truth(value));
}

static const struct effect_rule *rule_for(const struct effect *effect) {
    for (size_t i = 0; i < RULES; i++)
        if (strcmp(effect->name, rules[i].name) == 0 &&
            (!rules[i].needs_arg || given(effect, rules[i].needs_arg)))
            return effect_github_fits_rule(effect) ? &rules[i] : NULL;
    return NULL;
}

static bool configured_read(const struct effect *effect,
                            const struct json   *config) {
    const struct json *reads = json_dig(config, "http", "reads", NULL);

    for (size_t i = 0; i < json_count(reads); i++) {
        struct buf name = BUF_EMPTY;
        bool       same;

        buf_addf(&name, "http:%.*s", STR_ARG(json_text(json_at(reads, i))));
        same = str_is(buf_str(&name), effect->name);
        buf_release(&name);
        if (same)
            return true;
    }
    return false;
}

static void classify(struct effect *effect, const struct json *config) {
    if (effect->kind >= EFFECT_CATALOGUE) {
        effect->class = EFFECT_READ;
        return;
    }
    effect->class = effect->kind == EFFECT_AWS
                        ? effect_aws_classify(effect)
                        : class_by_form(str_of(effect->name));
    if (effect->kind != EFFECT_AWS || effect_aws_is_itself(effect))
        effect->rule = rule_for(effect);
    /* What a template hides, its arguments show. (E3) */
    if (effect->kind == EFFECT_GITHUB && effect_github_is_secret(effect))
        effect->class = EFFECT_SECRET;
    if (effect->class == EFFECT_ONCE && effect->rule)
        effect->class = effect->rule->class;
    else if (effect->kind == EFFECT_HTTP && configured_read(effect, config))
        effect->class = EFFECT_READ;
}

/* --- targets ---------------------------------------------------------- */

static void widest_target(const struct effect *effect, struct buf *out) {
    struct str rest, service;

    (void)str_cut(str_of(effect->name), ':', &rest);
    switch (effect->kind) {
    case EFFECT_AWS: effect_aws_target(effect, out); break;
    case EFFECT_GITHUB: rule_github_target(effect, out); break;
    case EFFECT_PROMETHEUS: buf_add_text(out, "prometheus:default"); break;
    case EFFECT_HTTP:
        (void)str_cut(rest, ' ', &rest);
        buf_addf(out, "http:%.*s", STR_ARG(str_cut(rest, '/', &service)));
        break;
    case EFFECT_TO_PEOPLE: buf_addf(out, "people:%.*s", STR_ARG(rest)); break;
    default: break;
    }
}

/* Reads of one ECS service have its target too: a dry run must know which
 * reads could see a write. */
static void find_target(struct effect *effect) {
    struct buf target = BUF_EMPTY;

    if (effect->kind == EFFECT_LLM)
        return; /* known since it was made */
    if (effect->rule && effect->rule->target)
        effect->rule->target(effect, &target);
    else if (strcmp(effect->name, "aws:ecs:DescribeServices") == 0 ||
             strcmp(effect->name, "aws:ecs:DescribeTasks") == 0 ||
             strcmp(effect->name, "aws:ecs:ListTasks") == 0)
        rule_ecs_cluster_target(effect, &target);
    else
        widest_target(effect, &target);
    effect->target = buf_take(&target);
}

/* --- making ----------------------------------------------------------- */

struct maker {
    const char      *kind;
    enum effect_kind id;
    bool (*make)(struct effect *effect, const struct json *question,
                 const struct json *config, struct err *err);
};

static void set_name(struct effect *effect, const char *kind, struct str name) {
    struct buf full = BUF_EMPTY;

    buf_addf(&full, "%s:%.*s", kind, STR_ARG(name));
    effect->name = buf_take(&full);
}

static bool take_args(struct effect *effect, const struct json *args,
                      struct err *err) {
    if (args && !json_is(args, JSON_MAP) && !json_is(args, JSON_NULL_KIND))
        return err_set(err, ERR_INVALID,
                       "%s: arguments must be a table of "
                       "names",
                       effect->name);
    effect->args = json_is(args, JSON_MAP) ? json_clone(args) : json_new_map();
    return true;
}

static bool make_aws(struct effect *effect, const struct json *question,
                     const struct json *config, struct err *err) {
    set_name(effect, "aws", json_text(json_at(question, 2)));
    return effect_aws_make(effect, question, config, err) &&
           take_args(effect, json_at(question, 3), err);
}

static bool make_prometheus(struct effect *effect, const struct json *question,
                            const struct json *config, struct err *err) {
    struct str call = json_text(json_at(question, 2));

    (void)config;
    if (!prometheus_valid(call))
        return err_set(err, ERR_INVALID,
                       "ctx.prometheus: \"%.*s\" is neither "
                       "query nor query_range",
                       STR_ARG(call));
    set_name(effect, "prometheus", call);
    return take_args(effect, json_at(question, 3), err);
}

/* "https://host/path?x" -> "host/path" */
static bool split_url(struct str url, struct str *host_path) {
    struct str query;

    if (str_starts(url, "https://"))
        url = (struct str){url.data + 8, url.len - 8};
    else if (str_starts(url, "http://"))
        url = (struct str){url.data + 7, url.len - 7};
    else
        return false;
    *host_path = str_cut(url, '?', &query);
    return host_path->len > 0 && !memchr(host_path->data, '@', host_path->len);
}

static bool host_allowed(struct str host_path, const struct json *config) {
    const struct json *hosts = json_dig(config, "http", "allow", NULL);
    struct str         rest, host = str_cut(host_path, '/', &rest);

    for (size_t i = 0; i < json_count(hosts); i++)
        if (str_equal(host, json_text(json_at(hosts, i))))
            return true;
    return false;
}

static bool make_http(struct effect *effect, const struct json *question,
                      const struct json *config, struct err *err) {
    const struct json *request = json_at(question, 2);
    struct str         url = json_find_text(request, "url"), host_path;
    struct str         method = json_find_text(request, "method");
    struct buf         name = BUF_EMPTY;

    if (method.len == 0)
        method = STR("GET");
    if (!effect_method_valid(method) || !split_url(url, &host_path))
        return err_set(err, ERR_INVALID,
                       "ctx.http takes { method, url, "
                       "headers, json } with an absolute http or https URL");
    if (!host_allowed(host_path, config))
        return err_set(err, ERR_DENIED,
                       "ctx.http: the host of %.*s is not in "
                       "http.allow of the configuration",
                       STR_ARG(host_path));
    buf_addf(&name, "%.*s %.*s", STR_ARG(method), STR_ARG(host_path));
    set_name(effect, "http", buf_str(&name));
    buf_release(&name);
    return take_args(effect, request, err);
}

static bool make_notify(struct effect *effect, const struct json *question,
                        const struct json *config, struct err *err) {
    struct str         channel = json_text(json_at(question, 2));
    const struct json *channels = json_find(config, "channels");

    if (!json_find_str(channels, channel))
        return err_set(err, ERR_NOT_FOUND,
                       "ctx.notify: channel \"%.*s\" is "
                       "not in channels of the configuration",
                       STR_ARG(channel));
    set_name(effect, "notify", channel);
    return take_args(effect, json_at(question, 3), err);
}

static bool make_catalogue(struct effect *effect, const struct json *question,
                           const struct json *config, struct err *err) {
    struct str key = json_text(json_at(question, 2));

    (void)config;
    if (key.len == 0)
        return err_set(err, ERR_INVALID,
                       "ctx.service takes a key, as in "
                       "\"cluster/service\"");
    effect->name = mem_text("catalogue:service", 17);
    effect->args = json_new_map();
    json_put_text(effect->args, "key", key);
    return true;
}

static bool make_plain(struct effect *effect, const struct json *question,
                       const struct json *config, struct err *err) {
    (void)config;
    (void)err;
    set_name(effect, "engine", json_text(json_at(question, 1)));
    effect->args = json_new_map();
    return true;
}

static bool make_sleep(struct effect *effect, const struct json *question,
                       const struct json *config, struct err *err) {
    const struct json *seconds = json_at(question, 2);
    double             ms = json_number(seconds) * 1000;

    if (!(ms >= 0 && ms <= 7 * 86400e3) ||
        (!json_is(seconds, JSON_INT) && !json_is(seconds, JSON_REAL_KIND)))
        return err_set(err, ERR_INVALID,
                       "ctx.sleep takes seconds, from 0 to "
                       "604800");
    (void)make_plain(effect, question, config, err);
    json_put_int(effect->args, "ms", (int64_t)ms);
    return true;
}

static bool read_duration(struct json *into, const struct json *wait,
                          const char *name, const char *otherwise,
                          struct err *err) {
    struct str text = json_find_text(wait, name);
    int64_t    ms;

    if (text.len == 0)
        text = str_of(otherwise);
    if (!timestamp_read_duration(text, &ms, err))
        return err_wrap(err, "ctx.wait_for: %s", name);
    json_put_int(into, name, ms);
    return true;
}

bool effect_ask_valid(const struct json *ask) {
    struct str name = json_text(json_at(ask, 0));

    return (effect_name_valid(name) || str_is(name, "github:POST /graphql")) &&
           !str_starts(name, "llm:");
}

static bool make_wait(struct effect *effect, const struct json *question,
                      const struct json *config, struct err *err) {
    const struct json *wait = json_at(question, 2);
    const struct json *ask = json_find(wait, "ask");

    if (!effect_ask_valid(ask))
        return err_set(err, ERR_INVALID,
                       "ctx.wait_for: ask must be { "
                       "\"aws:service:Operation\", arguments }");
    (void)make_plain(effect, question, config, err);
    json_put(effect->args, "ask", json_clone(ask));
    return read_duration(effect->args, wait, "every", "10s", err) &&
           read_duration(effect->args, wait, "within", "5m", err) &&
           read_duration(effect->args, wait, "stable", "0s", err);
}

static const struct maker makers[] = {
    {"aws", EFFECT_AWS, make_aws},
    {"github", EFFECT_GITHUB, effect_github_make},
    {"prometheus", EFFECT_PROMETHEUS, make_prometheus},
    {"http", EFFECT_HTTP, make_http},
    {"notify", EFFECT_TO_PEOPLE, make_notify},
    {"llm", EFFECT_LLM, effect_llm_make},
    {"service", EFFECT_CATALOGUE, make_catalogue},
    {"now", EFFECT_NOW, make_plain},
    {"random", EFFECT_RANDOM, make_plain},
    {"uuid", EFFECT_UUID, make_plain},
    {"sleep", EFFECT_SLEEP, make_sleep},
    {"wait", EFFECT_WAIT, make_wait},
};

bool effect_take_options(struct effect *effect, const struct json *options,
                         effect_option_fn *take, struct err *err) {
    struct json_walk walk;
    bool             ok = true;

    if (!json_is(options, JSON_MAP))
        return true;
    walk = json_walk_over(options);
    while (ok && json_walk_next(&walk))
        ok = take(effect, walk.key, walk.value, err);
    json_walk_stop(&walk);
    return ok;
}

static const struct maker *maker_for(struct str kind) {
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (str_is(kind, makers[i].kind))
            return &makers[i];
    return NULL;
}

/* Name, canonical arguments and where they go; nothing else. (E2) */
static void digest(struct effect *effect) {
    struct buf text = BUF_EMPTY, hex = BUF_EMPTY;

    buf_addf(&text, "%s\n", effect->name);
    json_write(effect->args, &text);
    buf_add_char(&text, '\n');
    json_write(effect->options, &text);
    crypto_sha256_hex(buf_str(&text), &hex);
    memcpy(effect->digest, buf_text(&hex), sizeof effect->digest);
    buf_release(&text);
    buf_release(&hex);
}

bool effect_make(struct effect *effect, const struct json *question,
                 const struct json *config, struct err *err) {
    struct str          where = json_text(json_at(question, 0));
    const struct maker *maker = maker_for(json_text(json_at(question, 1)));

    memset(effect, 0, sizeof *effect);
    if (!maker)
        return err_set(err, ERR_INVALID, "a script asked for \"%.*s\"",
                       STR_ARG(json_text(json_at(question, 1))));
    effect->kind = maker->id;
    effect->where = mem_text(where.data, where.len);
    effect->options = json_new_map();
    if (!maker->make(effect, question, config, err)) {
        effect_release(effect);
        return false;
    }
    classify(effect, config);
    find_target(effect);
    digest(effect);
    return true;
}

bool effect_make_ask(struct effect *effect, const struct json *ask,
                     const char *where, const char *who,
                     const struct json *config, struct err *err) {
    struct str   name, kind = str_cut(json_text(json_at(ask, 0)), ':', &name);
    struct json *question = json_new_list();
    bool         ok;

    json_append_text(question, str_of(where));
    json_append_text(question, kind);
    json_append_text(question, name);
    for (size_t i = 1; i < json_count(ask); i++)
        json_append(question, json_clone(json_at(ask, i)));
    ok = effect_make(effect, question, config, err);
    json_release(question);
    if (!ok || !effect_writes(effect))
        return ok;
    err_set(err, ERR_INVALID, "%s asks with %s, which is not a read", who,
            effect->name);
    effect_release(effect);
    return false;
}

void effect_release(struct effect *effect) {
    mem_free(effect->name);
    mem_free(effect->target);
    mem_free(effect->where);
    json_release(effect->args);
    json_release(effect->options);
    json_release(effect->service);
    memset(effect, 0, sizeof *effect);
}
