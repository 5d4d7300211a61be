#include "verify/shapes.h"

#include <string.h>

/* Tests try the first 30 shapes of a table, so whatever is special (strides, paddings, batches, odd
 * numbers of channels) stands among those; what follows are more of the same kinds. */

/* batch, C, H, W, out, KH, KW, SH, SW, pad top left bottom right, dilation h w, groups, relu: 0
 * none, 1 without a limit, else with that one */
static const struct conv_row {
    unsigned short n, c, h, w, out, kh, kw, sh, sw, pt, pl, pb, pr, dh, dw, g, relu;
} conv_rows[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0},
    {1, 3, 163, 159, 20, 11, 11, 4, 4, 0, 0, 0, 0, 1, 1, 1, 1},
    {2, 3, 19, 27, 20, 11, 11, 4, 4, 2, 2, 2, 2, 1, 1, 1, 1},
    {2, 8, 27, 27, 32, 5, 5, 1, 1, 2, 2, 2, 2, 1, 1, 2, 1},
    {3, 48, 7, 7, 64, 5, 5, 1, 1, 2, 2, 2, 2, 1, 1, 2, 6},
    {1, 32, 13, 13, 48, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    {1, 2, 28, 28, 2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2, 0},
    {3, 16, 22, 23, 24, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2, 0},
    {2, 6, 14, 17, 10, 6, 6, 2, 2, 1, 2, 0, 1, 1, 1, 1, 0},
    {1, 4, 20, 20, 8, 9, 9, 3, 3, 0, 0, 0, 0, 1, 1, 1, 0},
    {2, 7, 9, 8, 13, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1},
    {3, 4, 7, 5, 18, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    {4, 12, 5, 6, 9, 2, 2, 1, 1, 0, 0, 0, 0, 1, 1, 3, 6},
    {1, 8, 9, 9, 8, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 8, 0},
    {2, 17, 5, 5, 17, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 17, 1},
    {9, 8, 30, 30, 12, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    {1, 24, 3, 5, 16, 3, 1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 1},
    {5, 31, 4, 3, 37, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1},
    {1, 16, 11, 11, 16, 1, 1, 3, 3, 0, 0, 0, 0, 1, 1, 1, 0},
    {2, 4, 10, 9, 4, 2, 2, 5, 4, 0, 0, 0, 0, 1, 1, 1, 0},
    {1, 2, 8, 8, 3, 1, 7, 1, 1, 0, 3, 0, 3, 1, 1, 1, 1},
    {1, 2, 8, 8, 3, 7, 1, 1, 1, 3, 0, 3, 0, 1, 1, 1, 6},
    {2, 10, 6, 7, 10, 3, 2, 1, 2, 1, 0, 1, 1, 1, 1, 2, 0},
    {1, 16, 1, 9, 16, 1, 3, 1, 1, 0, 1, 0, 1, 1, 1, 1, 0},
    {1, 8, 7, 7, 8, 3, 3, 1, 1, 2, 1, 0, 3, 1, 1, 1, 1},
    {1, 4, 11, 11, 6, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2, 1, 0},
    {3, 16, 9, 9, 16, 3, 3, 2, 2, 3, 3, 3, 3, 3, 2, 2, 1},
    {1, 3, 4, 4, 5, 4, 4, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0},
    {1, 3, 2, 2, 5, 5, 5, 1, 1, 2, 2, 2, 2, 1, 1, 1, 0},
    {1, 3, 31, 17, 96, 7, 7, 2, 2, 0, 0, 0, 0, 1, 1, 1, 1},
    {1, 96, 5, 5, 80, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2, 6},
    {1, 1, 28, 28, 6, 5, 5, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1},
    {4, 6, 14, 14, 16, 5, 5, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1},
    {1, 128, 3, 3, 50, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0},
    {2, 40, 3, 3, 72, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    {2, 20, 6, 6, 30, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 10, 6},
    {1, 8, 7, 7, 8, 3, 3, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0},
    {1, 9, 8, 8, 6, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 3, 0},
    {1, 12, 4, 4, 40, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2, 0},
    {2, 3, 15, 15, 8, 5, 5, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1},
    {1, 64, 1, 1, 33, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0},
    {5, 2, 6, 6, 9, 2, 2, 2, 2, 0, 0, 0, 0, 1, 1, 1, 0},
    {2, 16, 12, 15, 24, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2, 6},
    {5, 64, 3, 3, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0},
    {1, 24, 9, 14, 40, 5, 5, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1},
    {3, 8, 6, 5, 8, 5, 5, 1, 1, 2, 2, 2, 2, 1, 1, 1, 0},
    {1, 3, 35, 31, 32, 11, 11, 4, 4, 2, 2, 2, 2, 1, 1, 1, 1},
    {2, 8, 13, 11, 12, 5, 5, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1},
    {1, 5, 9, 7, 7, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0},
    {1, 24, 13, 13, 24, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1},
    {1, 16, 16, 16, 20, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 4, 6},
    {1, 6, 5, 5, 12, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 6, 0},
    {1, 3, 23, 23, 16, 11, 11, 4, 4, 0, 0, 0, 0, 1, 1, 1, 1},
    {1, 16, 13, 13, 32, 5, 5, 1, 1, 2, 2, 2, 2, 1, 1, 2, 1},
    {5, 32, 6, 6, 48, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2, 0},
    {9, 32, 4, 4, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
};

/* batch, C, H, W, out, relu as above */
static const struct fc_row {
    unsigned short n, c, h, w, out, relu;
} fc_rows[] = {
    {1, 1, 1, 1, 1, 0},     {3, 8, 3, 3, 16, 6},   {1, 257, 1, 1, 33, 0},  {2, 5, 1, 1, 3, 1},
    {1, 16, 1, 1, 10, 0},   {67, 12, 1, 1, 20, 0}, {5, 32, 6, 6, 40, 0},   {2, 257, 1, 1, 17, 6},
    {1, 1, 1, 1, 5, 1},     {3, 130, 1, 1, 21, 0}, {5, 8, 3, 3, 7, 1},     {1, 32, 6, 6, 64, 1},
    {2, 32, 6, 6, 40, 1},   {1, 8, 3, 3, 33, 1},   {1, 7, 5, 3, 11, 0},    {3, 7, 5, 3, 11, 1},
    {1, 100, 1, 1, 100, 1}, {4, 100, 1, 1, 99, 0}, {5, 100, 1, 1, 101, 1}, {1, 255, 1, 1, 31, 0},
    {1, 256, 1, 1, 32, 6},  {1, 3, 1, 1, 2, 0},    {2, 8, 3, 3, 33, 0},    {1, 512, 2, 2, 24, 0},
    {1, 40, 1, 1, 1000, 1}, {2, 96, 1, 1, 520, 0}, {3, 64, 2, 2, 24, 1},   {1, 1, 28, 28, 12, 1},
    {2, 1, 28, 28, 12, 0},  {4, 16, 5, 5, 120, 6}, {5, 120, 1, 1, 84, 1},  {9, 640, 1, 1, 17, 6},
    {1, 2048, 1, 1, 9, 0},  {5, 48, 4, 4, 66, 0},  {1, 17, 1, 1, 10, 1},   {1, 84, 1, 1, 10, 0},
    {3, 33, 1, 1, 40, 1},   {4, 24, 2, 3, 19, 0},  {2, 96, 1, 1, 50, 1},   {4, 8, 3, 3, 7, 0},
};

/* batch, C, H, W, size, groups, then alpha, beta, k */
static const struct lrn_row {
    unsigned short n, c, h, w, size, g;
    float alpha, beta, k;
} lrn_rows[] = {
    {1, 1, 1, 1, 5, 1, 1e-4f, 0.75f, 2},   {1, 96, 7, 7, 5, 1, 1e-4f, 0.75f, 2},
    {1, 96, 3, 4, 5, 2, 1e-2f, 0.75f, 2},  {2, 96, 3, 5, 5, 1, 2e-5f, 0.75f, 1},
    {1, 32, 5, 5, 5, 1, 0.0f, 0.75f, 1},   {2, 8, 3, 3, 5, 4, 0.5f, 0.75f, 1},
    {1, 32, 5, 5, 5, 1, 1e-4f, 0.0f, 2},   {3, 16, 5, 5, 5, 1, 0.1f, 0.75f, 1},
    {3, 32, 2, 3, 5, 2, 0.3f, 0.75f, 1},   {1, 8, 6, 6, 5, 1, 0.5f, 0.75f, 1},
    {1, 4, 6, 6, 5, 1, 0.5f, 0.75f, 1},    {1, 12, 3, 3, 5, 2, 0.4f, 0.75f, 2},
    {1, 3, 6, 6, 5, 1, 0.5f, 0.75f, 1},    {2, 5, 4, 3, 3, 1, 0.5f, 0.75f, 1},
    {2, 24, 3, 2, 7, 2, 0.4f, 0.75f, 1},   {1, 7, 4, 3, 3, 1, 0.5f, 0.5f, 2},
    {1, 12, 4, 3, 3, 1, 0.5f, 1.0f, 2},    {1, 6, 2, 5, 3, 3, 0.5f, 0.6f, 1},
    {1, 16, 4, 3, 4, 1, 0.5f, 0.75f, 1},   {1, 16, 4, 3, 2, 1, 0.5f, 0.6f, 1},
    {1, 10, 4, 2, 5, 2, 0.3f, 0.75f, 2},   {1, 16, 4, 3, 1, 1, 0.5f, 0.75f, 1},
    {1, 16, 4, 3, 7, 1, 0.5f, 0.75f, 1},   {5, 16, 2, 2, 31, 4, 0.1f, 0.75f, 1},
    {1, 16, 2, 2, 31, 1, 0.1f, 0.75f, 1},  {1, 16, 2, 2, 40, 1, 0.1f, 0.75f, 1},
    {1, 9, 3, 3, 5, 9, 0.5f, 0.75f, 1},    {5, 20, 3, 3, 5, 1, 1e-3f, 0.75f, 2},
    {1, 33, 3, 3, 5, 1, 1e-3f, 0.75f, 2},  {2, 64, 1, 1, 4, 4, 0.2f, 0.75f, 2},
    {4, 40, 2, 2, 5, 1, 1e-3f, 0.25f, 2},  {1, 48, 1, 1, 5, 1, 1.0f, 0.75f, 1},
    {1, 48, 1, 9, 9, 1, 1.0f, 0.75f, 1},   {1, 128, 2, 2, 5, 1, 1e-2f, 0.75f, 2},
    {2, 256, 2, 1, 5, 1, 1e-4f, 0.75f, 2}, {1, 10, 8, 1, 5, 1, 0.3f, 0.9f, 3},
    {1, 6, 5, 5, 6, 1, 0.3f, 0.75f, 1},    {3, 9, 2, 7, 5, 1, 0.2f, 0.75f, 1},
    {1, 52, 2, 3, 7, 1, 0.2f, 0.7f, 1},    {1, 24, 9, 9, 5, 1, 1e-4f, 0.75f, 2},
    {1, 64, 4, 4, 5, 1, 1e-4f, 0.75f, 2},  {2, 80, 3, 3, 3, 1, 5e-4f, 0.75f, 2},
    {1, 192, 1, 2, 5, 1, 1e-4f, 0.75f, 2}, {2, 28, 3, 1, 5, 1, 1e-2f, 0.75f, 1},
    {4, 36, 1, 1, 5, 1, 0.2f, 0.75f, 1},   {1, 112, 3, 2, 5, 1, 1e-4f, 0.75f, 2},
    {3, 64, 1, 2, 9, 1, 0.1f, 0.75f, 2},   {1, 144, 2, 2, 5, 1, 1e-4f, 0.75f, 2},
    {5, 12, 2, 2, 4, 1, 0.3f, 0.75f, 1},   {2, 8, 1, 7, 5, 1, 0.4f, 0.75f, 2},
};

/* batch, C, H, W, KH, KW, SH, SW, pad top left bottom right, ceil */
static const struct pool_row {
    unsigned short n, c, h, w, kh, kw, sh, sw, pt, pl, pb, pr, ceil;
} pool_rows[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0},    {1, 96, 9, 9, 3, 3, 2, 2, 0, 0, 0, 0, 0},
    {2, 96, 9, 9, 3, 3, 2, 2, 0, 0, 0, 0, 1},   {3, 14, 6, 1, 3, 1, 2, 1, 0, 0, 0, 0, 0},
    {1, 16, 6, 6, 3, 3, 2, 2, 0, 0, 0, 0, 0},   {1, 16, 6, 6, 3, 3, 2, 2, 0, 0, 0, 0, 1},
    {1, 16, 6, 6, 3, 3, 2, 2, 0, 0, 1, 1, 0},   {1, 16, 6, 6, 3, 3, 2, 2, 1, 1, 1, 1, 0},
    {3, 8, 7, 5, 2, 2, 2, 2, 0, 0, 0, 0, 0},    {3, 8, 7, 5, 2, 2, 2, 2, 0, 0, 0, 0, 1},
    {1, 5, 8, 9, 3, 3, 3, 3, 0, 0, 0, 0, 0},    {1, 7, 8, 9, 3, 2, 1, 2, 1, 0, 2, 1, 0},
    {1, 3, 5, 5, 5, 5, 1, 1, 0, 0, 0, 0, 0},    {1, 3, 5, 5, 5, 5, 1, 1, 2, 2, 2, 2, 0},
    {4, 12, 4, 4, 2, 2, 3, 3, 0, 0, 0, 0, 0},   {4, 12, 5, 5, 2, 2, 3, 3, 0, 0, 0, 0, 1},
    {5, 33, 3, 3, 3, 3, 2, 2, 0, 0, 0, 0, 0},   {1, 16, 13, 4, 5, 2, 2, 1, 2, 0, 2, 1, 0},
    {1, 20, 6, 7, 1, 1, 2, 2, 0, 0, 0, 0, 0},   {1, 20, 6, 7, 1, 3, 1, 1, 0, 1, 0, 1, 0},
    {2, 6, 28, 28, 2, 2, 2, 2, 0, 0, 0, 0, 0},  {1, 4, 2, 2, 3, 3, 2, 2, 1, 1, 1, 1, 0},
    {1, 4, 7, 7, 3, 3, 2, 2, 1, 1, 1, 1, 1},    {1, 10, 11, 4, 4, 4, 4, 4, 0, 0, 0, 0, 1},
    {1, 48, 5, 5, 3, 3, 1, 1, 1, 1, 1, 1, 0},   {1, 40, 5, 6, 3, 3, 1, 1, 0, 0, 0, 0, 0},
    {2, 17, 4, 9, 2, 3, 2, 3, 0, 0, 0, 0, 1},   {1, 128, 3, 3, 2, 2, 1, 1, 0, 0, 0, 0, 0},
    {1, 1, 20, 20, 7, 7, 5, 5, 3, 3, 3, 3, 0},  {1, 2, 1, 12, 1, 3, 1, 2, 0, 0, 0, 0, 0},
    {1, 24, 13, 13, 3, 3, 2, 2, 0, 0, 0, 0, 0}, {1, 36, 8, 8, 3, 3, 2, 2, 0, 0, 0, 0, 1},
    {2, 32, 15, 9, 3, 3, 2, 2, 0, 0, 0, 0, 0},  {1, 64, 13, 13, 3, 3, 2, 2, 0, 0, 0, 0, 0},
    {5, 8, 4, 4, 2, 2, 1, 1, 0, 0, 0, 0, 0},    {1, 24, 9, 9, 2, 2, 3, 3, 0, 0, 0, 0, 0},
    {3, 4, 6, 3, 3, 3, 1, 1, 1, 1, 1, 1, 0},    {1, 256, 5, 5, 3, 3, 2, 2, 0, 0, 0, 0, 0},
    {2, 12, 7, 5, 3, 3, 2, 2, 0, 0, 0, 0, 0},   {1, 32, 6, 9, 2, 3, 1, 2, 0, 1, 1, 1, 0},
};

/* batch, C, H, W: for layers that keep the shape */
static const struct plain_row {
    unsigned short n, c, h, w;
} plain_rows[] = {
    {1, 1, 1, 1},   {5, 1000, 1, 1}, {2, 129, 1, 1}, {1, 1000, 1, 1}, {1, 2, 1, 1},
    {2, 10, 1, 1},  {3, 7, 1, 1},    {4, 63, 1, 1},  {5, 64, 1, 1},   {1, 65, 1, 1},
    {1, 127, 1, 1}, {1, 128, 1, 1},  {1, 10, 1, 1},  {1, 31, 1, 1},   {1, 33, 1, 1},
    {1, 16, 2, 2},  {2, 16, 3, 2},   {1, 5, 4, 4},   {3, 3, 5, 7},    {1, 96, 3, 3},
    {1, 24, 5, 1},  {1, 24, 1, 5},   {2, 8, 9, 2},   {1, 4, 11, 3},   {4, 12, 2, 3},
    {5, 20, 1, 2},  {1, 257, 1, 1},  {1, 511, 1, 1}, {1, 2, 13, 13},  {2, 48, 2, 1},
    {1, 100, 2, 2}, {3, 21, 3, 1},
};

#define COUNT(rows) (sizeof rows / sizeof *rows)

size_t alx_verify_shape_count(enum alx_layer_kind kind)
{
    switch (kind) {
    case ALX_LAYER_CONV:
        return COUNT(conv_rows);
    case ALX_LAYER_FC:
        return COUNT(fc_rows);
    case ALX_LAYER_LRN:
        return COUNT(lrn_rows) + COUNT(pool_rows); /* alone, then with each of the pools */
    case ALX_LAYER_MAX_POOL:
    case ALX_LAYER_AVG_POOL:
        return COUNT(pool_rows);
    case ALX_LAYER_RELU:
    case ALX_LAYER_SOFTMAX:
        return COUNT(plain_rows);
    case ALX_LAYER_DROPOUT:
    case ALX_LAYER_KIND_COUNT:
        break;
    }
    return 0;
}

static struct alx_verify_shape conv_shape(const struct conv_row *r)
{
    return (struct alx_verify_shape){
        .in = {r->c, r->h, r->w},
        .layer = {.activation = r->relu ? ALX_ACTIVATION_RELU : ALX_ACTIVATION_NONE,
                  .relu_limit = r->relu > 1 ? r->relu : 0,
                  .out_channels = r->out,
                  .kernel_h = r->kh,
                  .kernel_w = r->kw,
                  .stride_h = r->sh,
                  .stride_w = r->sw,
                  .pad_top = r->pt,
                  .pad_left = r->pl,
                  .pad_bottom = r->pb,
                  .pad_right = r->pr,
                  .dilation_h = r->dh,
                  .dilation_w = r->dw,
                  .groups = r->g},
        .batch = r->n};
}

static struct alx_verify_shape pool_shape(const struct pool_row *r)
{
    return (struct alx_verify_shape){.in = {r->c, r->h, r->w},
                                     .layer = {.kernel_h = r->kh,
                                               .kernel_w = r->kw,
                                               .stride_h = r->sh,
                                               .stride_w = r->sw,
                                               .pad_top = r->pt,
                                               .pad_left = r->pl,
                                               .pad_bottom = r->pb,
                                               .pad_right = r->pr,
                                               .ceil_mode = r->ceil},
                                     .batch = r->n};
}

struct alx_verify_shape alx_verify_shape(enum alx_layer_kind kind, size_t index)
{
    struct alx_verify_shape shape = {0};
    if (kind == ALX_LAYER_CONV) {
        shape = conv_shape(&conv_rows[index]);
    } else if (kind == ALX_LAYER_FC) {
        const struct fc_row *r = &fc_rows[index];
        shape.in = (struct alx_shape){r->c, r->h, r->w};
        shape.batch = r->n;
        shape.layer.out_channels = r->out;
        shape.layer.activation = r->relu ? ALX_ACTIVATION_RELU : ALX_ACTIVATION_NONE;
        shape.layer.relu_limit = r->relu > 1 ? r->relu : 0;
    } else if (kind == ALX_LAYER_LRN) {
        const struct lrn_row *r = &lrn_rows[index % COUNT(lrn_rows)];
        shape.in = (struct alx_shape){r->c, r->h, r->w};
        shape.batch = r->n;
        size_t groups = r->g;
        if (index >= COUNT(lrn_rows)) {
            size_t pool = index - COUNT(lrn_rows);
            shape = pool_shape(&pool_rows[pool]);
            groups = (size_t)1 << pool % 3; /* where the channels allow */
            groups = shape.in.channels % groups ? 1 : groups;
            shape.pool = shape.layer;
            shape.pool.kind = ALX_LAYER_MAX_POOL;
            strcpy(shape.pool.name, "pool");
            shape.layer = (struct alx_layer){0};
        }
        shape.layer.lrn_size = r->size;
        shape.layer.groups = groups;
        shape.layer.lrn_alpha = (double)r->alpha;
        shape.layer.lrn_beta = (double)r->beta;
        shape.layer.lrn_k = (double)r->k;
    } else if (kind == ALX_LAYER_MAX_POOL || kind == ALX_LAYER_AVG_POOL) {
        shape = pool_shape(&pool_rows[index]);
        shape.layer.count_padding = kind == ALX_LAYER_AVG_POOL && index % 2;
    } else {
        const struct plain_row *r = &plain_rows[index];
        shape.in = (struct alx_shape){r->c, r->h, r->w};
        shape.batch = r->n;
        shape.layer.relu_limit = kind == ALX_LAYER_RELU && index % 2 ? 1.5 : 0;
    }
    shape.layer.kind = kind;
    strcpy(shape.layer.name, "layer");
    return shape;
}
