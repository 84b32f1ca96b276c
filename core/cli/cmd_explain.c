/* cmd_explain.c - nightshift explain: the page of a code.
 *
 * The pages are the lists that the codes themselves come from, so a code
 * without a page does not compile. No word is in two of them (a test says so).
 */
#include "base/json.h"
#include "base/nearest.h"
#include "check/findings.h"
#include "cli/cli.h"
#include "cli/paint.h"
#include "doctor/doctor.h"

#define PAGES (ERR_COUNT + FINDING_COUNT + DOCTOR_COUNT)

struct explained {
    const char *kind, *code, *meaning, *next;
};

static struct explained page_of_error(enum err_code code) {
    return (struct explained){"error", err_name(code), err_meaning(code),
                              err_next(code)};
}

static struct explained page_of_finding(enum finding finding) {
    return (struct explained){"finding", findings_code(finding),
                              findings_meaning(finding),
                              findings_next(finding)};
}

static struct explained page_of_check(enum doctor_check check) {
    return (struct explained){"check", doctor_name(check), doctor_why(check),
                              doctor_next(check)};
}

static struct explained page_at(int index) {
    if (index < ERR_COUNT)
        return page_of_error((enum err_code)index);
    index -= ERR_COUNT;
    return index < FINDING_COUNT
               ? page_of_finding((enum finding)index)
               : page_of_check((enum doctor_check)(index - FINDING_COUNT));
}

static struct json *page_json(const struct explained *page) {
    struct json *map = json_new_map();

    json_put_text(map, "kind", str_of(page->kind));
    json_put_text(map, "code", str_of(page->code));
    json_put_text(map, "meaning", str_of(page->meaning));
    json_put_text(map, "next", str_of(page->next));
    return map;
}

static void print_json(const struct json *value) {
    struct buf text = BUF_EMPTY;

    json_write(value, &text);
    printf("%s\n", buf_text(&text));
    buf_release(&text);
}

static int explain_all(const struct cli *cli) {
    struct json *list = json_new_list();

    for (int i = 0; i < PAGES; i++) {
        struct explained page = page_at(i);

        if (cli->value.json)
            json_append(list, page_json(&page));
        else
            printf("%-8s %s%-24s%s %s\n", page.kind,
                   paint_code(stdout, PAINT_BOLD), page.code,
                   paint_code(stdout, PAINT_OFF), page.meaning);
    }
    if (cli->value.json)
        print_json(list);
    json_release(list);
    return EXIT_DONE;
}

static int explain_page(const struct cli *cli, const struct explained *page) {
    struct json *map = page_json(page);

    if (cli->value.json)
        print_json(map);
    else
        printf("%s%s%s (%s)\n\n%s\n\nNext: %s\n",
               paint_code(stdout, PAINT_BOLD), page->code,
               paint_code(stdout, PAINT_OFF), page->kind, page->meaning,
               page->next);
    json_release(map);
    return EXIT_DONE;
}

int cmd_explain(const struct cli *cli) {
    struct nearest nearest = nearest_to(str_of(cli->args[0]));
    struct buf     words = BUF_EMPTY;
    struct err     err;

    if (cli->count == 0)
        return explain_all(cli);
    for (int i = 0; i < PAGES; i++) {
        struct explained page = page_at(i);

        if (strcmp(page.code, cli->args[0]) == 0)
            return explain_page(cli, &page);
        nearest_offer(&nearest, str_of(page.code));
    }
    err_set(&err, ERR_NOT_FOUND, "there is no code '%s'%s", cli->args[0],
            nearest_words(&nearest, &words));
    buf_release(&words);
    return cli_fail(cli, &err);
}
