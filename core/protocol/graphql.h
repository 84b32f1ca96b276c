/* graphql.h - what a GraphQL document asks for: does it read or write?
 *
 * One URL takes every question, so the document itself has to be read before
 * anybody may say what a request is. This reads all of the executable grammar
 * (operations, fragments, values, both kinds of strings, comments) and keeps
 * only the verdict. What servers read differently is refused rather than
 * guessed: a carriage return alone ends a comment for one and not for another,
 * and a schema definition has no place in a request.
 *
 *   GQ1  A document that is not of the grammar is an error, never a read.
 *   GQ2  `field` is the schema's name of the one root field of the one
 *        mutation; an alias, a fragment or a second field leaves it empty.
 *   GQ3  Size and nesting are bounded, so that no document costs more than a
 *        walk over 64 KiB.
 *
 * Source: GraphQL specification, October 2021, sections 2 and 6.1.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef PROTOCOL_GRAPHQL_H
#define PROTOCOL_GRAPHQL_H

#include "base/err.h"
#include "base/str.h"

#define GRAPHQL_BYTES_MAX 65536
#define GRAPHQL_DEPTH_MAX 64

struct graphql {
    int        operations; /* at least one */
    bool       reads;      /* all of them are queries */
    struct str field;      /* (GQ2), in the text; else empty */
    bool       by_input;   /* that field's one argument is `input: $input` */
};

bool graphql_read(struct str text, struct graphql *out, struct err *err);

#endif
