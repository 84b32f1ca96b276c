/* engine.h - everything that runs need, opened in one order and closed in the
 * other.
 *
 * The wiring: which store, which mode, which client. A live engine has the
 * state directory and a client; a dry one has a store in memory and a client
 * for reads; a fixture engine has neither state nor client. (N9)
 *
 *   EN1  Only a live engine opens a writer on the state directory. (N9)
 *
 * Lifetime: process. Thread: main.
 */
#ifndef APP_ENGINE_H
#define APP_ENGINE_H

#include "app/config.h"
#include "auth/signer.h"
#include "gate/gate.h"
#include "graph/run.h"
#include "llm/spend.h"
#include "observe/log.h"
#include "store/queue.h"

struct engine_options {
    enum mode_kind     kind;
    const char        *scripts; /* folder; NULL: found */
    const char        *config;  /* file; NULL: found */
    const char        *state;   /* folder; NULL: the usual one */
    const char        *resume;  /* a run, whose bundle is used; or NULL */
    const struct json *world;   /* rows of a fixture; borrowed */
    enum log_level     log;
    bool               log_json;
};

struct engine {
    struct engine_options options;
    struct clock         *clock;
    struct loop          *loop;
    struct redact        *redact;
    struct log           *log;
    struct watchdog      *watchdog;
    struct store         *store;
    struct queue         *queue;
    struct bundle        *bundle;
    struct config        *config;
    struct http_client   *client;
    struct gate_shared   *shared; /* what all runs know of the services */
    struct signers        signers;
    struct config *identity; /* what client and signers were opened with */
    struct spend   spend;    /* on models, of this day */
    char          *state;    /* the folder in use, or NULL */
};

/* On failure everything that was opened is closed again. */
bool engine_open(struct engine *engine, const struct engine_options *options,
                 struct err *err);
void engine_close(struct engine *engine);

/* A mode for one run; fixtures and dry runs have one each. */
struct mode *engine_mode(struct engine *engine, const struct json *incident,
                         struct err *err);

#endif
