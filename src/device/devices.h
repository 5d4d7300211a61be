/*
 * The list of devices, and choosing from it: functions of properties alone, so that tests can feed
 * made-up devices.
 */
#ifndef ALX_DEVICE_DEVICES_H
#define ALX_DEVICE_DEVICES_H

#include <CL/cl.h>
#include <alexnet_cl/device.h>

/* --- devices.c: what devices say of themselves --- */

/* clGetDeviceInfo(), or a test's. */
typedef cl_int CL_API_CALL alx_device_query(cl_device_id, cl_device_info, size_t, void *, size_t *);

/* Fills what the device itself can tell: everything but the platform, the numbers and `is_default`.
 */
void alx_device_describe(alx_device_query *query, cl_device_id id, struct alx_device_info *info);

/* The string property `parameter`, cleaned, without spaces around it; "" when the query fails.
 * Owned by the caller; NULL without memory. */
char *alx_device_text(alx_device_query *query, cl_device_id id, cl_device_info parameter);

/* The same of a platform. */
char *alx_platform_text(cl_platform_id id, cl_platform_info parameter);

/* bus.c: where a device sits, e.g. "0000:01:00.0", by whichever of its extensions tells; otherwise
 * `out` stays as it is. `words` are the extensions, among which `has_extension` looks. */
void alx_device_place(alx_device_query *query, cl_device_id id,
                      bool (*has_extension)(const char *words, const char *word), const char *words,
                      char *out, size_t out_bytes);

/* Handles that belong to entry `index` of the list. */
cl_platform_id alx_devices_platform(const alx_devices *devices, size_t index);
cl_device_id alx_devices_id(const alx_devices *devices, size_t index);

/* --- find.c --- */

/* The index of the default device, or `count` when none may be taken unasked. */
size_t alx_find_default(const struct alx_device_info *infos, size_t count);

/* alx_devices_find() and alx_devices_find_all() over any array. */
enum alx_status alx_find_one(const struct alx_device_info *infos, size_t count, const char *spec,
                             size_t *index);
enum alx_status alx_find_all(const struct alx_device_info *infos, size_t count, const char *spec,
                             size_t *indices, size_t capacity, size_t *found);

#endif
