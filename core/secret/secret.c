/* secret.c - a short list; every way out of it goes through mem_wipe(). */
#include "secret/secret.h"

#include <string.h>

#include "base/mem.h"
#include "sys/crypto.h"

struct secrets {
    struct entry {
        char  *name, *value;
        size_t len;
    } * entries;
    size_t count, holders;
};

struct secrets *secret_open(void) {
    struct secrets *secrets = mem_new(sizeof *secrets);

    secrets->holders = 1;
    return secrets;
}

struct secrets *secret_retain(struct secrets *secrets) {
    secrets->holders++;
    return secrets;
}

/* (SE1) */
static void wipe(struct entry *entry) {
    mem_wipe(entry->value, entry->len);
    mem_free(entry->value);
    entry->value = NULL;
}

static void forget(struct secrets *secrets) {
    for (size_t i = 0; i < secrets->count; i++) {
        wipe(&secrets->entries[i]);
        mem_free(secrets->entries[i].name);
    }
    mem_free(secrets->entries);
    secrets->entries = NULL;
    secrets->count = 0;
}

void secret_close(struct secrets *secrets) {
    if (!secrets || --secrets->holders > 0)
        return;
    forget(secrets);
    mem_free(secrets);
}

static struct entry *entry_for(const struct secrets *secrets,
                               const char           *name) {
    for (size_t i = 0; i < secrets->count; i++)
        if (strcmp(secrets->entries[i].name, name) == 0)
            return &secrets->entries[i];
    return NULL;
}

void secret_put(struct secrets *secrets, const char *name, struct str value) {
    struct entry *entry = entry_for(secrets, name);

    if (value.len == 0)
        return;
    if (!entry) {
        secrets->entries = mem_resize(
            secrets->entries, (secrets->count + 1) * sizeof *secrets->entries);
        entry = &secrets->entries[secrets->count++];
        entry->name = mem_text(name, strlen(name));
    } else {
        wipe(entry);
    }
    entry->value = mem_text(value.data, value.len);
    entry->len = value.len;
}

struct str secret_find(const struct secrets *secrets, const char *name) {
    const struct entry *entry = entry_for(secrets, name);

    return entry ? (struct str){entry->value, entry->len} : STR("");
}

size_t secret_count(const struct secrets *secrets) {
    return secrets->count;
}

struct str secret_at(const struct secrets *secrets, size_t index) {
    return (struct str){secrets->entries[index].value,
                        secrets->entries[index].len};
}

bool secret_has_all(const struct secrets *secrets,
                    const struct secrets *other) {
    for (size_t i = 0; i < other->count; i++)
        if (!crypto_equal(secret_find(secrets, other->entries[i].name),
                          secret_at(other, i)))
            return false;
    return true;
}

/* (SE2) */
void secret_merge(struct secrets *secrets, struct secrets *other) {
    for (size_t i = 0; i < other->count; i++)
        secret_put(secrets, other->entries[i].name, secret_at(other, i));
    forget(other);
}
