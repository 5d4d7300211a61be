/* Mean images: Caffe's and NumPy's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "support/golden.h"
#include "support/proto.h"
#include "support/test.h"

static void goldens_are_read(void **state)
{
    (void)state;
    static const char *const files[] = {"caffe/mean.binaryproto", "caffe/mean.npy",
                                        "caffe/mean_double.npy"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct alx_mean_image image = {0};
        assert_ok(alx_mean_image_load(test_golden_path(files[i]), &image));
        assert_true(image.channels == 3 && image.height == 6 && image.width == 5);
        for (size_t j = 0; j < 90; j++)
            assert_true(image.values[j] == (float)j / 2);
        alx_mean_image_free(&image);
        assert_null(image.values);
    }
    struct alx_mean_image image = {0};
    assert_fails(alx_mean_image_load(test_golden_path("caffe/nothing"), &image),
                 ALX_STATUS_FILE_NOT_FOUND, "nothing");
}

static void refuse(const void *data, size_t bytes, const char *part)
{
    struct alx_mean_image image = {0};
    uint8_t *copy = malloc(bytes ? bytes : 1);
    assert_non_null(copy);
    memcpy(copy, data, bytes);
    enum alx_status status = alx_mean_image_read(copy, bytes, &image);
    if (status != ALX_STATUS_MODEL || !strstr(alx_error_message(), part))
        fail_msg("%s: %s: %s", part, alx_status_name(status), alx_error_message());
    assert_null(image.values);
    free(copy);
}

static void bad_blobs_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *file, *part;
    } bad[] = {
        {"", "its shape is []"},
        {"5*1", "its shape is []"},
        {"1=1 2=3 3=2 4=2", "but there are 0 bytes"},
        {"1=1 2=3 3=2 4=2 5*11", "but there are 44 bytes"},
        {"1=1 2=2 3=2 4=2 5*8", "its shape is [1, 2, 2, 2]"},
        {"1=2 2=3 3=1 4=1 5*6", "its shape is [2, 3, 1, 1]"},
        {"7{1=3 1=4} 5*12", "its shape is [3, 4]"},
        {"7{1=1 1=5000 1=1} 5*5000", "its shape is [1, 5000, 1]"},
        {"7{1=3 1=0 1=1}", "its shape is [3, 0, 1]"},
        {"1=1 2=3 3=2 4=-2 5*11", "its shape is [1, 3, 2, 0]"},
        {"7{1=1 1=1 1=1} 5#0000807f", "value 0 of the mean image is NaN"},
        {"!ff", "not the beginning of a field"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t bytes;
        uint8_t *file = test_proto_make(bad[i].file, &bytes);
        refuse(file, bytes, bad[i].part);
        free(file);
    }
}

/* A file of version 1 with that header and so many bytes of values. */
static void refuse_npy(const char *header, size_t values, const char *part)
{
    char file[600] = "\x93NUMPY\x01";
    size_t length = strlen(header);
    file[8] = (char)length;
    memcpy(file + 10, header, length);
    refuse(file, 10 + length + values, part);
}

static void bad_arrays_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t values;
        const char *part;
    } bad[] = {
        {"{}  ", 0, "values other than"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (3, 1, 1), }", 12, "values other than"},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (3, 1, 1), }", 12, "values other than"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (3, 1, 1), }", 12, "C's order"},
        {"{'descr': '<f4', 'shape': (3, 1, 1), }", 12, "C's order"},
        {"{'descr': '<f4', 'fortran_order': False, }", 12, "without a proper shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': 3, }", 12, "without a proper shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1, 1", 12,
         "without a proper shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, -1, 1), }", 12, "proper shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 99999, 1), }", 12, "proper shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 4, "proper"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 12, "its shape is [3]"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1, 1), }", 8, "its shape is [2"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1, 1), }", 11,
         "11 bytes of values"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1, 1), }", 13,
         "13 bytes of values"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (3, 1, 1), }", 12,
         "12 bytes of values"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse_npy(bad[i].header, bad[i].values, bad[i].part);
    refuse("\x93NUMPY\x01", 7, "cut off");
    refuse("\x93NUMPY\x01\0\xff\xff{}", 12, "is too long");
    refuse("\x93NUMPY\x02\0\xff\xff\xff\xff", 12, "is too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goldens_are_read),
        cmocka_unit_test(bad_blobs_are_refused),
        cmocka_unit_test(bad_arrays_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
