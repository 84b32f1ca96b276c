/* test_config.c - see below; being written. */
