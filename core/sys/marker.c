/* marker.c - the first byte is written last and cleared first, so that a text
 * that is half there never counts. (MK1)
 */
#include "sys/marker.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

#define SIZE 64

struct marker {
    volatile char *page;
};

static bool failed(const char *path, int fd, struct err *err) {
    err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return false;
}

static bool map_file(struct marker *marker, const char *path, struct err *err) {
    int   fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    void *page;

    if (fd < 0 || ftruncate(fd, SIZE) != 0)
        return failed(path, fd, err);
    /* A hole would be a SIGBUS on a full disk. */
    errno = posix_fallocate(fd, 0, SIZE);
    if (errno != 0)
        return failed(path, fd, err);
    page = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        return failed(path, fd, err);
    (void)close(fd);
    marker->page = page;
    return true;
}

struct marker *marker_open(const char *path, struct buf *left,
                           struct err *err) {
    struct marker *marker = mem_new(sizeof *marker);

    if (!map_file(marker, path, err)) {
        mem_free(marker);
        return NULL;
    }
    for (size_t i = 0; i < SIZE - 1 && marker->page[i]; i++)
        buf_add_char(left, marker->page[i]);
    marker_clear(marker);
    return marker;
}

void marker_close(struct marker *marker) {
    if (!marker)
        return;
    (void)munmap((void *)marker->page, SIZE);
    mem_free(marker);
}

void marker_set(struct marker *marker, const char *what) {
    size_t len = strnlen(what, SIZE - 1);

    if (!marker || len == 0)
        return;
    marker->page[0] = '\0';
    for (size_t i = len; i > 0; i--)
        marker->page[i] = i == len ? '\0' : what[i];
    marker->page[0] = what[0];
}

void marker_clear(struct marker *marker) {
    if (marker)
        marker->page[0] = '\0';
}
