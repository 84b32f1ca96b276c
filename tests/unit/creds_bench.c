/* creds_bench.c - the surroundings, opened before each test. */
#include "creds_bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/timestamp.h"
#include "net/http_client.h"
#include "sys/file.h"
#include "sys/loop.h"

struct creds_bench bench;

void creds_bench_open(void) {
    static const struct http_client_options quiet = {.user_agent = "test/1"};

    bench.loop = loop_open();
    clock_virtual_init(&bench.clock, SUPPORT_START);
    loopback_open(&bench.server, bench.loop);
    (void)snprintf(bench.url, sizeof bench.url, "http://127.0.0.1:%d",
                   bench.server.port);
    (void)snprintf(bench.directory, sizeof bench.directory,
                   "/tmp/nightshift-XXXXXX");
    cr_assert_not_null(mkdtemp(bench.directory));
    bench.redact = redact_open();
    bench.secrets = secret_open();
    bench.config = support_json(
        creds_bench_text("{'aws': {'region': 'eu-central-1', 'endpoints': "
                         "{'sts': '%s/sts'}}}",
                         bench.url));
    bench.options = (struct aws_creds_options){
        .loop = bench.loop,
        .clock = &bench.clock.clock,
        .client = http_client_open(bench.loop, &quiet),
        .redact = bench.redact,
        .secrets = bench.secrets,
        .inputs = {.metadata_disabled = "true"},
    };
}

void creds_bench_close(void) {
    struct file_list list;
    struct err       err;

    aws_creds_close(bench.creds);
    http_client_close(bench.options.client);
    loopback_close(&bench.server);
    loop_run(bench.loop);
    loop_close(bench.loop);
    redact_close(bench.redact);
    secret_close(bench.secrets);
    json_release(bench.config);
    for (size_t i = 0; i < bench.text_count; i++)
        buf_release(&bench.texts[i]);
    if (file_list_read(bench.directory, NULL, &list, &err)) {
        for (size_t i = 0; i < list.count; i++) {
            char path[256];

            (void)snprintf(path, sizeof path, "%s/%s", bench.directory,
                           list.paths[i]);
            (void)unlink(path);
        }
        file_list_release(&list);
    }
    (void)rmdir(bench.directory);
}

const char *creds_bench_text(const char *fmt, ...) {
    char    text[4096];
    va_list args;

    cr_assert_lt(bench.text_count, 32);
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_add_text(&bench.texts[bench.text_count], text);
    return buf_text(&bench.texts[bench.text_count++]);
}

const char *creds_bench_file(const char *name, const char *text) {
    const char *path = creds_bench_text("%s/%s", bench.directory, name);
    struct err  err;

    cr_assert(file_write(path, str_of(text), &err), "%s", err.text);
    return path;
}

static const char *moment(int seconds) {
    static struct buf text;

    buf_clear(&text);
    timestamp_write(bench.clock.wall_ms + seconds * INT64_C(1000), &text);
    return buf_text(&text);
}

const char *creds_bench_json(const char *key, int seconds) {
    return creds_bench_text(
        "{\"Code\":\"Success\",\"AccessKeyId\":\"%s\",\"SecretAccessKey\":"
        "\"secret-of-%s\",\"Token\":\"token-of-%s\",\"Expiration\":\"%s\"}",
        key, key, key, moment(seconds));
}

const char *creds_bench_xml(const char *action, const char *key, int seconds) {
    return creds_bench_text(
        "<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
        "<%sResult><Credentials><AccessKeyId>%s</AccessKeyId>"
        "<SecretAccessKey>secret-of-%s</SecretAccessKey>"
        "<SessionToken>token-of-%s</SessionToken><Expiration>%s</Expiration>"
        "</Credentials></%sResult></%sResponse>",
        action, action, key, key, key, moment(seconds), action, action);
}

void creds_bench_container(const char *key, int seconds, int times) {
    bench.options.inputs.container_url = creds_bench_text("%s/c", bench.url);
    loopback_rule(&bench.server, (struct loopback_rule){
                                     "GET /c", NULL, 200,
                                     creds_bench_json(key, seconds), times});
}

static void on_ready(void *arg, const struct err *err) {
    (void)arg;
    bench.told++;
    if (err) {
        bench.refused++;
        bench.err = *err;
    }
    loop_stop(bench.loop);
}

void creds_bench_start(const char *account) {
    bench.options.config = bench.config;
    if (!bench.creds)
        bench.creds = aws_creds_open(&bench.options);
    aws_creds_prepare(bench.creds, str_of(account), on_ready, NULL);
}

void creds_bench_wait(int told) {
    while (bench.told < told)
        loop_run(bench.loop);
}

const char *creds_bench_key(const char *account) {
    struct sigv4_credentials found;
    int                      told = bench.told, refused = bench.refused;

    creds_bench_start(account);
    cr_assert_eq(bench.told, told, "done came from inside prepare");
    creds_bench_wait(told + 1);
    if (bench.refused > refused)
        return NULL;
    cr_assert(aws_creds_find(bench.creds, str_of(account), &found, &bench.err),
              "%s", bench.err.text);
    return found.access_key.data;
}
