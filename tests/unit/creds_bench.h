/* creds_bench.h - what tests of AWS credentials have around them.
 *
 * Container, instance metadata and STS are one loopback server; the clock is
 * virtual; files are in a directory that goes with the test. Nothing of the
 * machine's own environment is read.
 *
 * Lifetime: a test. Thread: loop.
 */
#ifndef TESTS_CREDS_BENCH_H
#define TESTS_CREDS_BENCH_H

#include "aws/aws_creds.h"
#include "base/clock_virtual.h"
#include "loopback.h"
#include "secret/redact.h"
#include "secret/secret.h"
#include "support.h"

struct creds_bench {
    struct loop             *loop;
    struct clock_virtual     clock;
    struct loopback          server;
    struct redact           *redact;
    struct secrets          *secrets;
    struct json             *config;
    struct aws_creds        *creds;
    struct aws_creds_options options;
    char                     directory[32];
    char                     url[64]; /* of the server */
    struct buf               texts[32];
    size_t                   text_count;
    int                      told, refused;
    struct err               err; /* of the last that was refused */
};

extern struct creds_bench bench;

void creds_bench_open(void);  /* .init of a suite */
void creds_bench_close(void); /* .fini */

/* Kept until the test ends. */
const char *creds_bench_text(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
/* Writes a file and gives its path. */
const char *creds_bench_file(const char *name, const char *text);
/* Credentials as containers and instances are given them. */
const char *creds_bench_json(const char *key, int seconds);
/* An answer of STS to this action. */
const char *creds_bench_xml(const char *action, const char *key, int seconds);
/* Where a container finds its credentials: /c on the server. */
void        creds_bench_container(const char *key, int seconds, int times);

/* Asks once and waits; the access key that would sign, or NULL with bench.err
 * filled. Opens bench.creds if need be. */
const char *creds_bench_key(const char *account);
void        creds_bench_start(const char *account); /* asks, waits for nobody */
void        creds_bench_wait(int told);             /* until so many came */

#endif
