/*
 * The pictures of tests/data/images and what must come out of them.
 */
#ifndef ALX_TESTS_SUPPORT_PICTURES_H
#define ALX_TESTS_SUPPORT_PICTURES_H

#include <alexnet_cl/image.h>

/* The path of a file in the folder. Borrowed: good until the next call. */
const char *test_picture_path(const char *name);
/* Its bytes; free(). */
uint8_t *test_picture_read(const char *name, size_t *bytes);
/* The pixels of NAME.rgb; alx_image_free(). */
struct alx_image test_picture_expected(const char *name);

/* The largest difference of two samples; fails when the sizes differ. */
int test_picture_difference(const struct alx_image *a, const struct alx_image *b);

/* Turns one to four bits over; mostly a PNG's checksums are made right again, so that what is
 * behind them is reached. */
void test_picture_damage(uint8_t *data, size_t bytes, uint64_t *random);

/* A picture of each kind that is read, and by how much a sample may differ from what is expected:
 * JPEG decoders round differently, and spread the colours of coarser grids differently. */
struct test_picture {
    const char *name;
    int most_difference;
};
extern const struct test_picture test_pictures[];
extern const size_t test_picture_count;

#endif
