/* aws_profile.c - line by line: a section, a name with its value, or more of
 * the value before when the line is indented further than that name was. Below
 * an empty value such lines are the settings of one service ("s3 =") and none
 * of ours, so they are read over. Below another one they make it a value of
 * several lines, which nothing of ours may have: it gets a line end, so that
 * whoever looks at it refuses it, as AWS's own tools do in effect. (AP1)
 */
#include "aws/aws_profile.h"

#include <ctype.h>
#include <string.h>

#include "aws/aws_creds_private.h"
#include "base/encode.h"
#include "base/mem.h"
#include "sys/file.h"

#define FILE_MAX (1u << 20)

struct reader {
    struct json *profiles;
    struct json *section; /* that is being read; NULL before the first */
    struct json *other;   /* the same when it is no profile */
    struct json *titles;  /* seen so far */
    bool         is_config;
    bool         named;  /* a name stands above in this section */
    bool         nested; /* and has no value on its line */
    size_t       indent; /* of that name */
    char        *key;    /* it, or NULL */
    int          line;
    struct err  *err;
};

static bool refuse(struct reader *reader, const char *why) {
    return err_set(reader->err, ERR_CONFIG, "line %d: %s", reader->line, why);
}

/* One word, or anything in quotes; else an empty str. */
static struct str without_quotes(struct str name) {
    if (name.len >= 2 && (name.data[0] == '"' || name.data[0] == '\'') &&
        name.data[name.len - 1] == name.data[0])
        return (struct str){name.data + 1, name.len - 2};
    for (size_t i = 0; i < name.len; i++)
        if (isspace((unsigned char)name.data[i]))
            return STR("");
    return name;
}

/* The profile that a section is, or an empty str for one of another kind. */
static struct str profile_of(const struct reader *reader, struct str title) {
    if (!reader->is_config || str_is(title, "default"))
        return title;
    if (!str_starts(title, "profile") || title.len < 8 ||
        !isspace((unsigned char)title.data[7]))
        return STR("");
    return without_quotes(
        str_trim((struct str){title.data + 7, title.len - 7}));
}

static void drop_key(struct reader *reader) {
    mem_free(reader->key);
    reader->key = NULL;
}

static bool prolong_value(struct reader *reader, struct str line) {
    struct str value;
    struct buf longer = BUF_EMPTY;

    if (reader->nested)
        return memchr(line.data, '=', line.len) ||
               refuse(reader, "a setting of a service is name = value");
    if (!reader->key)
        return true;
    value = json_find_text(reader->section, reader->key);
    buf_reserve(&longer, value.len + 1);
    buf_add_str(&longer, value);
    buf_add_char(&longer, '\n');
    json_put_text(reader->section, reader->key, buf_str(&longer));
    aws_creds_value_release_buf(&longer);
    drop_key(reader); /* once is enough */
    return true;
}

/* Of two titles for one profile the later stands. */
static void open_section(struct reader *reader, struct str name) {
    reader->section = json_new_map();
    if (name.len == 0) {
        aws_creds_value_release_json(reader->other);
        reader->other = reader->section;
        return;
    }
    if (json_find_str(reader->profiles, name))
        aws_creds_value_release_json(
            json_retain(json_find_str(reader->profiles, name)));
    json_put_str(reader->profiles, name, reader->section);
}

static bool begin_section(struct reader *reader, struct str line) {
    const char *end = memrchr(line.data, ']', line.len);
    struct str  title = {line.data + 1, 0};

    if (!end || end == line.data + 1)
        return refuse(reader, "a section ends in ]");
    title.len = (size_t)(end - title.data);
    if (json_find_str(reader->titles, title))
        return refuse(reader, "this section was there before");
    json_put_str(reader->titles, title, json_new_bool(true));
    open_section(reader, profile_of(reader, title));
    drop_key(reader);
    reader->named = reader->nested = false;
    return true;
}

static size_t find_delimiter(struct str line) {
    size_t at = 0;

    while (at < line.len && line.data[at] != '=' && line.data[at] != ':')
        at++;
    return at;
}

static char *lower_case(struct str name) {
    char *key = mem_text(name.data, name.len);

    for (size_t i = 0; i < name.len; i++)
        key[i] = (char)tolower((unsigned char)key[i]);
    return key;
}

static bool take_setting(struct reader *reader, struct str line,
                         size_t indent) {
    size_t     at = find_delimiter(line);
    struct str name = str_trim((struct str){line.data, at}), value;

    if (at == line.len || name.len == 0)
        return refuse(reader, "neither a section nor a name with a value");
    value = str_trim((struct str){line.data + at + 1, line.len - at - 1});
    drop_key(reader);
    reader->key = lower_case(name);
    reader->named = true;
    reader->nested = value.len == 0;
    reader->indent = indent;
    if (json_find(reader->section, reader->key))
        return refuse(reader, "this name has a value before");
    json_put_text(reader->section, reader->key, value);
    return true;
}

static bool take_line(struct reader *reader, struct str raw) {
    struct str line = str_trim(raw);
    size_t     indent = (size_t)(line.data - raw.data);

    if (line.len == 0 || line.data[0] == '#' || line.data[0] == ';')
        return true;
    if (reader->named && indent > reader->indent)
        return prolong_value(reader, line);
    if (line.data[0] == '[')
        return begin_section(reader, line);
    if (!reader->section)
        return refuse(reader, "a value before the first section");
    return take_setting(reader, line, indent);
}

static bool take_all(struct reader *reader, struct str rest) {
    struct str line;
    bool       ok = true;

    while (ok && rest.data && rest.len) {
        line = str_cut(rest, '\n', &rest);
        reader->line++;
        ok = take_line(reader, line);
    }
    return ok;
}

struct json *aws_profile_parse(struct str text, bool is_config,
                               struct err *err) {
    struct reader reader = {
        .profiles = json_new_map(),
        .titles = json_new_map(),
        .is_config = is_config,
        .err = err,
    };
    size_t bad;
    bool   ok;

    if (!encode_utf8_valid(text, &bad) ||
        (text.len && memchr(text.data, '\0', text.len)))
        ok = err_set(err, ERR_CONFIG, "not text in UTF-8");
    else
        ok = take_all(&reader, text);
    drop_key(&reader);
    json_release(reader.titles);
    aws_creds_value_release_json(reader.other);
    if (ok)
        return reader.profiles;
    aws_creds_value_release_json(reader.profiles);
    return NULL;
}

/* --- the files --------------------------------------------------------- */

/* "~/x" is below HOME; the usual place when nothing is given. */
static bool path_of(const char *home, const char *given, const char *usual,
                    struct buf *path) {
    if (given && strncmp(given, "~/", 2) != 0) {
        buf_add_text(path, given);
        return true;
    }
    if (home)
        buf_addf(path, "%s/%s", home, given ? given + 2 : usual);
    return home != NULL;
}

static bool read_one(const char *path, bool is_config, struct json **out,
                     struct err *err) {
    struct buf text = BUF_EMPTY;

    *out = NULL;
    if (!file_exists(path))
        return true;
    if (file_read(path, FILE_MAX, &text, err)) {
        *out = aws_profile_parse(buf_str(&text), is_config, err);
        if (!*out)
            (void)err_wrap(err, "%s", path);
    }
    aws_creds_value_release_buf(&text);
    return *out != NULL;
}

bool aws_profile_read(const struct aws_creds_inputs *inputs,
                      struct aws_profiles *profiles, struct err *err) {
    struct buf config = BUF_EMPTY, credentials = BUF_EMPTY;
    bool       ok = true;

    *profiles = (struct aws_profiles){0};
    if (path_of(inputs->home, inputs->config_file, ".aws/config", &config))
        ok = read_one(buf_text(&config), true, &profiles->config, err);
    if (ok && path_of(inputs->home, inputs->credentials_file,
                      ".aws/credentials", &credentials))
        ok = read_one(buf_text(&credentials), false, &profiles->credentials,
                      err);
    if (!ok)
        aws_profile_release(profiles);
    buf_release(&config);
    buf_release(&credentials);
    return ok;
}

/* (AP2) */
void aws_profile_release(struct aws_profiles *profiles) {
    aws_creds_value_release_json(profiles->config);
    aws_creds_value_release_json(profiles->credentials);
    *profiles = (struct aws_profiles){0};
}

struct str aws_profile_name(const struct aws_creds_inputs *inputs) {
    return inputs->profile ? str_of(inputs->profile) : STR("default");
}

bool aws_profile_known(const struct aws_profiles *profiles, struct str name) {
    return json_find_str(profiles->config, name) ||
           json_find_str(profiles->credentials, name);
}

static const struct json *setting(const struct aws_profiles *profiles,
                                  struct str name, const char *key) {
    const struct json *found =
        json_find(json_find_str(profiles->credentials, name), key);

    return found ? found
                 : json_find(json_find_str(profiles->config, name), key);
}

struct str aws_profile_find(const struct aws_profiles *profiles,
                            struct str name, const char *key) {
    return json_text(setting(profiles, name, key));
}

bool aws_profile_has(const struct aws_profiles *profiles, struct str name,
                     const char *key) {
    return setting(profiles, name, key) != NULL;
}
