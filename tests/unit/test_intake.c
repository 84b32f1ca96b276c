/* test_intake.c - nobody is told "accepted" of what a restart would not find.
 *
 * The store is a real one on a disk with its thread; where it is to fail, or
 * to take its time, a store of our own stands in.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "serve/intake.h"
#include "store/store_private.h"
#include "support.h"
#include "sys/clock_real.h"
#include "sys/loop.h"

#define ROOM 4 /* deliveries that may wait */
#define BYTES 100

struct fixture {
    char           dir[40];
    struct loop   *loop;
    struct store  *store;
    struct queue  *queue;
    struct intake *intake;
    struct buf     taken; /* what the dispatcher got */
    int            bodies;
};

static void next(void *arg, struct intake_taken *taken) {
    struct fixture *fixture = arg;

    buf_addf(&fixture->taken, "%s ", taken->source);
    fixture->bodies += taken->body != NULL;
    intake_taken_release(taken);
}

static void open_on(struct fixture *fixture, struct store *store) {
    struct intake_options options = {.clock = clock_real(),
                                     .deliveries = ROOM,
                                     .bytes = BYTES,
                                     .next = next,
                                     .arg = fixture};

    options.loop = fixture->loop = loop_open();
    fixture->store = store;
    options.queue = fixture->queue = queue_open(fixture->loop, store, true);
    fixture->intake = intake_open(&options);
}

static void open_disk(struct fixture *fixture) {
    struct err    err = {.text = ""};
    struct store *store;

    memset(fixture, 0, sizeof *fixture);
    (void)snprintf(fixture->dir, sizeof fixture->dir,
                   "/tmp/nightshift-intake-XXXXXX");
    cr_assert_not_null(mkdtemp(fixture->dir));
    store = store_sqlite_open(fixture->dir, &err);
    cr_assert(store, "%s", err.text);
    open_on(fixture, store);
}

static void settle(struct fixture *fixture) {
    queue_close(fixture->queue);
    fixture->queue = NULL;
    loop_run(fixture->loop);
}

static void close_all(struct fixture *fixture) {
    static const char *const names[] = {"nightshift.db", "nightshift.db-wal",
                                        "nightshift.db-shm", "lock"};
    char                     path[80];

    settle(fixture);
    intake_close(fixture->intake);
    store_close(fixture->store);
    loop_close(fixture->loop);
    buf_release(&fixture->taken);
    for (size_t i = 0; *fixture->dir && i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", fixture->dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(fixture->dir);
}

/* --- a sender ------------------------------------------------------------ */

struct sender {
    pthread_mutex_t  mutex;
    pthread_cond_t   came;
    int              told;
    enum intake_fate fate;
    char             id[ID_SIZE];
    struct err       err;
};

#define SENDER \
    { .mutex = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER }

static void told(void *arg, enum intake_fate fate, const char *id,
                 const struct err *err) {
    struct sender *sender = arg;

    (void)pthread_mutex_lock(&sender->mutex);
    sender->told++;
    sender->fate = fate;
    (void)snprintf(sender->id, sizeof sender->id, "%s", id);
    if (err)
        sender->err = *err;
    (void)pthread_cond_signal(&sender->came);
    (void)pthread_mutex_unlock(&sender->mutex);
}

static void offer(struct fixture *fixture, struct sender *sender,
                  const char *identity, const char *raw) {
    struct intake_offer offer = {.source = STR("alarm"),
                                 .identity = str_of(identity),
                                 .headers = json_new_map(),
                                 .body = json_new_map(),
                                 .raw = str_of(raw)};

    intake_accept(fixture->intake, &offer, told, sender);
}

static void await(struct sender *sender) {
    (void)pthread_mutex_lock(&sender->mutex);
    while (sender->told == 0)
        (void)pthread_cond_wait(&sender->came, &sender->mutex);
    (void)pthread_mutex_unlock(&sender->mutex);
}

/* --- a store that waits, and may fail ------------------------------------ */

struct slow {
    struct store    store;
    pthread_mutex_t mutex;
    pthread_cond_t  opened;
    bool            open, fails;
    atomic_int      commits;
};

static bool slow_apply(struct store *store, const struct store_write *writes,
                       size_t count, struct err *err) {
    (void)store;
    (void)writes;
    (void)count;
    (void)err;
    return true;
}

static bool slow_get(struct store *store, struct str key, struct buf *value,
                     struct store_found *found, struct err *err) {
    (void)store;
    (void)key;
    (void)value;
    (void)found;
    (void)err;
    return true;
}

static bool slow_begin(struct store *store, struct err *err) {
    (void)store;
    (void)err;
    return true;
}

static bool slow_commit(struct store *store, struct err *err) {
    struct slow *slow = (struct slow *)store;
    bool         fails;

    (void)pthread_mutex_lock(&slow->mutex);
    while (!slow->open)
        (void)pthread_cond_wait(&slow->opened, &slow->mutex);
    fails = slow->fails;
    (void)pthread_mutex_unlock(&slow->mutex);
    if (fails)
        return err_set(err, ERR_IO, "disk full");
    atomic_fetch_add(&slow->commits, 1);
    return true;
}

static void slow_close(struct store *store) {
    (void)store;
}

static const struct store_ops slow_ops = {.apply = slow_apply,
                                          .get = slow_get,
                                          .group_begin = slow_begin,
                                          .group_commit = slow_commit,
                                          .close = slow_close};

static void open_slow(struct fixture *fixture, struct slow *slow) {
    *slow = (struct slow){.store = {.ops = &slow_ops},
                          .mutex = PTHREAD_MUTEX_INITIALIZER,
                          .opened = PTHREAD_COND_INITIALIZER};
    memset(fixture, 0, sizeof *fixture);
    open_on(fixture, &slow->store);
}

static void let_go(struct slow *slow) {
    (void)pthread_mutex_lock(&slow->mutex);
    slow->open = true;
    (void)pthread_cond_broadcast(&slow->opened);
    (void)pthread_mutex_unlock(&slow->mutex);
}

static int told_now(struct sender *sender) {
    int count;

    (void)pthread_mutex_lock(&sender->mutex);
    count = sender->told;
    (void)pthread_mutex_unlock(&sender->mutex);
    return count;
}

/* --- IT1 ----------------------------------------------------------------- */

Test(intake, IT1_N1_what_was_accepted_is_found_after_the_store_is_opened_anew) {
    struct fixture       fixture;
    struct sender        sender = SENDER;
    struct delivery_kept kept;
    struct err           err = {.text = ""};

    open_disk(&fixture);
    offer(&fixture, &sender, "", "{\"a\": 1}");
    await(&sender);
    cr_expect_eq(sender.fate, INTAKE_STORED);
    settle(&fixture);
    store_close(fixture.store);
    fixture.store = store_sqlite_open(fixture.dir, &err);
    cr_assert(fixture.store, "%s", err.text);
    cr_assert(delivery_get(fixture.store, str_of(sender.id), &kept, &err), "%s",
              err.text);
    cr_expect_str_eq(buf_text(&kept.body), "{\"a\": 1}");
    cr_expect_str_eq(buf_text(&fixture.taken), "alarm ");
    cr_expect_eq(fixture.bodies, 1);
    delivery_release(&kept);
    close_all(&fixture);
}

Test(intake, IT1_nobody_is_told_while_the_commit_is_on_its_way) {
    struct fixture fixture;
    struct slow    slow;
    struct sender  sender = SENDER;

    open_slow(&fixture, &slow);
    offer(&fixture, &sender, "", "{}");
    cr_expect_eq(told_now(&sender), 0);
    cr_expect_eq(intake_waiting(fixture.intake), 1);
    let_go(&slow);
    await(&sender);
    cr_expect_eq(sender.fate, INTAKE_STORED);
    cr_expect_eq(atomic_load(&slow.commits), 1);
    close_all(&fixture);
    cr_expect_eq(told_now(&sender), 1);
}

Test(intake, IT1_a_repeat_is_told_the_first_id_and_handed_on_once) {
    struct fixture fixture;
    struct sender  first = SENDER, second = SENDER, other = SENDER;

    open_disk(&fixture);
    offer(&fixture, &first, "same", "{}");
    await(&first);
    offer(&fixture, &second, "same", "{}");
    await(&second);
    offer(&fixture, &other, "other", "{}");
    await(&other);
    cr_expect_eq(second.fate, INTAKE_REPEATED);
    cr_expect_str_eq(second.id, first.id);
    cr_expect_eq(other.fate, INTAKE_STORED);
    settle(&fixture);
    cr_expect_str_eq(buf_text(&fixture.taken), "alarm alarm ");
    close_all(&fixture);
}

/* --- IT2 ----------------------------------------------------------------- */

Test(intake, IT2_N1_a_commit_that_fails_is_told_and_stops_what_comes_later) {
    struct fixture fixture;
    struct slow    slow;
    struct sender  first = SENDER, later = SENDER;

    open_slow(&fixture, &slow);
    slow.fails = true;
    let_go(&slow);
    offer(&fixture, &first, "", "{}");
    await(&first);
    cr_expect_eq(first.fate, INTAKE_FAILED);
    cr_expect_str_eq(first.id, "");
    slow.fails = false; /* one that failed is never written again */
    offer(&fixture, &later, "", "{}");
    await(&later);
    cr_expect_eq(later.fate, INTAKE_FAILED);
    settle(&fixture);
    cr_expect(intake_failed(fixture.intake));
    cr_expect_eq(atomic_load(&slow.commits), 0);
    cr_expect_eq(fixture.taken.len, 0);
    cr_expect_eq(intake_waiting(fixture.intake), 0);
    close_all(&fixture);
}

/* --- IT3 ----------------------------------------------------------------- */

Test(intake, IT3_more_than_may_wait_are_sent_away_until_there_is_room) {
    struct fixture fixture;
    struct slow    slow;
    struct sender  in[ROOM] = {SENDER, SENDER, SENDER, SENDER}, out = SENDER,
                  later = SENDER;

    open_slow(&fixture, &slow);
    for (int i = 0; i < ROOM; i++)
        offer(&fixture, &in[i], "", "{}");
    offer(&fixture, &out, "", "{}");
    cr_expect_eq(told_now(&out), 1);
    cr_expect_eq(out.fate, INTAKE_BUSY);
    cr_expect_eq(intake_waiting(fixture.intake), ROOM);
    let_go(&slow);
    for (int i = 0; i < ROOM; i++) {
        await(&in[i]);
        cr_expect_eq(in[i].fate, INTAKE_STORED);
    }
    offer(&fixture, &later, "", "{}");
    await(&later);
    cr_expect_eq(later.fate, INTAKE_STORED);
    settle(&fixture);
    cr_expect_eq(intake_waiting(fixture.intake), 0);
    close_all(&fixture);
}

Test(intake, IT3_another_limit_counts_from_the_next_one_on) {
    struct fixture fixture;
    struct slow    slow;
    struct sender  first = SENDER, second = SENDER;

    open_slow(&fixture, &slow);
    intake_limit(fixture.intake, 1);
    offer(&fixture, &first, "", "{}");
    offer(&fixture, &second, "", "{}");
    cr_expect_eq(told_now(&second), 1);
    cr_expect_eq(second.fate, INTAKE_BUSY);
    let_go(&slow);
    await(&first);
    cr_expect_eq(first.fate, INTAKE_STORED);
    close_all(&fixture);
}

Test(intake, IT3_the_bytes_that_wait_are_bounded_but_one_may_be_large) {
    struct fixture fixture;
    struct slow    slow;
    struct sender  large = SENDER, small = SENDER;
    char           raw[BYTES + 20];

    memset(raw, ' ', sizeof raw);
    raw[sizeof raw - 1] = '\0';
    open_slow(&fixture, &slow);
    offer(&fixture, &large, "", raw);
    offer(&fixture, &small, "", "{}");
    cr_expect_eq(told_now(&large), 0);
    cr_expect_eq(told_now(&small), 1);
    cr_expect_eq(small.fate, INTAKE_BUSY);
    let_go(&slow);
    await(&large);
    cr_expect_eq(large.fate, INTAKE_STORED);
    close_all(&fixture);
}
