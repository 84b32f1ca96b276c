/* aws_query.c - one walk down the arguments with the name so far. */
#include "protocol/aws_query.h"

#include <ctype.h>
#include <strings.h>

#include "base/encode.h"
#include "protocol/aws_argument.h"
#include "protocol/aws_service.h"

struct form {
    const struct json *row;
    bool               ec2;
    struct buf        *out;
    struct buf         name;
};

static void add(struct form *form, const struct json *value, struct str last) {
    if (form->out->len)
        buf_add_char(form->out, '&');
    encode_percent(buf_str(&form->name), "", form->out);
    buf_add_char(form->out, '=');
    if (value)
        aws_argument_write(form->row, AWS_TIME_ISO, last, value, "", form->out);
}

static void cut(struct form *form, size_t len) {
    form->name.len = len;
    form->name.data[len] = '\0';
}

static void add_value(struct form *form, struct str key,
                      const struct json *value);

static void add_list(struct form *form, struct str key,
                     const struct json *list) {
    size_t     len = form->name.len, count = json_count(list);
    struct str item =
        json_text(json_find_str(json_find(form->row, "items"), key));

    if (count == 0 && !form->ec2)
        add(form, NULL, key); /* AQ2 */
    for (size_t i = 0; i < count; i++) {
        if (!form->ec2)
            buf_addf(&form->name, ".%.*s",
                     STR_ARG(item.len ? item : STR("member")));
        buf_addf(&form->name, ".%zu", i + 1);
        add_value(form, key, json_at(list, i));
        cut(form, len);
    }
}

static void add_map(struct form *form, const struct json *halves,
                    const struct json *map) {
    struct json_walk walk = json_walk_over(map);
    size_t           len = form->name.len, index = 1;

    while (json_walk_next(&walk)) {
        struct json *key = json_new_text(walk.key);

        buf_addf(&form->name, ".entry.%zu.%.*s", index,
                 STR_ARG(json_text(json_at(halves, 0))));
        add(form, key, STR(""));
        json_release(key);
        cut(form, len);
        buf_addf(&form->name, ".entry.%zu.%.*s", index++,
                 STR_ARG(json_text(json_at(halves, 1))));
        add_value(form, STR(""), walk.value);
        cut(form, len);
    }
}

/* EC2 writes every name with a capital. */
static void add_name(struct form *form, struct str key) {
    struct str wire =
        json_text(json_find_str(json_find(form->row, "names"), key));
    size_t at;

    if (form->name.len)
        buf_add_char(&form->name, '.');
    at = form->name.len;
    buf_add_str(&form->name, wire.len ? wire : key);
    if (form->ec2 && at < form->name.len)
        form->name.data[at] = (char)toupper((unsigned char)form->name.data[at]);
}

static void add_members(struct form *form, const struct json *map) {
    struct json_walk walk = json_walk_over(map);
    size_t           len = form->name.len;

    while (json_walk_next(&walk)) {
        add_name(form, walk.key);
        add_value(form, walk.key, walk.value);
        cut(form, len);
    }
}

static void add_value(struct form *form, struct str key,
                      const struct json *value) {
    const struct json *halves =
        json_find_str(json_find(form->row, "maps"), key);

    if (json_is(value, JSON_NULL_KIND))
        return;
    if (json_is(value, JSON_LIST))
        add_list(form, key, value);
    else if (json_is(value, JSON_MAP) && halves)
        add_map(form, halves, value);
    else if (json_is(value, JSON_MAP))
        add_members(form, value);
    else
        add(form, value, key);
}

/* (AQ1) */
static bool check_names(const struct json *row, const struct json *args,
                        struct err *err) {
    struct json_walk walk = json_walk_over(args);
    bool             ok = true;

    while (ok && json_walk_next(&walk)) {
        struct str wire =
            json_text(json_find_str(json_find(row, "names"), walk.key));
        struct str name = wire.len ? wire : walk.key;

        /* Without a name the next one down would stand at the top. */
        ok = name.len > 0 &&
             !(name.len == 6 && strncasecmp(name.data, "action", 6) == 0) &&
             !(name.len == 7 && strncasecmp(name.data, "version", 7) == 0) &&
             !str_starts(name, "X-Amz-");
        if (!ok)
            err_set(err, ERR_INVALID,
                    "the argument %.*s would change which operation is meant",
                    STR_ARG(name));
    }
    json_walk_stop(&walk);
    return ok;
}

bool aws_query_write(const struct json *row, struct str operation,
                     const struct json *args, struct buf *out,
                     struct err *err) {
    struct form form = {.row = row, .out = out};

    if (!check_names(row, args, err))
        return false;
    form.ec2 = aws_service_protocol(row) == AWS_EC2;
    buf_addf(out, "Action=%.*s&Version=%.*s", STR_ARG(operation),
             STR_ARG(json_find_text(row, "version")));
    buf_reserve(&form.name, 64);
    form.name.data[0] = '\0';
    add_members(&form, args);
    buf_release(&form.name);
    return true;
}
