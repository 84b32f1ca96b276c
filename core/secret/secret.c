/* secret.c - a short list; every way out of it goes through mem_wipe(). */
#include "secret/secret.h"

#include <string.h>

#include "base/mem.h"

struct secrets {
    struct entry {
        char  *name, *value;
        size_t len;
    } * entries;
    size_t count;
};

struct secrets *secret_open(void) {
    return mem_new(sizeof(struct secrets));
}

/* (SE1) */
static void wipe(struct entry *entry) {
    mem_wipe(entry->value, entry->len);
    mem_free(entry->value);
    entry->value = NULL;
}

void secret_close(struct secrets *secrets) {
    if (!secrets)
        return;
    for (size_t i = 0; i < secrets->count; i++) {
        wipe(&secrets->entries[i]);
        mem_free(secrets->entries[i].name);
    }
    mem_free(secrets->entries);
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
