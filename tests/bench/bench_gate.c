/* bench_gate.c - what the gate adds to one effect, with the store in memory.
 *
 * The mode answers at once with an empty map, so that what is left is the
 * slot, the checks, the digest, the redaction, two records and the turn of the
 * loop. Reads and writes are measured apart; the aim is for the mean.
 */
#include <stdio.h>

#include "gate/gate.h"
#include "secret/redact.h"
#include "store/journal.h"
#include "sys/clock_real.h"
#include "sys/loop.h"

#define EFFECTS 20000

struct bench {
    struct loop    *loop;
    struct gate    *gate;
    struct journal *journal;
    struct json    *allowed, *question;
    int             left;
};

static void act(struct mode *mode, const struct mode_ask *ask,
                mode_done_fn *done, void *arg) {
    struct answer answer = {.fate = ANSWER_GIVEN};

    (void)ask;
    answer.value = json_new_map();
    mode_answer_later(mode, answer, done, arg);
}

static void until(struct mode *mode, int64_t due, mode_done_fn *done,
                  void *arg) {
    struct answer answer = {.fate = ANSWER_GIVEN};

    (void)due;
    mode_answer_later(mode, answer, done, arg);
}

static void close_mode(struct mode *mode) {
    (void)mode;
}

static const struct mode_ops ops = {MODE_LIVE,  act,  until,
                                    close_mode, NULL, NULL};

static void submit(void *arg);

static void answered(void *arg, const struct gate_answer *answer) {
    struct bench *bench = arg;

    if (answer->fate != GATE_ANSWERED) {
        (void)fprintf(stderr, "bench_gate: %s\n", answer->err->text);
        exit(1);
    }
    if (--bench->left > 0)
        submit(bench);
}

static void submit(void *arg) {
    struct bench   *bench = arg;
    struct json    *config = json_new_map();
    struct buf      place = BUF_EMPTY;
    struct gate_ask ask = {.journal = bench->journal,
                           .run = "run_bench",
                           .allowed = bench->allowed};
    struct effect   effect;
    struct err      err;

    if (!effect_make(&effect, bench->question, config, &err)) {
        (void)fprintf(stderr, "bench_gate: %s\n", err.text);
        exit(1);
    }
    journal_place(&place, STR("bench"), 1, "run", bench->left, 0);
    ask.place = buf_str(&place);
    gate_submit(bench->gate, &ask, &effect, answered, bench);
    buf_release(&place);
    json_release(config);
}

static struct json *parse(const char *text) {
    struct err   err;
    struct json *value = json_parse(str_of(text), &json_caps_answer, &err);

    if (!value)
        (void)fprintf(stderr, "%s\n", err.text);
    return value;
}

static double measure(const char *question, struct clock *clock) {
    struct loop        *loop = loop_open();
    struct store       *store = store_memory_open();
    struct queue       *queue = queue_open(loop, store, false);
    struct redact      *redact = redact_open();
    struct json        *config = json_new_map();
    struct mode         mode = {.ops = &ops, .loop = loop, .clock = clock};
    struct gate_options options = {
        .mode = &mode, .redact = redact, .config = config};
    struct bench bench = {.loop = loop, .left = EFFECTS};
    int64_t      begun;
    double       us;

    bench.gate = gate_open(&options);
    bench.journal = journal_open(queue, "run_bench");
    bench.allowed = parse("[\"aws:ecs:DescribeTasks\",\"aws:ecs:RunTask\"]");
    bench.question = parse(question);
    begun = clock->mono_ns(clock);
    loop_defer(loop, submit, &bench);
    loop_run(loop);
    us = (double)(clock->mono_ns(clock) - begun) / 1000 / EFFECTS;
    json_release(bench.allowed);
    json_release(bench.question);
    journal_close(bench.journal);
    gate_close(bench.gate);
    queue_close(queue);
    store_close(store);
    json_release(config);
    redact_close(redact);
    loop_run(loop);
    loop_close(loop);
    return us;
}

int main(void) {
    struct clock *clock = clock_real();
    double        read = 1e9, write = 1e9;

    for (int i = 0; i < 5; i++) {
        double r = measure("[\"x:1\",\"aws\",\"ecs:DescribeTasks\","
                           "{\"cluster\":\"prod\",\"tasks\":[\"t\"]}]",
                           clock);
        double w = measure("[\"x:1\",\"aws\",\"ecs:RunTask\","
                           "{\"cluster\":\"prod\",\"taskDefinition\":\"x\"}]",
                           clock);

        read = r < read ? r : read;
        write = w < write ? w : write;
    }
    printf("bench gate_read %.1f us (aim <= 15)\n", read);
    printf("bench gate_write %.1f us (aim <= 15)\n", write);
    return 0;
}
