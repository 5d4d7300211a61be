#include "ops/pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net/shape.h"
#include "util/error.h"
#include "util/half.h"
#include "util/memory.h"

size_t alx_pack_value_bytes(enum alx_precision precision)
{
    return precision == ALX_PRECISION_FP32 ? 4 : precision == ALX_PRECISION_FP16 ? 2 : 1;
}

size_t alx_pack_panel_bytes(const struct alx_weight_format *format)
{
    return format->panel_rows * alx_round_up(format->k_elems, format->k_vector) *
           alx_pack_value_bytes(format->precision);
}

size_t alx_pack_panel_count(const struct alx_weight_format *format)
{
    return format->groups * format->group_panels;
}

size_t alx_pack_padded_rows(const struct alx_weight_format *format)
{
    return alx_pack_panel_count(format) * format->panel_rows;
}

/* The model's row at padded position `row`, or SIZE_MAX for padding. */
static size_t source_row(const struct alx_pack *pack, size_t row)
{
    size_t per_group = pack->format.group_panels * pack->format.panel_rows;
    size_t group_rows = pack->info->layer.out_channels / pack->format.groups;
    size_t group = row / per_group, in_group = row % per_group;
    return in_group < group_rows ? group * group_rows + in_group : SIZE_MAX;
}

static float row_scale(const float *values, size_t count)
{
    float largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmaxf(largest, fabsf(values[i]));
    return largest > 0 ? largest / 127 : 1;
}

static int8_t quantised(float value, float inverse_scale)
{
    return (int8_t)lrintf(value * inverse_scale);
}

void alx_pack_round_row(float *values, size_t count, enum alx_precision precision)
{
    float scale = row_scale(values, count), inverse = 1 / scale;
    for (size_t i = 0; i < count; i++) {
        if (precision == ALX_PRECISION_FP16)
            values[i] = alx_half_to_float(alx_float_to_half(values[i]));
        else if (precision == ALX_PRECISION_INT8)
            values[i] = (float)quantised(values[i], inverse) * scale;
    }
}

/* Values of a row in the model. */
static size_t row_elems(const struct alx_pack *pack)
{
    struct alx_weight_shape w = alx_layer_weight_shape(pack->info);
    return w.in_channels * w.kernel_h * w.kernel_w;
}

static size_t position_of(const struct alx_weight_format *f, size_t k)
{
    return k / f->k_vector * f->panel_rows * f->k_vector + k % f->k_vector;
}

/* Position of each stored value of a row in the panel, for the panel's row 0. */
static enum alx_status positions_of(const struct alx_pack *pack, size_t **out)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_weight_format *f = &pack->format;
    struct alx_weight_shape w = alx_layer_weight_shape(pack->info);
    struct alx_shape shape = {w.in_channels, w.kernel_h, w.kernel_w};
    size_t *positions = NULL, i = 0;
    ALX_TRY(alx_alloc(f->k_elems, sizeof *positions, "packing weights", &positions));
    for (size_t k = 0; k < f->k_elems && f->transform; k++)
        positions[k] = position_of(f, k);
    for (size_t c = 0; c < shape.channels && !f->transform; c++)
        for (size_t y = 0; y < shape.height; y++)
            for (size_t x = 0; x < shape.width; x++)
                positions[i++] = position_of(
                    f, alx_layout_index(shape, (struct alx_layout){f->block, 0}, 0, c, y, x));
    *out = positions;
error:
    return status;
}

/* Writes a row's values to their positions; `row` is in the panel. */
static void scatter_row(const struct alx_pack *pack, const size_t *positions, const float *values,
                        size_t row, void *panel)
{
    size_t offset = row * pack->format.k_vector, count = pack->format.k_elems;
    if (pack->format.precision == ALX_PRECISION_FP32) {
        for (size_t i = 0; i < count; i++)
            ((float *)panel)[positions[i] + offset] = values[i];
    } else if (pack->format.precision == ALX_PRECISION_FP16) {
        for (size_t i = 0; i < count; i++)
            ((uint16_t *)panel)[positions[i] + offset] = alx_float_to_half(values[i]);
    } else {
        float inverse = 1 / row_scale(values, count);
        for (size_t i = 0; i < count; i++)
            ((int8_t *)panel)[positions[i] + offset] = quantised(values[i], inverse);
    }
}

enum alx_status alx_pack_weights(const struct alx_pack *pack, size_t first, size_t count, void *out)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_weight_format *f = &pack->format;
    size_t panel_bytes = alx_pack_panel_bytes(f);
    size_t *positions = NULL, count_read = row_elems(pack);
    float *row = NULL, *transformed = NULL;
    ALX_TRY(positions_of(pack, &positions));
    ALX_TRY(alx_alloc(count_read, sizeof *row, "packing weights", &row));
    ALX_TRY(alx_alloc(f->k_elems, sizeof *transformed, "packing weights", &transformed));
    for (size_t p = first; p < first + count; p++) {
        uint8_t *panel = (uint8_t *)out + (p - first) * panel_bytes;
        bool padded = f->k_elems % f->k_vector != 0;
        for (size_t r = 0; r < f->panel_rows && !padded; r++)
            padded = source_row(pack, p * f->panel_rows + r) == SIZE_MAX;
        if (padded)
            memset(panel, 0, panel_bytes);
        for (size_t r = 0; r < f->panel_rows; r++) {
            size_t source = source_row(pack, p * f->panel_rows + r);
            if (source == SIZE_MAX)
                continue;
            alx_view_read(pack->weights, source * count_read, count_read, row);
            if (f->transform)
                f->transform(pack->info, f->tile, row, transformed);
            scatter_row(pack, positions, f->transform ? transformed : row, r, panel);
        }
    }
error:
    free(transformed);
    free(row);
    free(positions);
    return status;
}

enum alx_status alx_pack_biases(const struct alx_pack *pack, float *out)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t rows = alx_pack_padded_rows(&pack->format), k = row_elems(pack);
    float *values = NULL;
    ALX_TRY(alx_alloc(k, sizeof *values, "packing biases", &values));
    for (size_t r = 0; r < rows; r++) {
        size_t source = source_row(pack, r);
        out[r] = 0;
        out[rows + r] = 1;
        if (source == SIZE_MAX)
            continue;
        if (pack->biases.elems)
            alx_view_read(pack->biases, source, 1, &out[r]);
        if (pack->format.precision == ALX_PRECISION_INT8) {
            alx_view_read(pack->weights, source * k, k, values);
            out[rows + r] = row_scale(values, k);
        }
    }
error:
    free(values);
    return status;
}
