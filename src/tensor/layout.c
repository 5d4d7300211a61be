#include "tensor/layout.h"

#include <stdio.h>
#include <string.h>

size_t alx_layout_elems(struct alx_shape shape, struct alx_layout layout)
{
    return shape.channels * (shape.height + 2 * layout.halo) * (shape.width + 2 * layout.halo);
}

size_t alx_layout_index(struct alx_shape shape, struct alx_layout layout, size_t n, size_t c,
                        size_t y, size_t x)
{
    size_t blocks = shape.channels / layout.block;
    size_t row =
        (n * blocks + c / layout.block) * (shape.height + 2 * layout.halo) + y + layout.halo;
    size_t pixel = row * (shape.width + 2 * layout.halo) + x + layout.halo;
    return pixel * layout.block + c % layout.block;
}

bool alx_layout_equal(struct alx_layout a, struct alx_layout b)
{
    return a.block == b.block && a.halo == b.halo;
}

void alx_layout_name(struct alx_shape shape, struct alx_layout layout, char *out, size_t out_bytes)
{
    char halo[24] = "";
    if (layout.halo)
        snprintf(halo, sizeof halo, "+%zu", layout.halo);
    if (layout.block == shape.channels)
        snprintf(out, out_bytes, "NHWC%s", halo);
    else if (layout.block == 1)
        snprintf(out, out_bytes, "NCHW%s", halo);
    else
        snprintf(out, out_bytes, "nChw%zuc%s", layout.block, halo);
}

void alx_layout_store(struct alx_shape shape, struct alx_layout layout, const float *plain,
                      float *image)
{
    if (layout.halo)
        memset(image, 0, alx_layout_elems(shape, layout) * sizeof *image);
    /* As they lie, or pictures pixel by pixel: what a network's input mostly is. */
    if (layout.block == 1 && !layout.halo) {
        memcpy(image, plain, alx_layout_elems(shape, layout) * sizeof *image);
        return;
    }
    if (layout.block == 3 && shape.channels == 3 && !layout.halo) {
        size_t pixels = shape.height * shape.width;
        for (size_t i = 0; i < pixels; i++)
            for (size_t c = 0; c < 3; c++)
                image[3 * i + c] = plain[c * pixels + i];
        return;
    }
    for (size_t c = 0; c < shape.channels; c++)
        for (size_t y = 0; y < shape.height; y++) {
            float *row = image + alx_layout_index(shape, layout, 0, c, y, 0);
            for (size_t x = 0; x < shape.width; x++)
                row[x * layout.block] = *plain++;
        }
}

void alx_layout_load(struct alx_shape shape, struct alx_layout layout, const float *image,
                     float *plain)
{
    for (size_t c = 0; c < shape.channels; c++)
        for (size_t y = 0; y < shape.height; y++) {
            const float *row = image + alx_layout_index(shape, layout, 0, c, y, 0);
            for (size_t x = 0; x < shape.width; x++)
                *plain++ = row[x * layout.block];
        }
}
