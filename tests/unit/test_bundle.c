/* test_bundle.c - see below; being written. */
