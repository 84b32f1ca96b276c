/* test_conversation.c - one question, however many requests it takes. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/signer.h"
#include "llm/conversation.h"
#include "net/http_client.h"
#include "observe/trace_parent.h"
#include "secret/redact.h"
#include "support.h"
#include "sys/clock_real.h"
#include "sys/loop.h"

#define QUESTION "{'question':'?','actions':{'wait':{'about':'Do nothing'}}}"

/* --- a server that always says the same ---------------------------------- */

static struct server {
    int         fd, port;
    atomic_int  served;
    atomic_int  traced; /* requests with a traceparent */
    const char *body;
    pthread_t   thread;
} server;

static void serve_one(int fd) {
    char       in[65536];
    struct buf out = BUF_EMPTY;
    ssize_t    got;
    size_t     all = 0;

    /* The body of a question ends with the schema, which ends so. */
    while (all < sizeof in - 1 &&
           (got = recv(fd, in + all, sizeof in - 1 - all, 0)) > 0) {
        all += (size_t)got;
        in[all] = '\0';
        if (strstr(in, "\"temperature\":0}"))
            break;
    }
    server.traced += strcasestr(in, "\r\ntraceparent: 00-") != NULL;
    buf_addf(&out,
             "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: "
             "%zu\r\n\r\n%s",
             strlen(server.body), server.body);
    (void)!send(fd, out.data, out.len, MSG_NOSIGNAL);
    buf_release(&out);
    (void)close(fd);
}

static void *serve(void *arg) {
    int fd;

    while ((fd = accept(server.fd, NULL, NULL)) >= 0) {
        server.served++;
        serve_one(fd);
    }
    return arg;
}

static void open_server(const char *body) {
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t          size = sizeof at;

    server.body = body;
    server.fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(server.fd, (struct sockaddr *)&at, sizeof at), 0);
    cr_assert_eq(listen(server.fd, 8), 0);
    cr_assert_eq(getsockname(server.fd, (struct sockaddr *)&at, &size), 0);
    server.port = ntohs(at.sin_port);
    cr_assert_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void close_server(void) {
    (void)shutdown(server.fd, SHUT_RDWR);
    (void)pthread_join(server.thread, NULL);
    (void)close(server.fd);
}

/* --- asking -------------------------------------------------------------- */

static struct conversation_answer heard;
static int                        times;
static const struct trace_parent *trace; /* to be sent along, or NULL */

static void hear(void *arg, struct conversation_answer *answer) {
    (void)arg;
    heard = *answer;
    times++;
}

static void converse(const char *name, const char *config_text) {
    static struct signers       nobody;
    struct http_client_options  client = {.user_agent = "test"};
    struct spend                spend = {0};
    struct json                *args = support_json(QUESTION);
    struct json                *config = support_json(config_text);
    struct redact              *redact = redact_open();
    struct conversation_options o = {.loop = loop_open(),
                                     .clock = clock_real(),
                                     .config = config,
                                     .redact = redact,
                                     .signers = &nobody,
                                     .spend = &spend,
                                     .trace = trace};

    o.client = http_client_open(o.loop, &client);
    conversation_start(&o, name, args, "token",
                       (struct spend_limits){0, -1, NULL}, hear, NULL);
    cr_expect_eq(times, 0);
    loop_run(o.loop);
    cr_expect_eq(times, 1);
    http_client_close(o.client);
    loop_run(o.loop);
    loop_close(o.loop);
    redact_close(redact);
    json_release(args);
    json_release(config);
}

static void converse_with_server(const char *name) {
    struct buf config = BUF_EMPTY;

    buf_addf(&config,
             "{'llm':{'provider':'openai','model':'m','plain':true,"
             "'openai':{'url':'http://127.0.0.1:%d'}}}",
             server.port);
    converse(name, buf_text(&config));
    buf_release(&config);
}

Test(conversation, every_request_carries_the_trace_on) {
    static const struct trace_parent parent = {{1}, {2}, TRACE_SAMPLED};

    trace = &parent;
    open_server("{\"choices\":[{\"finish_reason\":\"stop\",\"message\":{"
                "\"content\":\"{\\\"action\\\":\\\"delete\\\"}\"}}]}");
    converse_with_server("llm:choose");
    close_server();
    cr_expect_eq(server.served, 2);
    cr_expect_eq(server.traced, 2);
    json_release(heard.value);
}

Test(conversation, MC1_N12_asks_twice_and_no_more) {
    open_server("{\"choices\":[{\"finish_reason\":\"stop\",\"message\":{"
                "\"content\":\"{\\\"action\\\":\\\"delete\\\"}\"}}]}");
    converse_with_server("llm:choose");
    close_server();
    cr_expect_eq(server.served, 2);
    cr_assert_not_null(heard.value);
    cr_expect(str_is(json_find_text(heard.value, "action"), "unsure"));
    cr_expect_eq(json_find_int(heard.value, "attempts", 0), 2);
    json_release(heard.value);
}

Test(conversation, MC2_without_a_provider_a_choice_is_unsure) {
    converse("llm:choose", "{}");
    cr_assert_not_null(heard.value);
    cr_expect(str_is(json_find_text(heard.value, "action"), "unsure"));
    cr_expect(support_has(json_find_text(heard.value, "why").data,
                          "no model is configured"));
    json_release(heard.value);
}

Test(conversation, a_question_with_a_mistake_is_an_error_of_the_script) {
    converse("llm:ask", "{}");
    cr_expect_null(heard.value);
    cr_expect_eq(heard.err.code, ERR_INVALID);
}
