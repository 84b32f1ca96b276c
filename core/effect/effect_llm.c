/* effect_llm.c - names two operations; what they may hold is llm/'s to judge.
 */
#include "effect/effect_llm.h"

#include "base/visible.h"

bool effect_llm_valid(struct str name) {
    return str_is(name, "choose") || str_is(name, "ask");
}

static struct str or_else(const struct json *map, const char *key,
                          const char *otherwise) {
    struct str text = json_find_text(map, key);

    return text.len ? text : str_of(otherwise);
}

bool effect_llm_make(struct effect *effect, const struct json *question,
                     const struct json *config, struct err *err) {
    const struct json *llm = json_find(config, "llm");
    const struct json *args = json_at(question, 3);
    struct str         name = json_text(json_at(question, 2));
    struct buf         text = BUF_EMPTY;

    if (!effect_llm_valid(name) || !json_is(args, JSON_MAP))
        return err_set(err, ERR_INVALID,
                       "ctx.llm takes choose { question, evidence, actions } "
                       "or ask { question, evidence, schema }");
    buf_addf(&text, "llm:%.*s", STR_ARG(name));
    effect->name = buf_take(&text);
    effect->args = visible_json(args);
    buf_addf(&text, "llm:%.*s/%.*s", STR_ARG(or_else(llm, "provider", "none")),
             STR_ARG(or_else(llm, "model", "-")));
    effect->target = buf_take(&text);
    return true;
}
