/* test_marshal.c - see below; being written. */
