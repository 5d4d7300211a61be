#include <math.h>

#include "net/shape.h"
#include "ops/op.h"
#include "ops/window.h"
#include "util/memory.h"

struct alx_layer alx_window_of(const struct alx_layer_info *info)
{
    struct alx_layer l = info->layer;
    if (l.kind == ALX_LAYER_FC) {
        l.kernel_h = info->in.height;
        l.kernel_w = info->in.width;
    }
    return l;
}

size_t alx_window_halo(const struct alx_layer *l)
{
    return alx_max(alx_max(l->pad_top, l->pad_bottom), alx_max(l->pad_left, l->pad_right));
}

void alx_window_macros(struct alx_text *options, const struct alx_layer *l)
{
    alx_text_add(options,
                 " -DKERNEL_H=%zu -DKERNEL_W=%zu -DSTRIDE_H=%zu -DSTRIDE_W=%zu -DPAD_TOP=%zu "
                 "-DPAD_LEFT=%zu",
                 l->kernel_h, l->kernel_w, l->stride_h, l->stride_w, l->pad_top, l->pad_left);
}

/* Values of a window along one axis of which `size` are there and `after` more are padding; `start`
 * may lie before the input, and is huge then. */
static size_t counted(size_t start, size_t kernel, size_t before, size_t size, size_t after)
{
    return alx_min(kernel, before + size + after - (start + before));
}

/* The mean of a window whose values add up to `sum`, `inside` of which lie in the input. */
static double mean_of(const struct alx_layer_info *info, size_t y, size_t x, double sum,
                      size_t inside)
{
    const struct alx_layer *l = &info->layer;
    if (l->count_padding)
        inside = counted(y * l->stride_h - l->pad_top, l->kernel_h, l->pad_top, info->in.height,
                         l->pad_bottom) *
                 counted(x * l->stride_w - l->pad_left, l->kernel_w, l->pad_left, info->in.width,
                         l->pad_right);
    return sum / (double)inside;
}

void alx_pool_reference(const struct alx_layer_info *info, size_t batch,
                        const struct alx_reference *r)
{
    const struct alx_layer *l = &info->layer;
    struct alx_shape in = info->in, out = info->out;
    bool average = l->kind == ALX_LAYER_AVG_POOL;
    for (size_t i = 0; i < batch * alx_shape_elems(out); i++) {
        size_t x = i % out.width, y = i / out.width % out.height,
               plane = i / (out.width * out.height), inside = 0;
        double largest = -INFINITY, sum = 0, magnitude = 0;
        for (size_t ky = 0; ky < l->kernel_h; ky++)
            for (size_t kx = 0; kx < l->kernel_w; kx++) {
                size_t iy = y * l->stride_h + ky - l->pad_top;
                size_t ix = x * l->stride_w + kx - l->pad_left;
                if (iy >= in.height || ix >= in.width)
                    continue;
                double value = (double)r->in[(plane * in.height + iy) * in.width + ix];
                largest = fmax(largest, value);
                sum += value;
                magnitude += fabs(value);
                inside++;
            }
        r->out[i] = average ? mean_of(info, y, x, sum, inside) : largest;
        if (r->magnitude) /* a maximum is exact */
            r->magnitude[i] = average ? mean_of(info, y, x, magnitude, inside) : 0;
    }
}

static struct alx_params choose(const struct alx_problem *p, const struct alx_traits *t)
{
    (void)p;
    return (struct alx_params){.lanes = t->lanes, .vector = t->vector};
}

static enum alx_status describe(const struct alx_problem *p, const struct alx_params *params,
                                struct alx_recipe *recipe)
{
    const struct alx_layer *l = &p->info->layer;
    bool average = l->kind == ALX_LAYER_AVG_POOL;
    struct alx_shape out = p->info->out;
    struct alx_params used = *params;
    used.vector = alx_power_of_two_divisor(alx_power_of_two_divisor(p->in.block, params->vector),
                                           params->vector);
    used.vector = alx_power_of_two_divisor(p->out.block, used.vector);
    bool rows = params->lanes == 1; /* a work-item takes a whole row, all channels */
    size_t item_c = rows ? out.channels : used.vector, item_x = rows ? out.width : 1;
    alx_recipe_begin(recipe, p, &used);
    alx_window_macros(&recipe->options, l);
    alx_text_add(&recipe->options, " -DITEM_C=%zu -DITEM_X=%zu", item_c, item_x);
    if (average)
        alx_text_add(&recipe->options,
                     " -DPOOL_AVERAGE -DCOUNT_PADDING=%d -DPAD_BOTTOM=%zu -DPAD_RIGHT=%zu",
                     l->count_padding, l->pad_bottom, l->pad_right);
    return alx_recipe_add(
        recipe, &(struct alx_launch){
                    .file = "pool.cl",
                    .kernel = average ? "pool_average" : "pool_max",
                    .args = {{ALX_ROLE_IN, 0}, {ALX_ROLE_OUT, 0}},
                    .arg_count = 2,
                    .global = {alx_round_up(alx_ceil_div(out.channels, item_c), params->lanes),
                               alx_ceil_div(out.width, item_x), p->batch * out.height},
                    .local = {params->lanes, 1, 1},
                });
}

const struct alx_algorithm alx_pool_max = {
    .kind = ALX_LAYER_MAX_POOL,
    .name = "direct",
    .file = "pool.cl",
    .summary = "windows clipped to the input",
    .supports = alx_supports_all,
    .choose = choose,
    .candidates = alx_lane_candidates,
    .input_layout = alx_any_input_layout,
    .describe = describe,
};

const struct alx_algorithm alx_pool_average = {
    .kind = ALX_LAYER_AVG_POOL,
    .name = "direct",
    .file = "pool.cl",
    .summary = "windows clipped to the input",
    .supports = alx_supports_all,
    .choose = choose,
    .candidates = alx_lane_candidates,
    .input_layout = alx_any_input_layout,
    .describe = describe,
};
