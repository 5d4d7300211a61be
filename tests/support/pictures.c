#include "support/pictures.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"
#include "util/file.h"
#include "util/random.h"

const struct test_picture test_pictures[] = {
    {"rgb.png", 0},
    {"rgb_split.png", 0},
    {"rgb_interlaced.png", 0},
    {"one_pixel.png", 0},
    {"grey.png", 0},
    {"grey1.png", 0},
    {"grey2.png", 0},
    {"grey4.png", 0},
    {"grey1_interlaced.png", 0},
    {"grey2_interlaced.png", 0},
    {"grey4_interlaced.png", 0},
    {"grey_alpha.png", 0},
    {"rgba.png", 0},
    {"rgba_interlaced.png", 0},
    {"grey16.png", 0},
    {"rgb16.png", 0},
    {"grey_alpha16.png", 0},
    {"rgba16.png", 0},
    {"rgba16_interlaced.png", 0},
    {"palette.png", 0},
    {"palette1.png", 0},
    {"palette2.png", 0},
    {"palette4.png", 0},
    {"palette_alpha.png", 0},
    {"palette_beyond.png", 0},
    {"rgb_key.png", 0},
    {"grey_key.png", 0},
    {"rgb16_key.png", 0},
    {"orientation_1.png", 0},
    {"orientation_2.png", 0},
    {"orientation_3.png", 0},
    {"orientation_4.png", 0},
    {"orientation_5.png", 0},
    {"orientation_6.png", 0},
    {"orientation_7.png", 0},
    {"orientation_8.png", 0},
    {"rgb444.jpg", 2},
    {"rgb422.jpg", 22}, /* stb_image mixes up the last column's two neighbours */
    {"rgb420.jpg", 3},
    {"grey.jpg", 1},
    {"progressive.jpg", 3},
    {"progressive_grey.jpg", 1},
    {"restarts.jpg", 2},
    {"restarts_progressive.jpg", 3},
    {"optimised.jpg", 2},
    {"one_pixel.jpg", 0},
    {"noise.jpg", 1},
    {"noise_progressive.jpg", 1},
    {"cmyk.jpg", 1},
    {"cmyk_progressive.jpg", 1},
    {"cmyk_plain.jpg", 1},
    {"ycck.jpg", 1},
    {"orientation_1.jpg", 2},
    {"orientation_2.jpg", 2},
    {"orientation_3.jpg", 2},
    {"orientation_4.jpg", 2},
    {"orientation_5.jpg", 2},
    {"orientation_6.jpg", 2},
    {"orientation_7.jpg", 2},
    {"orientation_8.jpg", 2},
    {"rgb24.bmp", 0},
    {"top_down.bmp", 0},
    {"gap.bmp", 0},
    {"old.bmp", 0},
    {"v5.bmp", 0},
    {"rgb32.bmp", 0},
    {"rgba32.bmp", 0},
    {"rgba32_v3.bmp", 0},
    {"rgba32_unused.bmp", 0},
    {"rgb555.bmp", 0},
    {"rgb565.bmp", 0},
    {"palette1.bmp", 0},
    {"palette4.bmp", 0},
    {"palette8.bmp", 0},
    {"palette1_old.bmp", 0},
    {"palette4_old.bmp", 0},
    {"palette8_old.bmp", 0},
    {"palette_beyond.bmp", 0},
    {"rgb.ppm", 0},
    {"grey.pgm", 0},
    {"grey15.pgm", 0},
    {"rgb16.ppm", 0},
    {"grey1000.pgm", 0},
};
const size_t test_picture_count = sizeof test_pictures / sizeof *test_pictures;

const char *test_picture_path(const char *name)
{
    static char path[PATH_MAX];
    const char *folder = getenv("ALX_TEST_DATA");
    assert_non_null(folder);
    assert_true(snprintf(path, sizeof path, "%s/images/%s", folder, name) < (int)sizeof path);
    return path;
}

uint8_t *test_picture_read(const char *name, size_t *bytes)
{
    uint8_t *data = NULL;
    assert_ok(
        alx_file_read(test_picture_path(name), SIZE_MAX / 2, ALX_STATUS_INTERNAL, &data, bytes));
    return data;
}

struct alx_image test_picture_expected(const char *name)
{
    char file[NAME_MAX];
    size_t bytes = 0;
    struct alx_image image = {0};
    assert_true(snprintf(file, sizeof file, "%s.rgb", name) < (int)sizeof file);
    uint8_t *data = test_picture_read(file, &bytes);
    image.width = data[0] | (size_t)data[1] << 8;
    image.height = data[2] | (size_t)data[3] << 8;
    assert_int_equal(bytes, 4 + 3 * image.width * image.height);
    memmove(data, data + 4, bytes - 4);
    image.rgb = data;
    return image;
}

int test_picture_difference(const struct alx_image *a, const struct alx_image *b)
{
    int most = 0;
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    for (size_t i = 0; i < 3 * a->width * a->height; i++) {
        int difference = abs(a->rgb[i] - b->rgb[i]);
        most = difference > most ? difference : most;
    }
    return most;
}

static uint32_t checksum(const uint8_t *data, size_t bytes)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < 8 * bytes; i++) {
        uint32_t bit = (crc ^ (uint32_t)data[i / 8] >> i % 8) & 1;
        crc = crc >> 1 ^ (bit ? 0xedb88320u : 0);
    }
    return ~crc;
}

static void mend_checksums(uint8_t *data, size_t bytes)
{
    size_t at = 8;
    if (bytes < at || memcmp(data, "\x89PNG", 4) != 0)
        return;
    while (bytes - at >= 12) {
        size_t length = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 |
                        (size_t)data[at + 2] << 8 | data[at + 3];
        if (length > bytes - at - 12)
            return;
        uint32_t crc = checksum(data + at + 4, length + 4);
        at += 12 + length;
        for (size_t i = 0; i < 4; i++)
            data[at - 4 + i] = (uint8_t)(crc >> (24 - 8 * i));
    }
}

void test_picture_damage(uint8_t *data, size_t bytes, uint64_t *random)
{
    int flips = alx_random_int(random, 1, 4);
    for (int i = 0; i < flips; i++) {
        size_t bit = (size_t)(alx_random_next(random) % (8 * bytes));
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    if (alx_random_int(random, 0, 7))
        mend_checksums(data, bytes);
}
