#include "support/devices.h"

#include <stdio.h>

#include "support/test.h"

bool test_small(const alx_device *device)
{
    const struct alx_device_info *info = alx_device_get_info(device);
    return info->simulator || info->software;
}

void test_each_device(const struct alx_device_options *options, void (*run)(alx_device *device))
{
    alx_devices *devices = NULL;
    size_t usable = 0;
    assert_ok(alx_devices_create(&devices));
    for (size_t i = 0; i < alx_devices_count(devices); i++) {
        const struct alx_device_info *info = alx_devices_info(devices, i);
        alx_device *device = NULL;
        if (!info->usable)
            continue;
        printf("on %s: %s\n", info->platform, info->name);
        fflush(stdout);
        assert_ok(alx_device_open(devices, i, options, &device));
        run(device);
        alx_device_close(&device);
        usable++;
    }
    assert_true(usable > 0);
    alx_devices_destroy(&devices);
}
