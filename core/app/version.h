/* version.h - which release this is: for `version` and for the metrics.
 *
 * Lifetime: process. Thread: any.
 */
#ifndef APP_VERSION_H
#define APP_VERSION_H

#define APP_VERSION "0.1.0"

#endif
