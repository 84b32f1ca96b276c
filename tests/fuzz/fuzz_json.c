/* fuzz_json.c - being written. */
