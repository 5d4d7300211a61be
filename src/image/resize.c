/* Separable resizing in the fixed-point arithmetic of Pillow (antialiased) and OpenCV (plain), so
 * that results agree with what the models were trained on. */
#include "image/resize.h"

#include <math.h>
#include <stdlib.h>

#include "util/error.h"
#include "util/memory.h"

enum {
    /* Pillow's weights are scaled by 2^22, and it rounds to 8 bits after each direction. */
    SUM_BITS = 22,
    /* OpenCV's are scaled by 2^11. Across, nothing is lost; down, a sample is cut by 4 bits, and
     * its product with the weight by 16, so that 2 are left to round. */
    BILINEAR_BITS = 11,
    BILINEAR_CUT = 4,
    BILINEAR_PRODUCT_CUT = 16,
    BILINEAR_LEFT = 2 * BILINEAR_BITS - BILINEAR_CUT - BILINEAR_PRODUCT_CUT,
    MOST_CHANNELS = 3,
};

/* What each of `count` outputs along one axis takes from the inputs: those from begin[i] to
 * end[i] - 1 with weights[offset[i]...]. Both ends never go down from one output to the next. */
struct axis {
    size_t count;
    size_t *begin, *end, *offset;
    int32_t *weights;
};

static void axis_free(struct axis *axis)
{
    free(axis->begin);
    free(axis->end);
    free(axis->offset);
    free(axis->weights);
}

static double triangle(double x)
{
    return x > -1 && x < 1 ? 1 - fabs(x) : 0;
}

/* The inputs under the triangle around the output's centre. */
static void antialias_range(double centre, double support, size_t in, size_t *begin, size_t *end)
{
    double low = centre - support + 0.5, high = centre + support + 0.5;
    *begin = low > 0 ? alx_min((size_t)low, in) : 0;
    *end = alx_min((size_t)high, in);
}

static void antialias_weights(double centre, double support, size_t begin, size_t end,
                              int32_t *weights)
{
    double sum = 0;
    for (size_t x = begin; x < end; x++)
        sum += triangle(((double)x - centre + 0.5) * (1 / support));
    for (size_t x = begin; x < end; x++) {
        double weight = triangle(((double)x - centre + 0.5) * (1 / support)) / sum;
        weights[x - begin] = (int32_t)(weight * (1 << SUM_BITS) + 0.5);
    }
}

/* The two neighbours of a point between the inputs' centres; outside them the outermost alone. Down
 * the picture OpenCV takes that twice, with both weights. */
static void bilinear(double centre, size_t in, bool down, size_t *begin, size_t *end,
                     int32_t *weights)
{
    double position = centre - 0.5;
    double floor_position = floor(position);
    double part = position - floor_position;
    bool outside = floor_position < 0 || floor_position >= (double)(in - 1);
    if (outside && !down)
        part = 0;
    weights[0] = (int32_t)lrint((1 - part) * (1 << BILINEAR_BITS));
    weights[1] = (int32_t)lrint(part * (1 << BILINEAR_BITS));
    *begin = floor_position < 0 ? 0 : alx_min((size_t)floor_position, in - 1);
    *end = *begin + (outside ? 1 : 2);
}

/* Outputs first .. first + count - 1 of the axis, across or down, that takes `in` samples to
 * `full`.
 */
static enum alx_status axis_create(size_t in, size_t full, size_t first, size_t count,
                                   enum alx_filter filter, bool down, struct axis *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct axis axis = {.count = count};
    double scale = (double)in / (double)full;
    double support = scale > 1 ? scale : 1;
    size_t total = 0;
    ALX_TRY(alx_alloc(count, sizeof *axis.begin, "resizing", &axis.begin));
    ALX_TRY(alx_alloc(count, sizeof *axis.end, "resizing", &axis.end));
    ALX_TRY(alx_alloc(count, sizeof *axis.offset, "resizing", &axis.offset));
    for (size_t i = 0; i < count; i++) {
        axis.offset[i] = total;
        antialias_range(((double)(first + i) + 0.5) * scale, support, in, &axis.begin[i],
                        &axis.end[i]);
        total += filter == ALX_FILTER_ANTIALIAS ? axis.end[i] - axis.begin[i] : 2;
    }
    ALX_TRY(alx_alloc(total, sizeof *axis.weights, "resizing", &axis.weights));
    for (size_t i = 0; i < count; i++) {
        double centre = ((double)(first + i) + 0.5) * scale;
        int32_t *weights = axis.weights + axis.offset[i];
        if (filter == ALX_FILTER_ANTIALIAS)
            antialias_weights(centre, support, axis.begin[i], axis.end[i], weights);
        else
            bilinear(centre, in, down, &axis.begin[i], &axis.end[i], weights);
    }
    *out = axis;
    axis = (struct axis){0};
error:
    axis_free(&axis);
    return status;
}

/* Rounds a sum with `bits` of fraction. */
static uint8_t to_byte(int32_t sum, int bits)
{
    int32_t value = (sum + (1 << (bits - 1))) >> bits;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Luma of ITU-R 601, in 16 bits of fraction. */
static uint8_t luma_of(const uint8_t *rgb)
{
    return (uint8_t)((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 0x8000u) >> 16);
}

/* One row, resized along its length: samples of 8 bits, or with OpenCV's bits of fraction. */
static void resize_row(const uint8_t *samples, size_t channels, const struct axis *axis,
                       enum alx_filter filter, int32_t *out)
{
    bool rounded = filter == ALX_FILTER_ANTIALIAS;
    for (size_t i = 0; i < axis->count; i++, out += channels) {
        const int32_t *weights = axis->weights + axis->offset[i];
        int32_t sums[MOST_CHANNELS] = {0};
        for (size_t x = axis->begin[i]; x < axis->end[i]; x++)
            for (size_t c = 0; c < channels; c++)
                sums[c] += samples[x * channels + c] * weights[x - axis->begin[i]];
        for (size_t c = 0; c < channels; c++)
            out[c] = rounded ? to_byte(sums[c], SUM_BITS) : sums[c];
    }
}

/* Adds row `y` to the sums of those output rows that take from it; *first is the first of them and
 * moves on with y. */
static void add_row(const struct axis *axis, enum alx_filter filter, size_t y, const int32_t *row,
                    size_t row_elems, size_t *first, int32_t *sums)
{
    while (*first < axis->count && axis->end[*first] <= y)
        ++*first;
    for (size_t i = *first; i < axis->count && axis->begin[i] <= y; i++) {
        const int32_t *weights = axis->weights + axis->offset[i];
        int32_t weight = weights[y - axis->begin[i]];
        bool alone = filter == ALX_FILTER_BILINEAR && axis->end[i] - axis->begin[i] == 1;
        int32_t again = alone ? weights[1] : 0; /* see bilinear() */
        int32_t *sum = sums + i * row_elems;
        if (filter == ALX_FILTER_ANTIALIAS)
            for (size_t x = 0; x < row_elems; x++)
                sum[x] += row[x] * weight;
        else
            for (size_t x = 0; x < row_elems; x++) {
                int32_t cut = row[x] >> BILINEAR_CUT;
                sum[x] +=
                    (cut * weight >> BILINEAR_PRODUCT_CUT) + (cut * again >> BILINEAR_PRODUCT_CUT);
            }
    }
}

enum alx_status alx_image_resize(const struct alx_image *image, enum alx_filter filter, bool luma,
                                 const struct alx_resize_window *window, uint8_t *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct axis across = {0}, down = {0};
    uint8_t *grey = NULL;
    int32_t *row = NULL, *sums = NULL;
    size_t channels = luma ? 1 : 3, row_elems = window->width * channels, first = 0;
    ALX_TRY(axis_create(image->width, window->full_w, window->left, window->width, filter, false,
                        &across));
    ALX_TRY(axis_create(image->height, window->full_h, window->top, window->height, filter, true,
                        &down));
    ALX_TRY(alx_alloc(luma ? image->width : 0, 1, "resizing", &grey));
    ALX_TRY(alx_alloc(row_elems, sizeof *row, "resizing", &row));
    ALX_TRY(alx_alloc(window->height * row_elems, sizeof *sums, "resizing", &sums));
    for (size_t y = down.begin[0]; y < down.end[down.count - 1]; y++) {
        const uint8_t *samples = image->rgb + 3 * y * image->width;
        for (size_t x = across.begin[0]; luma && x < across.end[across.count - 1]; x++)
            grey[x] = luma_of(samples + 3 * x);
        resize_row(luma ? grey : samples, channels, &across, filter, row);
        add_row(&down, filter, y, row, row_elems, &first, sums);
    }
    for (size_t i = 0; i < window->height * row_elems; i++)
        out[i] = to_byte(sums[i], filter == ALX_FILTER_ANTIALIAS ? SUM_BITS : BILINEAR_LEFT);
error:
    axis_free(&across);
    axis_free(&down);
    free(grey);
    free(row);
    free(sums);
    return status;
}
