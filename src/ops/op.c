#include "ops/op.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/memory.h"

static const struct alx_algorithm *const algorithms[] = {
    &alx_conv_winograd, &alx_conv_winograd_tiled,
    &alx_conv_tiled,    &alx_conv_direct,
    &alx_conv_clblast,  &alx_conv_naive,
    &alx_fc_gemv,       &alx_fc_gemm,
    &alx_fc_tiled,      &alx_fc_direct,
    &alx_fc_clblast,    &alx_fc_naive,
    &alx_lrn_row,       &alx_lrn_pool,
    &alx_lrn_element,   &alx_pool_max,
    &alx_pool_average,  &alx_relu,
    &alx_softmax,
};

const struct alx_algorithm *const *alx_algorithms(size_t *count)
{
    *count = sizeof algorithms / sizeof *algorithms;
    return algorithms;
}

const struct alx_algorithm *alx_algorithm_find(enum alx_layer_kind kind, const char *name)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (algorithms[i]->kind == kind && !strcmp(algorithms[i]->name, name))
            return algorithms[i];
    return NULL;
}

void alx_recipe_free(struct alx_recipe *recipe)
{
    alx_text_free(&recipe->options);
    free(recipe->launches);
    *recipe = (struct alx_recipe){0};
}

enum alx_status alx_recipe_add(struct alx_recipe *recipe, const struct alx_launch *launch)
{
    struct alx_launch *larger =
        realloc(recipe->launches, (recipe->launch_count + 1) * sizeof *larger);
    if (!larger)
        return alx_fail(ALX_STATUS_NO_MEMORY, "plan: no memory for %zu launches",
                        recipe->launch_count + 1);
    recipe->launches = larger;
    larger[recipe->launch_count++] = *launch;
    return ALX_STATUS_OK;
}

enum alx_status alx_recipe_add_panels(struct alx_recipe *recipe, const char *file,
                                      const char *kernel, const size_t global[3], size_t lanes,
                                      size_t panel_axis)
{
    return alx_recipe_add(recipe, &(struct alx_launch){
                                      .file = file,
                                      .kernel = kernel,
                                      .args = {{ALX_ROLE_IN, 0},
                                               {ALX_ROLE_WEIGHTS, 0},
                                               {ALX_ROLE_BIAS, 0},
                                               {ALX_ROLE_OUT, 0},
                                               {ALX_ROLE_FIRST_PANEL, 0}},
                                      .arg_count = 5,
                                      .global = {global[0], global[1], global[2]},
                                      .local = {lanes, 1, 1},
                                      .per_panel = true,
                                      .panel_axis = panel_axis,
                                  });
}

static void add_tensor(struct alx_text *options, const char *side, struct alx_shape shape,
                       struct alx_layout layout)
{
    alx_text_add(options, " -D%s_C=%zu -D%s_H=%zu -D%s_W=%zu -D%s_B=%zu -D%s_HALO=%zu", side,
                 shape.channels, side, shape.height, side, shape.width, side, layout.block, side,
                 layout.halo);
}

void alx_recipe_begin(struct alx_recipe *recipe, const struct alx_problem *problem,
                      const struct alx_params *params)
{
    static const int weight_bits[] = {
        [ALX_PRECISION_FP32] = 32, [ALX_PRECISION_FP16] = 16, [ALX_PRECISION_INT8] = 8};
    alx_text_add(&recipe->options, "-DBATCH=%zu -DVECTOR=%zu -DLANES=%zu -DWEIGHT_BITS=%d",
                 problem->batch, params->vector, params->lanes,
                 recipe->weights.compact ? 28 : weight_bits[recipe->weights.precision]);
    add_tensor(&recipe->options, "IN", problem->info->in, problem->in);
    add_tensor(&recipe->options, "OUT", problem->info->out, problem->out);
    if (problem->info->layer.relu_limit > 0) /* hexadecimal: exact, and the same in every locale */
        alx_text_add(&recipe->options, " -DRELU_LIMIT=%af",
                     (double)(float)problem->info->layer.relu_limit);
}

void alx_params_text(const struct alx_params *params, char *out, size_t out_bytes)
{
    const struct {
        const char *name;
        size_t value, usual;
    } parts[] = {{"px", params->pixels, 0},     {"rows", params->rows, 0},
                 {"images", params->images, 1}, {"vectors", params->vectors, 0},
                 {"floats", params->vector, 1}, {"lanes", params->lanes, 1},
                 {"parts", params->split, 1},   {"bits", params->bits, 0}};
    struct alx_text text = {0};
    if (params->tile)
        alx_text_add(&text, "F(%zu)", params->tile);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].value > parts[i].usual)
            alx_text_add(&text, "%s%zu %s", text.bytes ? " x " : "", parts[i].value, parts[i].name);
    alx_text_copy(out, out_bytes, alx_text_get(&text));
    alx_text_free(&text);
}

void alx_reference_run(const struct alx_layer_info *info, size_t batch,
                       const struct alx_reference *reference)
{
    typedef void run_fn(const struct alx_layer_info *, size_t, const struct alx_reference *);
    static run_fn *const runs[ALX_LAYER_KIND_COUNT] = {
        [ALX_LAYER_CONV] = alx_conv_reference,       [ALX_LAYER_FC] = alx_conv_reference,
        [ALX_LAYER_LRN] = alx_lrn_reference,         [ALX_LAYER_MAX_POOL] = alx_pool_reference,
        [ALX_LAYER_AVG_POOL] = alx_pool_reference,   [ALX_LAYER_RELU] = alx_relu_reference,
        [ALX_LAYER_SOFTMAX] = alx_softmax_reference,
    };
    if (runs[info->layer.kind])
        runs[info->layer.kind](info, batch, reference);
}

struct alx_layout alx_layout_for(struct alx_shape shape, size_t block, size_t halo)
{
    bool fits = block && shape.channels % block == 0;
    return (struct alx_layout){fits ? block : shape.channels, halo};
}

size_t alx_most_rows(size_t vectors, const struct alx_traits *t)
{
    return (t->registers - 1 - vectors) / vectors;
}

void alx_choose_register_tile(size_t count, size_t channels, size_t parallel,
                              const struct alx_traits *t, struct alx_params *params)
{
    double least = INFINITY;
    for (size_t vectors = 1; vectors <= 3; vectors++) {
        size_t most = alx_min(count, alx_most_rows(vectors, t));
        size_t panels = alx_ceil_div(channels, vectors * t->vector), items = panels * parallel;
        double idle = (double)(alx_ceil_div(items, t->units) * t->units) / (double)items;
        for (size_t rows = 1; rows <= most; rows++) {
            /* Loads beside the multiplications: one a vector, one a row. */
            double step = (double)(rows * vectors) + 0.25 * (double)(rows + vectors);
            double cost = (double)(panels * alx_ceil_div(count, rows)) * step * idle;
            if (cost < least) {
                least = cost;
                params->rows = rows;
                params->vectors = vectors;
            }
        }
    }
}

size_t alx_divisor(size_t value, size_t limit)
{
    size_t divisor = limit < value ? limit : value;
    while (value % divisor)
        divisor--;
    return divisor;
}

size_t alx_power_of_two_divisor(size_t value, size_t limit)
{
    size_t power = 1;
    while (power * 2 <= limit && value % (power * 2) == 0)
        power *= 2;
    return power;
}

bool alx_suits_simt(const struct alx_problem *problem, const struct alx_traits *traits)
{
    (void)problem;
    return traits->simt;
}

bool alx_supports_all(const struct alx_problem *problem, const struct alx_traits *traits)
{
    (void)problem;
    (void)traits;
    return true;
}

struct alx_params alx_choose_lanes(const struct alx_problem *problem,
                                   const struct alx_traits *traits)
{
    (void)problem;
    return (struct alx_params){.lanes = traits->lanes, .vector = 1};
}

struct alx_layout alx_any_input_layout(const struct alx_problem *problem,
                                       const struct alx_params *params)
{
    return alx_layout_for(problem->info->in, params->block, 0);
}
