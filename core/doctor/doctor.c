/* doctor.c - the list, and rows made of it. */
#include "doctor/doctor.h"

#include <stdarg.h>

#include "base/mem.h"

static const struct {
    const char *name, *why, *next;
} checks[] = {
#define X(id, name, why, next) {name, why, next},
    DOCTOR_CHECKS(X)
#undef X
};

const char *doctor_name(enum doctor_check check) {
    return checks[check].name;
}

const char *doctor_why(enum doctor_check check) {
    return checks[check].why;
}

const char *doctor_next(enum doctor_check check) {
    return checks[check].next;
}

void doctor_open(struct doctor *doctor) {
    doctor->rows = json_new_list();
    doctor->wrong = false;
}

void doctor_close(struct doctor *doctor) {
    json_release(doctor->rows);
}

void doctor_say(struct doctor *doctor, enum doctor_check check,
                enum doctor_state state, const char *where, const char *fmt,
                ...) {
    static const char *const states[] = {"ok", "skipped", "warning", "wrong"};
    struct json             *row = json_new_map();
    char                     what[1000];
    va_list                  args;

    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    json_put_text(row, "check", str_of(doctor_name(check)));
    json_put_text(row, "state", str_of(states[state]));
    json_put_text(row, "where", str_of(where));
    json_put_text(row, "what", str_of(what));
    if (state == DOCTOR_WRONG || state == DOCTOR_WARNING) {
        json_put_text(row, "why", str_of(doctor_why(check)));
        json_put_text(row, "next", str_of(doctor_next(check)));
    }
    json_append(doctor->rows, row);
    doctor->wrong = doctor->wrong || state == DOCTOR_WRONG;
}
