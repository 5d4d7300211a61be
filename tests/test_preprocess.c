/* From a picture to a network's input: sizes, filters, channels, means; against Pillow and OpenCV.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <alexnet_cl/image.h>

#include "support/pictures.h"
#include "support/test.h"

static const struct alx_preprocess identity = {.scale = 1, .std = {1, 1, 1}};

static struct alx_image read_picture(const char *name)
{
    struct alx_image image = {0};
    size_t bytes = 0;
    uint8_t *data = test_picture_read(name, &bytes);
    assert_ok(alx_image_decode(name, data, bytes, &image));
    free(data);
    return image;
}

/* A picture of that size whose samples count up. */
static struct alx_image counting_picture(size_t width, size_t height)
{
    struct alx_image image = {.width = width, .height = height};
    image.rgb = malloc(3 * width * height);
    assert_non_null(image.rgb);
    for (size_t i = 0; i < 3 * width * height; i++)
        image.rgb[i] = (uint8_t)(i * 7);
    return image;
}

/* The part of a picture from (left, top) on, turned by 90 degrees to the left when asked. */
static struct alx_image part_of(const struct alx_image *image, size_t left, size_t top,
                                size_t width, size_t height, bool turned)
{
    struct alx_image part = counting_picture(turned ? height : width, turned ? width : height);
    for (size_t y = 0; y < part.height; y++)
        for (size_t x = 0; x < part.width; x++) {
            size_t column = left + (turned ? width - 1 - y : x), row = top + (turned ? x : y);
            memcpy(part.rgb + 3 * (y * part.width + x),
                   image->rgb + 3 * (row * image->width + column), 3);
        }
    return part;
}

/* The tensor of whole numbers as a picture; one channel is spread to three. */
static struct alx_image tensor_picture(const float *tensor, struct alx_shape shape)
{
    struct alx_image image = counting_picture(shape.width, shape.height);
    size_t area = shape.width * shape.height;
    for (size_t i = 0; i < 3 * area; i++) {
        float value = tensor[shape.channels == 3 ? i % 3 * area + i / 3 : i / 3];
        assert_true(value >= 0 && value <= 255 && value == floorf(value));
        image.rgb[i] = (uint8_t)value;
    }
    return image;
}

static const struct {
    const char *name;
    size_t left, top, width, height; /* of the part of photo.png, width 0: all of it */
    bool turned;
    enum alx_resize resize;
    enum alx_filter filter;
    size_t resize_size;
    struct alx_shape shape;
} resized[] = {
    {.name = "resize_warp", .resize_size = 23, .shape = {3, 20, 20}},
    {.name = "resize_warp_whole", .shape = {3, 18, 21}},
    {.name = "resize_enlarged", .resize_size = 150, .shape = {3, 24, 24}},
    {.name = "resize_same", .resize_size = 61, .shape = {3, 24, 24}},
    {.name = "resize_crop", .resize = ALX_RESIZE_CROP, .resize_size = 31, .shape = {3, 24, 24}},
    {.name = "resize_crop_whole", .resize = ALX_RESIZE_CROP, .shape = {3, 21, 21}},
    {.name = "resize_crop_tall",
     .turned = true,
     .resize = ALX_RESIZE_CROP,
     .resize_size = 30,
     .shape = {3, 22, 24}},
    {.name = "resize_luma", .resize_size = 25, .shape = {1, 20, 20}},
    {.name = "resize_thin",
     .left = 30,
     .width = 1,
     .height = 47,
     .resize_size = 16,
     .shape = {3, 12, 12}},
    {.name = "resize_thin_crop",
     .left = 30,
     .width = 1,
     .height = 47,
     .resize = ALX_RESIZE_CROP,
     .resize_size = 16,
     .shape = {3, 12, 12}},
    {.name = "resize_point", .left = 7, .top = 5, .width = 1, .height = 1, .shape = {3, 9, 9}},
    {.name = "resize_plain_down", .filter = ALX_FILTER_BILINEAR, .shape = {3, 22, 25}},
    {.name = "resize_plain_half",
     .width = 60,
     .height = 46,
     .filter = ALX_FILTER_BILINEAR,
     .shape = {3, 23, 30}},
    {.name = "resize_plain_up", .filter = ALX_FILTER_BILINEAR, .shape = {3, 52, 70}},
    {.name = "resize_plain_thin",
     .left = 30,
     .width = 1,
     .height = 47,
     .filter = ALX_FILTER_BILINEAR,
     .shape = {3, 9, 9}},
};

static void resizing_agrees_with_pillow_and_opencv(void **state)
{
    (void)state;
    struct alx_image photo = read_picture("photo.png");
    for (size_t i = 0; i < sizeof resized / sizeof *resized; i++) {
        struct alx_shape shape = resized[i].shape;
        struct alx_preprocess preprocess = identity;
        size_t width = resized[i].width ? resized[i].width : photo.width;
        size_t height = resized[i].width ? resized[i].height : photo.height;
        struct alx_image part =
            part_of(&photo, resized[i].left, resized[i].top, width, height, resized[i].turned);
        struct alx_image expected = test_picture_expected(resized[i].name);
        float *tensor = calloc(shape.channels * shape.height * shape.width, sizeof *tensor);
        assert_non_null(tensor);
        preprocess.resize = resized[i].resize;
        preprocess.filter = resized[i].filter;
        preprocess.resize_size = resized[i].resize_size;
        assert_ok(alx_image_to_tensor(resized[i].name, &part, &preprocess, shape, tensor));
        struct alx_image result = tensor_picture(tensor, shape);
        int difference = test_picture_difference(&result, &expected);
        if (difference)
            fail_msg("%s: differs by %d", resized[i].name, difference);
        alx_image_free(&part);
        alx_image_free(&expected);
        alx_image_free(&result);
        free(tensor);
    }
    alx_image_free(&photo);
}

/* A gradient whose position can be read off each pixel. */
static struct alx_image numbered_picture(size_t width, size_t height)
{
    struct alx_image image = counting_picture(width, height);
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            uint8_t *pixel = image.rgb + 3 * (y * width + x);
            pixel[0] = (uint8_t)x;
            pixel[1] = (uint8_t)y;
            pixel[2] = 200;
        }
    return image;
}

/* round((size - crop) / 2), halves to even: 0.5 to 0, 1.5 to 2, 2.5 to 2, 14.5 to 14. */
static void crops_begin_where_torchvision_begins(void **state)
{
    (void)state;
    static const struct {
        size_t size, crop;
        float start;
    } cases[] = {{7, 7, 0}, {7, 6, 0}, {7, 5, 1}, {7, 4, 2}, {7, 3, 2}, {7, 2, 2}, {256, 227, 14}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = cases[i].size, crop = cases[i].crop;
        struct alx_preprocess preprocess = identity;
        struct alx_image image = numbered_picture(size, size);
        float *tensor = calloc(3 * crop * crop, sizeof *tensor);
        assert_non_null(tensor);
        preprocess.resize_size = size;
        assert_ok(alx_image_to_tensor("n", &image, &preprocess, (struct alx_shape){3, crop, crop},
                                      tensor));
        assert_true(tensor[0] == cases[i].start);
        assert_true(tensor[crop * crop] == cases[i].start);
        alx_image_free(&image);
        free(tensor);
    }
}

static void pixels_are_scaled_and_shifted(void **state)
{
    (void)state;
    struct alx_image image = {.width = 1, .height = 1};
    struct alx_preprocess preprocess = {
        .resize = ALX_RESIZE_NONE, .scale = 0.5f, .mean = {1, 2, 3}, .std = {2, 4, 8}};
    struct alx_shape shape = {3, 1, 1};
    float tensor[3];
    uint8_t rgb[3] = {10, 20, 250};
    image.rgb = rgb;
    assert_ok(alx_image_to_tensor("p", &image, &preprocess, shape, tensor));
    assert_true(tensor[0] == 2 && tensor[1] == 2 && tensor[2] == 15.25f);
    preprocess.order = ALX_ORDER_BGR; /* means and deviations are the network's, not the file's */
    assert_ok(alx_image_to_tensor("p", &image, &preprocess, shape, tensor));
    assert_true(tensor[0] == 62 && tensor[1] == 2 && tensor[2] == 0.25f);
    preprocess = identity;
    assert_ok(alx_image_to_tensor("p", &image, &preprocess, (struct alx_shape){1, 1, 1}, tensor));
    assert_true(tensor[0] == floorf((19595 * 10 + 38470 * 20 + 7471 * 250 + 0x8000) / 65536.0f));
}

static void the_centre_of_a_mean_image_is_subtracted(void **state)
{
    (void)state;
    enum { HEIGHT = 5, WIDTH = 7 };
    struct alx_image image = numbered_picture(4, 2);
    struct alx_preprocess preprocess = identity;
    struct alx_shape shape = {3, 2, 4};
    float mean[3 * HEIGHT * WIDTH], tensor[24];
    for (size_t i = 0; i < 3 * HEIGHT * WIDTH; i++)
        mean[i] = (float)i;
    preprocess.resize = ALX_RESIZE_NONE;
    preprocess.order = ALX_ORDER_BGR;
    preprocess.mean[0] = 1000; /* replaced */
    preprocess.mean_image = mean;
    preprocess.mean_height = HEIGHT;
    preprocess.mean_width = WIDTH;
    assert_ok(alx_image_to_tensor("m", &image, &preprocess, shape, tensor));
    for (size_t y = 0; y < 2; y++)
        for (size_t x = 0; x < 4; x++) {
            float expected[3] = {200, (float)y, (float)x};
            for (size_t c = 0; c < 3; c++) {
                float subtracted = mean[(c * HEIGHT + y + 2) * WIDTH + x + 2];
                assert_true(tensor[(c * 2 + y) * 4 + x] == expected[c] - subtracted);
            }
        }
    preprocess.mean_width = 3;
    assert_fails(alx_image_to_tensor("m", &image, &preprocess, shape, tensor), ALX_STATUS_USAGE,
                 "m: a mean image of 3 x 5 is smaller");
    alx_image_free(&image);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct alx_image image = numbered_picture(8, 6), empty = {0};
    struct alx_preprocess preprocess = identity;
    struct alx_shape shape = {3, 6, 6};
    float tensor[3 * 8 * 8];
    preprocess.resize = ALX_RESIZE_NONE;
    assert_fails(alx_image_to_tensor("a.png", &image, &preprocess, shape, tensor),
                 ALX_STATUS_IMAGE_SIZE, "a.png: is 8 x 6 pixels, the network reads 6 x 6");
    preprocess.resize = ALX_RESIZE_WARP;
    preprocess.resize_size = 5;
    assert_fails(alx_image_to_tensor("a.png", &image, &preprocess, shape, tensor), ALX_STATUS_USAGE,
                 "smaller than the network's 6 x 6");
    preprocess.resize = (enum alx_resize)9;
    assert_fails(alx_image_to_tensor("a.png", &image, &preprocess, shape, tensor), ALX_STATUS_USAGE,
                 "resizing");
    preprocess.resize = ALX_RESIZE_CROP;
    preprocess.resize_size = SIZE_MAX / 4;
    assert_fails(alx_image_to_tensor("a.png", &image, &preprocess, shape, tensor), ALX_STATUS_USAGE,
                 "cannot be resized");
    preprocess.resize_size = 6;
    assert_fails(alx_image_to_tensor("a.png", &empty, &preprocess, shape, tensor), ALX_STATUS_USAGE,
                 "empty");
    assert_fails(
        alx_image_to_tensor("a.png", &image, &preprocess, (struct alx_shape){2, 6, 6}, tensor),
        ALX_STATUS_USAGE, "1 or 3 channels");
    preprocess.std[1] = 0;
    assert_fails(alx_image_to_tensor("a.png", &image, &preprocess, shape, tensor), ALX_STATUS_USAGE,
                 "std");
    preprocess.std[1] = 1;
    preprocess.mean[2] = NAN;
    assert_fails(alx_image_to_tensor("a.png", &image, &preprocess, shape, tensor), ALX_STATUS_USAGE,
                 "finite");
    alx_image_free(&image);
}

/* What a picture of one colour and any shape becomes is that colour, and takes little memory. */
static void extreme_shapes_are_resized(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {{1, 1}, {1, 100000}, {100000, 1}, {3, 1000000}, {2, 1}};
    struct alx_shape shape = {3, 8, 8};
    float tensor[3 * 8 * 8];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct alx_image image = counting_picture(sizes[i][0], sizes[i][1]);
        memset(image.rgb, 77, 3 * image.width * image.height);
        for (int way = 0; way < 4; way++) {
            struct alx_preprocess preprocess = identity;
            preprocess.resize = way % 2 ? ALX_RESIZE_CROP : ALX_RESIZE_WARP;
            preprocess.filter = way / 2 ? ALX_FILTER_BILINEAR : ALX_FILTER_ANTIALIAS;
            preprocess.resize_size = 11;
            assert_ok(alx_image_to_tensor("e", &image, &preprocess, shape, tensor));
            for (size_t j = 0; j < 3 * 8 * 8; j++)
                assert_true(tensor[j] == 77);
        }
        alx_image_free(&image);
    }
}

/* Pixel (x, y, channel) of a view against the resized picture, which a network as large as that
 * would read. */
static void the_ten_views_are_corners_and_centre(void **state)
{
    (void)state;
    enum { WIDTH = 40, HEIGHT = 23, FULL_W = 36, FULL_H = 21, SIDE = 16 };
    static const size_t starts[ALX_TEN_CROPS / 2][2] = {
        {0, 0}, {FULL_W - SIDE, 0}, {0, FULL_H - SIDE}, {FULL_W - SIDE, FULL_H - SIDE}, {10, 2}};
    static float whole[3 * FULL_H * FULL_W], views[ALX_TEN_CROPS][3 * SIDE * SIDE];
    static float centre[3 * SIDE * SIDE];
    struct alx_image image = counting_picture(WIDTH, HEIGHT);
    struct alx_preprocess recipe = identity;
    const struct alx_shape shape = {3, SIDE, SIDE};
    recipe.order = ALX_ORDER_BGR;
    recipe.resize = ALX_RESIZE_WARP;
    assert_ok(
        alx_image_to_tensor("x", &image, &recipe, (struct alx_shape){3, FULL_H, FULL_W}, whole));
    recipe.resize = ALX_RESIZE_CROP; /* 23 to 21 rows, 40 to 36.5 columns */
    recipe.resize_size = FULL_H;
    assert_ok(alx_image_to_ten_crops("x", &image, &recipe, shape, views[0]));
    for (size_t i = 0; i < ALX_TEN_CROPS; i++)
        for (size_t at = 0; at < 3 * SIDE * SIDE; at++) {
            const size_t *start = starts[i % (ALX_TEN_CROPS / 2)];
            size_t c = at / SIDE / SIDE, y = at / SIDE % SIDE, x = at % SIDE;
            size_t column = start[0] + (i < ALX_TEN_CROPS / 2 ? x : SIDE - 1 - x);
            float want = whole[(c * FULL_H + start[1] + y) * FULL_W + column];
            if (views[i][at] != want)
                fail_msg("view %zu, value %zu: %g instead of %g", i, at, (double)views[i][at],
                         (double)want);
        }
    assert_ok(alx_image_to_tensor("x", &image, &recipe, shape, centre));
    assert_memory_equal(centre, views[ALX_TEN_CROPS / 2 - 1], sizeof centre);
    alx_image_free(&image);
}

static void ten_views_have_the_mean_of_one(void **state)
{
    (void)state;
    enum { SIDE = 4, MEAN = 6 };
    float mean[3 * MEAN * MEAN], plain[ALX_TEN_CROPS][3 * SIDE * SIDE];
    float less[ALX_TEN_CROPS][3 * SIDE * SIDE];
    struct alx_image image = counting_picture(9, 9);
    struct alx_preprocess recipe = identity;
    for (size_t i = 0; i < 3 * MEAN * MEAN; i++)
        mean[i] = (float)i;
    recipe.resize_size = 8;
    assert_ok(
        alx_image_to_ten_crops("x", &image, &recipe, (struct alx_shape){3, SIDE, SIDE}, plain[0]));
    recipe.mean_image = mean;
    recipe.mean_height = recipe.mean_width = MEAN;
    assert_ok(
        alx_image_to_ten_crops("x", &image, &recipe, (struct alx_shape){3, SIDE, SIDE}, less[0]));
    for (size_t i = 0; i < ALX_TEN_CROPS; i++)
        for (size_t at = 0; at < 3 * SIDE * SIDE; at++) {
            size_t c = at / SIDE / SIDE, y = at / SIDE % SIDE, x = at % SIDE;
            assert_true(plain[i][at] - less[i][at] == mean[(c * MEAN + y + 1) * MEAN + x + 1]);
        }
    recipe.resize_size = 3;
    assert_fails(
        alx_image_to_ten_crops("x", &image, &recipe, (struct alx_shape){3, SIDE, SIDE}, less[0]),
        ALX_STATUS_USAGE, "smaller than the network's");
    alx_image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resizing_agrees_with_pillow_and_opencv),
        cmocka_unit_test(crops_begin_where_torchvision_begins),
        cmocka_unit_test(pixels_are_scaled_and_shifted),
        cmocka_unit_test(the_centre_of_a_mean_image_is_subtracted),
        cmocka_unit_test(the_ten_views_are_corners_and_centre),
        cmocka_unit_test(ten_views_have_the_mean_of_one),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(extreme_shapes_are_resized),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
