/* bench_vm.c - what one attempt costs: a fresh VM, the code, a trivial node. */
#include <stdio.h>

#include "sys/clock_real.h"
#include "sys/crypto.h"
#include "vm/attempt.h"

#define ROUNDS 5000
#define TURNS 7

static const char node[] =
    "return { about = 'x', outcomes = { 'ok' }, effects = {},"
    "  run = function(ctx, input) return 'ok', { n = input.n } end }";

static void fail(const struct err *err) {
    (void)fprintf(stderr, "bench_vm: %s\n", err->text);
    exit(1);
}

static void attempt_once(struct bundle *bundle, const struct script *script,
                         const struct json *arguments) {
    struct err      err;
    struct attempt *attempt = attempt_open(bundle, script, "run", true,
                                           arguments, &vm_limits_node, &err);

    if (!attempt || attempt_resume(attempt, true, NULL, &err) != ATTEMPT_ENDED)
        fail(&err);
    attempt_close(attempt);
}

static double turn(struct bundle *bundle, const struct script *script,
                   const struct json *arguments) {
    struct clock *clock = clock_real();
    int64_t       begun = clock->mono_ns(clock);

    for (int i = 0; i < ROUNDS; i++)
        attempt_once(bundle, script, arguments);
    return (double)(clock->mono_ns(clock) - begun) / 1000 / ROUNDS;
}

int main(void) {
    struct bundle *bundle = bundle_open(crypto_sha256, clock_real());
    struct json   *arguments = json_new_list(), *input = json_new_map();
    double         best = 1e9;
    struct err     err;

    json_put_int(input, "n", 1);
    json_append(arguments, input);
    if (!bundle_add(bundle, STR("nodes/trivial.lua"), str_of(node), &err))
        fail(&err);
    bundle_seal(bundle);
    for (int i = 0; i < TURNS; i++) {
        double us = turn(bundle, bundle_at(bundle, 0), arguments);

        best = us < best ? us : best;
    }
    printf("bench vm_attempt %.1f us (aim <= 120)\n", best);
    json_release(arguments);
    bundle_release(bundle);
    return 0;
}
