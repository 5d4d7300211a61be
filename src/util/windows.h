/*
 * Functions of POSIX that Windows lacks (src/util/windows.c). Elsewhere the system's own are used.
 */
#ifndef ALX_UTIL_WINDOWS_H
#define ALX_UTIL_WINDOWS_H

#ifdef _WIN32
#include <dirent.h>
#include <wchar.h>

char *strsep(char **rest, const char *separators);
int setenv(const char *name, const char *value, int overwrite);
int scandir(const char *folder, struct dirent ***entries, int (*wanted)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **));
int alphasort(const struct dirent **a, const struct dirent **b);
/* One column for each character that is shown. */
int wcwidth(wchar_t c);
#endif

#endif
