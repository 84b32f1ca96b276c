/* test_notify.c - datagrams as systemd reads them, seen from its side. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "sys/notify.h"

static struct notify *notify;
static struct err     err;
static int            listener = -1;
static char           directory[] = "/tmp/notify-XXXXXX";
static char           said[2048];

/* name[0] is NUL for an abstract one. */
static void listen_at(const char *name, size_t len) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    memcpy(at.sun_path, name, len);
    listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    cr_assert_eq(
        bind(listener, (const struct sockaddr *)&at,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
        0);
}

static void listen_at_path(char *path, size_t size) {
    cr_assert(mkdtemp(directory));
    (void)snprintf(path, size, "%s/notify", directory);
    listen_at(path, strlen(path) + 1);
    (void)setenv("NOTIFY_SOCKET", path, 1);
}

/* The datagram is there as soon as it is sent. */
static const char *heard(void) {
    ssize_t got = recv(listener, said, sizeof said - 1, 0);

    said[got > 0 ? got : 0] = '\0';
    return said;
}

static void begin(void) {
    char path[108];

    listen_at_path(path, sizeof path);
}

static void end(void) {
    char path[108];

    notify_close(notify);
    (void)close(listener);
    (void)snprintf(path, sizeof path, "%s/notify", directory);
    (void)unlink(path);
    (void)rmdir(directory);
}

TestSuite(notify, .init = begin, .fini = end, .timeout = 5);

Test(notify, says_that_it_is_ready_and_how_it_does) {
    notify = notify_open(&err);
    cr_assert(notify_ready(notify, "3 runs go on"));
    cr_assert_str_eq(heard(), "READY=1\nSTATUS=3 runs go on\n");
    cr_assert(notify_ready(notify, NULL));
    cr_assert_str_eq(heard(), "READY=1\n");
    cr_assert(notify_status(notify, "idle"));
    cr_assert_str_eq(heard(), "STATUS=idle\n");
}

Test(notify, says_that_it_reloads_stops_and_is_alive) {
    notify = notify_open(&err);
    cr_assert(notify_reloading(notify, INT64_C(123456789012)));
    cr_assert_str_eq(heard(), "RELOADING=1\nMONOTONIC_USEC=123456789012\n");
    cr_assert(notify_stopping(notify, "draining"));
    cr_assert_str_eq(heard(), "STOPPING=1\nSTATUS=draining\n");
    cr_assert(notify_alive(notify));
    cr_assert_str_eq(heard(), "WATCHDOG=1\n");
}

Test(notify, NF2_a_status_is_one_line) {
    notify = notify_open(&err);
    cr_assert(notify_status(notify, "a\nREADY=1\r\n\033[1m"));
    cr_assert_str_eq(heard(), "STATUS=a READY=1   [1m\n");
}

Test(notify, NF2_a_status_is_cut) {
    char status[3000];

    memset(status, 'x', sizeof status);
    status[sizeof status - 1] = '\0';
    notify = notify_open(&err);
    cr_assert(notify_status(notify, status));
    cr_assert_eq(strlen(heard()), 512 + strlen("STATUS=\n"));
}

Test(notify, speaks_to_an_abstract_name) {
    char name[64];
    int  len = snprintf(name, sizeof name, "@nightshift-test-%d", getpid());

    (void)setenv("NOTIFY_SOCKET", name, 1);
    (void)close(listener);
    name[0] = '\0';
    listen_at(name, (size_t)len);
    notify = notify_open(&err);
    cr_assert(notify_alive(notify));
    cr_assert_str_eq(heard(), "WATCHDOG=1\n");
}

Test(notify, NF1_takes_its_variables_out_of_the_environment) {
    (void)setenv("WATCHDOG_USEC", "1", 1);
    (void)setenv("WATCHDOG_PID", "1", 1);
    notify = notify_open(&err);
    cr_assert_null(getenv("NOTIFY_SOCKET"));
    cr_assert_null(getenv("WATCHDOG_USEC"));
    cr_assert_null(getenv("WATCHDOG_PID"));
}

Test(notify, does_nothing_when_nobody_listens) {
    (void)setenv("NOTIFY_SOCKET", "", 1);
    notify = notify_open(&err);
    cr_assert(notify);
    cr_assert(notify_ready(notify, "x"));
    cr_assert_eq(notify_watchdog_ms(notify), 0);
    cr_assert_str_eq(heard(), "");
}

Test(notify, refuses_what_can_be_no_socket) {
    char        far_too_long[200];
    const char *wrong[] = {"/", "@", "relative/path", "vsock:2:3",
                           far_too_long};

    memset(far_too_long, '/', sizeof far_too_long);
    far_too_long[sizeof far_too_long - 1] = '\0';
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        (void)setenv("NOTIFY_SOCKET", wrong[i], 1);
        notify = notify_open(&err);
        cr_expect_null(notify, "%s", wrong[i]);
        cr_expect_eq(err.code, ERR_INVALID, "%s", wrong[i]);
        cr_expect_null(getenv("NOTIFY_SOCKET"));
    }
}

Test(notify, says_so_when_the_listener_is_gone) {
    notify = notify_open(&err);
    (void)close(listener);
    listener = -1;
    cr_assert_not(notify_alive(notify));
}

Test(notify, NF3_does_not_wait_for_a_listener_that_does_not_read) {
    int sent = 0;

    notify = notify_open(&err);
    while (sent < 100000 && notify_alive(notify))
        sent++;
    cr_assert_lt(sent, 100000);
    cr_assert_str_eq(heard(), "WATCHDOG=1\n");
}

static int64_t watchdog_with(const char *usec, const char *pid) {
    int64_t ms;

    (void)setenv("WATCHDOG_USEC", usec, 1);
    if (pid)
        (void)setenv("WATCHDOG_PID", pid, 1);
    notify = notify_open(&err);
    ms = notify_watchdog_ms(notify);
    notify_close(notify);
    notify = NULL;
    return ms;
}

Test(notify, tells_how_often_it_must_be_alive) {
    char me[16];

    (void)snprintf(me, sizeof me, "%d", getpid());
    cr_assert_eq(watchdog_with("30000000", NULL), 30000);
    cr_assert_eq(watchdog_with("30000000", me), 30000);
    cr_assert_eq(watchdog_with("500", me), 1);
    cr_assert_eq(watchdog_with("30000000", "1"), 0);
    cr_assert_eq(watchdog_with("30000000", "x"), 0);
    cr_assert_eq(watchdog_with("30s", NULL), 0);
    cr_assert_eq(watchdog_with("-1", NULL), 0);
    cr_assert_eq(watchdog_with("0", NULL), 0);
}
