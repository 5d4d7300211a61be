/* From a picture to the network's input. */
#include <alexnet_cl/image.h>
#include <math.h>
#include <stdlib.h>

#include "image/resize.h"
#include "util/error.h"
#include "util/memory.h"

/* round((size - crop) / 2), halves to even. */
static size_t crop_start(size_t size, size_t crop)
{
    size_t twice = size - crop, start = twice / 2;
    return twice % 2 ? start + start % 2 : start;
}

/* The size that the recipe resizes the picture to. */
static enum alx_status full_size(const char *what, const struct alx_image *image,
                                 const struct alx_preprocess *preprocess, struct alx_shape shape,
                                 size_t *width, size_t *height)
{
    size_t size = preprocess->resize_size;
    size_t brief = alx_min(image->width, image->height);
    size_t longer = alx_max(image->width, image->height);
    size_t scaled;
    switch (preprocess->resize) {
    case ALX_RESIZE_WARP:
        *width = size ? size : shape.width;
        *height = size ? size : shape.height;
        return ALX_STATUS_OK;
    case ALX_RESIZE_CROP:
        size = size ? size : alx_max(shape.width, shape.height);
        if (!alx_mul(size, longer, &scaled))
            return alx_fail(ALX_STATUS_USAGE, "%s: cannot be resized to %zu", what, size);
        *width = image->width <= image->height ? size : scaled / brief;
        *height = image->width <= image->height ? scaled / brief : size;
        return ALX_STATUS_OK;
    case ALX_RESIZE_NONE:
        if (image->width != shape.width || image->height != shape.height)
            return alx_fail(ALX_STATUS_IMAGE_SIZE,
                            "%s: is %zu x %zu pixels, the network reads %zu x %zu; let it be "
                            "resized by warp or crop",
                            what, image->width, image->height, shape.width, shape.height);
        *width = image->width;
        *height = image->height;
        return ALX_STATUS_OK;
    }
    return alx_fail(ALX_STATUS_USAGE, "%s: unknown way of resizing %d", what,
                    (int)preprocess->resize);
}

static enum alx_status check_recipe(const char *what, const struct alx_image *image,
                                    const struct alx_preprocess *preprocess, struct alx_shape shape)
{
    if (!image->rgb || !image->width || !image->height)
        return alx_fail(ALX_STATUS_USAGE, "%s: an empty picture has no tensor", what);
    if ((shape.channels != 1 && shape.channels != 3) || !shape.height || !shape.width)
        return alx_fail(
            ALX_STATUS_USAGE,
            "%s: a network with an input of %zu x %zu x %zu reads no pictures; it needs "
            "1 or 3 channels",
            what, shape.height, shape.width, shape.channels);
    for (size_t c = 0; c < shape.channels; c++)
        if (!isfinite(preprocess->mean[c]) || !isfinite(preprocess->std[c]) ||
            preprocess->std[c] == 0 || !isfinite(preprocess->scale))
            return alx_fail(ALX_STATUS_USAGE,
                            "%s: scale and mean must be finite, and std not 0, for each channel",
                            what);
    if (preprocess->mean_image &&
        (preprocess->mean_height < shape.height || preprocess->mean_width < shape.width))
        return alx_fail(ALX_STATUS_USAGE,
                        "%s: a mean image of %zu x %zu is smaller than the network's %zu x %zu",
                        what, preprocess->mean_width, preprocess->mean_height, shape.width,
                        shape.height);
    return ALX_STATUS_OK;
}

/* (p * scale - mean) / std of one channel of the pixels [H, W, C], or of their mirror image. */
static void normalise_channel(const uint8_t *pixels, const struct alx_preprocess *preprocess,
                              struct alx_shape shape, size_t channel, bool mirrored, float *out)
{
    size_t source = preprocess->order == ALX_ORDER_BGR ? shape.channels - 1 - channel : channel;
    const float *means = NULL;
    if (preprocess->mean_image)
        means = preprocess->mean_image +
                (channel * preprocess->mean_height +
                 crop_start(preprocess->mean_height, shape.height)) *
                    preprocess->mean_width +
                crop_start(preprocess->mean_width, shape.width);
    for (size_t y = 0; y < shape.height; y++)
        for (size_t x = 0; x < shape.width; x++) {
            float mean = means ? means[y * preprocess->mean_width + x] : preprocess->mean[channel];
            size_t column = mirrored ? shape.width - 1 - x : x;
            float pixel = pixels[(y * shape.width + column) * shape.channels + source];
            *out++ = (pixel * preprocess->scale - mean) / preprocess->std[channel];
        }
}

/* Where a view begins along an axis. */
enum place { AT_START, AT_CENTRE, AT_END };

static size_t start_of(enum place place, size_t size, size_t crop)
{
    return place == AT_START ? 0 : place == AT_END ? size - crop : crop_start(size, crop);
}

struct view {
    enum place across, down;
};

/* What is resized to, and how many bytes a view has before it is normalised. */
static enum alx_status plan_views(const char *what, const struct alx_image *image,
                                  const struct alx_preprocess *preprocess, struct alx_shape shape,
                                  struct alx_resize_window *window, size_t *bytes)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t area, elems;
    ALX_TRY(check_recipe(what, image, preprocess, shape));
    ALX_TRY(full_size(what, image, preprocess, shape, &window->full_w, &window->full_h));
    if (window->full_w < shape.width || window->full_h < shape.height)
        return alx_fail(ALX_STATUS_USAGE,
                        "%s: resized to %zu x %zu it is smaller than the network's %zu x %zu; "
                        "resize to more",
                        what, window->full_w, window->full_h, shape.width, shape.height);
    if (!alx_mul(shape.width, shape.height, &area) || !alx_mul(area, shape.channels, &elems) ||
        !alx_mul(elems, sizeof(int32_t), &area))
        return alx_fail(ALX_STATUS_NO_MEMORY, "%s: the network's input is too large", what);
    *bytes = elems;
error:
    return status;
}

/* Writes `count` views, and with `mirrors` as many mirror images behind them. */
static enum alx_status write_views(const char *what, const struct alx_image *image,
                                   const struct alx_preprocess *preprocess, struct alx_shape shape,
                                   const struct view *views, size_t count, bool mirrors, float *out)
{
    enum alx_status status = ALX_STATUS_OK;
    uint8_t *pixels = NULL;
    size_t elems = 0, area = shape.height * shape.width;
    struct alx_resize_window window = {.width = shape.width, .height = shape.height};
    ALX_TRY(plan_views(what, image, preprocess, shape, &window, &elems));
    ALX_TRY(alx_alloc(elems, 1, "a network's input", &pixels));
    for (size_t i = 0; i < count; i++) {
        window.left = start_of(views[i].across, window.full_w, shape.width);
        window.top = start_of(views[i].down, window.full_h, shape.height);
        ALX_TRY(alx_image_resize(image, preprocess->filter, shape.channels == 1, &window, pixels));
        for (size_t c = 0; c < shape.channels; c++) {
            float *view = out + i * elems + c * area;
            normalise_channel(pixels, preprocess, shape, c, false, view);
            if (mirrors)
                normalise_channel(pixels, preprocess, shape, c, true, view + count * elems);
        }
    }
error:
    free(pixels);
    return status;
}

enum alx_status alx_image_to_tensor(const char *what, const struct alx_image *image,
                                    const struct alx_preprocess *preprocess, struct alx_shape shape,
                                    float *out)
{
    static const struct view centre = {AT_CENTRE, AT_CENTRE};
    return write_views(what, image, preprocess, shape, &centre, 1, false, out);
}

enum alx_status alx_image_to_ten_crops(const char *what, const struct alx_image *image,
                                       const struct alx_preprocess *preprocess,
                                       struct alx_shape shape, float *out)
{
    static const struct view views[ALX_TEN_CROPS / 2] = {{AT_START, AT_START},
                                                         {AT_END, AT_START},
                                                         {AT_START, AT_END},
                                                         {AT_END, AT_END},
                                                         {AT_CENTRE, AT_CENTRE}};
    return write_views(what, image, preprocess, shape, views, ALX_TEN_CROPS / 2, true, out);
}
