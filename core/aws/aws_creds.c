/* aws_creds.c - what is held for each account, and when it is fetched anew.
 *
 * One cell for our own credentials and one for each role of the configuration.
 * A cell has a list of who waits; a fetch begins on a turn of its own, so that
 * everybody who asks in the same turn is on the list by then, and whoever asks
 * later joins it. (AC2)
 *
 * Times: a refresh is due five minutes before the end, but not within half a
 * minute of the fetch before, since an agent may hand out the same credentials
 * until it has others; with less than a minute left it is due at once. (AC1)
 */
#include <assert.h>
#include <string.h>

#include "aws/aws_creds_private.h"
#include "base/mem.h"
#include "secret/redact.h"
#include "secret/secret.h"
#include "sys/loop.h"

#define EARLY_MS 300000 /* refreshed so long before they end */
#define LEAST_MS 60000  /* good for so long after a prepare */
#define AGAIN_MS 30000  /* between two refreshes */
#define FAILED_MS 2000  /* a failure without old ones is told for so long */

struct waiter {
    struct waiter     *next;
    aws_creds_done_fn *done;
    void              *arg;
};

struct cell {
    struct cell           *next;
    struct aws_creds      *creds;
    char                  *account; /* "": our own */
    struct aws_creds_value value;
    bool                   held, fetching, due, failed;
    bool                   mended; /* this fetch forgot our own once */
    int64_t                refresh_ms, retry_ms;
    struct err             failure;
    struct waiter         *first, **end;
};

struct aws_creds {
    struct aws_creds_options options;
    struct cell             *cells; /* the first is our own */
};

void aws_creds_inputs_read(struct aws_creds_inputs *inputs,
                           aws_creds_lookup_fn     *lookup) {
    const char *value;

#define X(member, variable)   \
    value = lookup(variable); \
    inputs->member = value && *value ? value : NULL;
    AWS_CREDS_INPUTS(X)
#undef X
}

static int64_t now_of(const struct aws_creds *creds) {
    return creds->options.clock->wall_ms(creds->options.clock);
}

/* --- cells ------------------------------------------------------------- */

static struct cell *add_cell(struct aws_creds *creds, struct str account) {
    struct cell *cell = mem_new(sizeof *cell), **at = &creds->cells;

    cell->creds = creds;
    cell->account = mem_text(account.data, account.len);
    cell->end = &cell->first;
    while (*at)
        at = &(*at)->next;
    return *at = cell;
}

static const struct json *row_of(const struct aws_creds *creds,
                                 struct str              account) {
    const struct json *aws = json_find(creds->options.config, "aws");

    return json_find_str(json_find(aws, "accounts"), account);
}

/* "arn:aws:iam::ACCOUNT:role/NAME" */
static struct str account_of(struct str arn) {
    struct str rest = arn, field = STR("");

    for (int i = 0; i < 5; i++)
        field = str_cut(rest, ':', &rest);
    return field;
}

/* (AC5) */
static bool check_row(const struct json *row, struct str account,
                      struct err *err) {
    struct str role = json_find_text(row, "role");

    if (role.len == 0)
        return err_set(err, ERR_CONFIG, "aws.accounts.%.*s has no role",
                       STR_ARG(account));
    return str_equal(account_of(role), account) ||
           err_set(err, ERR_CONFIG,
                   "aws.accounts.%.*s.role is a role of another account: %.*s",
                   STR_ARG(account), STR_ARG(role));
}

static struct cell *find_role_cell(struct aws_creds *creds,
                                   struct str        account) {
    for (struct cell *cell = creds->cells; cell; cell = cell->next)
        if (str_is(account, cell->account))
            return cell;
    return add_cell(creds, account);
}

/* NULL with err filled when nobody may act there. (AC5) */
static struct cell *find_cell(struct aws_creds *creds, struct str account,
                              struct err *err) {
    const struct json *row = account.len ? row_of(creds, account) : NULL;
    struct str         ours =
        json_find_text(json_find(creds->options.config, "aws"), "account");

    if (row)
        return check_row(row, account, err) ? find_role_cell(creds, account)
                                            : NULL;
    if (account.len == 0 || ours.len == 0 || str_equal(account, ours))
        return creds->cells;
    (void)err_set(err, ERR_DENIED,
                  "account %.*s is not ours (%.*s), and "
                  "aws.accounts.%.*s.role is not set",
                  STR_ARG(account), STR_ARG(ours), STR_ARG(account));
    return NULL;
}

/* --- what a fetch brought ---------------------------------------------- */

/* A waiter may prepare again from its done; it is then on a list of its own. */
static void tell_all(struct cell *cell, const struct err *err) {
    struct waiter *waiter = cell->first, *next;

    cell->first = NULL;
    cell->end = &cell->first;
    for (; waiter; waiter = next) {
        next = waiter->next;
        waiter->done(waiter->arg, err);
        mem_free(waiter);
    }
}

/* (AC4) An hour longer than they are good for: clocks differ. */
static void learn(struct aws_creds             *creds,
                  const struct aws_creds_value *value) {
    const char *const texts[] = {value->access_key, value->secret_key,
                                 value->session_token};
    int64_t until = value->expires_ms ? value->expires_ms + 3600000 : 0;

    if (!creds->options.redact || value->fixed)
        return;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        redact_learn_until(creds->options.redact, str_of(texts[i]), until,
                           now_of(creds));
}

static int64_t refresh_at(int64_t expires_ms, int64_t now) {
    int64_t at = expires_ms - EARLY_MS;

    if (at < now + AGAIN_MS)
        at = now + AGAIN_MS;
    return at < expires_ms - LEAST_MS ? at : expires_ms - LEAST_MS;
}

/* Takes the value. */
static void take(struct cell *cell, struct aws_creds_value *value,
                 int64_t now) {
    learn(cell->creds, value);
    aws_creds_value_release(&cell->value);
    cell->value = *value;
    cell->held = true;
    cell->failed = false;
    cell->refresh_ms =
        value->expires_ms ? refresh_at(value->expires_ms, now) : INT64_MAX;
    tell_all(cell, NULL);
}

static void fail(struct cell *cell, const struct err *why, int64_t now) {
    bool valid = cell->held && now < cell->value.expires_ms;

    cell->failed = true;
    cell->failure = *why;
    cell->retry_ms = now + (valid ? AGAIN_MS : FAILED_MS);
    if (valid) {
        tell_all(cell, NULL); /* AC1: the old ones, for as long as they last */
        return;
    }
    aws_creds_value_release(&cell->value);
    cell->held = false;
    tell_all(cell, why);
}

static void fetched(void *arg, struct aws_creds_result *result) {
    struct cell *cell = arg;
    int64_t      now = now_of(cell->creds);

    cell->fetching = false;
    if (result->fate == AWS_CREDS_FOUND &&
        (result->value.expires_ms == 0 ||
         result->value.expires_ms - now >= LEAST_MS)) {
        take(cell, &result->value, now);
        return;
    }
    if (result->fate == AWS_CREDS_FOUND) {
        aws_creds_value_release(&result->value);
        (void)err_set(&result->err, ERR_DENIED,
                      "AWS credentials: those that were given end within a "
                      "minute, or have ended: is our clock right?");
    }
    if (cell->account[0])
        (void)err_wrap(&result->err, "account %s", cell->account);
    fail(cell, &result->err, now);
}

/* --- a role of another account ----------------------------------------- */

static void own_ready(void *arg, const struct err *err);

/* STS says that what we signed with has run out: ours are fetched anew, once. */
static void role_told(void *arg, struct aws_creds_result *result) {
    struct cell *cell = arg;

    if (result->stale && !cell->mended &&
        aws_creds_forget(cell->creds, STR(""))) {
        cell->mended = true;
        aws_creds_prepare(cell->creds, STR(""), own_ready, cell);
        return;
    }
    fetched(cell, result);
}

static void own_ready(void *arg, const struct err *err) {
    struct cell          *cell = arg;
    struct aws_creds     *creds = cell->creds;
    const struct json    *row = row_of(creds, str_of(cell->account));
    struct aws_creds_role role = {.arn = json_find_text(row, "role"),
                                  .external_id =
                                      json_find_text(row, "external_id")};

    if (err) {
        struct aws_creds_result result = {.fate = AWS_CREDS_FAILED,
                                          .err = *err};

        fetched(cell, &result);
    } else {
        aws_creds_sts_assume(&creds->options, &role, &creds->cells->value,
                             role_told, cell);
    }
}

/* --- preparing --------------------------------------------------------- */

static void fetch(struct cell *cell) {
    cell->fetching = true;
    cell->mended = false;
    if (cell->account[0])
        aws_creds_prepare(cell->creds, STR(""), own_ready, cell);
    else
        aws_creds_chain_fetch(&cell->creds->options, fetched, cell);
}

static void advance(void *arg) {
    struct cell *cell = arg;
    int64_t      now = now_of(cell->creds);
    bool         resting = cell->failed && now < cell->retry_ms;

    cell->due = false;
    assert(!cell->fetching); /* AC2 */
    if (cell->held &&
        (now < cell->refresh_ms || (resting && now < cell->value.expires_ms)))
        tell_all(cell, NULL);
    else if (!cell->held && resting)
        tell_all(cell, &cell->failure);
    else
        fetch(cell);
}

struct refusal {
    aws_creds_done_fn *done;
    void              *arg;
    struct err         err;
};

static void refuse(void *arg) {
    struct refusal *refusal = arg;

    refusal->done(refusal->arg, &refusal->err);
    mem_free(refusal);
}

static void refuse_later(struct aws_creds *creds, aws_creds_done_fn *done,
                         void *arg, const struct err *err) {
    struct refusal *refusal = mem_new(sizeof *refusal);

    *refusal = (struct refusal){done, arg, *err};
    loop_defer(creds->options.loop, refuse, refusal);
}

void aws_creds_prepare(struct aws_creds *creds, struct str account,
                       aws_creds_done_fn *done, void *arg) {
    struct err     err;
    struct cell   *cell = find_cell(creds, account, &err);
    struct waiter *waiter;

    if (!cell) {
        refuse_later(creds, done, arg, &err);
        return;
    }
    waiter = mem_new(sizeof *waiter);
    *waiter = (struct waiter){NULL, done, arg};
    *cell->end = waiter;
    cell->end = &waiter->next;
    if (!cell->due && !cell->fetching)
        loop_defer(creds->options.loop, advance, cell);
    cell->due = cell->due || !cell->fetching;
}

/* --- using ------------------------------------------------------------- */

static void take_own(void *arg, struct aws_creds_result *result) {
    struct cell *cell = arg;

    if (result->fate != AWS_CREDS_FOUND)
        return;
    cell->value = result->value;
    cell->held = true;
    cell->refresh_ms = INT64_MAX;
}

/* By our own clock, as everywhere here: what AWS's clock says of them, AWS
 * says itself, and then they are forgotten. */
bool aws_creds_find(struct aws_creds *creds, struct str account,
                    struct sigv4_credentials *out, struct err *err) {
    struct cell *cell = find_cell(creds, account, err);

    if (!cell)
        return false;
    if (!cell->held && !cell->account[0])
        aws_creds_env_fetch(&creds->options, take_own, cell);
    if (!cell->held)
        return err_set(err, ERR_DENIED,
                       "no AWS credentials: set AWS_ACCESS_KEY_ID and "
                       "AWS_SECRET_ACCESS_KEY, or prepare first");
    if (cell->value.expires_ms && now_of(creds) >= cell->value.expires_ms)
        return err_set(err, ERR_DENIED, "the AWS credentials have run out");
    *out = (struct sigv4_credentials){str_of(cell->value.access_key),
                                      str_of(cell->value.secret_key),
                                      str_of(cell->value.session_token)};
    return true;
}

bool aws_creds_forget(struct aws_creds *creds, struct str account) {
    struct err   err;
    struct cell *cell = find_cell(creds, account, &err);

    if (!cell || (cell->held && cell->value.fixed))
        return false;
    aws_creds_value_release(&cell->value);
    cell->held = cell->failed = false;
    return true;
}

struct aws_creds *aws_creds_open(const struct aws_creds_options *options) {
    struct aws_creds *creds = mem_new(sizeof *creds);

    creds->options = *options;
    (void)add_cell(creds, STR(""));
    return creds;
}

static void cell_free(struct cell *cell) {
    assert(!cell->fetching && !cell->first);
    aws_creds_value_release(&cell->value);
    mem_free(cell->account);
    mem_free(cell);
}

void aws_creds_close(struct aws_creds *creds) {
    struct cell *next;

    if (!creds)
        return;
    for (struct cell *cell = creds->cells; cell; cell = next) {
        next = cell->next;
        cell_free(cell);
    }
    mem_free(creds);
}
