/* test_settings.c - see below; being written. */
