#include "device/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "device/program.h"
#include "util/error.h"
#include "util/text.h"

static const char note_name[] = "faults";

void alx_faults_load(alx_device *device)
{
    device->faults = alx_note_load(device, note_name);
}

const char *alx_device_faults(const alx_device *device)
{
    return device->faults ? device->faults : "";
}

/* Where the line stands, or NULL; `*bytes` is its length with its end. */
static const char *find_line(const char *faults, const char *layer, const char *algorithm,
                             const char *precision, size_t *bytes)
{
    char line[128];
    *bytes = (size_t)snprintf(line, sizeof line, "%s %s %s\n", layer, algorithm, precision);
    for (const char *at = faults; at && *bytes < sizeof line && *at;) {
        if (!strncmp(at, line, *bytes))
            return at;
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    return NULL;
}

bool alx_faults_name(const char *faults, const char *layer, const char *algorithm,
                     const char *precision)
{
    size_t bytes;
    return find_line(faults, layer, algorithm, precision, &bytes) != NULL;
}

enum alx_status alx_faults_set(alx_device *device, const char *layer, const char *algorithm,
                               const char *precision, bool wrong)
{
    struct alx_text text = {0};
    const char *faults = alx_device_faults(device);
    size_t bytes;
    const char *line = find_line(faults, layer, algorithm, precision, &bytes);
    if (wrong == (line != NULL))
        return ALX_STATUS_OK;
    if (wrong)
        alx_text_add(&text, "%s%s %s %s\n", faults, layer, algorithm, precision);
    else
        alx_text_add(&text, "%.*s%s", (int)(line - faults), faults, line + bytes);
    if (text.failed) {
        alx_text_free(&text);
        return alx_fail(ALX_STATUS_NO_MEMORY, "faults: no memory for another one");
    }
    free(device->faults);
    device->faults = text.data;
    alx_note_store(device, note_name, alx_device_faults(device));
    return ALX_STATUS_OK;
}
