/* aws_argument.c - what is no moment, or cannot be read as one, stays. */
#include "protocol/aws_argument.h"

#include "base/encode.h"
#include "base/timestamp.h"

static bool is_number(const struct json *value) {
    return json_is(value, JSON_INT) || json_is(value, JSON_REAL_KIND);
}

static bool in_years(double seconds) {
    return seconds > -62135596800.0 && seconds < 253402300800.0;
}

static void write_plain(const struct json *row, enum aws_time form,
                        struct str name, const struct json *value,
                        struct buf *out) {
    if (json_is(value, JSON_TEXT))
        buf_add_str(out, json_text(value));
    else if (form == AWS_TIME_ISO && is_number(value) &&
             json_lists(json_find(row, "times"), name) &&
             in_years(json_number(value)))
        timestamp_write((int64_t)(json_number(value) * 1000), out);
    else
        json_write(value, out);
}

void aws_argument_write(const struct json *row, enum aws_time form,
                        struct str name, const struct json *value,
                        const char *keep, struct buf *out) {
    struct buf plain = BUF_EMPTY;

    write_plain(row, form, name, value, &plain);
    if (keep)
        encode_percent(buf_str(&plain), keep, out);
    else
        buf_add_str(out, buf_str(&plain));
    buf_release(&plain);
}

static struct json *seconds(const struct json *row, struct str name,
                            const struct json *value) {
    int64_t    ms;
    struct err err;

    if (json_is(value, JSON_MAP))
        return aws_argument_seconds(row, value);
    if (json_is(value, JSON_TEXT) &&
        json_lists(json_find(row, "times"), name) &&
        timestamp_read(json_text(value), &ms, &err))
        return ms % 1000 ? json_new_real((double)ms / 1000)
                         : json_new_int(ms / 1000);
    if (json_is(value, JSON_LIST)) {
        struct json *list = json_new_list();

        for (size_t i = 0; i < json_count(value); i++)
            json_append(list, seconds(row, name, json_at(value, i)));
        return list;
    }
    return json_retain((struct json *)value);
}

struct json *aws_argument_seconds(const struct json *row,
                                  const struct json *args) {
    struct json     *out = json_new_map();
    struct json_walk walk = json_walk_over(args);

    while (json_walk_next(&walk))
        json_put_str(out, walk.key, seconds(row, walk.key, walk.value));
    return out;
}
