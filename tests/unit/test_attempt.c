/* test_attempt.c - see below; being written. */
