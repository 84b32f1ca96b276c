/* aws_service.c - a table of keys checks the table of services. */
#include "protocol/aws_service.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"

#define DEPTH 5

static const char *const protocols[] = {
#define X(id, name) name,
    AWS_PROTOCOLS(X)
#undef X
};

/* --- forms of values --------------------------------------------------- */

static int is_host_letter(int c) {
    return islower(c) || isdigit(c);
}

static bool is_host_part(struct str text) {
    return str_made_of(text, is_host_letter, "-.") && text.data[0] != '.' &&
           text.data[0] != '-' && !memmem(text.data, text.len, "..", 2);
}

bool aws_service_region_valid(struct str region) {
    return str_made_of(region, is_host_letter, "-") && region.len <= 40 &&
           islower((unsigned char)region.data[0]) &&
           region.data[region.len - 1] != '-';
}

bool aws_service_reserves(struct str header) {
    static const char *const names[] = {"host",
                                        "authorization",
                                        "content-length",
                                        "connection",
                                        "transfer-encoding",
                                        "x-amz-date",
                                        "x-amz-target",
                                        "x-amz-security-token",
                                        "x-amz-content-sha256",
                                        "te",
                                        "upgrade",
                                        "x-http-method-override",
                                        "trailer",
                                        "proxy-authorization",
                                        "expect",
                                        "cookie"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == header.len &&
            strncasecmp(names[i], header.data, header.len) == 0)
            return true;
    return false;
}

static bool is_map(const struct json *value) {
    return json_is(value, JSON_MAP) ||
           (json_is(value, JSON_LIST) && json_count(value) == 0);
}

static bool is_texts(const struct json *value) {
    for (size_t i = 0; i < json_count(value); i++)
        if (!json_is(json_at(value, i), JSON_TEXT))
            return false;
    return json_is(value, JSON_LIST);
}

/* An empty table may come as an empty list. */
static bool all_fit(const struct json *map,
                    bool (*fits)(const struct json *value)) {
    struct json_walk walk;
    bool             ok = is_map(map);

    if (!json_is(map, JSON_MAP))
        return ok;
    walk = json_walk_over(map);
    while (json_walk_next(&walk))
        ok = ok && fits(walk.value);
    return ok;
}

static bool is_text(const struct json *value) {
    return json_is(value, JSON_TEXT);
}

static bool is_texts_by_name(const struct json *value) {
    return all_fit(value, is_text);
}

static bool is_pair(const struct json *value) {
    return is_texts(value) && json_count(value) == 2;
}

static bool is_pairs_by_name(const struct json *value) {
    return all_fit(value, is_pair);
}

static bool is_protocol(const struct json *value) {
    for (size_t i = 0; i < AWS_PROTOCOL_COUNT; i++)
        if (str_is(json_text(value), protocols[i]))
            return true;
    return false;
}

static bool is_prefix(const struct json *value) {
    return is_host_part(json_text(value));
}

static bool is_target(const struct json *value) {
    return str_made_of(json_text(value), isalnum, "._");
}

static bool is_version(const struct json *value) {
    return str_made_of(json_text(value), isdigit, "-");
}

static bool is_id(const struct json *value) {
    return str_made_of(json_text(value), isalnum, " -");
}

static bool is_name(const struct json *value) {
    return str_made_of(json_text(value), isalnum, "_-");
}

static bool is_flag(const struct json *value) {
    return json_is(value, JSON_BOOL);
}

static bool is_method(const struct json *value) {
    static const char *const names[] = {"GET", "HEAD",  "POST",
                                        "PUT", "PATCH", "DELETE"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_is(json_text(value), names[i]))
            return true;
    return false;
}

/* "Action" and "Version" would turn a route into another operation. (AS3) */
static bool decides_operation(struct str name) {
    return (name.len == 6 && strncasecmp(name.data, "action", 6) == 0) ||
           (name.len == 7 && strncasecmp(name.data, "version", 7) == 0) ||
           (name.len > 5 && strncasecmp(name.data, "x-amz-", 6) == 0);
}

static bool is_uri(const struct json *value) {
    struct str text = json_text(value), query, path, key, rest;

    if (!str_made_of(text, isalnum, "/{}+_-.~:@?=&*") || text.data[0] != '/' ||
        memmem(text.data, text.len, "..", 2))
        return false;
    path = str_cut(text, '?', &query);
    if (memchr(path.data, '=', path.len) || memchr(path.data, '&', path.len))
        return false;
    while (query.len) {
        key = str_cut(str_cut(query, '&', &query), '=', &rest);
        if (decides_operation(key) || memchr(key.data, '{', key.len))
            return false;
    }
    return true;
}

static bool is_query_name(const struct json *value) {
    return is_text(value) && !decides_operation(json_text(value));
}

static bool is_query(const struct json *value) {
    return all_fit(value, is_query_name);
}

static bool is_header_read(const struct json *value) {
    return str_made_of(json_text(value), isalnum, "-*");
}

static bool is_header_sent(const struct json *value) {
    return is_header_read(value) && !str_is(json_text(value), "*") &&
           !aws_service_reserves(json_text(value));
}

static bool is_headers(const struct json *value) {
    return all_fit(value, is_header_sent);
}

static bool is_answer_headers(const struct json *value) {
    return all_fit(value, is_header_read);
}

/* --- the keys of a row ------------------------------------------------- */

struct row_key {
    const char *key;
    bool (*is)(const struct json *value);
    const char *form;
};

static const struct row_key service_keys[] = {
    {"protocol", is_protocol,
     "json-1.0, json-1.1, query, ec2, rest-json or rest-xml"},
    {"endpoint", is_prefix, "the first part of the host, as in \"ecs\""},
    {"signing", is_prefix, "the name that is signed for, as in \"ecs\""},
    {"id", is_id, "the service's name, as in \"CloudWatch Logs\""},
    {"target", is_target, "what stands before the operation in X-Amz-Target"},
    {"version", is_version, "an API version, as in \"2016-11-15\""},
    {"global", is_flag, "true or false"},
    {"plain_fips_in_gov", is_flag, "true or false"},
    {"lists", is_texts_by_name, "{ Element = \"Item\" or \"\" }"},
    {"items", is_texts_by_name, "{ List = \"name of its items\" }"},
    {"maps", is_pairs_by_name, "{ Map = { \"key\", \"value\" } }"},
    {"names", is_texts_by_name, "{ Argument = \"name on the wire\" }"},
    {"times", is_texts, "a list of arguments"},
    {"operations", is_map, "{ Operation = { method, uri, … } }"},
};

static const struct row_key operation_keys[] = {
    {"method", is_method, "GET, HEAD, POST, PUT, PATCH or DELETE"},
    {"uri", is_uri, "a path, as in \"/things/{Name}\"; no Action, no Version"},
    {"query", is_query, "{ Argument = \"name on the wire\" }"},
    {"headers", is_headers, "{ Argument = \"Header\" }, and none that signs"},
    {"payload", is_name, "the argument that is the whole body"},
    {"content", is_texts, "a list of one content type"},
    {"body", is_flag, "true or false"},
    {"answer", is_map, "{ body = \"Name\", headers = { … } }"},
};

static const struct row_key answer_keys[] = {
    {"body", is_name, "the name that the raw body gets"},
    {"headers", is_answer_headers, "{ Name = \"Header\" }"},
};

struct checking {
    aws_service_say_fn *say;
    void               *arg;
    bool                ok;
    struct str          keys[DEPTH];
    size_t              depth;
};

static void fault(struct checking *c, enum aws_service_fault fault,
                  const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void fault(struct checking *c, enum aws_service_fault kind,
                  const char *fmt, ...) {
    char    text[300];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    c->ok = false;
    c->say(c->arg, kind, c->keys, c->depth, text);
}

static void unknown(struct checking *c, struct str key,
                    const struct row_key *rows, size_t count) {
    struct nearest nearest = nearest_to(key);
    struct buf     words = BUF_EMPTY;

    for (size_t i = 0; i < count; i++)
        nearest_offer(&nearest, str_of(rows[i].key));
    fault(c, AWS_KEY_UNKNOWN, "unknown key '%.*s'%s", STR_ARG(key),
          nearest_words(&nearest, &words));
    buf_release(&words);
}

static void check_keys(struct checking *c, const struct json *map,
                       const struct row_key *rows, size_t count) {
    struct json_walk walk = json_walk_over(map);

    while (json_walk_next(&walk)) {
        size_t i = 0;

        c->keys[c->depth++] = walk.key;
        while (i < count && !str_is(walk.key, rows[i].key))
            i++;
        if (i == count)
            unknown(c, walk.key, rows, count);
        else if (!rows[i].is(walk.value))
            fault(c, AWS_KEY_WRONG, "%s must be %s", rows[i].key, rows[i].form);
        c->depth--;
    }
}

static void need(struct checking *c, const struct json *map, const char *key,
                 const char *why) {
    if (!json_find(map, key))
        fault(c, AWS_KEY_MISSING, "%s is missing: %s", key, why);
}

static bool is_operation(struct str name) {
    return str_made_of(name, isalnum, "") &&
           isupper((unsigned char)name.data[0]);
}

static void check_operation(struct checking *c, struct str name,
                            const struct json *operation) {
    const struct json *answer = json_find(operation, "answer");

    c->keys[c->depth++] = name;
    if (!is_operation(name) || !json_is(operation, JSON_MAP)) {
        fault(c, AWS_KEY_WRONG, "'%.*s' must be an operation with a table",
              STR_ARG(name));
    } else {
        check_keys(c, operation, operation_keys,
                   sizeof operation_keys / sizeof *operation_keys);
        need(c, operation, "method", "REST operations have one");
        need(c, operation, "uri", "REST operations have one");
        c->keys[c->depth++] = STR("answer");
        if (json_is(answer, JSON_MAP))
            check_keys(c, answer, answer_keys,
                       sizeof answer_keys / sizeof *answer_keys);
        c->depth--;
    }
    c->depth--;
}

static void check_operations(struct checking *c, const struct json *row) {
    struct json_walk walk;

    c->keys[c->depth++] = STR("operations");
    if (!aws_service_is_rest(row))
        fault(c, AWS_KEY_WRONG, "operations are for REST protocols alone");
    walk = json_walk_over(json_find(row, "operations"));
    while (json_walk_next(&walk))
        check_operation(c, walk.key, walk.value);
    c->depth--;
}

static void check_row(struct checking *c, struct str name,
                      const struct json *row) {
    enum aws_protocol protocol;

    c->keys[0] = name;
    c->depth = 1;
    if (!json_is(row, JSON_MAP) || !str_made_of(name, is_host_letter, "-")) {
        fault(c, AWS_KEY_WRONG,
              "'%.*s' must be a service in small letters, with a table",
              STR_ARG(name));
        return;
    }
    check_keys(c, row, service_keys,
               sizeof service_keys / sizeof *service_keys);
    need(c, row, "protocol", "it says how the service is spoken to");
    protocol = aws_service_protocol(row);
    if (protocol <= AWS_JSON_1_1)
        need(c, row, "target", "JSON services are told the operation by it");
    if (protocol == AWS_QUERY || protocol == AWS_EC2)
        need(c, row, "version", "query services are told the version");
    if (aws_service_is_rest(row))
        need(c, row, "operations", "REST services have routes");
    if (json_find(row, "operations"))
        check_operations(c, row);
}

bool aws_service_check(const struct json *rows, aws_service_say_fn *say,
                       void *arg) {
    struct checking  c = {.say = say, .arg = arg, .ok = true};
    struct json_walk walk;

    if (!json_is(rows, JSON_MAP)) {
        fault(&c, AWS_KEY_WRONG, "the table must have a row for each service");
        return false;
    }
    walk = json_walk_over(rows);
    while (json_walk_next(&walk))
        check_row(&c, walk.key, walk.value);
    return c.ok;
}

/* --- a row ------------------------------------------------------------- */

struct json *aws_service_take(const struct json *rows, struct str key) {
    const struct json *found = json_find_str(rows, key);
    struct json       *row;

    if (!json_is(found, JSON_MAP))
        return NULL;
    row = json_new_map();
    json_merge(row, found);
    json_put_text(row, "key", key);
    if (!json_find(row, "endpoint"))
        json_put_text(row, "endpoint", key);
    if (!json_find(row, "signing"))
        json_put_text(row, "signing", json_find_text(row, "endpoint"));
    return row;
}

enum aws_protocol aws_service_protocol(const struct json *row) {
    struct str name = json_find_text(row, "protocol");

    for (size_t i = 0; i < AWS_PROTOCOL_COUNT; i++)
        if (str_is(name, protocols[i]))
            return (enum aws_protocol)i;
    return AWS_PROTOCOL_COUNT;
}

bool aws_service_is_rest(const struct json *row) {
    enum aws_protocol protocol = aws_service_protocol(row);

    return protocol == AWS_REST_JSON || protocol == AWS_REST_XML;
}

/* --- endpoints --------------------------------------------------------- */

struct partition {
    const char *prefix, *suffix, *dual, *global;
};

/* The last one fits every region. */
static const struct partition partitions[] = {
    {"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-north-1"},
    {"us-gov-", "amazonaws.com", "api.aws", "us-gov-west-1"},
    {"", "amazonaws.com", "api.aws", "us-east-1"},
};

static const struct partition *partition_of(struct str region) {
    const struct partition *partition = partitions;

    while (!str_starts(region, partition->prefix))
        partition++;
    return partition;
}

static struct str custom(const struct json *row, const struct json *aws) {
    struct str own = json_text(
        json_find_str(json_find(aws, "endpoints"), json_find_text(row, "key")));

    return own.len ? own : json_find_text(aws, "endpoint");
}

bool aws_service_is_custom(const struct json *row, const struct json *aws) {
    return custom(row, aws).len > 0;
}

static void trim_slashes(struct buf *url) {
    while (url->len && url->data[url->len - 1] == '/')
        url->data[--url->len] = '\0';
}

/* In GovCloud the plain endpoint of many a service is the FIPS one. */
static bool says_fips(const struct json *row, struct str region,
                      const struct json *aws) {
    return json_truth(json_find(aws, "fips")) &&
           !(str_starts(region, "us-gov-") &&
             json_truth(json_find(row, "plain_fips_in_gov")) &&
             !json_truth(json_find(aws, "dualstack")));
}

/* IAM and its like have one endpoint a partition: iam.amazonaws.com, but
 * iam.us-gov.amazonaws.com and iam.cn-north-1.amazonaws.com.cn. */
static void global_host(struct str prefix, const struct partition *partition,
                        bool fips, bool dual, struct buf *url) {
    buf_addf(url, "https://%.*s%s", STR_ARG(prefix), fips ? "-fips" : "");
    if (str_is(str_of(partition->prefix), "us-gov-"))
        buf_add_text(url, ".us-gov");
    else if (str_is(str_of(partition->prefix), "cn-"))
        buf_addf(url, ".%s", partition->global);
    else if (dual && !fips)
        buf_addf(url, ".global.%s", partition->dual);
    if (partition->prefix[0] || !dual || fips)
        buf_addf(url, ".%s", partition->suffix);
}

/* S3 keeps the old domain for its dual stack. */
static void regional_host(struct str prefix, struct str region, bool fips,
                          const struct json *aws, struct buf *url) {
    const struct partition *partition = partition_of(region);
    bool                    dual = json_truth(json_find(aws, "dualstack"));
    bool                    s3 = str_is(prefix, "s3");

    buf_addf(url, "https://%.*s%s%s.%.*s.%s", STR_ARG(prefix),
             fips ? "-fips" : "", dual && s3 ? ".dualstack" : "",
             STR_ARG(region),
             dual && !s3 ? partition->dual : partition->suffix);
}

bool aws_service_endpoint(const struct json *row, struct str region,
                          const struct json *aws, struct buf *url,
                          struct str *signing, struct err *err) {
    struct str own = custom(row, aws), prefix = json_find_text(row, "endpoint");
    bool       global = json_truth(json_find(row, "global"));

    if (region.len == 0)
        return err_set(err, ERR_CONFIG,
                       "no AWS region: set AWS_REGION, "
                       "aws.region, or the catalogue row's region");
    if (!aws_service_region_valid(region))
        return err_set(err, ERR_INVALID,
                       "\"%.*s\" is no AWS region, as in eu-west-1",
                       (int)(region.len > 60 ? 60 : region.len), region.data);
    *signing = global ? str_of(partition_of(region)->global) : region;
    if (own.len)
        buf_add_str(url, own);
    else if (global)
        global_host(prefix, partition_of(region), says_fips(row, region, aws),
                    json_truth(json_find(aws, "dualstack")), url);
    else
        regional_host(prefix, region, says_fips(row, region, aws), aws, url);
    trim_slashes(url);
    return true;
}
