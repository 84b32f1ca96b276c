/* mem.c - thin on purpose: the C library's allocator is good enough. */
#define BASE_MEM_OWNER /* lifts the ban on malloc and free, here only */
#include "base/mem.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void *must(void *got) {
    if (!got) {
        (void)fputs("nightshift: out of memory\n", stderr);
        abort();
    }
    return got;
}

void *mem_new(size_t size) {
    return must(calloc(1, size ? size : 1));
}

void *mem_resize(void *old, size_t size) {
    return must(realloc(old, size ? size : 1));
}

void *mem_try_resize(void *old, size_t size) {
    return realloc(old, size);
}

char *mem_text(const char *text, size_t len) {
    char *copy = mem_new(len + 1);

    if (len)
        memcpy(copy, text, len);
    return copy;
}

void mem_free(void *old) {
    free(old);
}

void *mem_pages(size_t size) {
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return must(pages == MAP_FAILED ? NULL : pages);
}

void mem_pages_free(void *pages, size_t size) {
    (void)munmap(pages, size);
}

void mem_trim(void) {
    (void)malloc_trim(0);
}

void mem_wipe(void *secret, size_t size) {
    if (secret)
        explicit_bzero(secret, size);
}
