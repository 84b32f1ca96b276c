/* notify.c - one unconnected datagram socket, opened once. */
#include "sys/notify.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/mem.h"

enum { STATUS_MAX = 512 };

struct notify {
    int                fd; /* -1: nobody listens */
    struct sockaddr_un address;
    socklen_t          address_len;
    int64_t            watchdog_ms;
};

/* The value, to be freed, and NULL when there is none. (NF1) */
static char *take_variable(const char *name) {
    const char *value = getenv(name);
    char       *copy = value ? mem_text(value, strlen(value)) : NULL;

    (void)unsetenv(name);
    return copy;
}

/* A path keeps its NUL; an abstract name has one in front and none behind. */
static bool read_address(struct notify *notify, const char *name,
                         struct err *err) {
    size_t len = strlen(name);

    if (name[0] != '/' && name[0] != '@')
        return err_set(err, ERR_INVALID,
                       "NOTIFY_SOCKET is neither a path nor an abstract name");
    if (len < 2 || len >= sizeof notify->address.sun_path)
        return err_set(err, ERR_INVALID, "NOTIFY_SOCKET is %zu bytes long",
                       len);
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, name, len + 1);
    notify->address_len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    if (name[0] == '@') {
        notify->address.sun_path[0] = '\0';
        notify->address_len--;
    }
    return true;
}

static bool open_socket(struct notify *notify, const char *name,
                        struct err *err) {
    if (!read_address(notify, name, err))
        return false;
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return notify->fd >= 0 ||
           err_set(err, ERR_IO, "a socket for NOTIFY_SOCKET: %s",
                   strerror(errno));
}

/* WATCHDOG_PID is that of the process meant: a child of the service that
 * inherited the variables is not. */
static void read_watchdog(struct notify *notify) {
    char   *usec = take_variable("WATCHDOG_USEC");
    char   *pid = take_variable("WATCHDOG_PID");
    int64_t value;
    bool ours = !pid || (str_to_int(str_of(pid), &value) && value == getpid());

    if (usec && ours && str_to_int(str_of(usec), &value) && value > 0)
        notify->watchdog_ms = value < 1000 ? 1 : value / 1000;
    mem_free(usec);
    mem_free(pid);
}

struct notify *notify_open(struct err *err) {
    struct notify *notify = mem_new(sizeof *notify);
    char          *name = take_variable("NOTIFY_SOCKET");
    bool           ok;

    notify->fd = -1;
    read_watchdog(notify);
    ok = !name || !*name || open_socket(notify, name, err);
    mem_free(name);
    if (ok)
        return notify;
    notify_close(notify);
    return NULL;
}

void notify_close(struct notify *notify) {
    if (!notify)
        return;
    if (notify->fd >= 0)
        (void)close(notify->fd);
    mem_free(notify);
}

int64_t notify_watchdog_ms(const struct notify *notify) {
    return notify->watchdog_ms;
}

/* (NF3) */
static bool send_fields(struct notify *notify, const struct buf *fields) {
    ssize_t sent;

    if (notify->fd < 0)
        return true;
    do
        sent = sendto(notify->fd, fields->data, fields->len, MSG_NOSIGNAL,
                      (const struct sockaddr *)&notify->address,
                      notify->address_len);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)fields->len;
}

/* Control characters become spaces. (NF2) */
static void add_status(struct buf *fields, const char *status) {
    struct str text = {status, strnlen(status, STATUS_MAX)};

    buf_add_text(fields, "STATUS=");
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        buf_add_char(fields, c < ' ' || c == 0x7f ? ' ' : text.data[i]);
    }
    buf_add_char(fields, '\n');
}

static bool say(struct notify *notify, const char *field, const char *status) {
    struct buf fields = BUF_EMPTY;
    bool       ok;

    buf_add_text(&fields, field);
    if (status)
        add_status(&fields, status);
    ok = send_fields(notify, &fields);
    buf_release(&fields);
    return ok;
}

bool notify_ready(struct notify *notify, const char *status) {
    return say(notify, "READY=1\n", status);
}

bool notify_status(struct notify *notify, const char *status) {
    return say(notify, "", status);
}

bool notify_reloading(struct notify *notify, int64_t mono_us) {
    char field[64];

    (void)snprintf(field, sizeof field, "RELOADING=1\nMONOTONIC_USEC=%lld\n",
                   (long long)mono_us);
    return say(notify, field, NULL);
}

bool notify_stopping(struct notify *notify, const char *status) {
    return say(notify, "STOPPING=1\n", status);
}

bool notify_alive(struct notify *notify) {
    return say(notify, "WATCHDOG=1\n", NULL);
}
