/* plan.h - a run's report as text for people, in the manner of a plan.
 *
 * Lifetime: call. Thread: main.
 */
#ifndef CLI_PLAN_H
#define CLI_PLAN_H

#include "base/json.h"

/* Prints to standard output; colours when it is a terminal. */
void plan_print(const struct json *report);

#endif
