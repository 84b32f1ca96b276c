/* store_memory.c - records in a skip list.
 *
 * A skip list and not a tree: it is in the order of keys by itself, a scan is
 * a walk along the lowest level, and nothing is ever rebalanced. A batch is
 * applied write by write; what each replaced is kept until the last has held,
 * and put back in reverse order when one does not. (ST1)
 *
 * There is nothing to lose in a crash and no disk to fail, so a group is
 * nothing, and ST3 and ST4 hold by themselves.
 */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "store/store.h"
#include "store/store_private.h"

#define LEVELS 16 /* of a quarter each: good for 4^16 records */

/* The key's bytes lie behind the last of the `next` pointers. */
struct node {
    struct str   key, value; /* owns value */
    int64_t      version;
    bool         stream;
    struct node *next[];
};

/* A head without a key, and the state of the generator of heights. */
struct list {
    struct node *head[LEVELS];
    uint64_t     seed;
    int          height;
};

struct memory {
    struct store store;
    struct list  records, blobs;
};

/* The links that point past a key, one for each level. */
struct place {
    struct node **link[LEVELS];
};

/* --- the list ---------------------------------------------------------- */

/* The first node whose key is not less than `key`, or NULL. A node met at one
 * level is not compared again one level below. */
static struct node *seek(struct list *list, struct str key,
                         struct place *place) {
    struct node **row = list->head, *met = NULL;

    for (int level = list->height - 1; level >= 0; level--) {
        while (row[level] && row[level] != met &&
               str_compare(row[level]->key, key) < 0)
            row = row[level]->next;
        met = row[level];
        if (place)
            place->link[level] = &row[level];
    }
    return met;
}

static struct node *find(struct list *list, struct str key,
                         struct place *place) {
    struct node *node = seek(list, key, place);

    return node && str_equal(node->key, key) ? node : NULL;
}

/* xorshift64: heights need no secrecy, and the same calls give the same
 * list. */
static int height_draw(struct list *list) {
    int height = 1;

    list->seed ^= list->seed << 13;
    list->seed ^= list->seed >> 7;
    list->seed ^= list->seed << 17;
    for (uint64_t bits = list->seed >> 20; (bits & 3) == 0 && height < LEVELS;
         bits >>= 2)
        height++;
    return height;
}

static struct str copy(struct str text) {
    return (struct str){mem_text(text.data, text.len), text.len};
}

static void bytes_release(struct str bytes) {
    mem_free((void *)bytes.data);
}

static struct node *add(struct list *list, struct str key,
                        struct place *place) {
    int          height = height_draw(list);
    size_t       links = (size_t)height * sizeof(struct node *);
    struct node *node = mem_new(sizeof *node + links + key.len);

    memcpy((char *)node + sizeof *node + links, key.data, key.len);
    node->key = (struct str){(char *)node + sizeof *node + links, key.len};
    while (list->height < height) {
        place->link[list->height] = &list->head[list->height];
        list->height++;
    }
    for (int level = 0; level < height; level++) {
        node->next[level] = *place->link[level];
        *place->link[level] = node;
    }
    return node;
}

static void node_release(struct node *node) {
    bytes_release(node->value);
    mem_free(node);
}

/* Takes the node out and gives it. */
static struct node *cut(struct list *list, struct str key) {
    struct place place;
    struct node *node = find(list, key, &place);

    assert(node);
    for (int level = 0; level < list->height && *place.link[level] == node;
         level++)
        *place.link[level] = node->next[level];
    return node;
}

static void list_release(struct list *list) {
    struct node *node = list->head[0];

    while (node) {
        struct node *next = node->next[0];

        node_release(node);
        node = next;
    }
}

/* --- a batch ----------------------------------------------------------- */

/* What a write replaced. No pointer to a node: a later write of the batch may
 * have dropped it. But what a cut took out is nobody else's any more. */
struct undo {
    struct str   before;
    int64_t      version; /* 0: there was nothing */
    struct node *gone;    /* joined by their first links */
};

static struct store_found found_at(const struct node *node) {
    if (!node)
        return (struct store_found){0};
    return (struct store_found){true, node->stream, node->version};
}

static void put_entry(struct memory *memory, const struct store_write *write) {
    struct buf   key = BUF_EMPTY;
    struct place place;
    struct node *entry;

    store_entry_key(&key, write->key, write->expected + 1);
    entry = seek(&memory->records, buf_str(&key), &place);
    assert(!entry || !str_equal(entry->key, buf_str(&key)));
    entry = add(&memory->records, buf_str(&key), &place);
    entry->value = copy(write->value);
    entry->version = 1;
    buf_release(&key);
}

static void drop(struct memory *memory, struct str key) {
    node_release(cut(&memory->records, key));
}

static void drop_entry(struct memory *memory, const struct store_write *write) {
    struct buf key = BUF_EMPTY;

    store_entry_key(&key, write->key, write->expected + 1);
    drop(memory, buf_str(&key));
    buf_release(&key);
}

static void take_out(struct list *list, struct str key, struct undo *undo) {
    struct node *node = cut(list, key);

    node->next[0] = undo->gone;
    undo->gone = node;
}

static void cut_entries(struct memory *memory, const struct store_write *write,
                        struct undo *undo) {
    struct buf key = BUF_EMPTY;

    for (int64_t n = write->expected; n > store_cut_to(write); n--) {
        buf_clear(&key);
        store_entry_key(&key, write->key, n);
        take_out(&memory->records, buf_str(&key), undo);
    }
    buf_release(&key);
}

/* Of a stream, its last entries; of a blob, the blob. */
static bool shrink(struct memory *memory, const struct store_write *write,
                   struct undo *undo, struct err *err) {
    bool         blob = write->kind == STORE_DROP;
    struct list *list = blob ? &memory->blobs : &memory->records;
    struct node *node = find(list, write->key, NULL);

    *undo = (struct undo){.version = node ? node->version : 0};
    if (blob) {
        if (node)
            take_out(list, write->key, undo);
        return true;
    }
    if (!store_expect(write, found_at(node), err))
        return false;
    cut_entries(memory, write, undo);
    if (store_cut_to(write))
        node->version = store_cut_to(write);
    else
        take_out(list, write->key, undo);
    return true;
}

/* In a new node each: how high the old ones were is not kept. */
static void bring_back(struct memory *memory, const struct store_write *write,
                       struct undo *undo) {
    struct list *list =
        write->kind == STORE_DROP ? &memory->blobs : &memory->records;
    struct place place;

    while (undo->gone) {
        struct node *old = undo->gone, *node;

        (void)seek(list, old->key, &place);
        node = add(list, old->key, &place);
        node->value = old->value;
        node->version = old->version;
        node->stream = old->stream;
        undo->gone = old->next[0];
        mem_free(old);
    }
    if (write->kind == STORE_CUT)
        find(list, write->key, NULL)->version = undo->version;
}

static void gone_release(struct undo *undo) {
    while (undo->gone) {
        struct node *node = undo->gone;

        undo->gone = node->next[0];
        node_release(node);
    }
}

static bool put(struct memory *memory, const struct store_write *write,
                struct undo *undo, struct err *err) {
    struct place       place;
    struct node       *node = find(&memory->records, write->key, &place);
    struct store_found found = found_at(node);

    if (!store_expect(write, found, err))
        return false;
    *undo = (struct undo){.version = found.version};
    if (!node)
        node = add(&memory->records, write->key, &place);
    undo->before = node->value;
    node->value = (struct str){NULL, 0};
    if (write->kind == STORE_REMOVE) {
        drop(memory, write->key);
        return true;
    }
    node->version++;
    node->stream = write->kind == STORE_APPEND;
    if (node->stream)
        put_entry(memory, write);
    else
        node->value = copy(write->value);
    return true;
}

static void take_back(struct memory *memory, const struct store_write *write,
                      struct undo *undo) {
    struct place place;
    struct node *node;

    if (write->kind == STORE_CUT || write->kind == STORE_DROP) {
        bring_back(memory, write, undo);
        return;
    }
    if (write->kind == STORE_APPEND)
        drop_entry(memory, write);
    if (undo->version == 0) {
        drop(memory, write->key);
        return;
    }
    node = find(&memory->records, write->key, &place);
    if (!node)
        node = add(&memory->records, write->key, &place);
    bytes_release(node->value);
    node->value = undo->before;
    node->version = undo->version;
}

static bool is_less(const struct store_write *write) {
    return write->kind == STORE_CUT || write->kind == STORE_DROP;
}

static bool apply(struct store *store, const struct store_write *writes,
                  size_t count, struct err *err) {
    struct memory *memory = (struct memory *)store;
    struct undo    undo[STORE_BATCH_MAX];
    size_t         done = 0;

    while (done < count &&
           (is_less(&writes[done])
                ? shrink(memory, &writes[done], &undo[done], err)
                : put(memory, &writes[done], &undo[done], err)))
        done++;
    if (done == count) {
        for (size_t i = 0; i < count; i++) {
            bytes_release(undo[i].before);
            gone_release(&undo[i]);
        }
        return true;
    }
    while (done-- > 0)
        take_back(memory, &writes[done], &undo[done]);
    return false;
}

/* --- reading, blobs, groups -------------------------------------------- */

static bool get(struct store *store, struct str key, struct buf *value,
                struct store_found *found, struct err *err) {
    struct node *node = find(&((struct memory *)store)->records, key, NULL);

    (void)err;
    *found = found_at(node);
    if (node && value)
        buf_add_str(value, node->value);
    return true;
}

static bool scan(struct store *store, struct str prefix, struct str after,
                 store_scan_fn *each, void *arg, struct err *err) {
    struct list *list = &((struct memory *)store)->records;
    bool         past = str_compare(after, prefix) >= 0;
    struct node *node = seek(list, past ? after : prefix, NULL);

    (void)err;
    if (past && node && str_equal(node->key, after))
        node = node->next[0];
    for (; node; node = node->next[0]) {
        struct str start = {node->key.data, prefix.len};

        if (node->key.len < prefix.len || !str_equal(start, prefix))
            break;
        if (!each(arg, node->key, node->version, node->value))
            break;
    }
    return true;
}

/* The last node that is less than key, or NULL. */
static struct node *last_before(struct list *list, struct str key) {
    struct node **row = list->head, *last = NULL;

    for (int level = list->height - 1; level >= 0; level--)
        while (row[level] && str_compare(row[level]->key, key) < 0) {
            last = row[level];
            row = last->next;
        }
    return last;
}

/* There are no links backwards, so each step is a search. */
static bool scan_back(struct store *store, struct str prefix, struct str before,
                      store_scan_fn *each, void *arg, struct err *err) {
    struct list *list = &((struct memory *)store)->records;
    struct buf   end = BUF_EMPTY;
    struct node *node;

    (void)err;
    buf_add_str(&end, prefix);
    buf_add_char(&end, '\xff'); /* behind all that begin with prefix */
    if (before.len == 0 || str_compare(buf_str(&end), before) < 0)
        before = buf_str(&end);
    for (node = last_before(list, before); node;
         node = last_before(list, node->key)) {
        struct str start = {node->key.data, prefix.len};

        if (node->key.len < prefix.len || !str_equal(start, prefix))
            break;
        if (!each(arg, node->key, node->version, node->value))
            break;
    }
    buf_release(&end);
    return true;
}

static bool size_of(struct store *store, struct store_size *size,
                    struct err *err) {
    (void)store;
    (void)size;
    (void)err;
    return true;
}

static bool blob_put(struct store *store, const char *hash, struct str bytes,
                     struct err *err) {
    struct list *blobs = &((struct memory *)store)->blobs;
    struct place place;

    (void)err;
    if (!find(blobs, str_of(hash), &place))
        add(blobs, str_of(hash), &place)->value = copy(bytes);
    return true;
}

static bool blob_get(struct store *store, const char *hash, struct buf *bytes,
                     bool *found, struct err *err) {
    struct node *node =
        find(&((struct memory *)store)->blobs, str_of(hash), NULL);

    (void)err;
    *found = node != NULL;
    if (node)
        buf_add_str(bytes, node->value);
    return true;
}

static bool group(struct store *store, struct err *err) {
    (void)store;
    (void)err;
    return true;
}

static void close_memory(struct store *store) {
    struct memory *memory = (struct memory *)store;

    list_release(&memory->records);
    list_release(&memory->blobs);
    mem_free(memory);
}

static const struct store_ops ops = {.apply = apply,
                                     .get = get,
                                     .scan = scan,
                                     .scan_back = scan_back,
                                     .blob_put = blob_put,
                                     .blob_get = blob_get,
                                     .size = size_of,
                                     .group_begin = group,
                                     .group_commit = group,
                                     .close = close_memory};

struct store *store_memory_open(void) {
    struct memory     *memory = mem_new(sizeof *memory);
    struct store_write schema = {
        .kind = STORE_INSERT, .key = STR(STORE_SCHEMA_KEY), .value = STR("1")};
    struct undo undo;
    struct err  err;
    bool        ok;

    _Static_assert(STORE_SCHEMA == 1, "the value above is the schema");
    memory->store.ops = &ops;
    memory->records.seed = memory->blobs.seed = 0x9e3779b97f4a7c15;
    ok = put(memory, &schema, &undo, &err);
    assert(ok);
    (void)ok;
    return &memory->store;
}
