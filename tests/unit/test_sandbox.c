/* test_sandbox.c - see below; being written. */
