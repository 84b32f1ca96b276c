/* fuzz_pattern.c - any bytes as pattern and subject: no crash, and the answers
 * of stock Lua.
 *
 * The first byte says how long the pattern is, the rest is the subject. Both
 * are short, since the stock matcher, which is the oracle, cannot be stopped.
 * Where ours gives up as too complex the two cannot be compared.
 */
#include <lauxlib.h>
#include <lualib.h>

#include "base/buf.h"
#include "vm/bundle.h"
#include "vm/sandbox.h"
#include "vm/vm.h"

#define PATTERN_MOST 12
#define SUBJECT_MOST 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static lua_State *stock, *ours;

static int64_t no_time(struct clock *clock) {
    (void)clock;
    return 0;
}

static void open_both(void) {
    static struct clock           clock = {no_time, no_time, no_time};
    static const struct vm_limits limits = {64u << 20, INT64_MAX / 2, INT32_MAX,
                                            0};
    /* Named here: what a VM's own memory points to is no root for whoever
     * looks for leaks. */
    static struct vm             *vm;
    static struct bundle         *bundle;

    stock = luaL_newstate();
    luaL_openlibs(stock);
    vm = vm_open(&limits, &clock);
    bundle = bundle_open(NULL, &clock);
    ours = vm_state(vm);
    sandbox_open(ours, bundle);
}

static void write_value(lua_State *L, int index, struct buf *out) {
    size_t      len;
    const char *text = lua_tolstring(L, index, &len);

    buf_addf(out, "%s ", luaL_typename(L, index));
    if (text)
        buf_add(out, text, len);
    buf_add_char(out, '\n');
}

static void run(lua_State *L, const char *source, struct str pattern,
                struct str subject, struct buf *out) {
    luaL_loadbuffer(L, source, strlen(source), "=fuzz");
    lua_pushlstring(L, subject.data, subject.len);
    lua_pushlstring(L, pattern.data, pattern.len);
    lua_pcall(L, 2, LUA_MULTRET, 0);
    buf_clear(out);
    for (int i = 1; i <= lua_gettop(L); i++)
        write_value(L, i, out);
    lua_settop(L, 0);
}

static void compare(const char *source, struct str pattern,
                    struct str subject) {
    static struct buf expected, got;

    run(ours, source, pattern, subject, &got);
    if (strstr(buf_text(&got), "pattern too complex"))
        return;
    run(stock, source, pattern, subject, &expected);
    if (str_equal(buf_str(&expected), buf_str(&got)))
        return;
    (void)fprintf(stderr, "%s\nstock:\n%sours:\n%s", source,
                  buf_text(&expected), buf_text(&got));
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str pattern, subject;

    if (!stock)
        open_both();
    if (size == 0)
        return 0;
    pattern.len = data[0] % (PATTERN_MOST + 1);
    if (pattern.len > size - 1)
        pattern.len = size - 1;
    pattern.data = (const char *)data + 1;
    subject.data = pattern.data + pattern.len;
    subject.len = size - 1 - pattern.len;
    if (subject.len > SUBJECT_MOST)
        subject.len = SUBJECT_MOST;
    compare("return string.find(...)", pattern, subject);
    compare("local s, p = ... return s:gsub(p, '<%0%1>')", pattern, subject);
    compare("local s, p = ... local t = {} for a, b in s:gmatch(p) do"
            " t[#t + 1] = tostring(a) .. tostring(b) end"
            " return table.concat(t, '|')",
            pattern, subject);
    return 0;
}
