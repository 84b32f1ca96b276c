/* test_secret_manager.c - a fetched secret is whole, or there is an error.
 *
 * The peer is a thread of the test that takes one connection and answers it
 * with bytes that the test gives.
 */
#include <criterion/criterion.h>

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include "auth/bearer.h"
#include "auth/secret_manager.h"
#include "base/clock_virtual.h"
#include "net/http_client.h"
#include "secret/secret.h"
#include "support.h"
#include "sys/loop.h"

static struct peer {
    int         listener, port;
    const char *answer;
    char        asked[4096];
} peer;

static void *serve(void *unused) {
    int     connection = accept(peer.listener, NULL, NULL);
    size_t  len = 0;
    ssize_t got;

    (void)unused;
    do {
        got = read(connection, peer.asked + len, sizeof peer.asked - 1 - len);
        len += got > 0 ? (size_t)got : 0;
    } while (got > 0 && !strstr(peer.asked, "\r\n\r\n{"));
    (void)!write(connection, peer.answer, strlen(peer.answer));
    (void)shutdown(connection, SHUT_WR);
    (void)close(connection);
    return NULL;
}

static void listen_somewhere(void) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t          len = sizeof address;

    peer.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(peer.listener, (void *)&address, len), 0);
    cr_assert_eq(listen(peer.listener, 1), 0);
    cr_assert_eq(getsockname(peer.listener, (void *)&address, &len), 0);
    peer.port = ntohs(address.sin_port);
}

static struct told {
    int        times;
    struct buf value;
    struct err err;
} told;

static void on_fetched(void *arg, struct str value, const struct err *err) {
    (void)arg;
    told.times++;
    buf_clear(&told.value);
    buf_add_str(&told.value, value);
    told.err.text[0] = '\0';
    if (err)
        told.err = *err;
}

/* Everything is opened and closed again, so that nothing is left behind. */
static void fetch(const char *reference, const char *answer) {
    struct http_client_options quiet = {.user_agent = "test/1"};
    struct clock_virtual       clock;
    struct loop               *loop = loop_open();
    struct secrets            *none = secret_open();
    struct bearer_options      nobody = {loop, none, "X", "X", "", NULL};
    struct secret_manager      manager = {http_client_open(loop, &quiet),
                                          bearer_open(&nobody),
                                          &clock.clock,
                                          {NULL, 0},
                                          STR("eu-1"),
                                          5000};
    struct buf                 url = BUF_EMPTY;
    pthread_t                  thread;

    clock_virtual_init(&clock, SUPPORT_START);
    listen_somewhere();
    peer.answer = answer;
    memset(peer.asked, 0, sizeof peer.asked);
    cr_assert_eq(pthread_create(&thread, NULL, serve, NULL), 0);
    buf_addf(&url, "http://127.0.0.1:%d/", peer.port);
    manager.url = buf_str(&url);
    told.times = 0;
    secret_manager_fetch(&manager, str_of(reference), on_fetched, NULL);
    cr_expect_eq(told.times, 0);
    loop_run(loop);
    cr_expect_eq(told.times, 1);
    (void)pthread_join(thread, NULL);
    (void)close(peer.listener);
    http_client_close(manager.client);
    signer_close(manager.signer);
    secret_close(none);
    loop_run(loop);
    loop_close(loop);
    buf_release(&url);
}

#define ANSWER(status, length, body)                            \
    "HTTP/1.1 " status "\r\nContent-Type: application/json\r\n" \
    "Connection: close\r\nContent-Length: " length "\r\n\r\n" body

#define WHOLE \
    ANSWER("200 OK", "37", "{\"SecretString\":\"whole-secret-value\"}")
#define KEYED              \
    ANSWER("200 OK", "52", \
           "{\"SecretString\":\"{\\\"token\\\":\\\"keyed-secret\\\"}\"}     ")

static void fails(const char *reference, const char *answer, enum err_code code,
                  const char *words) {
    fetch(reference, answer);
    cr_expect_eq(told.value.len, 0);
    cr_expect_eq(told.err.code, code, "%s", told.err.text);
    cr_expect(support_has(told.err.text, words), "%s", told.err.text);
    cr_expect_not(support_has(told.err.text, "secret-v"));
}

Test(secret_manager, gives_a_secret_or_one_key_of_it) {
    fetch("aws:prod/bot", WHOLE);
    cr_expect_str_eq(buf_text(&told.value), "whole-secret-value", "%s",
                     told.err.text);
    cr_expect(strstr(peer.asked, "secretsmanager.GetSecretValue"));
    cr_expect(strstr(peer.asked, "{\"SecretId\":\"prod/bot\"}"));
    fetch("aws:arn:aws:secretsmanager:eu-1:1:secret:b#token", KEYED);
    cr_expect_str_eq(buf_text(&told.value), "keyed-secret", "%s",
                     told.err.text);
    cr_expect(strstr(peer.asked, "\"arn:aws:secretsmanager:eu-1:1:secret:b\""));
}

Test(secret_manager, SM1_N11_what_is_not_the_secret_is_an_error) {
    fails("aws:a#token", WHOLE, ERR_CONFIG, "no JSON object");
    fails("aws:a#other", KEYED, ERR_CONFIG, "under the key other");
    fails("aws:a", ANSWER("200 OK", "2", "{}"), ERR_REMOTE, "SecretString");
    fails("aws:a", ANSWER("200 OK", "36", "{\"SecretString\":\"secret-value"),
          ERR_IO, "");
    fails("aws:a", ANSWER("200 OK", "12", "secret-value"), ERR_REMOTE,
          "not JSON");
    fails("aws:a",
          ANSWER("400 Bad Request", "40",
                 "{\"__type\":\"x#ResourceNotFoundException\"}"),
          ERR_NOT_FOUND, "ResourceNotFoundException");
    fails("aws:a", ANSWER("403 Forbidden", "2", "{}"), ERR_DENIED, "403");
}

Test(secret_manager, SM2_what_held_a_secret_is_zeroed) {
    struct json *value =
        support_json("{'a': 'secret-value', 'b': ['one', {'c': 'two'}]}");

    json_wipe(value);
    for (size_t i = 0; i < 12; i++)
        cr_expect_eq(json_find_text(value, "a").data[i], '\0');
    cr_expect_eq(json_text(json_at(json_find(value, "b"), 0)).data[0], '\0');
    cr_expect_eq(json_find_text(json_at(json_find(value, "b"), 1), "c").data[0],
                 '\0');
    json_release(value);
}
