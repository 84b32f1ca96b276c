/* test_secret.c - values by name, and nothing of them left behind.
 *
 * That the bytes are gone is looked up in the memory of the process itself.
 * The secret is computed and never written down, so that only a copy that the
 * table made can be found.
 */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "secret/secret.h"

#define LENGTH 96
#define REGION_MAX ((size_t)64 << 20)

Test(secret, gives_by_name_and_replaces) {
    struct secrets *secrets = secret_open();

    secret_put(secrets, "A", STR("first"));
    secret_put(secrets, "B", STR("b\0b"));
    secret_put(secrets, "A", STR("second"));
    secret_put(secrets, "C", STR(""));
    cr_expect_eq(secret_count(secrets), 2);
    cr_expect(str_is(secret_find(secrets, "A"), "second"));
    cr_expect_eq(secret_find(secrets, "B").len, 3);
    cr_expect_eq(secret_find(secrets, "C").len, 0);
    cr_expect_eq(secret_find(secrets, "D").len, 0);
    cr_expect(str_is(secret_at(secrets, 0), "second"));
    secret_close(secrets);
    secret_close(NULL);
}

static char secret_byte(size_t at) {
    return (char)('!' + (at * 37 + at / 5) % 90);
}

/* The allocator writes over the first bytes of what it takes back. */
static bool is_here(const char *bytes) {
    for (size_t i = LENGTH / 2; i < LENGTH; i++)
        if (bytes[i - LENGTH / 2] != secret_byte(i))
            return false;
    return true;
}

static int count_in(int memory, size_t from, size_t to) {
    static char chunk[1 << 16];
    int         count = 0;
    ssize_t     got;

    for (size_t at = from; at + LENGTH < to; at += sizeof chunk - LENGTH) {
        size_t size = to - at < sizeof chunk ? to - at : sizeof chunk;

        got = pread(memory, chunk, size, (off_t)at);
        for (ssize_t i = 0; i + LENGTH / 2 <= got; i++)
            count += is_here(chunk + i);
        mem_wipe(chunk, sizeof chunk);
    }
    return count;
}

/* How often the secret lies in what this process may write to. */
static int copies_in_memory(void) {
    FILE         *maps = fopen("/proc/self/maps", "r");
    int           memory = open("/proc/self/mem", O_RDONLY), count = 0;
    unsigned long from, to;
    char          rights[8], line[512];

    cr_assert(maps && memory >= 0);
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 &&
            strncmp(rights, "rw", 2) == 0 && to - from <= REGION_MAX)
            count += count_in(memory, from, to);
    (void)fclose(maps);
    (void)close(memory);
    return count;
}

static void put_secret(struct secrets *secrets) {
    char value[LENGTH];

    for (size_t i = 0; i < LENGTH; i++)
        value[i] = secret_byte(i);
    secret_put(secrets, "TOKEN", (struct str){value, LENGTH});
    mem_wipe(value, sizeof value);
}

Test(secret, SE1_closing_leaves_no_copy_in_memory) {
    struct secrets *secrets = secret_open();

    put_secret(secrets);
    cr_expect_eq(copies_in_memory(), 1);
    secret_close(secrets);
    cr_expect_eq(copies_in_memory(), 0);
}

Test(secret, SE1_replacing_leaves_no_copy_in_memory) {
    struct secrets *secrets = secret_open();

    put_secret(secrets);
    cr_expect_eq(copies_in_memory(), 1);
    secret_put(secrets, "TOKEN", STR("another"));
    cr_expect_eq(copies_in_memory(), 0);
    secret_close(secrets);
}

Test(secret, SE2_merging_brings_every_value_and_drops_no_name) {
    struct secrets *table = secret_open(), *other = secret_open();

    secret_put(table, "STAYS", STR("here before"));
    secret_put(table, "TURNS", STR("the old one"));
    secret_put(other, "TURNS", STR("the new one"));
    cr_expect_not(secret_has_all(table, other));
    secret_put(other, "COMES", STR("new as well"));
    secret_merge(table, other);
    cr_expect(str_is(secret_find(table, "STAYS"), "here before"));
    cr_expect(str_is(secret_find(table, "TURNS"), "the new one"));
    cr_expect(str_is(secret_find(table, "COMES"), "new as well"));
    cr_expect(secret_count(other) == 0 && secret_has_all(table, other));
    secret_close(other);
    secret_close(table);
}
