/* token.h - who may use the service: bearer tokens with roles.
 *
 * An operator may do what a viewer may and more; `ingest` is for senders and
 * sees nothing. Tokens are compared by their digests, all of them each time,
 * so that neither a near miss nor the position of a hit shows in the time.
 *
 *   TK1  A token that is not known, or of a role that does not reach, is
 *        refused; which of the two is not told to who showed none.
 *
 * Lifetime: process. Thread: any; open and close: one at a time.
 */
#ifndef SERVE_TOKEN_H
#define SERVE_TOKEN_H

#include "base/json.h"

struct secrets;
struct tokens;

enum token_role { TOKEN_NONE, TOKEN_INGEST, TOKEN_VIEWER, TOKEN_OPERATOR };

/* "ingest", "viewer" or "operator"; false for any other word. */
bool token_role_read(struct str word, enum token_role *role);
/* In their order; ends in NULL. */
extern const char *const token_roles[];

/* `configured` is the configuration's `tokens`, or NULL; `own` one more, for
 * who can read the state directory: an operator's. */
struct tokens *token_open(const struct json    *configured,
                          const struct secrets *secrets, struct str own);
void           token_close(struct tokens *tokens); /* NULL is fine */

/* Of an Authorization header's value. */
enum token_role token_role_of(const struct tokens *tokens,
                              struct str           authorization);
bool            token_reaches(enum token_role has, enum token_role needs);

#endif
