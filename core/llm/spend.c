/* spend.c - rounding is always up. */
#include "llm/spend.h"

#include <math.h>

#include "base/timestamp.h"

#define DAY_MS 86400000

void spend_key(int64_t day, struct buf *out) {
    struct buf text = BUF_EMPTY;

    timestamp_write(day * DAY_MS, &text);
    buf_addf(out, "main/spend/llm/%.10s", buf_text(&text));
    buf_release(&text);
}

void spend_turn(struct spend *spend, int64_t now_ms) {
    int64_t day = now_ms / DAY_MS;

    if (day <= spend->day)
        return;
    spend->day = day;
    spend->micro_usd = spend->version = 0;
}

void spend_hold(struct spend *spend, struct spend_hold *hold, const void *run,
                int64_t micro_usd) {
    *hold = (struct spend_hold){spend->holds, run, micro_usd};
    spend->holds = hold;
}

void spend_free(struct spend *spend, struct spend_hold *hold) {
    struct spend_hold **link = &spend->holds;

    while (*link && *link != hold)
        link = &(*link)->next;
    if (*link)
        *link = hold->next;
}

/* By one run, or by all of them. */
static int64_t held(const struct spend *spend, bool all, const void *run) {
    int64_t sum = 0;

    for (const struct spend_hold *hold = spend->holds; hold; hold = hold->next)
        sum += all || hold->run == run ? hold->micro_usd : 0;
    return sum;
}

void spend_add(struct spend *spend, int64_t now_ms, int64_t micro_usd) {
    spend_turn(spend, now_ms);
    spend->micro_usd += micro_usd;
}

static bool is_number(const struct json *value) {
    return json_is(value, JSON_INT) || json_is(value, JSON_REAL_KIND);
}

int64_t spend_micro(const struct json *usd) {
    double micro = is_number(usd) ? ceil(json_number(usd) * 1e6 - 1e-6) : -1;

    return micro > 9e15 ? (int64_t)9e15 : (int64_t)micro;
}

static const struct json *prices(const struct json *config) {
    const struct json *llm = json_find(config, "llm");

    return json_find_str(json_find(llm, "prices"),
                         json_find_text(llm, "model"));
}

static bool priced(const struct json *config) {
    const struct json *row = prices(config);

    return is_number(json_find(row, "input")) &&
           is_number(json_find(row, "output")) &&
           json_number(json_find(row, "input")) >= 0 &&
           json_number(json_find(row, "output")) >= 0;
}

int64_t spend_cost(const struct json *config, int64_t input, int64_t output) {
    const struct json *row = prices(config);
    double             cost;

    if (!priced(config))
        return 0;
    cost = (double)input * json_number(json_find(row, "input")) +
           (double)output * json_number(json_find(row, "output"));
    return cost > 9e15 ? (int64_t)9e15 : (int64_t)ceil(cost - 1e-6);
}

static bool over(int64_t spent, int64_t worst, int64_t limit) {
    return limit >= 0 && spent + worst > limit;
}

bool spend_check(const struct json *config, const struct spend *spend,
                 const struct spend_limits *limits, int64_t input,
                 int64_t output, int64_t *worst, struct err *err) {
    const struct json *llm = json_find(config, "llm");
    int64_t            day = spend_micro(json_find(llm, "day_usd"));
    int64_t run = limits->run_spent + held(spend, false, limits->run);
    int64_t today = spend->micro_usd + held(spend, true, NULL);

    *worst = spend_cost(config, input, output);
    /* (SP1) */
    if ((day >= 0 || limits->run_limit >= 0) && !priced(config))
        return err_set(err, ERR_CONFIG,
                       "there is a budget and no price: set llm.prices.%.*s "
                       "with input and output",
                       STR_ARG(json_find_text(llm, "model")));
    /* (SP2) */
    if (over(run, *worst, limits->run_limit))
        return err_set(err, ERR_LIMIT,
                       "over the run's budget: %lld micro-USD spent, up to "
                       "%lld more, %lld allowed",
                       (long long)run, (long long)*worst,
                       (long long)limits->run_limit);
    if (over(today, *worst, day))
        return err_set(err, ERR_LIMIT,
                       "over the day's budget: %lld micro-USD spent, up to "
                       "%lld more, %lld allowed",
                       (long long)today, (long long)*worst, (long long)day);
    return true;
}
