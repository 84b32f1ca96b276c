/* call_llm.c - one sum, and one more write in a batch. */
#include "gate/call_llm.h"

#include "store/journal.h"

/* (CL1) */
static int64_t spent(const struct json *records) {
    int64_t sum = 0;

    for (size_t i = 0; i < json_count(records); i++)
        sum += json_find_int(json_at(records, i), "micro_usd", 0);
    return sum;
}

/* The lower of two, where below 0 is none. */
static int64_t lower(int64_t a, int64_t b) {
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    return a < b ? a : b;
}

struct spend_limits call_llm_limits(const struct call *call) {
    const struct json *llm = json_find(call->gate->options.config, "llm");

    return (struct spend_limits){
        spent(journal_records(call->ask.journal)) + call->micro_usd,
        lower(spend_micro(json_find(llm, "run_usd")),
              spend_micro(json_find(call->ask.limits, "llm_usd"))),
        call->ask.journal};
}

static bool is_kept(const struct mode *mode) {
    return mode->ops->kind == MODE_LIVE && mode->spend;
}

void call_llm_journal(struct call *call, struct json *record) {
    struct mode       *mode = call->gate->options.mode;
    struct spend      *spend = mode->spend;
    struct buf         key = BUF_EMPTY, value = BUF_EMPTY;
    struct store_write write;

    json_put_int(record, "micro_usd", call->micro_usd);
    if (!is_kept(mode) || call->micro_usd == 0) {
        call_journal(call, record, NULL, NULL);
        return;
    }
    spend_key(spend->day, &key);
    buf_addf(&value, "%lld", (long long)spend->micro_usd);
    write =
        (struct store_write){spend->version ? STORE_SWAP : STORE_INSERT,
                             buf_str(&key), spend->version, buf_str(&value)};
    spend->version++;
    journal_add(call->ask.journal, record, NULL, &write, 1, NULL, NULL);
    buf_release(&key);
    buf_release(&value);
}
