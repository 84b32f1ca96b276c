/* test_fork.c - which edge of a node is its way on inside a branch. */
#include <criterion/criterion.h>

#include "graph/fork.h"
#include "support.h"

static void way_is(const char *next, const char *expected) {
    struct buf   text = BUF_EMPTY;
    struct json *playbook;
    struct str   way;

    buf_addf(&text, "{'failed': 'tell', 'nodes': {'a': {'next': %s}}}", next);
    playbook = support_json(buf_text(&text));
    way = fork_way_on(playbook, STR("a"), STR("join"));
    cr_expect(str_is(way, expected), "%s: %.*s", next, STR_ARG(way));
    json_release(playbook);
    buf_release(&text);
}

Test(fork, FK1_an_edge_to_the_join_is_the_way_on_whatever_else_there_is) {
    way_is("{'ok': 'join', 'no': 'b', 'so': 'c'}", "join");
    way_is("{'ok': 'b', 'so': 'join'}", "join");
}

Test(fork, FK1_else_the_only_edge_that_is_neither_an_end_nor_for_errors_is) {
    way_is("{'ok': 'b', 'no': 'tell', 'so': 'done', 'x': 'undo'}", "b");
    way_is("{'ok': 'b', 'no': 'b'}", "b");
}

Test(fork, FK1_of_two_that_could_be_meant_none_is) {
    way_is("{'ok': 'b', 'no': 'c'}", "");
    way_is("{'ok': 'tell', 'no': 'done'}", "");
    way_is("{'ok': {'all': ['b', 'c'], 'join': 'd'}}", "");
}

Test(fork, a_target_is_written_as_people_read_it) {
    struct json *target =
        support_json("{'all': ['logs', 'commits'], 'join': 'decision'}");
    struct buf text = BUF_EMPTY;

    fork_write(target, &text);
    cr_expect_str_eq(buf_text(&text), "logs + commits, then decision");
    json_release(target);
    buf_release(&text);
}
