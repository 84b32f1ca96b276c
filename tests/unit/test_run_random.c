/* test_run_random.c - playbooks with forks, made at random, walked in many
 * orders.
 *
 * A playbook has one fork, whose branches read, wait, fail once and run again,
 * and may leave it by an error or an edge; one branch at most leaves, so that
 * where the run goes is no matter of speed. It is walked once with answers in
 * the order of asking; then in random orders, with evidence attached in
 * between, and cut behind every few records and gone on with. The story must be
 * the same, and the walk that was folded live that of the journal.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "base/mem.h"
#include "support.h"
#include "sys/loop.h"

#define WORLD                                                                \
    "{'match': {'effect': 'aws:ecs:ListTasks'}, 'answer': {'tasks': 2}}"     \
    "{'match': {'effect': 'aws:ecs:ListServices'}, 'answer': {'s': 3}}"      \
    "{'match': {'effect': 'aws:ecs:DescribeServices'}, 'answer': "           \
    "{'services': [{'desiredCount': 2, 'deployments': [{'id': 'd1'}]}]}}"    \
    "{'match': {'effect': 'aws:ecs:DescribeServices'}, 'after': {'write': "  \
    "'aws:ecs:UpdateService', 'args': {'desiredCount': 4}}, 'answer': "      \
    "{'services': [{'desiredCount': 4, 'deployments': [{'id': 'd1'}]}]}}"    \
    "{'match': {'effect': 'aws:ecs:UpdateService'}, 'answer': {'ok': true}}" \
    "{'match': {'effect': 'aws:ecs:DescribeTasks'}, 'answer': {'d': 4}}"     \
    "{'match': {'effect': 'aws:ecs:DescribeTasks'}, 'error': {'code': "      \
    "'remote', 'text': 'a hiccup'}, 'times': 1}"

/* --- chance ------------------------------------------------------------- */

static uint64_t dice;

static unsigned roll(unsigned sides) {
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(dice >> 33) % sides;
}

/* --- a mode that answers in any order ------------------------------------- */

struct held {
    struct held    *next;
    struct shuffle *mode;
    mode_done_fn   *done;
    void           *arg;
    struct answer   answer;
    unsigned        turns;
    int64_t         due;
};

struct shuffle {
    struct mode   mode;
    struct mode  *inner;
    struct held  *waiting;
    unsigned      busy, spread;
    struct bench *bench;
    int           attach, cancel; /* at the nth act */
};

static void shuffle_turn(void *arg) {
    struct held *held = arg;
    struct held  now = *held;

    if (held->turns-- > 0) {
        loop_defer(held->mode->mode.loop, shuffle_turn, held);
        return;
    }
    mem_free(held);
    now.mode->busy = 40;
    now.done(now.arg, &now.answer);
}

static void shuffle_came(void *arg, struct answer *answer) {
    struct held *held = arg;

    held->answer = *answer;
    shuffle_turn(held);
}

static void shuffle_act(struct mode *mode, const struct mode_ask *ask,
                        mode_done_fn *done, void *arg) {
    struct shuffle *shuffle = (struct shuffle *)mode;
    struct held    *held = mem_new(sizeof *held);

    shuffle->busy = 40;
    *held = (struct held){.mode = shuffle, .done = done, .arg = arg};
    held->turns = shuffle->spread ? roll(shuffle->spread) : 0;
    shuffle->inner->ops->act(shuffle->inner, ask, shuffle_came, held);
    if (--shuffle->attach == 0)
        run_attach(shuffle->bench->run, json_new_map());
    if (--shuffle->cancel == 0)
        run_cancel(shuffle->bench->run);
}

static void nothing(void *arg, struct answer *answer) {
    (void)arg;
    if (answer->fate == ANSWER_GIVEN)
        json_release(answer->value);
}

static void advance(struct shuffle *shuffle, int64_t to) {
    shuffle->inner->ops->until(shuffle->inner, to, nothing, NULL);
}

static void fire(struct held **link) {
    struct held *held = *link;

    *link = held->next;
    held->answer = (struct answer){.fate = ANSWER_GIVEN};
    held->turns = 1;
    shuffle_turn(held);
}

/* Time passes when nothing has happened for a while. */
static void shuffle_idle(void *arg) {
    struct shuffle *shuffle = arg;
    struct held   **first = &shuffle->waiting;

    if (!shuffle->waiting)
        return;
    if (shuffle->busy > 0) {
        shuffle->busy--;
        loop_defer(shuffle->mode.loop, shuffle_idle, shuffle);
        return;
    }
    for (struct held **link = first; *link; link = &(*link)->next)
        if ((*link)->due < (*first)->due)
            first = link;
    if ((*first)->due > mode_now(&shuffle->mode))
        advance(shuffle, (*first)->due);
    shuffle->busy = 40;
    fire(first);
    if (shuffle->waiting)
        loop_defer(shuffle->mode.loop, shuffle_idle, shuffle);
}

static void shuffle_until(struct mode *mode, int64_t due_ms, mode_done_fn *done,
                          void *arg) {
    struct shuffle *shuffle = (struct shuffle *)mode;
    struct held    *held = mem_new(sizeof *held);

    *held = (struct held){.next = shuffle->waiting,
                          .mode = shuffle,
                          .done = done,
                          .arg = arg,
                          .due = due_ms};
    if (!shuffle->waiting)
        loop_defer(mode->loop, shuffle_idle, shuffle);
    shuffle->waiting = held;
    shuffle->busy = 40;
}

static void shuffle_wake(struct mode *mode, void *arg) {
    struct held **link = &((struct shuffle *)mode)->waiting;

    while (*link && (*link)->arg != arg)
        link = &(*link)->next;
    if (*link)
        fire(link);
}

static void shuffle_close(struct mode *mode) {
    mode_close(((struct shuffle *)mode)->inner);
    mem_free(mode);
}

static const struct mode_ops shuffle_ops = {MODE_FIXTURE,  shuffle_act,
                                            shuffle_until, shuffle_close,
                                            NULL,          shuffle_wake};

static struct shuffle *shuffle_open(struct bench *bench, unsigned spread) {
    struct shuffle *shuffle = mem_new(sizeof *shuffle);

    *shuffle = (struct shuffle){.inner = bench->mode,
                                .spread = spread,
                                .bench = bench,
                                .attach = -1,
                                .cancel = -1};
    shuffle->mode =
        (struct mode){&shuffle_ops, bench->loop, bench->mode->clock, NULL};
    bench->mode = &shuffle->mode;
    return shuffle;
}

/* --- a playbook ------------------------------------------------------------ */

struct play {
    struct buf playbook;
    struct buf nodes[16];
    char       names[16][16];
    size_t     count;
};

#define EFFECTS                                                 \
    "effects = { 'aws:ecs:ListTasks', 'aws:ecs:ListServices', " \
    "'aws:ecs:DescribeTasks', 'aws:ecs:DescribeServices' }"

static void write_body(struct buf *out, bool *hiccup) {
    unsigned lines = roll(5);

    for (unsigned i = 0; i < lines; i++)
        switch (roll(*hiccup ? 6 : 7)) {
        case 0: buf_addf(out, "ctx.sleep(%u) ", 1 + roll(8)); break;
        case 1: buf_addf(out, "ctx.sleep(%u) ", 20 + 10 * roll(5)); break;
        case 2:
            buf_add_text(out, "v = v + ctx.aws('ecs:ListTasks', {}).tasks ");
            break;
        case 3:
            buf_add_text(out,
                         "local a, e = ctx.try.all { a = { "
                         "'aws:ecs:ListTasks', {} }, [1] = { "
                         "'aws:ecs:ListClusters', {} }, [2] = { "
                         "'aws:ecs:ListServices', {} } } v = v + a.a.tasks "
                         "+ a[2].s + (e[1] and 1 or 0) ");
            break;
        case 4:
            buf_addf(out,
                     "ctx.wait_for { ask = { 'aws:ecs:ListTasks', {} }, done = "
                     "function(a) return a.tasks == 2 end, every = '%us', "
                     "stable = '%us', within = '10m' } ",
                     2 + roll(12), roll(20));
            break;
        case 5: buf_add_text(out, "local w = ctx.now() "); break;
        case 6:
            *hiccup = true;
            buf_add_text(out, "v = v + ctx.aws('ecs:DescribeTasks', {}).d ");
            break;
        }
}

static void add_node(struct play *play, const char *name, const char *end,
                     bool *hiccup) {
    struct buf *out = &play->nodes[play->count];

    (void)snprintf(play->names[play->count++], 16, "%s", name);
    buf_add_text(
        out, "return { about = 'x', input = { seen = 'any?', all = "
             "'any?', v = 'any?' }, output = { v = 'any?', seen = "
             "'any?' }, outcomes = { 'ok', 'lost', 'over', 'more' }, " EFFECTS
             ", run = function(ctx, input) local v, n = 0, 0 ");
    if (hiccup)
        write_body(out, hiccup);
    buf_addf(out, "%s end }", end);
}

#define OK                                                                   \
    "local t = {} for i, s in ipairs(input.seen or {}) do t[i] = s.node .. " \
    "s.outcome end return 'ok', { v = v, seen = { table.concat(t, ' '), "    \
    "input.all or 'none', input.v or 'none' } }"

static void write_branch(struct play *play, char letter, const char *leave,
                         bool *hiccup) {
    unsigned length = 1 + roll(3), leaver = leave ? roll(length) : 99;

    for (unsigned i = 0; i < length; i++) {
        char        name[16], next[16];
        const char *end = i == leaver ? leave : OK;

        (void)snprintf(name, sizeof name, "%c%u", letter, i);
        (void)snprintf(next, sizeof next, "%c%u", letter, i + 1);
        add_node(play, name, end, hiccup);
        buf_addf(&play->playbook,
                 "%s = { use = '%s', rerun = { times = 2, on = { 'remote' } }, "
                 "with = { seen = '$run.path', all = '$%c0.all', v = '$%c0.v' "
                 "}, next = { ok = '%s', lost = 'tell', over = 'done', "
                 "more = { all = { 'x0', 'y0' }, join = 'last' } } },\n",
                 name, name, letter == 'a' ? 'b' : 'a',
                 letter == 'a' ? 'b' : 'a', i + 1 < length ? next : "sum");
    }
}

static void write_fork(struct play *play, unsigned branches) {
    buf_add_text(&play->playbook, "{ all = { ");
    for (unsigned i = 0; i < branches; i++)
        buf_addf(&play->playbook, "'%c0', ", 'a' + (char)i);
    buf_add_text(&play->playbook, "}, join = 'sum' }");
}

#define AGAIN "rerun = { times = 2, on = { 'remote' } }, "
#define ELSE "lost = 'tell', over = 'tell', more = 'tell' "

/* The fork stands at the start, or behind a node. */
static void write_start(struct play *play, unsigned branches, bool *hiccup) {
    buf_add_text(&play->playbook,
                 "return { about = 'x', failed = 'tell', undone = 'tell', "
                 "limits = { attempts = 2, deadline = '5h' }, start = ");
    if (roll(2)) {
        write_fork(play, branches);
        buf_add_text(&play->playbook, ", nodes = {\n");
        return;
    }
    add_node(play, "begin", OK, hiccup);
    buf_add_text(&play->playbook, "'begin', nodes = { begin = { use = "
                                  "'begin', " AGAIN "next = { ok = ");
    write_fork(play, branches);
    buf_add_text(&play->playbook, ", " ELSE "} },\n");
}

static void write_rest(struct play *play, bool *hiccup) {
    add_node(play, "sum", OK, NULL);
    add_node(play, "x0", OK, hiccup);
    add_node(play, "y0", OK, hiccup);
    add_node(play, "last", OK, NULL);
    buf_add_text(
        &play->playbook,
        "x0 = { use = 'x0', " AGAIN "next = { ok = 'last', " ELSE "} },\n"
        "y0 = { use = 'y0', " AGAIN "next = { ok = 'last', " ELSE "} },\n"
        "last = { use = 'last', next = { ok = 'done', " ELSE "} },\n"
        "sum = { use = 'sum', with = { seen = '$run.path', all = '$a0.all' }, "
        "next = { ok = 'scale', " ELSE "} },\n"
        "scale = { use = 'scale', next = { ok = 'check' } },\n"
        "check = { use = 'verification', next = { pass = 'done' } },\n"
        "tell = { use = 'escalation' } } }");
}

static void make_play(struct play *play) {
    static const char *const ends[] = {
        "return 'lost'",     "return 'over'", "error('no')",
        "return 'nonsense'", "return 'more'", "ctx.aws('ecs:ListClusters', {})",
    };
    unsigned branches = 2 + roll(3), leaver = roll(2) ? roll(branches) : 99;
    bool     hiccup = false;

    memset(play, 0, sizeof *play);
    write_start(play, branches, &hiccup);
    for (unsigned i = 0; i < branches; i++)
        write_branch(play, (char)('a' + i),
                     i == leaver ? ends[roll(sizeof ends / sizeof *ends)]
                                 : NULL,
                     &hiccup);
    write_rest(play, &hiccup);
}

static void drop_play(struct play *play) {
    buf_release(&play->playbook);
    for (size_t i = 0; i < play->count; i++)
        buf_release(&play->nodes[i]);
}

static void open_play(struct bench *bench, struct play *play) {
    bench_open(bench, WORLD);
    bench_script(bench, "playbooks/heal.lua", buf_text(&play->playbook));
    for (size_t i = 0; i < play->count; i++) {
        char path[40];

        (void)snprintf(path, sizeof path, "nodes/%s.lua", play->names[i]);
        bench_script(bench, path, buf_text(&play->nodes[i]));
    }
    bench_script(
        bench, "nodes/scale.lua",
        "return { about = 'x', outcomes = { 'ok' }, risk = 'low', "
        "effects = { 'aws:ecs:UpdateService' }, irreversible = true, "
        "run = function(ctx) ctx.aws('ecs:UpdateService', { cluster = "
        "'prod', service = 'api', desiredCount = 4 }) return 'ok' end }");
    bench_script(bench, "nodes/verification.lua",
                 "return { about = 'x', outcomes = { 'pass' }, effects = {}, "
                 "run = function() return 'pass' end }");
    bench_script(bench, "nodes/escalation.lua",
                 "return { about = 'x', outcomes = { 'ok' }, effects = {}, "
                 "run = function() return 'ok' end }");
}

/* --- the story ------------------------------------------------------------ */

static bool counts(const struct json *path, size_t at) {
    const struct json *step = json_at(path, at);
    int64_t            branch = json_find_int(step, "branch", 0);

    if (!branch || json_truth(json_find(step, "leaves")))
        return true;
    /* Of a fork that was left. */
    for (size_t i = 0; i < json_count(path); i++)
        if (json_truth(json_find(json_at(path, i), "leaves")))
            return false;
    return true;
}

static void write_story(struct bench *bench, struct buf *out) {
    const struct walk *walk = run_walk(bench->run);
    bool               left = false;

    for (size_t i = 0; i < json_count(walk->path); i++) {
        const struct json *step = json_at(walk->path, i);
        struct str         node = json_find_text(step, "node");

        left = left || json_truth(json_find(step, "leaves"));
        if (!counts(walk->path, i))
            continue;
        buf_addf(out, "%.*s:%.*s ", STR_ARG(node),
                 STR_ARG(json_find_text(step, "outcome")));
        json_write(json_find_str(walk->outputs, node), out);
        buf_add_text(out, "\n");
    }
    buf_addf(out, "= %.*s", STR_ARG(json_find_text(walk->finished, "outcome")));
}

static void same_walk(const struct walk *a, const struct walk *b) {
    const struct json *parts[][2] = {
        {a->outputs, b->outputs},   {a->path, b->path},
        {a->visits, b->visits},     {a->fork, b->fork},
        {a->failure, b->failure},   {a->wrote, b->wrote},
        {a->finished, b->finished}, {a->attached, b->attached}};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        cr_assert(parts[i][0]
                      ? parts[i][1] && json_same(parts[i][0], parts[i][1])
                      : !parts[i][1],
                  "part %zu", i);
}

static void folds_the_same(struct bench *bench) {
    struct walk walk;

    walk_init(&walk);
    walk_follow(&walk, journal_records(bench->journal));
    same_walk(run_walk(bench->run), &walk);
    walk_release(&walk);
}

/* --- walking ----------------------------------------------------------------- */

static bool has_result(const struct json *records, size_t count,
                       struct str slot) {
    for (size_t i = 0; i < count; i++)
        if (str_is(json_find_text(json_at(records, i), "kind"), "result") &&
            str_equal(json_find_text(json_at(records, i), "slot"), slot))
            return true;
    return false;
}

static void ask_world(struct bench *bench, struct mode *world,
                      const struct json *record) {
    struct str name,
        kind = str_cut(json_find_text(record, "effect"), ':', &name);
    struct json    *question = json_new_list();
    struct effect   effect;
    struct mode_ask ask = {.effect = &effect, .before = NULL, .token = ""};
    struct err      err;

    json_append_text(question, STR(""));
    json_append_text(question, kind);
    json_append_text(question, name);
    json_append(question, json_clone(json_find(record, "args")));
    cr_assert(effect_make(&effect, question, bench->config, &err));
    world->ops->act(world, &ask, nothing, NULL);
    loop_run(bench->loop);
    effect_release(&effect);
    json_release(question);
}

static void replay_world(struct bench *bench, const struct json *records,
                         size_t count) {
    struct mode *world = bench->spy->inner;

    for (size_t i = 0; i < count; i++) {
        const struct json *record = json_at(records, i);
        struct str         kind = json_find_text(record, "kind");
        bool engine = str_starts(json_find_text(record, "effect"), "engine:");

        world->ops->until(world, json_find_int(record, "at", 0), nothing, NULL);
        loop_run(bench->loop);
        if ((str_is(kind, "intent") &&
             has_result(records, count, json_find_text(record, "slot"))) ||
            (str_is(kind, "read") && !engine &&
             str_is(json_find_text(record, "class"), "read")))
            ask_world(bench, world, record);
    }
}

static void tells(struct bench *bench, const char *story, const char *how,
                  uint64_t seed, size_t at) {
    struct buf told = BUF_EMPTY;

    cr_assert_not(bench->failed, "%s, seed %llu, %zu: %s", how,
                  (unsigned long long)seed, at, bench->err.text);
    folds_the_same(bench);
    write_story(bench, &told);
    cr_assert_eq(bench_count(bench, "finished"), 1);
    cr_assert_str_eq(buf_text(&told), story,
                     "%s, seed %llu, %zu:\n%s\n--- and not\n%s", how,
                     (unsigned long long)seed, at, buf_text(&told), story);
    buf_release(&told);
}

static void goes_on(struct play *play, const struct json *records, size_t count,
                    const char *story, uint64_t seed) {
    struct bench bench;

    open_play(&bench, play);
    for (size_t i = 0; i < count; i++)
        journal_add(bench.journal, json_clone(json_at(records, i)), NULL, NULL,
                    0, NULL, NULL);
    loop_run(bench.loop);
    bench_cut(&bench, count);
    replay_world(&bench, records, count);
    (void)shuffle_open(&bench, 12);
    bench.forgets = roll(2);
    bench_walk(&bench);
    tells(&bench, story, "cut", seed, count);
    bench_close(&bench);
}

static void first_walk(struct play *play, struct buf *story) {
    struct bench bench;

    open_play(&bench, play);
    bench_walk(&bench);
    cr_assert_not(bench.failed, "%s", bench.err.text);
    folds_the_same(&bench);
    write_story(&bench, story);
    bench_close(&bench);
}

static void shuffled(struct play *play, unsigned spread, const char *story,
                     uint64_t seed) {
    struct bench    bench;
    struct shuffle *shuffle;
    struct json    *records;

    open_play(&bench, play);
    shuffle = shuffle_open(&bench, spread);
    shuffle->attach = (int)roll(12);
    bench.forgets = roll(2);
    bench_walk(&bench);
    tells(&bench, story, "shuffled", seed, spread);
    records = json_clone(journal_records(bench.journal));
    bench_close(&bench);
    for (size_t at = 1 + roll(4); at < json_count(records); at += 1 + roll(6))
        goes_on(play, records, at, story, seed);
    json_release(records);
}

/* Cancelled somewhere, and gone on with all the same. */
static void cancelled(struct play *play, unsigned spread, const char *story,
                      uint64_t seed) {
    struct bench bench;

    open_play(&bench, play);
    shuffle_open(&bench, spread)->cancel = 1 + (int)roll(14);
    bench_walk(&bench);
    if (bench.failed) {
        cr_assert_eq(bench.err.code, ERR_CANCELLED, "%s", bench.err.text);
        folds_the_same(&bench);
        bench_cut(&bench, json_count(journal_records(bench.journal)));
        bench_walk(&bench);
    }
    tells(&bench, story, "cancelled", seed, spread);
    bench_close(&bench);
}

static void one_play(uint64_t seed) {
    struct play play;
    struct buf  story = BUF_EMPTY;

    dice = seed * 977 + 1;
    make_play(&play);
    first_walk(&play, &story);
    for (unsigned spread = 1; spread <= 21; spread += 10) {
        shuffled(&play, spread, buf_text(&story), seed);
        cancelled(&play, spread, buf_text(&story), seed);
    }
    drop_play(&play);
    buf_release(&story);
}

Test(run_random, RN8_N7_WK1_WK2_order_and_crashes_do_not_show) {
    for (uint64_t seed = 1; seed <= 8; seed++)
        one_play(seed);
}
