/* Decoding in this process: every kind of picture, every kind of damage. */
#include <stdlib.h>
#include <string.h>

#include <alexnet_cl/image.h>

#include "support/pictures.h"
#include "support/test.h"

/* Decodes a copy of exactly that length, so that a sanitizer sees any read behind its end. */
static enum alx_status decode(const char *name, const uint8_t *data, size_t bytes,
                              struct alx_image *image)
{
    uint8_t *copy = malloc(bytes ? bytes : 1);
    assert_non_null(copy);
    memcpy(copy, data, bytes);
    enum alx_status status = alx_image_decode(name, copy, bytes, image);
    free(copy);
    return status;
}

static enum alx_status decode_file(const char *name, struct alx_image *image)
{
    size_t bytes = 0;
    uint8_t *data = test_picture_read(name, &bytes);
    enum alx_status status = decode(name, data, bytes, image);
    free(data);
    return status;
}

static void every_kind_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < test_picture_count; i++) {
        const struct test_picture *picture = &test_pictures[i];
        struct alx_image image = {0}, expected = test_picture_expected(picture->name);
        assert_ok(decode_file(picture->name, &image));
        int difference = test_picture_difference(&image, &expected);
        if (difference > picture->most_difference)
            fail_msg("%s differs by %d from what is expected", picture->name, difference);
        alx_image_free(&image);
        alx_image_free(&expected);
        assert_null(image.rgb);
    }
}

static const struct {
    const char *name;
    enum alx_status status;
    const char *part;
} bad[] = {
    {"bad_empty.png", ALX_STATUS_IMAGE_EMPTY, "empty"},
    {"bad_text.png", ALX_STATUS_IMAGE_UNSUPPORTED, "text, which is not read; convert"},
    {"bad_drawing.svg", ALX_STATUS_IMAGE_UNSUPPORTED, "an SVG drawing"},
    {"bad_document.pdf", ALX_STATUS_IMAGE_UNSUPPORTED, "a PDF document"},
    {"bad_bytes.jpg", ALX_STATUS_IMAGE_UNSUPPORTED, "not a picture of a kind that is read"},
    {"bad_picture.gif", ALX_STATUS_IMAGE_UNSUPPORTED, "a GIF picture"},
    {"bad_picture.tiff", ALX_STATUS_IMAGE_UNSUPPORTED, "a TIFF picture"},
    {"bad_picture.webp", ALX_STATUS_IMAGE_UNSUPPORTED, "a WebP picture"},
    {"bad_picture.ico", ALX_STATUS_IMAGE_UNSUPPORTED, "an icon"},
    {"bad_picture.avif", ALX_STATUS_IMAGE_UNSUPPORTED, "an AVIF picture"},
    {"bad_heic.heic", ALX_STATUS_IMAGE_UNSUPPORTED, "a HEIC picture"},
    {"bad_text.ppm", ALX_STATUS_IMAGE_UNSUPPORTED, "a PPM picture as text"},
    {"bad_bits.pbm", ALX_STATUS_IMAGE_UNSUPPORTED, "a PBM picture"},

    {"bad_bomb.png", ALX_STATUS_IMAGE_TOO_LARGE, "30000 x 30000"},
    {"bad_inflates.png", ALX_STATUS_IMAGE_TOO_LARGE, "memory"},
    {"bad_deflates.png", ALX_STATUS_IMAGE_CORRUPT, "not enough pixels"},
    {"bad_no_pixels.png", ALX_STATUS_IMAGE_CORRUPT, "without pixels"},
    {"bad_depth.png", ALX_STATUS_IMAGE_CORRUPT, "header"},
    {"bad_colour.png", ALX_STATUS_IMAGE_CORRUPT, "header"},
    {"bad_filter.png", ALX_STATUS_IMAGE_CORRUPT, "header"},
    {"bad_palette.png", ALX_STATUS_IMAGE_CORRUPT, "palette"},
    {"bad_transparency.png", ALX_STATUS_IMAGE_CORRUPT, "transparency"},
    {"bad_chunk.png", ALX_STATUS_IMAGE_CORRUPT, "chunk"},
    {"bad_apple.png", ALX_STATUS_IMAGE_UNSUPPORTED, "Apple"},
    {"bad_checksum.png", ALX_STATUS_IMAGE_CORRUPT, "checksum"},
    {"bad_no_data.png", ALX_STATUS_IMAGE_CORRUPT, "lacks picture data"},

    {"bad_no_quantisers.jpg", ALX_STATUS_IMAGE_CORRUPT, "no quantisation table"},
    {"bad_no_huffman.jpg", ALX_STATUS_IMAGE_CORRUPT, "no Huffman table"},
    {"bad_no_frame.jpg", ALX_STATUS_IMAGE_CORRUPT, "scan header"},
    {"bad_no_scan.jpg", ALX_STATUS_IMAGE_CORRUPT, "before its picture data are complete"},
    {"bad_half_scan.jpg", ALX_STATUS_IMAGE_CORRUPT, "end early"},
    {"bad_huffman_counts.jpg", ALX_STATUS_IMAGE_CORRUPT, "Huffman table"},
    {"bad_huffman_codes.jpg", ALX_STATUS_IMAGE_CORRUPT, "Huffman table"},
    {"bad_huffman_id.jpg", ALX_STATUS_IMAGE_CORRUPT, "Huffman table"},
    {"bad_quantiser_id.jpg", ALX_STATUS_IMAGE_CORRUPT, "quantisation table"},
    {"bad_quantiser_length.jpg", ALX_STATUS_IMAGE_CORRUPT, "quantisation table"},
    {"bad_sampling.jpg", ALX_STATUS_IMAGE_CORRUPT, "frame header"},
    {"bad_ratio.jpg", ALX_STATUS_IMAGE_UNSUPPORTED, "sampling factors"},
    {"bad_width.jpg", ALX_STATUS_IMAGE_CORRUPT, "without pixels"},
    {"bad_height.jpg", ALX_STATUS_IMAGE_UNSUPPORTED, "height"},
    {"bad_taller.jpg", ALX_STATUS_IMAGE_CORRUPT, "end early"},
    {"bad_bomb.jpg", ALX_STATUS_IMAGE_TOO_LARGE, "30000 x 30000"},
    {"bad_arithmetic.jpg", ALX_STATUS_IMAGE_UNSUPPORTED, "arithmetic"},
    {"bad_lossless.jpg", ALX_STATUS_IMAGE_UNSUPPORTED, "lossless"},
    {"bad_12_bits.jpg", ALX_STATUS_IMAGE_UNSUPPORTED, "8 bits"},
    {"bad_component.jpg", ALX_STATUS_IMAGE_CORRUPT, "scan header"},
    {"bad_table.jpg", ALX_STATUS_IMAGE_CORRUPT, "scan header"},
    {"bad_two_frames.jpg", ALX_STATUS_IMAGE_CORRUPT, "two frame headers"},
    {"bad_restart.jpg", ALX_STATUS_IMAGE_CORRUPT, "restart"},
    {"bad_scan_twice.jpg", ALX_STATUS_IMAGE_CORRUPT, "not in order"},
    {"bad_first_scan_only.jpg", ALX_STATUS_IMAGE_CORRUPT, "ends early"},

    {"bad_short.bmp", ALX_STATUS_IMAGE_CORRUPT, "shorter than its header says"},
    {"bad_offset.bmp", ALX_STATUS_IMAGE_CORRUPT, "shorter than its header says"},
    {"bad_header.bmp", ALX_STATUS_IMAGE_CORRUPT, "header"},
    {"bad_depth.bmp", ALX_STATUS_IMAGE_CORRUPT, "pixels are of an unknown size"},
    {"bad_bomb.bmp", ALX_STATUS_IMAGE_TOO_LARGE, "30000 x 30000"},
    {"bad_width.bmp", ALX_STATUS_IMAGE_TOO_LARGE, "pixels"},
    {"bad_runs.bmp", ALX_STATUS_IMAGE_UNSUPPORTED, "compressed"},
    {"bad_masks.bmp", ALX_STATUS_IMAGE_CORRUPT, "no bits"},
    {"bad_short.ppm", ALX_STATUS_IMAGE_CORRUPT, "shorter than its header says"},
    {"bad_header.ppm", ALX_STATUS_IMAGE_CORRUPT, "header"},
    {"bad_most.ppm", ALX_STATUS_IMAGE_CORRUPT, "header"},
    {"bad_most_large.ppm", ALX_STATUS_IMAGE_CORRUPT, "header"},
    {"bad_bomb.ppm", ALX_STATUS_IMAGE_TOO_LARGE, "30000 x 30000"},
    {"bad_number.ppm", ALX_STATUS_IMAGE_CORRUPT, "header"},
};

static void bad_files_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct alx_image image = {0};
        enum alx_status status = decode_file(bad[i].name, &image);
        if (status != bad[i].status || !strstr(alx_error_message(), bad[i].part))
            fail_msg("%s: %s: %s", bad[i].name, alx_status_name(status), alx_error_message());
        assert_memory_equal(alx_error_message(), bad[i].name, strlen(bad[i].name));
        assert_null(strchr(alx_error_message(), '\n'));
        assert_null(image.rgb);
    }
}

/* Only a JPEG may lack something: its end marker. */
static void truncated_files_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < test_picture_count; i++) {
        const char *name = test_pictures[i].name;
        struct alx_image image = {0}, whole = {0};
        size_t bytes = 0;
        uint8_t *data = test_picture_read(name, &bytes);
        assert_ok(decode(name, data, bytes, &whole));
        bool jpeg = strstr(name, ".jpg") != NULL;
        for (size_t kept = 0; kept < bytes; kept++) {
            enum alx_status status = decode(name, data, kept, &image);
            if (jpeg && kept >= bytes - 2) {
                assert_ok(status);
                assert_int_equal(test_picture_difference(&image, &whole), 0);
                alx_image_free(&image);
            } else if (status != ALX_STATUS_IMAGE_CORRUPT &&
                       status != (kept ? ALX_STATUS_IMAGE_UNSUPPORTED : ALX_STATUS_IMAGE_EMPTY)) {
                fail_msg("%s of %zu bytes: %s", name, kept, alx_status_name(status));
            }
            if (kept > 8 && status == ALX_STATUS_IMAGE_UNSUPPORTED)
                fail_msg("%s of %zu bytes: %s", name, kept, alx_error_message());
        }
        alx_image_free(&whole);
        free(data);
    }
}

static void what_follows_a_picture_is_passed_over(void **state)
{
    (void)state;
    for (size_t i = 0; i < test_picture_count; i++) {
        struct alx_image image = {0}, expected = test_picture_expected(test_pictures[i].name);
        size_t bytes = 0;
        uint8_t *data = test_picture_read(test_pictures[i].name, &bytes);
        uint8_t *longer = calloc(1, bytes + 100);
        assert_non_null(longer);
        memcpy(longer, data, bytes);
        memset(longer + bytes, 0xff, 50);
        assert_ok(decode(test_pictures[i].name, longer, bytes + 100, &image));
        assert_true(test_picture_difference(&image, &expected) <= test_pictures[i].most_difference);
        alx_image_free(&image);
        alx_image_free(&expected);
        free(longer);
        free(data);
    }
}

/* Whatever comes of them, nothing may break, and what is decoded is a picture. */
static void damaged_files_do_no_harm(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (size_t i = 0; i < test_picture_count; i++) {
        size_t bytes = 0;
        uint8_t *data = test_picture_read(test_pictures[i].name, &bytes);
        for (int round = 0; round < 100; round++) {
            struct alx_image image = {0};
            uint8_t *damaged = malloc(bytes);
            assert_non_null(damaged);
            memcpy(damaged, data, bytes);
            test_picture_damage(damaged, bytes, &random);
            if (alx_image_decode("damaged", damaged, bytes, &image) == ALX_STATUS_OK)
                assert_true(image.rgb && image.width > 0 && image.height > 0);
            alx_image_free(&image);
            free(damaged);
        }
        free(data);
    }
}

static void large_files_are_refused(void **state)
{
    (void)state;
    struct alx_image image = {0};
    uint8_t byte = 0xff;
    assert_fails(alx_image_decode("large", &byte, (size_t)ALX_IMAGE_MAX_FILE_BYTES + 1, &image),
                 ALX_STATUS_IMAGE_TOO_LARGE, "large: larger than the limit of 64 MiB");
    alx_image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(what_follows_a_picture_is_passed_over),
        cmocka_unit_test(damaged_files_do_no_harm),
        cmocka_unit_test(large_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
