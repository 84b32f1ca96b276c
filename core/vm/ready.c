/* ready.c - one shelf for each use, its free VMs in a list. */
#include "vm/ready.h"

#include "base/mem.h"

struct shelf {
    struct shelf    *next;
    struct ready_use use;
    size_t           kept; /* on the shelf or in somebody's hands */
    size_t           count;
    struct vm       *free[READY_OF_SCRIPT];
};

struct ready {
    struct shelf *shelves;
    size_t        kept;
};

struct ready *ready_open(void) {
    return mem_new(sizeof(struct ready));
}

void ready_close(struct ready *ready) {
    struct shelf *shelf = ready ? ready->shelves : NULL;

    while (shelf) {
        struct shelf *next = shelf->next;

        while (shelf->count > 0)
            vm_close(shelf->free[--shelf->count]);
        mem_free(shelf);
        shelf = next;
    }
    mem_free(ready);
}

static bool is_same(const struct ready_use *a, const struct ready_use *b) {
    const struct vm_limits *x = &a->limits, *y = &b->limits;

    return a->script == b->script && a->ctx == b->ctx &&
           x->memory == y->memory && x->instructions == y->instructions &&
           x->cpu_ms == y->cpu_ms && x->slice == y->slice;
}

static struct shelf *shelf_of(struct ready           *ready,
                              const struct ready_use *use) {
    struct shelf *shelf = ready->shelves;

    while (shelf && !is_same(&shelf->use, use))
        shelf = shelf->next;
    if (shelf)
        return shelf;
    shelf = mem_new(sizeof *shelf);
    shelf->use = *use;
    shelf->next = ready->shelves;
    ready->shelves = shelf;
    return shelf;
}

struct vm *ready_take(struct ready *ready, const struct ready_use *use) {
    struct shelf *shelf = shelf_of(ready, use);

    return shelf->count > 0 ? shelf->free[--shelf->count] : NULL;
}

/* (RY2) */
void ready_keep(struct ready *ready, const struct ready_use *use,
                struct vm *vm) {
    struct shelf *shelf = shelf_of(ready, use);

    if (shelf->kept == READY_OF_SCRIPT || ready->kept == READY_OF_ALL ||
        !vm_keep(vm))
        return;
    shelf->kept++;
    ready->kept++;
}

/* One that struck a limit is thrown away, picture and all. (RY1) */
void ready_give(struct ready *ready, const struct ready_use *use,
                struct vm *vm) {
    struct shelf *shelf = shelf_of(ready, use);
    bool          kept = vm && vm_kept(vm);

    if (!kept || vm_killed(vm)) {
        shelf->kept -= kept;
        ready->kept -= kept;
        vm_close(vm);
        return;
    }
    vm_renew(vm);
    shelf->free[shelf->count++] = vm;
}
