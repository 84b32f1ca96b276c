/* mode_fixture.c - a world answers everything, writes too, on virtual time.
 *
 * There is no client, no socket and no real clock in here, so nothing can
 * leave. (MO1)
 */
#include "base/clock_virtual.h"
#include "base/mem.h"
#include "gate/mode.h"
#include "gate/world.h"
#include "llm/conversation.h"

struct mode_fixture {
    struct mode          mode; /* first: the ops find us by it */
    struct world        *world;
    struct clock_virtual clock;
};

/* A row may give a list where a page is asked for: then there is one page. */
static void make_page(const struct effect *effect, struct answer *answer) {
    static const struct http_answer nothing_more = {0};

    if (json_is(answer->value, JSON_LIST))
        answer_page(effect, &nothing_more, STR(""), answer);
}

/* What a row says in a model's place is judged as a model's answer is. (N12) */
static bool ask(struct mode_fixture *fixture, const struct effect *effect,
                struct answer *answer) {
    if (!world_answer(fixture->world, effect, mode_now(&fixture->mode),
                      &answer->value, &answer->err))
        return false;
    if (effect->kind == EFFECT_LLM)
        answer->value = conversation_judge(effect->name, effect->args,
                                           answer->value, &answer->err);
    return answer->value != NULL;
}

static void act(struct mode *mode, const struct mode_ask *asked,
                mode_done_fn *done, void *arg) {
    struct mode_fixture *fixture = (struct mode_fixture *)mode;
    struct answer        answer = {.fate = ANSWER_GIVEN};

    if (!ask(fixture, asked->effect, &answer)) {
        enum err_code code = answer.err.code;

        answer.fate = code == ERR_NO_ANSWER ? ANSWER_SILENT
                      : effect_writes(asked->effect) &&
                              (code == ERR_TIMEOUT || code == ERR_UNKNOWN)
                          ? ANSWER_UNKNOWN
                          : ANSWER_REFUSED;
    }
    make_page(asked->effect, &answer);
    mode_answer_later(mode, answer, done, arg);
}

static void until(struct mode *mode, int64_t due_ms, mode_done_fn *done,
                  void *arg) {
    struct mode_fixture *fixture = (struct mode_fixture *)mode;

    if (due_ms > mode_now(mode))
        clock_virtual_advance(&fixture->clock, due_ms - mode_now(mode));
    mode_answer_later(mode, (struct answer){.fate = ANSWER_GIVEN}, done, arg);
}

static void close_fixture(struct mode *mode) {
    struct mode_fixture *fixture = (struct mode_fixture *)mode;

    world_close(fixture->world);
    mem_free(fixture);
}

static const struct mode_ops ops = {MODE_FIXTURE,  act,  until,
                                    close_fixture, NULL, NULL};

struct mode *mode_fixture_open(struct loop *loop, struct world *world) {
    struct mode_fixture *fixture = mem_new(sizeof *fixture);

    clock_virtual_init(&fixture->clock, world_start(world));
    fixture->mode = (struct mode){&ops, loop, &fixture->clock.clock, NULL};
    fixture->world = world;
    return &fixture->mode;
}
