/* banned.h - calls that do not compile, and what to use in their place.
 *
 * The Makefile includes this file in front of every C file. The C library's
 * own headers come first, so that their declarations are not hit; after them
 * a banned name is an undeclared identifier whose text says what to do.
 *
 * Lifetime: none. Thread: none.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define BANNED(name, instead) name##_is_banned_use_##instead

#undef strcpy
#define strcpy(a, b) BANNED(strcpy, buf_add)
#undef strcat
#define strcat(a, b) BANNED(strcat, buf_add)
#undef sprintf
#define sprintf(...) BANNED(sprintf, buf_addf)
#undef strtok
#define strtok(a, b) BANNED(strtok, str_cut)
#undef gets
#define gets(a) BANNED(gets, file_read)
#undef atoi
#define atoi(a) BANNED(atoi, str_to_int)
#undef gmtime
#define gmtime(a) BANNED(gmtime, timestamp_write)
#undef localtime
#define localtime(a) BANNED(localtime, timestamp_write)
#undef gettimeofday
#define gettimeofday(a, b) BANNED(gettimeofday, the_now_you_were_given)
#undef time
#define time(a) BANNED(time, the_now_you_were_given)
#undef system
#define system(a) BANNED(system, nothing)
#undef popen
#define popen(a, b) BANNED(popen, nothing)

/* Objects that call malloc themselves define BASE_MEM_OWNER on their first
 * line; base/mem.c is the only one. */
#endif
