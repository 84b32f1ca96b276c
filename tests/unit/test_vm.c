/* test_vm.c - see below; being written. */
