/* findings.h - what check says: a code, a place, a sentence, what to do next.
 *
 * A finding is the map { code, file, line, text, next }, so that it can be
 * printed, sorted and sent as JSON alike. The codes and their pages are in
 * findings.def.
 *
 *   FN1  A list of findings reads in the order of file, line, code and text,
 *        and says nothing twice.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef CHECK_FINDINGS_H
#define CHECK_FINDINGS_H

#include "base/err.h"
#include "base/json.h"

enum finding {
#define FINDING(id, code, meaning, next) FINDING_##id,
#include "check/findings.def"
#undef FINDING
    FINDING_COUNT
};

const char  *findings_code(enum finding finding);
const char  *findings_meaning(enum finding finding);
const char  *findings_next(enum finding finding);
/* FINDING_COUNT when no finding has this code. */
enum finding findings_find(const char *code);

void findings_add(struct json *list, enum finding finding, const char *file,
                  int line, const char *text);
/* Gives the list in order (FN1); takes the one it is given. */
struct json *findings_sort(struct json *list);

#endif
