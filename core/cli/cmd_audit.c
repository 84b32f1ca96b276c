/* cmd_audit.c - nightshift audit verify: the chain, record by record.
 *
 * It has no key, so what is proven is that nothing inside it was changed, and
 * not that it was not made anew as a whole: whoever wants that keeps the hash
 * of its last record somewhere else, which is why it is printed.
 */
#include <string.h>

#include "app/state.h"
#include "base/json.h"
#include "cli/cli.h"
#include "store/audit.h"

static void print_chain(const struct cli *cli, const struct audit_head *head) {
    struct json *out = json_new_map();
    struct buf   text = BUF_EMPTY;

    json_put_text(out, "schema", STR("nightshift.audit/1"));
    json_put_int(out, "records", head->length);
    json_put_text(out, "hash", str_of(head->hash));
    json_write(out, &text);
    if (cli->value.json)
        printf("%s\n", buf_text(&text));
    else
        printf("%lld records, no gap; the last is %s\n",
               (long long)head->length, head->hash);
    buf_release(&text);
    json_release(out);
}

int cmd_audit(const struct cli *cli) {
    struct buf        dir = BUF_EMPTY;
    struct store     *store;
    struct audit_head head = {0, ""};
    struct err        err;
    int64_t           count;
    bool              ok;

    if (strcmp(cli->args[0], "verify") != 0) {
        err_set(&err, ERR_USAGE, "audit takes verify, not '%s'", cli->args[0]);
        return cli_fail(cli, &err);
    }
    store = state_open(cli->value.state, &dir, &err);
    ok = store && audit_verify(store, &count, &err) &&
         audit_head_read(store, &head, &err);
    if (ok)
        print_chain(cli, &head);
    store_close(store);
    buf_release(&dir);
    return ok ? EXIT_DONE : cli_fail(cli, &err);
}
