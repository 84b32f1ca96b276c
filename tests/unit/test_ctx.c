/* test_ctx.c - see below; being written. */
