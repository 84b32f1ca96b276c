/* err.c - sentences grow in front, so the text reads outermost first. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct code_page {
    const char *name, *meaning, *next;
};

static const struct code_page pages[] = {
#define X(code, name, meaning, next) {name, meaning, next},
    ERR_CODES(X)
#undef X
};

bool err_set(struct err *err, enum err_code code, const char *fmt, ...) {
    va_list args;

    va_start(args, fmt);
    err->code = code;
    err->status = 0;
    (void)vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    return false;
}

bool err_wrap(struct err *err, const char *fmt, ...) {
    char    inner[sizeof err->text];
    va_list args;
    int     used;

    memcpy(inner, err->text, sizeof inner);
    va_start(args, fmt);
    used = vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    if (used < 0 || (size_t)used + 3 > sizeof err->text)
        return false;
    (void)snprintf(err->text + used, sizeof err->text - (size_t)used, ": %.*s",
                   (int)(sizeof err->text - (size_t)used - 3), inner);
    return false;
}

const char *err_name(enum err_code code) {
    return code < ERR_COUNT ? pages[code].name : "invalid";
}

const char *err_meaning(enum err_code code) {
    return code < ERR_COUNT ? pages[code].meaning : "";
}

const char *err_next(enum err_code code) {
    return code < ERR_COUNT ? pages[code].next : "";
}

enum err_code err_find(const char *name) {
    int code = 0;

    while (code < ERR_COUNT && strcmp(pages[code].name, name) != 0)
        code++;
    return (enum err_code)code;
}
