/*
 * What Winograd's filtering means: matrices, transformed weights, and how far errors reach.
 */
#include "ops/winograd.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "net/shape.h"
#include "util/error.h"
#include "util/memory.h"

static const struct alx_winograd table[] = {
#include "cl/winograd_table.h"
};

const struct alx_winograd *alx_winograd_at(size_t index)
{
    return index < sizeof table / sizeof *table ? &table[index] : NULL;
}

const struct alx_winograd *alx_winograd_find(size_t m, size_t r)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].m == m && table[i].r == r)
            return &table[i];
    return NULL;
}

/* --- geometry --- */

struct alx_winograd_geometry alx_winograd_geometry(const struct alx_layer_info *info)
{
    const struct alx_layer *l = &info->layer;
    size_t group_in = info->in.channels / l->groups, stride = l->stride_h;
    return (struct alx_winograd_geometry){
        .stride = stride,
        .r = alx_ceil_div(l->kernel_h, stride),
        .group_k = group_in * stride * stride,
        .along_x = stride > 1 &&
                   alx_power_of_two_divisor(group_in, 16) < alx_power_of_two_divisor(stride, 16),
    };
}

/* Phase (dy, dx) of channel c as a value of k. */
static size_t k_of(const struct alx_winograd_geometry *g, size_t group_in, size_t c, size_t dy,
                   size_t dx)
{
    return g->along_x ? (c * g->stride + dy) * g->stride + dx
                      : (dy * g->stride + dx) * group_in + c;
}

size_t alx_winograd_tiles(const struct alx_layer_info *info, size_t tile)
{
    return alx_ceil_div(info->out.height, tile) * alx_ceil_div(info->out.width, tile);
}

/* --- weights --- */

typedef double square[ALX_WINOGRAD_MAX_N][ALX_WINOGRAD_MAX_N];

/* to = |f| taps |f|^T for f = G, signs kept unless `absolute`. */
static void transform_taps(const struct alx_winograd *f, square taps, bool absolute, square to)
{
    size_t n = f->m + f->r - 1;
    square half;
    for (size_t i = 0; i < n; i++)
        for (size_t x = 0; x < f->r; x++) {
            half[i][x] = 0;
            for (size_t y = 0; y < f->r; y++)
                half[i][x] += (absolute ? abs(f->g[i][y]) : f->g[i][y]) * taps[y][x];
        }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            to[i][j] = 0;
            for (size_t x = 0; x < f->r; x++)
                to[i][j] += (absolute ? abs(f->g[j][x]) : f->g[j][x]) * half[i][x];
            to[i][j] /= (double)f->g_denominator * f->g_denominator;
        }
}

/* The taps of one channel and phase. */
static void taps_of(const struct alx_layer *l, const struct alx_winograd_geometry *g,
                    const float *channel, size_t dy, size_t dx, square taps)
{
    for (size_t i = 0; i < g->r; i++)
        for (size_t j = 0; j < g->r; j++) {
            size_t y = i * g->stride + dy, x = j * g->stride + dx;
            bool inside = y < l->kernel_h && x < l->kernel_w;
            taps[i][j] = inside ? (double)channel[y * l->kernel_w + x] : 0;
        }
}

void alx_winograd_transform(const struct alx_layer_info *info, size_t tile, const float *row,
                            float *out)
{
    const struct alx_layer *l = &info->layer;
    const struct alx_winograd_geometry g = alx_winograd_geometry(info);
    const struct alx_winograd *f = alx_winograd_find(tile, g.r);
    size_t group_in = info->in.channels / l->groups, n = tile + g.r - 1;
    for (size_t c = 0; c < group_in; c++)
        for (size_t phase = 0; phase < g.stride * g.stride; phase++) {
            size_t dy = phase / g.stride, dx = phase % g.stride;
            size_t k = k_of(&g, group_in, c, dy, dx);
            square taps, transformed;
            taps_of(l, &g, row + c * l->kernel_h * l->kernel_w, dy, dx, taps);
            transform_taps(f, taps, false, transformed);
            for (size_t point = 0; point < n * n; point++)
                out[point * g.group_k + k] = (float)transformed[point / n][point % n];
        }
}

/* --- the error bound --- */

/* Sums of absolute values behind each output of one tile and output channel. */
static void magnify_tile(const struct alx_winograd *f, const double *d, const double *w, size_t k,
                         square to)
{
    size_t n = f->m + f->r - 1;
    square products = {{0}}, half = {{0}};
    for (size_t i = 0; i < k; i++)
        for (size_t point = 0; point < n * n; point++)
            products[point / n][point % n] += d[i * n * n + point] * w[i * n * n + point];
    for (size_t y = 0; y < f->m; y++)
        for (size_t j = 0; j < n; j++)
            for (size_t i = 0; i < n; i++)
                half[y][j] += abs(f->at[y][i]) * products[i][j];
    for (size_t y = 0; y < f->m; y++)
        for (size_t x = 0; x < f->m; x++) {
            to[y][x] = 0;
            for (size_t j = 0; j < n; j++)
                to[y][x] += abs(f->at[x][j]) * half[y][j];
            to[y][x] /= (double)f->at_denominator * f->at_denominator;
        }
}

/* |B^T| |in| |B| for one tile, channel and phase, whose first value is in[y][x]. */
static void magnify_input(const struct alx_winograd *f, const float *plane, struct alx_shape in,
                          size_t y, size_t x, size_t stride, double *to)
{
    size_t n = f->m + f->r - 1;
    square d, half = {{0}};
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            /* unsigned: a position before the input is a huge one */
            size_t iy = y + i * stride, ix = x + j * stride;
            bool inside = iy < in.height && ix < in.width;
            d[i][j] = inside ? fabs((double)plane[iy * in.width + ix]) : 0;
        }
    for (size_t p = 0; p < n; p++)
        for (size_t j = 0; j < n; j++)
            for (size_t i = 0; i < n; i++)
                half[p][j] += abs(f->bt[p][i]) * d[i][j];
    for (size_t p = 0; p < n; p++)
        for (size_t q = 0; q < n; q++) {
            double sum = 0;
            for (size_t j = 0; j < n; j++)
                sum += abs(f->bt[q][j]) * half[p][j];
            to[p * n + q] = sum / ((double)f->bt_denominator * f->bt_denominator);
        }
}

/* |G| |w| |G|^T of all weights: [out channels][k][n * n] with k = (channel, phase). */
static void magnify_weights(const struct alx_layer_info *info, const struct alx_winograd *f,
                            const float *weights, double *to)
{
    const struct alx_layer *l = &info->layer;
    const struct alx_winograd_geometry g = alx_winograd_geometry(info);
    size_t n = f->m + f->r - 1, phases = g.stride * g.stride;
    for (size_t i = 0; i < info->out.channels * g.group_k; i++) {
        square taps, transformed;
        taps_of(l, &g, weights + i / phases * l->kernel_h * l->kernel_w, i % phases / g.stride,
                i % phases % g.stride, taps);
        for (size_t tap = 0; tap < g.r * g.r; tap++)
            taps[tap / g.r][tap % g.r] = fabs(taps[tap / g.r][tap % g.r]);
        transform_taps(f, taps, true, transformed);
        for (size_t point = 0; point < n * n; point++)
            to[i * n * n + point] = transformed[point / n][point % n];
    }
}

/* Tile `tile` of a group of an image; `d` is room for [k][n * n]. */
static void magnify_outputs(const struct alx_problem *p, const struct alx_winograd *f,
                            const struct alx_reference *r, const double *w, size_t image,
                            size_t group, size_t tile, double *d)
{
    const struct alx_layer *l = &p->info->layer;
    const struct alx_winograd_geometry g = alx_winograd_geometry(p->info);
    struct alx_shape in = p->info->in, out = p->info->out;
    size_t n2 = (f->m + f->r - 1) * (f->m + f->r - 1), phases = g.stride * g.stride;
    size_t tiles_x = alx_ceil_div(out.width, f->m), group_out = out.channels / l->groups;
    size_t y = tile / tiles_x * f->m, x = tile % tiles_x * f->m;
    for (size_t k = 0; k < g.group_k; k++) {
        size_t c = image * in.channels + group * (in.channels / l->groups) + k / phases;
        magnify_input(f, r->in + c * in.height * in.width, in,
                      y * g.stride + k % phases / g.stride - l->pad_top,
                      x * g.stride + k % phases % g.stride - l->pad_left, g.stride, d + k * n2);
    }
    for (size_t o = group * group_out; o < (group + 1) * group_out; o++) {
        square sums;
        double *to = r->magnitude + (image * out.channels + o) * out.height * out.width;
        double bias = r->biases ? fabs((double)r->biases[o]) : 0;
        magnify_tile(f, d, w + o * g.group_k * n2, g.group_k, sums);
        for (size_t v = y; v < alx_min(y + f->m, out.height); v++)
            for (size_t u = x; u < alx_min(x + f->m, out.width); u++)
                to[v * out.width + u] = sums[v - y][u - x] + bias;
    }
}

enum alx_status alx_winograd_magnify(const struct alx_problem *p, const struct alx_params *params,
                                     const struct alx_reference *r)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_winograd_geometry g = alx_winograd_geometry(p->info);
    const struct alx_winograd *f = alx_winograd_find(params->tile, g.r);
    double *d = NULL, *w = NULL;
    if (!f)
        return alx_fail(ALX_STATUS_INTERNAL, "Winograd F(%zu, %zu): there is none", params->tile,
                        g.r);
    size_t n2 = (f->m + f->r - 1) * (f->m + f->r - 1), groups = p->info->layer.groups;
    size_t tiles = alx_winograd_tiles(p->info, f->m);
    ALX_TRY(alx_alloc(g.group_k * n2, sizeof *d, "verify", &d));
    ALX_TRY(alx_alloc(p->info->out.channels * g.group_k * n2, sizeof *w, "verify", &w));
    magnify_weights(p->info, f, r->weights, w);
    for (size_t i = 0; i < p->batch * groups * tiles; i++)
        magnify_outputs(p, f, r, w, i / tiles / groups, i / tiles % groups, i % tiles, d);
error:
    free(w);
    free(d);
    return status;
}
