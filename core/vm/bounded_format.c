/* bounded_format.c - string.format without addresses and without surprises.
 *
 * A conversion is read into a struct, checked against what its letter allows,
 * and only then given to snprintf, with a format text that is put together
 * here. Width and precision have two digits at most, so what one conversion
 * writes fits a fixed buffer; only text is longer, and that is not copied.
 */
#include "vm/bounded_private.h"

#include <ctype.h>
#include <float.h>
#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* "%f" of the largest number with 99 decimals, a sign and some more. */
#define ITEM_MAX (DBL_MAX_10_EXP + 120)

#define ESCAPE_COST 16

#define SPAN_MAX 20 /* flags, width and precision of one conversion */

struct conversion {
    char   text[32]; /* "%-08.3", the letter and a NUL */
    size_t len;
    bool   modified, precise;
    char   letter;
};

struct output {
    lua_State  *L;
    luaL_Buffer buffer;
    size_t      len;
    int         argument;
};

static void add(struct output *out, const char *text, size_t len) {
    bounded_charge_bytes(out->L, len);
    out->len += len;
    if (out->len > BOUNDED_STRING_MAX)
        luaL_error(out->L, "resulting string too large");
    luaL_addlstring(&out->buffer, text, len);
}

/* Adds the string at the top of the stack and pops it. */
static void add_top(struct output *out) {
    size_t len;

    lua_tolstring(out->L, -1, &len);
    bounded_charge_bytes(out->L, len);
    out->len += len;
    if (out->len > BOUNDED_STRING_MAX)
        luaL_error(out->L, "resulting string too large");
    luaL_addvalue(&out->buffer);
}

/* --- reading a conversion ---------------------------------------------- */

static const char *skip_digits(const char *p) {
    if (isdigit((unsigned char)*p))
        p++;
    if (isdigit((unsigned char)*p))
        p++;
    return p;
}

/* Reads flags, width and precision up to the letter. */
static const char *read_conversion(lua_State *L, const char *p,
                                   struct conversion *c) {
    size_t span = strspn(p, "-+ #0123456789.");

    if (span > SPAN_MAX)
        luaL_error(L, "invalid format (too long)");
    c->text[0] = '%';
    memcpy(c->text + 1, p, span);
    c->len = span + 1;
    c->modified = span > 0;
    c->precise = memchr(p, '.', span) != NULL;
    c->letter = p[span];
    c->text[c->len] = c->letter;
    c->text[c->len + 1] = 0;
    return p + span + (c->letter ? 1 : 0);
}

/* Are there only these flags, then a width, then, if allowed, a precision? */
static void check_conversion(lua_State *L, const struct conversion *c,
                             const char *flags, bool precision) {
    const char *p = c->text + 1;

    p += strspn(p, flags);
    if (*p != '0') {
        p = skip_digits(p);
        if (*p == '.' && precision)
            p = skip_digits(p + 1);
    }
    if (p != c->text + c->len)
        luaL_error(L, "invalid conversion specification: '%s'", c->text);
}

/* --- the conversions --------------------------------------------------- */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void add_character(struct output *out, const struct conversion *c) {
    char item[ITEM_MAX];
    int  len;

    check_conversion(out->L, c, "-", false);
    len = snprintf(item, sizeof item, c->text,
                   (int)luaL_checkinteger(out->L, out->argument));
    add(out, item, (size_t)len);
}

static void add_integer(struct output *out, struct conversion *c,
                        const char *flags) {
    char      item[ITEM_MAX];
    long long value = luaL_checkinteger(out->L, out->argument);
    int       len;

    check_conversion(out->L, c, flags, true);
    memcpy(c->text + c->len, (char[]){'l', 'l', c->letter, 0}, 4);
    len = snprintf(item, sizeof item, c->text, value);
    add(out, item, (size_t)len);
}

static void add_number(struct output *out, const struct conversion *c) {
    char   item[ITEM_MAX];
    double value;
    int    len;

    check_conversion(out->L, c, "-+ #0", true);
    value = luaL_checknumber(out->L, out->argument);
    len = snprintf(item, sizeof item, c->text, value);
    add(out, item, (size_t)len);
}

/* A long text without precision is not worth padding, as in stock. */
static void add_text(struct output *out, const struct conversion *c) {
    char        item[ITEM_MAX];
    size_t      len;
    const char *text = bounded_push_text(out->L, out->argument, &len);
    int         written;

    if (!c->modified) {
        add_top(out);
        return;
    }
    bounded_charge_bytes(out->L, len);
    luaL_argcheck(out->L, len == strlen(text), out->argument,
                  "string contains zeros");
    check_conversion(out->L, c, "-", true);
    if (!c->precise && len >= 100) {
        add_top(out);
        return;
    }
    written = snprintf(item, sizeof item, c->text, text);
    lua_pop(out->L, 1);
    add(out, item, (size_t)written);
}

#pragma GCC diagnostic pop

/* --- %q ---------------------------------------------------------------- */

static bool needs_escape(unsigned char c) {
    return c == '"' || c == '\\' || iscntrl(c);
}

static void add_escape(struct output *out, const char *s) {
    char item[8] = {'\\', *s, 0};

    if (iscntrl((unsigned char)*s) && *s != '\n')
        (void)snprintf(item + 1, sizeof item - 1,
                       isdigit((unsigned char)s[1]) ? "%03d" : "%d",
                       (unsigned char)*s);
    add(out, item, strlen(item));
}

static void add_quoted(struct output *out) {
    size_t      len;
    const char *s = lua_tolstring(out->L, out->argument, &len);
    const char *end = s + len;

    add(out, "\"", 1);
    while (s < end) {
        const char *plain = s;

        while (s < end && !needs_escape((unsigned char)*s))
            s++;
        bounded_charge(out->L, (size_t)(s - plain) / 4);
        add(out, plain, (size_t)(s - plain));
        if (s < end) {
            bounded_charge(out->L, ESCAPE_COST);
            add_escape(out, s++);
        }
    }
    add(out, "\"", 1);
}

static int write_float(char *item, size_t size, double value) {
    if (value == HUGE_VAL)
        return snprintf(item, size, "1e9999");
    if (value == -HUGE_VAL)
        return snprintf(item, size, "-1e9999");
    if (value != value)
        return snprintf(item, size, "(0/0)");
    return snprintf(item, size, "%a", value);
}

static void add_quoted_number(struct output *out) {
    char item[64];
    int  len;

    if (!lua_isinteger(out->L, out->argument))
        len =
            write_float(item, sizeof item, lua_tonumber(out->L, out->argument));
    else if (lua_tointeger(out->L, out->argument) == LUA_MININTEGER)
        len = snprintf(item, sizeof item, "0x%llx",
                       (unsigned long long)LUA_MININTEGER);
    else
        len = snprintf(item, sizeof item, "%lld",
                       (long long)lua_tointeger(out->L, out->argument));
    add(out, item, (size_t)len);
}

/* A text that Lua's own reader would read back as the same value. */
static void add_literal(struct output *out, const struct conversion *c) {
    if (c->modified)
        luaL_error(out->L, "specifier '%%q' cannot have modifiers");
    switch (lua_type(out->L, out->argument)) {
    case LUA_TSTRING: add_quoted(out); break;
    case LUA_TNUMBER: add_quoted_number(out); break;
    case LUA_TNIL:
    case LUA_TBOOLEAN:
        luaL_tolstring(out->L, out->argument, NULL);
        add_top(out);
        break;
    default: luaL_argerror(out->L, out->argument, "value has no literal form");
    }
}

/* --- the function ------------------------------------------------------ */

static void add_conversion(struct output *out, struct conversion *c) {
    switch (c->letter) {
    case 'c': add_character(out, c); break;
    case 'd':
    case 'i': add_integer(out, c, "-+0 "); break;
    case 'u': add_integer(out, c, "-0"); break;
    case 'o':
    case 'x':
    case 'X': add_integer(out, c, "-#0"); break;
    case 'a':
    case 'A':
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G': add_number(out, c); break;
    case 's': add_text(out, c); break;
    case 'q': add_literal(out, c); break;
    case 'p':
        luaL_error(out->L, "'%%p' would show an address, which differs when "
                           "the node runs again");
        break;
    default: luaL_error(out->L, "invalid conversion '%s' to 'format'", c->text);
    }
}

/* string.format(format, values…) -> text
 *   string.format("%-8s %5.1f%%", "cpu", 93.25)  --> "cpu       93.2%" */
int bounded_format_run(lua_State *L) {
    struct output     out = {.L = L, .len = 0, .argument = 1};
    struct conversion c;
    int               top = lua_gettop(L);
    size_t            len;
    const char       *p = luaL_checklstring(L, 1, &len), *end = p + len;

    luaL_buffinit(L, &out.buffer);
    while (p < end) {
        const char *escape = memchr(p, '%', (size_t)(end - p));

        add(&out, p, (size_t)((escape ? escape : end) - p));
        if (!escape)
            break;
        p = escape + 1;
        if (*p == '%') {
            add(&out, p++, 1);
            continue;
        }
        if (++out.argument > top)
            return luaL_argerror(L, out.argument, "no value");
        bounded_charge(L, 4);
        p = read_conversion(L, p, &c);
        add_conversion(&out, &c);
    }
    luaL_pushresult(&out.buffer);
    return 1;
}
