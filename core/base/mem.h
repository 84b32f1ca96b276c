/* mem.h - the one place that calls malloc.
 *
 * Out of memory aborts: everything from outside is capped before it is
 * allocated, the journal makes a restart safe, and a daemon that pretends to
 * survive a failed malloc only fails later and stranger. The Lua allocator is
 * the exception and calls mem_try_resize(), since a script's limit is an
 * ordinary event.
 *
 * Lifetime: any. Thread: any.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_new(size_t size); /* zeroed, never NULL */
void *mem_resize(void *old, size_t size);
void *mem_try_resize(void *old, size_t size); /* NULL when there is none */
char *mem_text(const char *text, size_t len); /* a copy with a NUL behind it */
void  mem_free(void *old);                    /* NULL is fine */
/* Whole zeroed pages of their own, that go back to the system when freed. */
void *mem_pages(size_t size);
void  mem_pages_free(void *pages, size_t size);
/* Gives back to the system what is free, after a lot has been freed. */
void  mem_trim(void);
void  mem_wipe(void *secret, size_t size); /* zeroes; never optimised away */

#endif
