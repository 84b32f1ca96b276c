/* together.c - counts the answers; the gate does the rest. */
#include "graph/together.h"

#include "base/mem.h"
#include "store/journal.h"

struct asked {
    struct together *together;
    struct call     *call; /* until it is answered */
    struct json     *answer;
};

struct together {
    gate_done_fn  *done;
    void          *arg;
    enum gate_fate fate; /* the gravest */
    struct err     err;
    bool           assumed;
    size_t         count, left;
    struct asked   asked[TOGETHER_MAX];
};

static struct json *answer_of(const struct gate_answer *given) {
    struct json *answer = json_new_map();
    bool         ok = given->fate == GATE_ANSWERED;

    json_put_bool(answer, "ok", ok);
    if (!ok)
        json_put(answer, "error", json_new_error(given->err));
    else if (given->value)
        json_put(answer, "value", json_clone(given->value));
    return answer;
}

/* Takes the answers. */
static struct json *answers_of(struct together *together) {
    struct json *list = json_new_list();

    for (size_t i = 0; i < together->count; i++)
        json_append(list, together->asked[i].answer);
    return list;
}

static void finish(struct together *together) {
    struct json       *answers = answers_of(together);
    struct gate_answer answer = {.fate = together->fate,
                                 .assumed = together->assumed,
                                 .value = answers,
                                 .err = &together->err};

    together->done(together->arg, &answer);
    json_release(answers);
    mem_free(together);
}

/* What ends the node for one of them ends it for all. */
static void weigh(struct together *together, const struct gate_answer *answer) {
    together->assumed = together->assumed || answer->assumed;
    if (answer->fate == GATE_ANSWERED || answer->fate == GATE_FAILED ||
        together->fate == GATE_STOPPED)
        return;
    together->fate = answer->fate;
    together->err = *answer->err;
}

static void answered(void *arg, const struct gate_answer *answer) {
    struct asked    *asked = arg;
    struct together *together = asked->together;

    asked->call = NULL;
    asked->answer = answer_of(answer);
    weigh(together, answer);
    if (--together->left == 0)
        finish(together);
}

static bool countable(const struct json *list, struct err *err) {
    size_t count = json_count(list);

    return (json_is(list, JSON_LIST) && count > 0 && count <= TOGETHER_MAX) ||
           err_set(err, ERR_INVALID,
                   "ctx.all takes one to %d questions, each { "
                   "\"aws:service:Operation\", arguments }",
                   TOGETHER_MAX);
}

/* All of them are made before one is asked: a list with a mistake in it asks
 * nothing. */
static bool make_all(struct effect *effects, const struct together_asks *asks,
                     struct err *err) {
    size_t made = 0, count = json_count(asks->list);
    bool   ok = true;

    while (ok && made < count) {
        const struct json *ask = json_at(asks->list, made);

        ok = (effect_ask_valid(ask) ||
              err_set(err, ERR_INVALID,
                      "ctx.all: question %zu must be { "
                      "\"aws:service:Operation\", arguments }",
                      made + 1)) &&
             effect_make_ask(&effects[made], ask, asks->where, "ctx.all",
                             asks->config, err);
        made += ok;
    }
    while (!ok && made > 0)
        effect_release(&effects[--made]);
    return ok;
}

struct together *together_submit(struct gate *gate, const struct gate_ask *ask,
                                 const struct together_place *place,
                                 const struct together_asks  *asks,
                                 gate_done_fn *done, void *arg,
                                 struct err *err) {
    struct effect    effects[TOGETHER_MAX];
    struct together *together;
    struct gate_ask  one = *ask;
    struct buf       key = BUF_EMPTY;

    if (!countable(asks->list, err) || !make_all(effects, asks, err))
        return NULL;
    together = mem_new(sizeof *together);
    together->done = done;
    together->arg = arg;
    together->fate = GATE_ANSWERED;
    together->count = together->left = json_count(asks->list);
    for (size_t i = 0; i < together->count; i++) {
        struct asked *asked = &together->asked[i];

        buf_clear(&key);
        journal_place(&key, place->node, place->visit, place->phase,
                      place->ordinal, (int)i + 1);
        one.place = buf_str(&key);
        asked->together = together;
        asked->call = gate_submit(gate, &one, &effects[i], answered, asked);
    }
    buf_release(&key);
    return together;
}

void together_cancel(struct together *together) {
    for (size_t i = 0; i < together->count; i++)
        if (together->asked[i].call)
            gate_cancel(together->asked[i].call);
}
