#include "util/windows.h"

#include <stdlib.h>
#include <string.h>

char *strsep(char **rest, const char *separators)
{
    char *part = *rest;
    if (!part)
        return NULL;
    char *end = part + strcspn(part, separators);
    *rest = *end ? end + 1 : NULL;
    *end = 0;
    return part;
}

int setenv(const char *name, const char *value, int overwrite)
{
    if (!overwrite && getenv(name))
        return 0;
    return _putenv_s(name, value) ? -1 : 0;
}

int alphasort(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Adds a copy; false when there is no memory for it. */
static int keep(struct dirent ***entries, int count, const struct dirent *entry)
{
    struct dirent **larger = realloc(*entries, (size_t)(count + 1) * sizeof *larger);
    if (!larger)
        return 0;
    *entries = larger;
    larger[count] = malloc(sizeof *entry);
    if (larger[count])
        memcpy(larger[count], entry, sizeof *entry);
    return larger[count] != NULL;
}

int scandir(const char *folder, struct dirent ***entries, int (*wanted)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **))
{
    int count = 0;
    struct dirent *entry;
    DIR *opened = opendir(folder);
    *entries = NULL;
    if (!opened)
        return -1;
    while ((entry = readdir(opened)))
        if ((!wanted || wanted(entry)) && keep(entries, count, entry))
            count++;
    closedir(opened);
    if (count)
        qsort(*entries, (size_t)count, sizeof **entries,
              (int (*)(const void *, const void *))(void (*)(void))compare);
    return count;
}

int wcwidth(wchar_t c)
{
    return c >= L' ' ? 1 : -1;
}
