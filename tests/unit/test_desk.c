/* test_desk.c - the token goes to the holder of the directory, or nowhere. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <unistd.h>

#include "cli/desk.h"
#include "store/store.h"
#include "support.h"
#include "sys/file.h"

static char dir[] = "/tmp/nightshift-desk-XXXXXX";

static void leave_address(const char *address, long pid) {
    struct buf path = BUF_EMPTY, text = BUF_EMPTY;
    struct err err;

    buf_addf(&path, "%s/serve.json", dir);
    buf_addf(&text,
             "{\"address\":\"%s\",\"tls\":false,\"token\":\"t\",\"pid\":%ld}",
             address, pid);
    cr_assert(file_write(buf_text(&path), buf_str(&text), &err), "%s",
              err.text);
    buf_release(&path);
    buf_release(&text);
}

static void hold(struct store **store) {
    struct err err;

    cr_assert(mkdtemp(dir));
    *store = store_sqlite_open(dir, &err);
    cr_assert(*store, "%s", err.text);
}

static void let_go(struct store *store) {
    static const char *const names[] = {"nightshift.db", "nightshift.db-wal",
                                        "nightshift.db-shm", "serve.json",
                                        "lock"};

    store_close(store);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct buf path = BUF_EMPTY;

        buf_addf(&path, "%s/%s", dir, names[i]);
        (void)unlink(buf_text(&path));
        buf_release(&path);
    }
    cr_expect_eq(rmdir(dir), 0);
}

Test(desk, DK1_an_address_that_another_process_left_is_not_asked) {
    struct cli    cli = {.value = {.state = dir}};
    struct store *store;
    struct desk   desk;
    struct err    err;

    hold(&store);
    leave_address("127.0.0.1:9", (long)getpid() * 10 + 1);
    cr_expect_not(desk_open(&desk, &cli, &err));
    cr_expect_eq(err.code, ERR_HELD, "%s", err.text);
    cr_expect_eq(desk.token.len, 0);
    desk_close(&desk);
    let_go(store);
}

Test(desk, DK1_the_holder_is_asked_where_it_can_be_reached) {
    struct cli    cli = {.value = {.state = dir}};
    struct store *store;
    struct desk   desk;
    struct err    err;

    hold(&store);
    leave_address("0.0.0.0:9", (long)getpid());
    cr_expect(desk_open(&desk, &cli, &err), "%s", err.text);
    cr_expect_str_eq(buf_text(&desk.url), "http://127.0.0.1:9");
    cr_expect_str_eq(buf_text(&desk.token), "Bearer t");
    desk_close(&desk);
    let_go(store);
}
