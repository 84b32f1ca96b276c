/* aws_service.h - one row of the services table: what it may say, and where
 * the service is found.
 *
 * AWS has hundreds of services and six protocols. Which service speaks what is
 * data, in scripts/lib/aws/services.lua, so that an operator adds one without
 * a compiler; a row is checked here, whole, before anything uses it. What a
 * row can never do is lead a signature away: the host is made of its endpoint
 * prefix, the region and the partition's own domain, or it is one that the
 * configuration names.
 *
 *   AS1  A row with an unknown key, a value of the wrong form or one missing
 *        is refused with the place of it.
 *   AS2  Neither row nor region can lead out of the partition's domain.
 *   AS3  A row cannot name a header or a query parameter that decides which
 *        operation is meant, or that belongs to signing or framing.
 *
 * Sources: the AWS SDK reference guide (endpoints, FIPS, dual stack), the AWS
 * General Reference (endpoints and quotas), Smithy's AWS protocols.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef PROTOCOL_AWS_SERVICE_H
#define PROTOCOL_AWS_SERVICE_H

#include "base/json.h"

/* X(ENUM, "name in a row") */
#define AWS_PROTOCOLS(X)      \
    X(JSON_1_0, "json-1.0")   \
    X(JSON_1_1, "json-1.1")   \
    X(QUERY, "query")         \
    X(EC2, "ec2")             \
    X(REST_JSON, "rest-json") \
    X(REST_XML, "rest-xml")

enum aws_protocol {
#define X(id, name) AWS_##id,
    AWS_PROTOCOLS(X)
#undef X
        AWS_PROTOCOL_COUNT
};

enum aws_service_fault { AWS_KEY_UNKNOWN, AWS_KEY_MISSING, AWS_KEY_WRONG };

/* The keys lead from the table to the place. */
typedef void aws_service_say_fn(void *arg, enum aws_service_fault fault,
                                const struct str *keys, size_t depth,
                                const char *text);

/* The whole table; false when anything was said. (AS1) */
bool aws_service_check(const struct json *rows, aws_service_say_fn *say,
                       void *arg);

/* A copy of the row with its defaults filled in and its own name under "key";
 * NULL when there is no such row. */
struct json      *aws_service_take(const struct json *rows, struct str key);
enum aws_protocol aws_service_protocol(const struct json *row);
bool              aws_service_is_rest(const struct json *row);
/* A header that no row and no argument may set. */
bool              aws_service_reserves(struct str header);

/* `aws` is that section of the configuration. The URL has no slash at its end;
 * *signing is the region to sign for. (AS2) */
bool aws_service_endpoint(const struct json *row, struct str region,
                          const struct json *aws, struct buf *url,
                          struct str *signing, struct err *err);
/* Is the endpoint one that the configuration names? */
bool aws_service_is_custom(const struct json *row, const struct json *aws);
/* "us-gov-west-1": letters, digits and single hyphens. */
bool aws_service_region_valid(struct str region);

#endif
