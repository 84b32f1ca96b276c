/* err.h - one failure: a code for machines and a sentence for people.
 *
 * Every function that can fail returns bool and fills a struct err that its
 * caller provides. The sentence is built from the inside out: the place that
 * knows what went wrong calls err_set(), and each caller that can say where it
 * went wrong puts its words in front with err_wrap().
 *
 * The list below is the only one: from it come the enum, the names that Lua
 * and JSON show, and the pages of `nightshift explain`. Whether a call may be
 * tried again is not here: that depends on class and bytes sent, and only the
 * gate knows those.
 *
 * Lifetime: call. Thread: any.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

/* X(ENUM, "name", "what it means", "what to do next") */
#define ERR_CODES(X)                                                          \
    X(INVALID, "invalid", "Something was given in a form that is not taken.", \
      "Read the sentence: it names the field and the form that is expected.") \
    X(DENIED, "denied",                                                       \
      "A right is missing: the node did not declare the "                     \
      "effect, or the remote service refused the credentials.",               \
      "Add the effect to the node's `effects`, or the right to the role.")    \
    X(NOT_FOUND, "not_found", "The thing that was named does not exist.",     \
      "Check the name; for a remote thing its region and account, too.")      \
    X(CONFLICT, "conflict", "What was found contradicts what was expected.",  \
      "Look at both sides; the sentence shows them. Nothing was sent.")       \
    X(LIMIT, "limit",                                                         \
      "A limit was reached: memory, instructions, time, "                     \
      "size or count.",                                                       \
      "Make the script ask for less, or raise the limit that is named.")      \
    X(TIMEOUT, "timeout", "No answer came before the deadline.",              \
      "See whether the service is reachable; a write may have been applied.") \
    X(THROTTLED, "throttled", "The service asks for fewer calls.",            \
      "Nothing was applied. Give the node a `retry` with a backoff.")         \
    X(REMOTE, "remote", "The service answered with an error.",                \
      "The sentence carries its words and its status.")                       \
    X(UNKNOWN, "unknown", "A write left and its result is not known.",        \
      "Look at the target before you do anything by hand: it may be done.")   \
    X(IO, "io", "A file, the store or the network failed.",                   \
      "The sentence names the file or the address.")                          \
    X(HELD, "held", "Another process holds the state directory or the key.",  \
      "Wait for it, stop it, or use another --state directory.")              \
    X(CONFIG, "config", "The configuration cannot be used.",                  \
      "Mend the line that is named; `nightshift check` proves the rest.")     \
    X(SCRIPT, "script", "A script raised an error.",                          \
      "The sentence carries the script's file and line.")                     \
    X(CONTRACT, "contract", "A script broke the contract that it declares.",  \
      "Compare input, output and outcomes with what the node returned.")      \
    X(DIVERGED, "diverged",                                                   \
      "A node asked another question than the one "                           \
      "recorded in the same place.",                                          \
      "The script depends on something outside the journal, or was changed.") \
    X(NO_ANSWER, "no_answer",                                                 \
      "The fixture world has no answer for an "                               \
      "effect.",                                                              \
      "Paste the printed row into the world and fill its answer.")            \
    X(CANCELLED, "cancelled", "The run was stopped before its end.",          \
      "Start it again with `run --resume RUN`.")                              \
    X(USAGE, "usage", "The command line is not understood.",                  \
      "`nightshift help COMMAND` shows the options.")                         \
    X(JSON_SYNTAX, "json_syntax", "The text is not JSON.",                    \
      "The sentence has line and column of the first bad character.")         \
    X(JSON_TRUNCATED, "json_truncated", "The JSON ends in the middle.",       \
      "Send it again; a proxy or a full disk may have cut it.")               \
    X(JSON_DEPTH, "json_depth", "The JSON is nested too deeply.",             \
      "Nothing real nests like that; look at the sender.")                    \
    X(JSON_UTF8, "json_utf8", "The JSON is not valid UTF-8.",                 \
      "Make the sender encode its text as UTF-8.")                            \
    X(JSON_DUPLICATE, "json_duplicate", "An object names one key twice.",     \
      "Two readers would see two different events, so neither is taken.")     \
    X(JSON_NUMBER, "json_number", "A number does not fit 64 bits.",           \
      "Send it as a string.")                                                 \
    X(JSON_SIZE, "json_size", "The text is larger than the cap.",             \
      "Alertmanager: set max_alerts on the receiver.")                        \
    X(EVENT_VERSION, "event_version",                                         \
      "The notification has a version that "                                  \
      "this source does not know.",                                           \
      "Use a source for that version; `alertmanager` reads version 4.")       \
    X(EVENT_SHAPE, "event_shape",                                             \
      "The notification lacks something that it "                             \
      "must have.",                                                           \
      "The sentence names the field; see the source's file.")

enum err_code {
#define X(code, name, meaning, next) ERR_##code,
    ERR_CODES(X)
#undef X
        ERR_COUNT
};

struct err {
    enum err_code code;
    int           status; /* HTTP status of a remote answer, else 0 */
    char          text[2000];
};

/* Both return false: `return err_set(...)` reads as the refusal it is. */
bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool err_wrap(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

const char *err_name(enum err_code code);
const char *err_meaning(enum err_code code);
const char *err_next(enum err_code code);

/* The code with this name, or ERR_COUNT when there is none. */
enum err_code err_find(const char *name);

#endif
