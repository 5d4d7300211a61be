#include "ops/pack.h"

#include <stdlib.h>
#include <string.h>

#include "net/shape.h"
#include "ops/compact.h"
#include "tensor/quantise.h"
#include "util/error.h"
#include "util/half.h"
#include "util/memory.h"
#include "util/parallel.h"

size_t alx_pack_value_bytes(enum alx_precision precision)
{
    return precision == ALX_PRECISION_FP32 ? 4 : precision == ALX_PRECISION_FP16 ? 2 : 1;
}

/* Words of a compact panel's scales. */
static size_t scale_words(const struct alx_weight_format *format)
{
    return alx_round_up(format->panel_rows, 16);
}

size_t alx_pack_panel_bytes(const struct alx_weight_format *format)
{
    size_t values = format->panel_rows * alx_round_up(format->k_elems, format->k_vector);
    if (format->compact)
        return (scale_words(format) + values / ALX_COMPACT_ROWS * ALX_COMPACT_WORDS) *
               sizeof(uint32_t);
    return values * alx_pack_value_bytes(format->precision);
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

void alx_pack_round_row(float *values, size_t count, enum alx_precision precision)
{
    float scale = alx_quantise_scale(values, count);
    for (size_t i = 0; i < count; i++) {
        if (precision == ALX_PRECISION_FP16) {
            values[i] = alx_half_to_float(alx_float_to_half(values[i]));
        } else if (precision == ALX_PRECISION_INT8) {
            int8_t whole;
            alx_quantise(&values[i], 1, scale, &whole);
            values[i] = (float)whole * scale;
        }
    }
}

/* Values of a row in the model. */
static size_t row_elems(const struct alx_pack *pack)
{
    struct alx_weight_shape w = alx_layer_weight_shape(pack->info);
    return w.in_channels * w.kernel_h * w.kernel_w;
}

/* One row at a time on its way to the device. Everything is owned. */
struct packer {
    const struct alx_pack *pack;
    size_t elems;      /* of a row in the model */
    uint32_t *sources; /* for each value on the device: its place in the row; NULL: the same */
    float *row, *transformed;
    void *converted; /* the row, as the device holds its values */
    uint32_t *words; /* of eight rows, when these are compact */
};

static void free_packer(struct packer *packer)
{
    free(packer->sources);
    free(packer->row);
    free(packer->transformed);
    free(packer->converted);
    free(packer->words);
}

/* A layout's order is that of its indices. */
static enum alx_status find_sources(struct packer *packer)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_pack *pack = packer->pack;
    struct alx_weight_shape w = alx_layer_weight_shape(pack->info);
    struct alx_shape shape = {w.in_channels, w.kernel_h, w.kernel_w};
    struct alx_layout layout = {pack->format.block, 0};
    uint32_t *sources = NULL, i = 0;
    bool same = true;
    ALX_TRY(alx_alloc(packer->elems, sizeof *sources, "packing weights", &sources));
    for (size_t c = 0; c < shape.channels; c++)
        for (size_t y = 0; y < shape.height; y++)
            for (size_t x = 0; x < shape.width; x++, i++) {
                size_t k = alx_layout_index(shape, layout, 0, c, y, x);
                sources[k] = i;
                same = same && k == i;
            }
    if (!same) {
        packer->sources = sources;
        sources = NULL;
    }
error:
    free(sources);
    return status;
}

static enum alx_status make_packer(const struct alx_pack *pack, struct packer *packer)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_weight_format *f = &pack->format;
    *packer = (struct packer){.pack = pack, .elems = row_elems(pack)};
    ALX_TRY(alx_alloc(packer->elems, sizeof *packer->row, "packing weights", &packer->row));
    ALX_TRY(alx_alloc(f->k_elems, alx_pack_value_bytes(f->precision), "packing weights",
                      &packer->converted));
    if (f->compact)
        ALX_TRY(alx_alloc(ALX_COMPACT_ROWS * f->k_elems, sizeof *packer->words, "packing weights",
                          &packer->words));
    if (f->transform)
        ALX_TRY(alx_alloc(f->k_elems, sizeof *packer->transformed, "packing weights",
                          &packer->transformed));
    else
        ALX_TRY(find_sources(packer));
error:
    return status;
}

/* The scale that a row of the model has, 1 unless it is I8. */
static float model_scale(const struct alx_pack *pack, size_t source)
{
    float scale = 1;
    if (pack->weights.dtype == ALX_DTYPE_I8)
        alx_view_read(pack->scales, source, 1, &scale);
    return scale;
}

/* Reads a row as float32 and returns its scale for int8. */
static float read_row(const struct alx_pack *pack, size_t source, size_t count, float *row)
{
    float scale = model_scale(pack, source);
    alx_view_read(pack->weights, source * count, count, row);
    if (pack->weights.dtype != ALX_DTYPE_I8)
        return pack->format.precision == ALX_PRECISION_INT8 ? alx_quantise_scale(row, count) : 1;
    for (size_t i = 0; i < count; i++)
        row[i] *= scale;
    return scale;
}

/* Writes `vector` values after the other, then goes on a `stride` later, both in values of `bytes`:
 * a constant where this is called, so that each call becomes a loop of its own. */
static inline void place(const uint8_t *row, const uint32_t *sources, size_t count, size_t vector,
                         size_t stride, size_t bytes, uint8_t *out)
{
    for (size_t k = 0; k < count; k += vector, out += stride * bytes) {
        size_t now = count - k < vector ? count - k : vector;
        if (!sources)
            memcpy(out, row + k * bytes, now * bytes);
        for (size_t i = 0; i < now && sources; i++)
            memcpy(out + i * bytes, row + sources[k + i] * bytes, bytes);
    }
}

/* Whether the model holds values as the device does. */
static bool is_stored_alike(const struct alx_pack *pack)
{
    static const enum alx_dtype alike[] = {[ALX_PRECISION_FP32] = ALX_DTYPE_F32,
                                           [ALX_PRECISION_FP16] = ALX_DTYPE_F16,
                                           [ALX_PRECISION_INT8] = ALX_DTYPE_I8};
    return !pack->format.transform && pack->weights.dtype == alike[pack->format.precision];
}

/* A row's values as the device holds them: where they lie in the model, or converted. */
static const void *convert_row(const struct packer *packer, size_t source)
{
    const struct alx_pack *pack = packer->pack;
    const struct alx_weight_format *f = &pack->format;
    if (is_stored_alike(pack))
        return (const uint8_t *)pack->weights.data +
               source * packer->elems * alx_pack_value_bytes(f->precision);
    float scale = read_row(pack, source, packer->elems, packer->row);
    const float *values = packer->row;
    if (f->transform) {
        f->transform(pack->info, f->tile, values, packer->transformed);
        values = packer->transformed;
    }
    if (f->precision == ALX_PRECISION_FP32)
        return values;
    if (f->precision == ALX_PRECISION_FP16)
        alx_floats_to_halves(values, f->k_elems, packer->converted);
    else
        alx_quantise(values, f->k_elems, scale, packer->converted);
    return packer->converted;
}

/* Writes a row's values to their places; `row` is in the panel. */
static void place_row(const struct packer *packer, const void *values, size_t row, uint8_t *panel)
{
    const struct alx_weight_format *f = &packer->pack->format;
    const uint32_t *sources = packer->sources;
    size_t count = f->k_elems, vector = f->k_vector, stride = f->panel_rows * vector;
    uint8_t *out = panel + row * vector * alx_pack_value_bytes(f->precision);
    if (f->precision == ALX_PRECISION_FP32)
        place(values, sources, count, vector, stride, 4, out);
    else if (f->precision == ALX_PRECISION_FP16)
        place(values, sources, count, vector, stride, 2, out);
    else
        place(values, sources, count, vector, stride, 1, out);
}

/* Whether something of the panel stays zero. */
static bool has_padding(const struct alx_pack *pack, size_t panel)
{
    const struct alx_weight_format *f = &pack->format;
    bool padded = f->k_elems % f->k_vector != 0;
    for (size_t r = 0; r < f->panel_rows && !padded; r++)
        padded = source_row(pack, panel * f->panel_rows + r) == SIZE_MAX;
    return padded;
}

static void pack_panel(const struct packer *packer, size_t first_row, uint8_t *panel)
{
    for (size_t r = 0; r < packer->pack->format.panel_rows; r++) {
        size_t source = source_row(packer->pack, first_row + r);
        if (source != SIZE_MAX)
            place_row(packer, convert_row(packer, source), r, panel);
    }
}

static void pack_compact_panel(const struct packer *packer, size_t first_row, void *panel)
{
    const struct alx_weight_format *f = &packer->pack->format;
    size_t stride = f->panel_rows / ALX_COMPACT_ROWS * ALX_COMPACT_WORDS * f->k_vector;
    float *scales = panel;
    uint32_t *out = (uint32_t *)panel + scale_words(f);
    for (size_t first = 0; first < f->panel_rows; first += ALX_COMPACT_ROWS) {
        for (size_t r = 0; r < ALX_COMPACT_ROWS; r++) {
            size_t source = source_row(packer->pack, first_row + first + r);
            uint32_t *words = packer->words + r * f->k_elems;
            if (source == SIZE_MAX)
                memset(words, 0, f->k_elems * sizeof *words);
            else
                scales[first + r] = alx_compact_row(convert_row(packer, source), f->k_elems, words);
        }
        alx_compact_join(packer->words, f->k_elems, packer->sources, f->k_vector, stride, out);
        out += ALX_COMPACT_WORDS * f->k_vector;
    }
}

/* Panels that several workers write at once, each with a packer of its own. */
struct panels {
    const struct alx_pack *pack;
    struct packer packers[ALX_MAX_WORKERS];
    size_t first;
    uint8_t *out;
};

static void pack_range(void *context, size_t worker, size_t first, size_t count)
{
    const struct panels *panels = context;
    const struct alx_weight_format *f = &panels->pack->format;
    size_t bytes = alx_pack_panel_bytes(f);
    for (size_t p = first; p < first + count; p++) {
        uint8_t *panel = panels->out + p * bytes;
        size_t index = panels->first + p;
        if (has_padding(panels->pack, index))
            memset(panel, 0, bytes);
        if (f->compact)
            pack_compact_panel(&panels->packers[worker], index * f->panel_rows, panel);
        else
            pack_panel(&panels->packers[worker], index * f->panel_rows, panel);
    }
}

enum alx_status alx_pack_weights(const struct alx_pack *pack, size_t first, size_t count, void *out)
{
    enum { WORTH_BYTES = 1 << 20 }; /* of a thread */
    enum alx_status status = ALX_STATUS_OK;
    struct panels panels = {.pack = pack, .first = first, .out = out};
    size_t panel_bytes = alx_max(1, alx_pack_panel_bytes(&pack->format));
    size_t workers = alx_parallel_workers(count, alx_ceil_div(WORTH_BYTES, panel_bytes));
    for (size_t w = 0; w < workers; w++)
        ALX_TRY(make_packer(pack, &panels.packers[w]));
    alx_parallel_run(count, workers, pack_range, &panels);
error:
    for (size_t w = 0; w < workers; w++)
        free_packer(&panels.packers[w]);
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
        if (pack->format.precision == ALX_PRECISION_INT8)
            out[rows + r] = pack->weights.dtype == ALX_DTYPE_I8 ? model_scale(pack, source)
                                                                : read_row(pack, source, k, values);
    }
error:
    free(values);
    return status;
}
