/* test_bind.c - a node's input from what the walk has produced. */
#include <criterion/criterion.h>

#include "graph/bind.h"
#include "support.h"

#define SCOPE                                                            \
    "{'analyst': [{'n': 1, 'outcome': 'found'}, {'n': 2, 'list': ['a', " \
    "'b'], 'none': null, 'outcome': 'found'}], 'incident': {'labels': "  \
    "{'service': 'api'}, 'id': 'inc_1'}, 'run': {'attempts': 0}}"

static void binds(const char *with, const char *wanted) {
    struct json *scope = support_json(SCOPE);
    struct json *given = with ? support_json(with) : NULL;
    struct json *input = bind_input(given, scope);

    support_is(input, wanted);
    json_release(input);
    json_release(given);
    json_release(scope);
}

Test(bind, a_node_names_its_latest_output) {
    binds("{'n': '$analyst.n'}", "{'n': 2}");
    binds("{'second': '$analyst.list.2'}", "{'second': 'b'}");
    binds("{'out': '$analyst'}", "{'out': {'n': 2, 'list': ['a', 'b'], "
                                 "'none': null, 'outcome': 'found'}}");
}

Test(bind, all_is_every_earlier_visit_and_a_list_before_the_first) {
    binds("{'all': '$analyst.all'}",
          "{'all': [{'n': 1, 'outcome': 'found'}, {'n': 2, 'list': ['a', "
          "'b'], 'none': null, 'outcome': 'found'}]}");
    binds("{'all': '$settle.all'}", "{'all': []}");
}

Test(bind, incident_and_run_are_maps) {
    binds("{'s': '$incident.labels.service', 'i': '$incident', 'a': "
          "'$run.attempts'}",
          "{'s': 'api', 'i': {'labels': {'service': 'api'}, 'id': 'inc_1'}, "
          "'a': 0}");
}

Test(bind, what_is_missing_or_null_binds_to_nothing) {
    binds("{'a': '$analyst.nothing', 'b': '$nobody.x', 'c': '$analyst.none', "
          "'d': '$incident.labels.cluster', 'e': 1}",
          "{'e': 1}");
}

Test(bind, other_values_stand_for_themselves_however_deep) {
    binds("{'text': 'plain', 'price': '$', 'n': 2.5, 'deep': {'list': "
          "['$analyst.n', {'x': '$run.attempts'}, '$nobody'], 'e': []}}",
          "{'text': 'plain', 'price': '$', 'n': 2.5, 'deep': {'list': [2, "
          "{'x': 0}, null], 'e': []}}");
    binds(NULL, "{}");
    binds("{}", "{}");
}
