/*
 * The devices that the loader shows, for tests that run on each of them.
 */
#ifndef ALX_TESTS_SUPPORT_DEVICES_H
#define ALX_TESTS_SUPPORT_DEVICES_H

#include <alexnet_cl/device.h>
#include <stdbool.h>

/* Calls `run` with every usable device, opened, and prints its name. Fails when there is none.
 * `options` may be NULL. */
void test_each_device(const struct alx_device_options *options, void (*run)(alx_device *device));

/* Whether only small shapes should be computed: on simulators, and on drivers for GPUs that run on
 * the CPU. */
bool test_small(const alx_device *device);

#endif
