/* test_shelf.c - a bundle comes back as what it was, or not at all. */
#include <criterion/criterion.h>

#include <string.h>

#include "graph/shelf.h"
#include "support.h"
#include "sys/crypto.h"

static struct clock_virtual clock_;
static struct store        *store;
static struct bundle       *bundle;
static struct buf           list_key;
static struct err           err;

static void open_shelf(void) {
    clock_virtual_init(&clock_, SUPPORT_START);
    store = store_memory_open();
    bundle = bundle_open(crypto_sha256, &clock_.clock);
    cr_assert(bundle_add(bundle, STR("nodes/a.lua"),
                         STR("return { about = 'a' }"), &err));
    cr_assert(bundle_add(bundle, STR("lib/b.lua"), STR(""), &err));
    bundle_seal(bundle);
    cr_assert(shelf_put(store, bundle, &err), "%s", err.text);
    buf_addf(&list_key, "main/bundle/%s", bundle_hash(bundle));
}

static void close_shelf(void) {
    bundle_release(bundle);
    store_close(store);
    buf_release(&list_key);
}

TestSuite(shelf, .init = open_shelf, .fini = close_shelf);

static bool take(struct bundle **out) {
    return shelf_take(store, str_of(bundle_hash(bundle)), &clock_.clock, out,
                      &err);
}

Test(shelf, SH1_N8_a_bundle_comes_back_byte_for_byte) {
    struct bundle *back;

    cr_assert(take(&back), "%s", err.text);
    cr_expect_str_eq(bundle_hash(back), bundle_hash(bundle));
    cr_assert_eq(bundle_count(back), 2);
    for (size_t i = 0; i < 2; i++) {
        cr_expect_str_eq(bundle_at(back, i)->path, bundle_at(bundle, i)->path);
        cr_expect(str_equal(buf_str(&bundle_at(back, i)->text),
                            buf_str(&bundle_at(bundle, i)->text)));
    }
    bundle_release(back);
}

/* Puts another list under the name of the bundle. */
static void forge(const char *path, const char *text) {
    struct json       *list = json_new_map();
    struct buf         value = BUF_EMPTY;
    struct store_write swap;
    char               hash[STORE_HASH_SIZE];

    cr_assert(store_blob_put(store, str_of(text), hash, &err));
    json_put_text(list, path, str_of(hash));
    json_write(list, &value);
    swap = (struct store_write){STORE_SWAP, buf_str(&list_key), 1,
                                buf_str(&value)};
    cr_assert(store_batch(store, &swap, 1, &err));
    json_release(list);
    buf_release(&value);
}

Test(shelf, SH1_a_bundle_that_was_changed_in_the_store_is_refused) {
    struct bundle *back;

    forge("nodes/a.lua", "return { about = 'b' }");
    cr_expect_not(take(&back));
    cr_expect_eq(err.code, ERR_CONFLICT);
    cr_expect(support_has(err.text, "was changed"), "%s", err.text);
    cr_expect_null(back);
}

Test(shelf, putting_it_twice_is_putting_it_once) {
    struct bundle *back;

    cr_expect(shelf_put(store, bundle, &err), "%s", err.text);
    cr_assert(take(&back));
    bundle_release(back);
}

Test(shelf, a_bundle_that_is_not_there_is_named) {
    struct bundle *back;

    cr_expect_not(shelf_take(store, STR("beef"), &clock_.clock, &back, &err));
    cr_expect_eq(err.code, ERR_NOT_FOUND);
    cr_expect_null(back);
}
