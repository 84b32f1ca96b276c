/* test_ready.c - VMs that wait for their next attempt are few, and one's alone.
 */
#include "scripted.h"

#include "vm/ready.h"

static struct vm *made(struct ready *ready, const struct ready_use *use) {
    struct vm *vm = vm_open(&use->limits, &scripted_clock);

    cr_assert(vm);
    ready_keep(ready, use, vm);
    return vm;
}

Test(ready, RY1_one_is_given_once_and_only_for_its_use) {
    struct ready    *ready = ready_open();
    struct ready_use use = {NULL, true, scripted_limits}, other = use;
    struct vm       *vm = made(ready, &use);

    other.ctx = false;
    cr_assert_null(ready_take(ready, &use));
    ready_give(ready, &use, vm);
    cr_assert_null(ready_take(ready, &other));
    cr_assert_eq(ready_take(ready, &use), vm);
    cr_assert_null(ready_take(ready, &use));
    ready_give(ready, &use, vm);
    ready_close(ready);
}

Test(ready, RY2_no_more_are_kept_than_the_room_allows) {
    struct ready    *ready = ready_open();
    struct ready_use use = {NULL, true, scripted_limits};
    struct vm       *vms[READY_OF_SCRIPT + 1];

    for (int i = 0; i <= READY_OF_SCRIPT; i++)
        vms[i] = made(ready, &use);
    cr_assert(vm_kept(vms[READY_OF_SCRIPT - 1]));
    cr_assert_not(vm_kept(vms[READY_OF_SCRIPT]));
    for (int i = 0; i <= READY_OF_SCRIPT; i++)
        ready_give(ready, &use, vms[i]);
    for (int i = 0; i < READY_OF_SCRIPT; i++)
        vms[i] = ready_take(ready, &use);
    cr_assert(vms[READY_OF_SCRIPT - 1]);
    cr_assert_null(ready_take(ready, &use));
    for (int i = 0; i < READY_OF_SCRIPT; i++)
        ready_give(ready, &use, vms[i]);
    ready_close(ready);
}

Test(ready, RY2_many_scripts_share_one_bound) {
    struct ready    *ready = ready_open();
    struct ready_use use = {NULL, true, scripted_limits};
    int              kept = 0;

    for (int i = 0; i < READY_OF_ALL + 10; i++) {
        struct vm *vm;

        use.limits.instructions = 1000 + i;
        vm = made(ready, &use);
        kept += vm_kept(vm);
        ready_give(ready, &use, vm);
    }
    cr_assert_eq(kept, READY_OF_ALL);
    ready_close(ready);
}
