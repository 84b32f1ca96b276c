/* timestamp.c - civil dates by counting days from 0000-03-01, so that leap
 * days fall at the end of a year and need no special case. */
#include "base/timestamp.h"

#include <stdio.h>
#include <string.h>

#define DAY_MS 86400000LL

static int64_t days_from_civil(int64_t y, int m, int d) {
    int64_t era, year_of_era, day_of_year;

    y -= m <= 2;
    era = (y >= 0 ? y : y - 399) / 400;
    year_of_era = y - era * 400;
    day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 -
           year_of_era / 100 + day_of_year - 719468;
}

struct civil {
    int64_t year;
    int     month, day, hour, minute, second, ms;
};

static struct civil civil_from(int64_t ms) {
    int64_t days = ms / DAY_MS - (ms % DAY_MS < 0), rest = ms - days * DAY_MS;
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int     month = (int)(mp < 10 ? mp + 3 : mp - 9);

    return (struct civil){
        .year = yoe + era * 400 + (month <= 2),
        .month = month,
        .day = (int)(doy - (153 * mp + 2) / 5 + 1),
        .hour = (int)(rest / 3600000),
        .minute = (int)(rest / 60000 % 60),
        .second = (int)(rest / 1000 % 60),
        .ms = (int)(rest % 1000),
    };
}

void timestamp_write(int64_t ms, struct buf *out) {
    struct civil c = civil_from(ms);

    buf_addf(out, "%04lld-%02d-%02dT%02d:%02d:%02d", (long long)c.year, c.month,
             c.day, c.hour, c.minute, c.second);
    if (c.ms)
        buf_addf(out, ".%03d", c.ms);
    buf_add_char(out, 'Z');
}

void timestamp_write_basic(int64_t ms, struct buf *out) {
    struct civil c = civil_from(ms);

    buf_addf(out, "%04lld%02d%02dT%02d%02d%02dZ", (long long)c.year, c.month,
             c.day, c.hour, c.minute, c.second);
}

/* Reads exactly `width` digits at *at. */
static bool digits(struct str text, size_t *at, int width, int *out) {
    *out = 0;
    for (int i = 0; i < width; i++, (*at)++) {
        if (*at >= text.len || text.data[*at] < '0' || text.data[*at] > '9')
            return false;
        *out = *out * 10 + (text.data[*at] - '0');
    }
    return true;
}

static bool mark(struct str text, size_t *at, const char *any) {
    for (; *at < text.len && *any; any++)
        if (text.data[*at] == *any) {
            (*at)++;
            return true;
        }
    return false;
}

static bool read_fraction(struct str text, size_t *at, int *ms) {
    int unit = 100, start = (int)*at;

    for (; *at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9';
         (*at)++, unit /= 10)
        *ms += (text.data[*at] - '0') * unit;
    return (int)*at > start;
}

static bool read_offset(struct str text, size_t *at, int *minutes) {
    int  hour, minute;
    bool west;

    if (mark(text, at, "zZ"))
        return *at == text.len;
    west = *at < text.len && text.data[*at] == '-';
    if (!mark(text, at, "+-") || !digits(text, at, 2, &hour) ||
        !mark(text, at, ":") || !digits(text, at, 2, &minute) || hour > 23 ||
        minute > 59)
        return false;
    *minutes = (west ? -1 : 1) * (hour * 60 + minute);
    return *at == text.len;
}

static int month_days(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

bool timestamp_read(struct str text, int64_t *ms, struct err *err) {
    size_t at = 0;
    int    y, mo, d, h, mi, s, fraction = 0, offset = 0;

    if (!digits(text, &at, 4, &y) || !mark(text, &at, "-") ||
        !digits(text, &at, 2, &mo) || !mark(text, &at, "-") ||
        !digits(text, &at, 2, &d) || !mark(text, &at, "tT ") ||
        !digits(text, &at, 2, &h) || !mark(text, &at, ":") ||
        !digits(text, &at, 2, &mi) || !mark(text, &at, ":") ||
        !digits(text, &at, 2, &s) ||
        (mark(text, &at, ".") && !read_fraction(text, &at, &fraction)) ||
        !read_offset(text, &at, &offset) || mo < 1 || mo > 12 || d < 1 ||
        d > month_days(y, mo) || h > 23 || mi > 59 || s > 60)
        return err_set(err, ERR_INVALID, "not an RFC 3339 time: \"%.*s\"",
                       (int)(text.len > 40 ? 40 : text.len), text.data);
    *ms = days_from_civil(y, mo, d) * DAY_MS + h * 3600000LL + mi * 60000LL +
          s * 1000LL + fraction - offset * 60000LL;
    return true;
}

static int month_named(struct str name) {
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int month = 0; name.len == 3 && month < 12; month++)
        if (memcmp(name.data, names + 3 * month, 3) == 0)
            return month + 1;
    return 0;
}

bool timestamp_read_http(struct str text, int64_t *ms, struct err *err) {
    struct str month = {text.data + 8, text.len == 29 ? 3 : 0};
    size_t     at = 5;
    int        y, mo = month_named(month), d, h, mi, s;

    if (mo == 0 || !digits(text, &at, 2, &d) ||
        !digits(text, (at = 12, &at), 4, &y) || !mark(text, &at, " ") ||
        !digits(text, &at, 2, &h) || !mark(text, &at, ":") ||
        !digits(text, &at, 2, &mi) || !mark(text, &at, ":") ||
        !digits(text, &at, 2, &s) || !str_ends(text, " GMT") || d < 1 ||
        d > month_days(y, mo) || h > 23 || mi > 59 || s > 60)
        return err_set(err, ERR_INVALID,
                       "\"%.*s\" is no HTTP date, as in Sun, 06 Nov 1994 "
                       "08:49:37 GMT",
                       (int)(text.len > 40 ? 40 : text.len), text.data);
    *ms = days_from_civil(y, mo, d) * DAY_MS +
          (((int64_t)h * 60 + mi) * 60 + s) * 1000;
    return true;
}

static const struct unit {
    const char *name;
    int64_t     ms;
} units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", DAY_MS}};
#define UNITS (sizeof units / sizeof *units)

static const struct unit *unit_named(struct str name) {
    for (size_t i = 0; i < UNITS; i++)
        if (str_is(name, units[i].name))
            return &units[i];
    return NULL;
}

bool timestamp_read_duration(struct str text, int64_t *ms, struct err *err) {
    struct str left = text;

    *ms = 0;
    while (left.len) {
        struct str         number = {left.data, 0}, name;
        const struct unit *unit;
        int64_t            count;

        while (number.len < left.len && left.data[number.len] >= '0' &&
               left.data[number.len] <= '9')
            number.len++;
        name = (struct str){left.data + number.len, 0};
        while (number.len + name.len < left.len && name.data[name.len] >= 'a' &&
               name.data[name.len] <= 'z')
            name.len++;
        unit = unit_named(name);
        if (!unit || !str_to_int(number, &count) ||
            __builtin_mul_overflow(count, unit->ms, &count) ||
            __builtin_add_overflow(*ms, count, ms))
            break;
        left.data += number.len + name.len;
        left.len -= number.len + name.len;
    }
    if (left.len || text.len == 0)
        return err_set(err, ERR_INVALID,
                       "not a duration: \"%.*s\"; write 250ms, 30s, 5m, 2h "
                       "or 30d",
                       (int)(text.len > 40 ? 40 : text.len), text.data);
    return true;
}

void timestamp_write_duration(int64_t ms, struct buf *out) {
    bool wrote = false;

    for (size_t i = UNITS; i-- > 0;) {
        int64_t count = ms / units[i].ms;

        if (count == 0 && !(i == 1 && !wrote && ms == 0))
            continue;
        buf_addf(out, "%lld%s", (long long)count, units[i].name);
        ms -= count * units[i].ms;
        wrote = true;
    }
}
