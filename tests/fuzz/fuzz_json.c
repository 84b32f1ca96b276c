/* fuzz_json.c - any bytes as JSON: what is read passes through Lua and back
 * as it was, and what is written is read and written as the same bytes.
 *
 * One VM and one sandbox serve all inputs; each of them leaves nothing behind.
 */
#include "base/json.h"
#include "vm/bundle.h"
#include "vm/marshal.h"
#include "vm/sandbox.h"
#include "vm/vm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As deep as marshal_take() goes. */
static const struct json_caps caps = {1u << 20, 32};

static struct vm     *vm;
static struct bundle *bundle;

static int64_t no_time(struct clock *clock) {
    (void)clock;
    return 0;
}

static int open_sandbox(lua_State *L) {
    sandbox_open(L, bundle);
    return 0;
}

static void must(bool good, const char *what, const struct err *err) {
    if (good)
        return;
    (void)fprintf(stderr, "%s: %s\n", what, err->text);
    abort();
}

static void open_vm(void) {
    static struct clock           clock = {no_time, no_time, no_time};
    static const struct vm_limits limits = {256u << 20, INT64_MAX / 2,
                                            INT32_MAX, 0};
    struct err                    err = {.text = ""};

    bundle = bundle_open(NULL, &clock);
    vm = vm_open(&limits, &clock);
    must(vm_enter(vm, open_sandbox, NULL, &err), "the sandbox", &err);
}

struct crossing {
    const struct json *in;
    struct json       *out;
    struct err         err;
};

static int cross(lua_State *L) {
    struct crossing *crossing = lua_touserdata(L, 1);

    marshal_push(L, crossing->in);
    crossing->out = marshal_take(L, -1, &marshal_caps_output, &crossing->err);
    return 0;
}

static void must_equal(const struct buf *wanted, const struct json *value,
                       const char *what) {
    struct buf text = BUF_EMPTY;

    json_write(value, &text);
    if (!str_equal(buf_str(&text), buf_str(wanted))) {
        (void)fprintf(stderr, "%s\n was: %s\n now: %s\n", what,
                      buf_text(wanted), buf_text(&text));
        abort();
    }
    buf_release(&text);
}

/* Canonical text is a fixed point of reading and writing. (JS1) */
static void check_text(const struct buf *text) {
    struct err   err = {.text = ""};
    struct json *again = json_parse(buf_str(text), &json_caps_answer, &err);

    must(again != NULL, "what was written cannot be read", &err);
    must_equal(text, again, "read again");
    json_release(again);
}

/* (MA1) */
static void check_crossing(const struct json *value, const struct buf *text) {
    struct crossing crossing = {value, NULL, {.text = ""}};
    struct err      err = {.text = ""};

    must(vm_enter(vm, cross, &crossing, &err), "crossing", &err);
    must(crossing.out != NULL, "leaving Lua", &crossing.err);
    must_equal(text, crossing.out, "through Lua");
    if (!json_same(value, crossing.out)) {
        (void)fprintf(stderr, "not the same: %s\n", buf_text(text));
        abort();
    }
    json_release(crossing.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str   input = {(const char *)data, size};
    struct buf   text = BUF_EMPTY;
    struct err   err = {.text = ""};
    struct json *value;

    if (!vm)
        open_vm();
    value = json_parse(input, &caps, &err);
    if (!value)
        return 0;
    json_write(value, &text);
    check_text(&text);
    check_crossing(value, &text);
    json_release(value);
    buf_release(&text);
    return 0;
}
