/* cmd_call.c - nightshift call: one effect through the same gate.
 *
 * What a node would ask, asked by hand: the same names, classes, signatures,
 * redaction and limits. Without --live a write is only predicted; with it, the
 * intent is in the state directory before the first byte leaves. The answer is
 * data and goes to standard output; what was done, and what was not, goes to
 * standard error. There is no node here, so the right that is checked is the
 * operator's own: the effect that the command line names, and no other.
 */
#include <string.h>

#include "app/engine.h"
#include "app/worlds.h"
#include "base/encode.h"
#include "base/id.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "effect/request.h"
#include "secret/redact.h"
#include "store/journal.h"
#include "sys/crypto.h"
#include "sys/file.h"
#include "sys/loop.h"

#define ARGS_MAX (1u << 20)

struct calling {
    const struct cli *cli;
    struct engine     engine;
    struct effect     effect;
    struct json      *world, *question, *allowed, *answer;
    bool              assumed;
    enum gate_fate    fate;
    struct err        err;
};

/* --- the question ------------------------------------------------------ */

/* A map on the command line, or on standard input where "-" stands. */
static struct json *read_map(const char *given, const char *what,
                             struct err *err) {
    struct buf   text = BUF_EMPTY;
    struct json *map = NULL;

    if (strcmp(given, "-") != 0)
        buf_add_text(&text, given);
    else if (!file_read(given, ARGS_MAX, &text, err))
        return NULL;
    map = json_parse(buf_str(&text), &json_caps_answer, err);
    buf_release(&text);
    if (!map)
        err_wrap(err, what);
    else if (json_is(map, JSON_MAP))
        return map;
    else
        err_set(err, ERR_INVALID, "%s must be a JSON object", what);
    json_release(map);
    return NULL;
}

/* "GET https://host/path" is written as a request; the rest goes by name. */
static void add_http(struct json *question, struct str name,
                     struct json *args) {
    struct str url, method = str_cut(name, ' ', &url);

    json_put_text(args, "method", method);
    json_put_text(args, "url", url);
    json_append(question, args);
}

static bool has_options(const struct cli *cli) {
    return cli->count > 3 || cli->value.region || cli->value.account;
}

/* What ctx takes last; --region and --account are short for two of them. */
static struct json *read_options(const struct cli *cli, struct err *err) {
    struct json *options = cli->count > 3
                               ? read_map(cli->args[3], "the options", err)
                               : json_new_map();

    if (options && cli->value.region)
        json_put_text(options, "region", str_of(cli->value.region));
    if (options && cli->value.account)
        json_put_text(options, "account", str_of(cli->value.account));
    return options;
}

static bool make_question(struct calling *c, struct err *err) {
    const struct cli *cli = c->cli;
    struct str        kind = str_of(cli->args[0]);
    struct str        name = str_of(cli->args[1]);
    struct json      *options = read_options(cli, err);
    struct json *args = options ? read_map(cli->count > 2 ? cli->args[2] : "{}",
                                           "the arguments", err)
                                : NULL;

    if (!args) {
        json_release(options);
        return false;
    }
    c->question = json_new_list();
    json_append_text(c->question, STR("command line"));
    json_append_text(c->question, kind);
    if (str_is(kind, "http")) {
        add_http(c->question, name, args);
    } else {
        json_append_text(c->question, name);
        json_append(c->question, args);
    }
    json_append(c->question, options);
    return effect_make(&c->effect, c->question, config_json(c->engine.config),
                       err);
}

static bool check_usage(const struct cli *cli, struct err *err) {
    static const char *const kinds[] = {"aws",  "github", "prometheus",
                                        "http", "notify", "llm"};

    if (cli->value.live && cli->value.fixtures)
        return err_set(err, ERR_USAGE,
                       "--live and --fixtures exclude each other: a fixture "
                       "world has no live effects");
    if (has_options(cli) && strcmp(cli->args[0], "aws") != 0 &&
        strcmp(cli->args[0], "github") != 0)
        return err_set(err, ERR_USAGE,
                       "only aws and github calls take options, not '%s'",
                       cli->args[0]);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(cli->args[0], kinds[i]) == 0)
            return true;
    return err_set(err, ERR_USAGE,
                   "call takes aws, github, prometheus, http, notify or llm, "
                   "not '%s'",
                   cli->args[0]);
}

/* --- asking ------------------------------------------------------------ */

static void answered(void *arg, const struct gate_answer *answer) {
    struct calling *c = arg;

    c->fate = answer->fate;
    c->assumed = answer->assumed;
    if (answer->fate == GATE_ANSWERED)
        c->answer = json_retain((struct json *)answer->value);
    else
        c->err = *answer->err;
    loop_stop(c->engine.loop);
}

static const char *words_for(const struct calling *c) {
    if (!effect_writes(&c->effect))
        return "asking";
    return c->cli->value.live ? "sending" : "not sending";
}

static void announce(const struct calling *c) {
    fprintf(stderr, "%s %s (%s) to %s\n", words_for(c), c->effect.name,
            effect_class_name(c->effect.class), c->effect.target);
}

static void ask(struct calling *c, struct mode *mode) {
    struct gate_options options = {
        .mode = mode,
        .redact = c->engine.redact,
        .config = config_json(c->engine.config),
        .settle_ms =
            json_find_int(config_json(c->engine.config), "settle_ms", 5000),
    };
    struct gate    *gate = gate_open(&options);
    unsigned char   random[ID_RANDOM];
    char            id[ID_SIZE];
    struct buf      place = BUF_EMPTY;
    struct effect   effect;
    struct gate_ask ask = {.run = id};
    struct err      err;

    crypto_random(random, sizeof random);
    id_make(id, "call_", c->engine.clock->wall_ms(c->engine.clock), random);
    journal_place(&place, STR("call"), 1, "run", 1, 0);
    c->allowed = json_new_list();
    json_append_text(c->allowed, str_of(c->effect.name));
    ask.journal = journal_open(c->engine.queue, id);
    ask.place = buf_str(&place);
    ask.allowed = c->allowed;
    (void)effect_make(&effect, c->question, config_json(c->engine.config),
                      &err);
    gate_submit(gate, &ask, &effect, answered, c);
    loop_run(c->engine.loop);
    gate_close(gate);
    journal_close(ask.journal);
    buf_release(&place);
}

static bool call(struct calling *c, struct err *err) {
    struct json *nobody = json_new_map();
    struct mode *mode;

    announce(c);
    mode = engine_mode(&c->engine, nobody, err);
    json_release(nobody);
    if (!mode)
        return false;
    ask(c, mode);
    mode_close(mode);
    return true;
}

/* --- telling ----------------------------------------------------------- */

static struct json *error_with_next(const struct err *err) {
    struct json *error = json_new_error(err);

    json_put_text(error, "next", str_of(err_next(err->code)));
    return error;
}

static struct json *report(const struct calling *c) {
    static const char *const modes[] = {"live", "dry-run", "fixture"};
    struct json             *out = json_new_map();

    json_put_text(out, "schema", STR("nightshift.call/1"));
    json_put_text(out, "mode", str_of(modes[c->engine.options.kind]));
    json_put_text(out, "effect", str_of(c->effect.name));
    json_put_text(out, "class", str_of(effect_class_name(c->effect.class)));
    json_put_text(out, "target", str_of(c->effect.target));
    /* What was typed may hold what nobody should see again. (N11) */
    json_put(out, "request", redact_json(c->engine.redact, c->effect.args));
    json_put_bool(out, "assumed", c->assumed);
    if (c->answer)
        json_put(out, "answer", json_retain(c->answer));
    else
        json_put(out, "error", error_with_next(&c->err));
    return out;
}

static void print(const struct json *value, bool pretty) {
    struct buf text = BUF_EMPTY;

    if (pretty)
        json_write_pretty(value, 0, &text);
    else
        json_write(value, &text);
    printf("%s\n", buf_text(&text));
    buf_release(&text);
}

static void tell(const struct calling *c) {
    if (c->cli->value.json) {
        struct json *out = report(c);

        print(out, false);
        json_release(out);
    } else if (c->answer) {
        print(c->answer, true);
    }
    if (c->answer && c->assumed)
        fprintf(stderr, "nothing was sent: the answer is what the engine "
                        "predicts; --live sends it\n");
}

static int end(const struct calling *c) {
    tell(c);
    if (c->fate == GATE_UNKNOWN) {
        if (!c->cli->value.json)
            (void)cli_fail(c->cli, &c->err);
        return EXIT_ESCALATED;
    }
    if (!c->answer)
        return c->cli->value.json ? cli_exit_of(&c->err)
                                  : cli_fail(c->cli, &c->err);
    return c->cli->value.detailed_exitcode && c->assumed &&
                   effect_writes(&c->effect)
               ? EXIT_WOULD_CHANGE
               : EXIT_DONE;
}

/* --- the request alone --------------------------------------------------- */

static struct json *headers_json(const struct http_headers *headers) {
    struct json *out = json_new_map();

    for (size_t i = 0; i < headers->count; i++)
        json_put_text(out, headers->items[i].name,
                      str_of(headers->items[i].value));
    return out;
}

static void put_body(struct json *out, const struct http_request *http) {
    struct buf coded = BUF_EMPTY;
    size_t     bad;

    if (!http->has_body)
        return;
    if (encode_utf8_valid(buf_str(&http->body), &bad)) {
        json_put_text(out, "body", buf_str(&http->body));
        return;
    }
    encode_base64(buf_str(&http->body), &coded);
    json_put_text(out, "body_base64", buf_str(&coded));
    buf_release(&coded);
}

/* Before any signer has seen it, so there is no secret in it; a channel's URL
 * may be one, and a tool's header, so those are not shown. */
static bool print_request(const struct calling *c, struct err *err) {
    struct request_context context = {config_json(c->engine.config),
                                      config_secrets(c->engine.config)};
    struct request         request;
    struct json           *out;

    if (c->effect.kind > EFFECT_PROMETHEUS)
        return err_set(err, ERR_USAGE,
                       "--print-request is for aws, github and prometheus");
    if (!request_build(&c->effect, "TOKEN-OF-THE-SLOT", &context, &request,
                       err))
        return false;
    out = json_new_map();
    json_put_text(out, "class", str_of(effect_class_name(c->effect.class)));
    json_put_text(out, "method", str_of(request.http.method));
    json_put_text(out, "url", str_of(request.http.url));
    json_put_text(out, "service", request.scope.service);
    json_put_text(out, "region", request.scope.region);
    json_put(out, "headers", headers_json(&request.http.headers));
    put_body(out, &request.http);
    print(out, !c->cli->value.json);
    json_release(out);
    http_request_release(&request.http);
    return true;
}

static bool open_calling(struct calling *c, struct err *err) {
    const struct cli     *cli = c->cli;
    struct engine_options options = {
        .kind = cli->value.live       ? MODE_LIVE
                : cli->value.fixtures ? MODE_FIXTURE
                                      : MODE_DRY_RUN,
        .scripts = cli->value.scripts,
        .config = cli->value.config,
        .state = cli->value.state,
        .log = LOG_WARN,
    };

    if (cli->value.log)
        (void)log_level_read(str_of(cli->value.log), &options.log);
    if (cli->value.fixtures) {
        c->world = worlds_read(cli->value.fixtures, err);
        if (!c->world)
            return false;
        options.world = c->world;
    }
    return engine_open(&c->engine, &options, err);
}

int cmd_call(const struct cli *cli) {
    struct calling c = {.cli = cli};
    struct err     err;
    bool           ok;
    int            code;

    if (!check_usage(cli, &err))
        return cli_fail(cli, &err);
    ok = open_calling(&c, &err) && make_question(&c, &err) &&
         (cli->value.print_request ? print_request(&c, &err) : call(&c, &err));
    code = !ok                        ? cli_fail(cli, &err)
           : cli->value.print_request ? EXIT_DONE
                                      : end(&c);
    if (c.effect.name)
        effect_release(&c.effect);
    if (c.engine.loop)
        engine_close(&c.engine);
    json_release(c.question);
    json_release(c.allowed);
    json_release(c.answer);
    json_release(c.world);
    return code;
}
