/* cli.c - one table of commands and one of options; all else reads them.
 *
 * Options may stand before, between or behind arguments, as "--name value" or
 * "--name=value"; "--" ends them. What a command does not list is refused with
 * the nearest that it does, so that a misspelt --live is never a silent dry
 * run, nor the other way round.
 */
#include "cli/cli.h"

#include <assert.h>
#include <stddef.h>

#include "base/json.h"
#include "base/nearest.h"
#include "cli/paint.h"

#define NIGHTSHIFT "nightshift"

struct option {
    const char *name, *value; /* value: what help shows; NULL for a flag */
    const char *choices;      /* "a|b|c", or NULL for any */
    size_t      offset;       /* in struct cli_values */
    const char *about;
};

#define AT(field) offsetof(struct cli_values, field)
static const struct option options[] = {
    {"event", "FILE|-", NULL, AT(event), "the notification; - is stdin"},
    {"live", NULL, NULL, AT(live), "act; without it nothing is changed"},
    {"fixtures", "DIR", NULL, AT(fixtures), "a fixture world answers"},
    {"assume", "SCENARIO", "works|no_effect|worse|no_data", AT(assume),
     "what a dry run takes for granted behind its first write"},
    {"state", "DIR", NULL, AT(state), "where runs are journaled"},
    {"all", NULL, NULL, AT(all), "not only the newest 50, or not only one"},
    {"resume", "RUN", NULL, AT(resume), "go on with a run that was cut short"},
    {"scripts", "DIR", NULL, AT(scripts), "where the scripts are"},
    {"config", "FILE", NULL, AT(config), "configuration (nightshift.lua)"},
    {"print-config", NULL, NULL, AT(print_config),
     "show each value that is set and where it comes from"},
    {"print-request", NULL, NULL, AT(print_request),
     "show the request, unsigned, and send nothing"},
    {"region", "REGION", NULL, AT(region), "AWS region of this call"},
    {"account", "ACCOUNT", NULL, AT(account), "AWS account of this call"},
    {"listen", "ADDRESS", NULL, AT(listen), "address and port to serve on"},
    {"format", "FORMAT", "mermaid|dot|ascii", AT(format), "how to draw it"},
    {"log", "LEVEL", "debug|info|warn|error", AT(log), "how much to log"},
    {"log-json", NULL, NULL, AT(log_json), "log lines as JSON, not logfmt"},
    {"json", NULL, NULL, AT(json), "one JSON object on standard output"},
    {"full", NULL, NULL, AT(full), "read every page, index and blob"},
    {"reach", NULL, NULL, AT(reach), "ask each endpoint that is configured"},
    {"detailed-exitcode", NULL, NULL, AT(detailed_exitcode),
     "exit 4 when a dry run would change something"},
};
#define OPTIONS (sizeof options / sizeof *options)

struct command {
    const char *name, *arguments;
    int         least, most; /* arguments */
    const char *takes[16];   /* options */
    const char *about;
    int (*run)(const struct cli *cli);
};

static int help(const struct cli *cli);

static const struct command commands[] = {
    {"run",
     "PLAYBOOK",
     0,
     1,
     {"event", "live", "fixtures", "assume", "state", "resume", "scripts",
      "config", "json", "log", "log-json", "detailed-exitcode"},
     "walk a playbook for a notification; a dry run unless --live",
     cmd_run},
    {"serve",
     "",
     0,
     0,
     {"state", "scripts", "config", "listen", "log", "log-json"},
     "take webhooks, keep each, walk what they need, until told to end",
     cmd_serve},
    {"call",
     "KIND NAME [ARGS|-] [OPTIONS]",
     2,
     4,
     {"live", "fixtures", "region", "account", "state", "scripts", "config",
      "json", "log", "detailed-exitcode", "print-request"},
     "one effect through the same gate; a dry one unless --live",
     cmd_call},
    {"runs",
     "list | show RUN | cancel RUN",
     1,
     2,
     {"state", "all", "json"},
     "what was walked live, and where each run stands",
     cmd_runs},
    {"incidents",
     "list",
     1,
     1,
     {"state", "all", "json"},
     "what came to be an incident, newest first",
     cmd_incidents},
    {"deliveries",
     "list | retry DELIVERY | retry --all",
     1,
     2,
     {"state", "all", "json"},
     "what was sent and could not be read, and why",
     cmd_deliveries},
    {"doctor",
     "",
     0,
     0,
     {"state", "scripts", "config", "full", "reach", "json"},
     "is everything as it should be, and what to do if not",
     cmd_doctor},
    {"audit",
     "verify",
     1,
     1,
     {"state", "json"},
     "prove that the chain of what was done has no gap",
     cmd_audit},
    {"check",
     "[PATH]",
     0,
     1,
     {"scripts", "config", "print-config", "json"},
     "prove scripts and configuration: file:line for every finding",
     cmd_check},
    {"graph",
     "PLAYBOOK",
     1,
     1,
     {"format", "scripts", "json"},
     "draw a playbook",
     cmd_graph},
    {"sign",
     "",
     0,
     0,
     {"json"},
     "requests as JSON lines in, canonical request and signature out",
     cmd_sign},
    {"explain",
     "[CODE]",
     0,
     1,
     {"json"},
     "what an error or a finding means and what to do next",
     cmd_explain},
    {"version",
     "",
     0,
     0,
     {"json"},
     "this build and its libraries",
     cmd_version},
    {"help",
     "[COMMAND]",
     0,
     1,
     {NULL},
     "this text, or a command's options",
     help},
};
#define COMMANDS (sizeof commands / sizeof *commands)

/* --- looking things up ---------------------------------------------------- */

static const struct command *find_command(struct str name) {
    for (size_t i = 0; i < COMMANDS; i++)
        if (str_is(name, commands[i].name))
            return &commands[i];
    return NULL;
}

static const struct option *find_option(struct str name) {
    for (size_t i = 0; i < OPTIONS; i++)
        if (str_is(name, options[i].name))
            return &options[i];
    return NULL;
}

static bool takes(const struct command *command, struct str name) {
    for (size_t i = 0; command->takes[i]; i++)
        if (str_is(name, command->takes[i]))
            return true;
    return false;
}

static bool no_command(struct str name, struct err *err) {
    struct nearest nearest = nearest_to(name);
    struct buf     words = BUF_EMPTY;

    for (size_t i = 0; i < COMMANDS; i++)
        nearest_offer(&nearest, str_of(commands[i].name));
    err_set(err, ERR_USAGE, "there is no command '%.*s'%s", STR_ARG(name),
            nearest_words(&nearest, &words));
    buf_release(&words);
    return false;
}

static bool no_option(const struct command *command, struct str name,
                      struct err *err) {
    struct nearest nearest = nearest_to(name);
    struct buf     words = BUF_EMPTY, option = BUF_EMPTY;

    for (size_t i = 0; command->takes[i]; i++)
        nearest_offer(&nearest, str_of(command->takes[i]));
    if (nearest.best.len > 0) {
        buf_addf(&option, "--%.*s", STR_ARG(nearest.best));
        nearest.best = buf_str(&option);
    }
    err_set(err, ERR_USAGE, "%s has no option --%.*s%s", command->name,
            STR_ARG(name), nearest_words(&nearest, &words));
    buf_release(&option);
    buf_release(&words);
    return false;
}

static bool is_choice(const char *choices, const char *value) {
    struct str rest = str_of(choices);

    while (rest.len > 0)
        if (str_is(str_cut(rest, '|', &rest), value))
            return true;
    return false;
}

/* --- parsing -------------------------------------------------------------- */

struct parser {
    int                   argc, at;
    char                **argv;
    const struct command *command;
    struct cli           *cli;
    bool                  plain; /* behind "--" */
    bool                  help;
};

static void *field_of(struct cli *cli, const struct option *option) {
    return (char *)&cli->value + option->offset;
}

static bool take_value(struct parser *parser, const struct option *option,
                       const char *value, struct err *err) {
    const char **field = field_of(parser->cli, option);

    if (!value && parser->at < parser->argc)
        value = parser->argv[parser->at++];
    if (!value || (value[0] == '-' && value[1] == '-'))
        return err_set(err, ERR_USAGE, "--%s needs %s", option->name,
                       option->value);
    if (option->choices && !is_choice(option->choices, value))
        return err_set(err, ERR_USAGE, "--%s is one of %s, not '%s'",
                       option->name, option->choices, value);
    *field = value;
    return true;
}

static bool take_option(struct parser *parser, const char *text,
                        struct err *err) {
    struct str           rest, name = str_cut(str_of(text), '=', &rest);
    const struct option *option = find_option(name);

    if (str_is(name, "help")) {
        parser->help = true;
        return true;
    }
    if (!option || !takes(parser->command, name))
        return no_option(parser->command, name, err);
    if (option->value)
        return take_value(parser, option, rest.data, err);
    if (rest.data)
        return err_set(err, ERR_USAGE, "--%s takes no value", option->name);
    *(bool *)field_of(parser->cli, option) = true;
    return true;
}

static bool take_argument(struct parser *parser, const char *text,
                          struct err *err) {
    const struct command *command = parser->command;

    if (parser->cli->count == command->most)
        return err_set(
            err, ERR_USAGE, "%s takes %s: '%s' is too much", command->name,
            command->most ? command->arguments : "no arguments", text);
    assert(parser->cli->count < CLI_ARGS_MAX);
    parser->cli->args[parser->cli->count++] = text;
    return true;
}

static bool parse(struct parser *parser, struct err *err) {
    while (parser->at < parser->argc) {
        const char *text = parser->argv[parser->at++];
        bool        dashes = text[0] == '-' && text[1] == '-' && !parser->plain;
        bool        ok = true;

        if (dashes && !text[2])
            parser->plain = true;
        else if (dashes)
            ok = take_option(parser, text + 2, err);
        else if (strcmp(text, "-h") == 0 && !parser->plain)
            parser->help = true;
        else if (text[0] == '-' && text[1] && !parser->plain)
            ok = no_option(parser->command, str_of(text + 1), err);
        else
            ok = take_argument(parser, text, err);
        if (!ok)
            return false;
    }
    if (!parser->help && parser->cli->count < parser->command->least)
        return err_set(err, ERR_USAGE, "%s needs %s", parser->command->name,
                       parser->command->arguments);
    return true;
}

/* --- help ----------------------------------------------------------------- */

static void print_option(const struct option *option) {
    char left[40];

    (void)snprintf(left, sizeof left, "--%s%s%s", option->name,
                   option->value ? " " : "",
                   option->value ? option->value : "");
    printf("  %-22s %s%s%s%s\n", left, option->about,
           option->choices ? " (" : "", option->choices ? option->choices : "",
           option->choices ? ")" : "");
}

static int print_command(const struct command *command) {
    printf("%susage:%s " NIGHTSHIFT " %s%s%s%s\n\n%s\n",
           paint_code(stdout, PAINT_BOLD), paint_code(stdout, PAINT_OFF),
           command->name, *command->arguments ? " " : "", command->arguments,
           command->takes[0] ? " [options]" : "", command->about);
    if (command->takes[0])
        printf("\n");
    for (size_t i = 0; command->takes[i]; i++)
        print_option(find_option(str_of(command->takes[i])));
    return EXIT_DONE;
}

static void print_commands(FILE *to) {
    fprintf(to, "%susage:%s " NIGHTSHIFT " COMMAND [options]\n\n",
            paint_code(to, PAINT_BOLD), paint_code(to, PAINT_OFF));
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-8s %-19s %s\n", commands[i].name,
                commands[i].arguments, commands[i].about);
    fprintf(to, "\n" NIGHTSHIFT " help COMMAND shows a command's options.\n"
                "exit: 0 done, 1 failed, 2 bad input, 3 escalated or unknown,"
                " 4 would change,\n      5 state held, 64 usage,"
                " 78 configuration\n");
}

static int help(const struct cli *cli) {
    const struct command *command =
        cli->count ? find_command(str_of(cli->args[0])) : NULL;
    struct err err;

    if (command)
        return print_command(command);
    if (cli->count) {
        no_command(str_of(cli->args[0]), &err);
        return cli_fail(cli, &err);
    }
    print_commands(stdout);
    return EXIT_DONE;
}

/* --- failing -------------------------------------------------------------- */

static int exit_of(enum err_code code) {
    switch (code) {
    case ERR_USAGE: return EXIT_USAGE;
    case ERR_CONFIG: return EXIT_BAD_CONFIG;
    case ERR_HELD: return EXIT_HELD;
    case ERR_UNKNOWN: return EXIT_ESCALATED;
    case ERR_INVALID:
    case ERR_NOT_FOUND:
    case ERR_JSON_SYNTAX:
    case ERR_JSON_TRUNCATED:
    case ERR_JSON_DEPTH:
    case ERR_JSON_UTF8:
    case ERR_JSON_DUPLICATE:
    case ERR_JSON_NUMBER:
    case ERR_JSON_SIZE:
    case ERR_EVENT_VERSION:
    case ERR_EVENT_SHAPE: return EXIT_BAD_INPUT;
    default: return EXIT_FAILED;
    }
}

static void fail_json(const struct err *err) {
    struct json *object = json_new_map(), *error = json_new_map();
    struct buf   text = BUF_EMPTY;

    json_put_text(error, "code", str_of(err_name(err->code)));
    json_put_text(error, "text", str_of(err->text));
    json_put_text(error, "next", str_of(err_next(err->code)));
    json_put_text(object, "schema", STR("nightshift.error/1"));
    json_put(object, "error", error);
    json_write(object, &text);
    printf("%s\n", buf_text(&text));
    buf_release(&text);
    json_release(object);
}

int cli_exit_of(const struct err *err) {
    return exit_of(err->code);
}

int cli_fail(const struct cli *cli, const struct err *err) {
    if (cli->value.json)
        fail_json(err);
    else
        fprintf(stderr, "%serror %s:%s %s\n  %s\n",
                paint_code(stderr, PAINT_RED), err_name(err->code),
                paint_code(stderr, PAINT_OFF), err->text, err_next(err->code));
    return exit_of(err->code);
}

/* --- the entrance --------------------------------------------------------- */

/* A full disk or a closed pipe behind standard output is a failure, too. */
static int finish(int code) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "error io: standard output cannot be written\n");
    return code == EXIT_DONE ? EXIT_FAILED : code;
}

int cli_main(int argc, char **argv) {
    struct cli    cli = {.count = 0};
    struct parser parser = {.argc = argc, .at = 2, .argv = argv, .cli = &cli};
    struct str    name = str_of(argc > 1 ? argv[1] : NULL);
    struct err    err;

    if (argc < 2) {
        print_commands(stderr);
        return EXIT_USAGE;
    }
    if (str_is(name, "--help") || str_is(name, "-h"))
        name = STR("help");
    if (str_is(name, "--version"))
        name = STR("version");
    parser.command = find_command(name);
    if (!parser.command) {
        no_command(name, &err);
        return cli_fail(&cli, &err);
    }
    if (!parse(&parser, &err))
        return cli_fail(&cli, &err);
    if (parser.help)
        return finish(print_command(parser.command));
    return finish(parser.command->run(&cli));
}
