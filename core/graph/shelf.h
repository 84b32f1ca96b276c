/* shelf.h - bundles kept by their hash, so that a run can finish on its own.
 *
 * Every script's text is a blob; "main/bundle/HASH" lists path and blob. A run
 * that goes on after an edit takes its bundle from here, not from the folder
 * (N8).
 *
 *   SH1  A bundle that is taken from the shelf has the hash it was put under.
 *
 * Lifetime: process. Thread: store.
 */
#ifndef GRAPH_SHELF_H
#define GRAPH_SHELF_H

#include "store/store.h"
#include "vm/bundle.h"

bool shelf_put(struct store *store, const struct bundle *bundle,
               struct err *err);
bool shelf_take(struct store *store, struct str hash, struct clock *clock,
                struct bundle **bundle, struct err *err);

#endif
