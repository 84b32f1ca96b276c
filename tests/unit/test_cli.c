/* test_cli.c - the command line says what it did not understand. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "cli/cli.h"

#define RUN(...)                               \
    run((char *[]){"nightshift", __VA_ARGS__}, \
        (int)(sizeof((char *[]){"nightshift", __VA_ARGS__}) / sizeof(char *)))

static int run(char **argv, int argc) {
    cr_redirect_stdout();
    cr_redirect_stderr();
    return cli_main(argc, argv);
}

static void said(FILE *stream, const char *text) {
    char   all[8192];
    size_t len;

    (void)fflush(stdout);
    (void)fflush(stderr);
    len = fread(all, 1, sizeof all - 1, stream);
    all[len] = '\0';
    cr_expect(strstr(all, text), "'%s' is not in: %s", text, all);
}

#define SAID_OUT(text) said(cr_get_redirected_stdout(), text)
#define SAID_ERR(text) said(cr_get_redirected_stderr(), text)

Test(cli, without_a_command_it_lists_them_and_says_usage) {
    char *argv[] = {"nightshift", NULL};

    cr_redirect_stderr();
    cr_expect_eq(cli_main(1, argv), EXIT_USAGE);
    SAID_ERR("  check ");
}

Test(cli, help_is_data_and_no_failure) {
    cr_expect_eq(RUN("--help"), EXIT_DONE);
    SAID_OUT("nightshift help COMMAND");
}

Test(cli, every_command_shows_its_options) {
    cr_expect_eq(RUN("run", "--help"), EXIT_DONE);
    SAID_OUT("--assume SCENARIO");
}

Test(cli, an_unknown_command_is_answered_with_the_nearest) {
    cr_expect_eq(RUN("chek"), EXIT_USAGE);
    SAID_ERR("there is no command 'chek' (did you mean 'check'?)");
}

Test(cli, a_misspelt_option_is_refused_with_the_nearest) {
    cr_expect_eq(RUN("run", "self_heal", "--lve"), EXIT_USAGE);
    SAID_ERR("run has no option --lve (did you mean '--live'?)");
}

Test(cli, an_option_of_another_command_is_refused) {
    cr_expect_eq(RUN("check", "--live"), EXIT_USAGE);
    SAID_ERR("check has no option --live");
}

Test(cli, an_option_without_its_value_is_refused) {
    cr_expect_eq(RUN("graph", "x", "--scripts"), EXIT_USAGE);
    SAID_ERR("--scripts needs DIR");
}

Test(cli, an_option_is_not_taken_for_a_value) {
    cr_expect_eq(RUN("run", "x", "--event", "--live"), EXIT_USAGE);
    SAID_ERR("--event needs FILE|-");
}

Test(cli, a_value_that_is_no_choice_is_refused_with_the_choices) {
    cr_expect_eq(RUN("graph", "x", "--format=svg"), EXIT_USAGE);
    SAID_ERR("--format is one of mermaid|dot|ascii, not 'svg'");
}

Test(cli, a_flag_takes_no_value) {
    cr_expect_eq(RUN("check", "--json=yes"), EXIT_USAGE);
    SAID_ERR("--json takes no value");
}

Test(cli, a_missing_argument_is_named) {
    cr_expect_eq(RUN("graph"), EXIT_USAGE);
    SAID_ERR("graph needs PLAYBOOK");
}

Test(cli, an_argument_too_many_is_named) {
    cr_expect_eq(RUN("version", "2"), EXIT_USAGE);
    SAID_ERR("version takes no arguments: '2' is too much");
}

Test(cli, with_json_an_error_is_one_object_on_standard_output) {
    cr_expect_eq(RUN("explain", "nothing_like_it", "--json"), EXIT_BAD_INPUT);
    SAID_OUT("\"schema\":\"nightshift.error/1\"");
}

Test(cli, check_prints_each_finding_with_file_and_line) {
    cr_expect_eq(RUN("check", "tests/fixtures/broken/edge_nowhere"),
                 EXIT_FAILED);
    SAID_OUT("tests/fixtures/broken/edge_nowhere/playbooks/watch.lua:11: "
             "edge_nowhere: ");
}

Test(cli, check_gives_findings_as_json) {
    cr_expect_eq(RUN("check", "--json", "tests/fixtures/broken/edge_nowhere"),
                 EXIT_FAILED);
    SAID_OUT("\"line\":11");
}

Test(cli, check_says_how_many_scripts_it_has_proven) {
    cr_expect_eq(RUN("check", "tests/fixtures/sound"), EXIT_DONE);
    SAID_OUT("9 scripts, no findings\n");
}

Test(cli, check_of_a_folder_that_is_not_there_is_bad_input) {
    cr_expect_eq(RUN("check", "tests/fixtures/not_there"), EXIT_BAD_INPUT);
    SAID_ERR("tests/fixtures/not_there");
}

Test(cli, graph_draws_every_edge) {
    cr_expect_eq(RUN("graph", "heal", "--scripts", "tests/fixtures/sound"),
                 EXIT_DONE);
    SAID_OUT("    verification -- worse --> undo\n");
}

Test(cli, graph_speaks_dot) {
    cr_expect_eq(RUN("graph", "heal", "--scripts=tests/fixtures/sound",
                     "--format", "dot"),
                 EXIT_DONE);
    SAID_OUT("    \"fix\" -> \"verification\" [label=\"fixed\"];\n");
}

Test(cli, graph_answers_an_unknown_playbook_with_the_nearest) {
    cr_expect_eq(RUN("graph", "hael", "--scripts", "tests/fixtures/sound"),
                 EXIT_BAD_INPUT);
    SAID_ERR("no playbook 'hael' (did you mean 'heal'?)");
}

Test(cli, explain_knows_errors_and_findings) {
    cr_expect_eq(RUN("explain", "no_answer"), EXIT_DONE);
    SAID_OUT("no_answer (error)");
    cr_expect_eq(RUN("explain", "write_unverified"), EXIT_DONE);
}

Test(cli, explain_without_a_code_lists_all) {
    cr_expect_eq(RUN("explain"), EXIT_DONE);
    SAID_OUT("walk_endless");
}

Test(cli, version_names_what_is_in_use) {
    cr_expect_eq(RUN("version", "--json"), EXIT_DONE);
    SAID_OUT("libjansson");
}
