#include "model/fit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/shape.h"
#include "tensor/view.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/text.h"

/* `name` is what the tensors are called after. */
static size_t name_needs(const struct alx_layer_info *info, const char *name,
                         struct alx_need needs[ALX_NEEDS_A_LAYER])
{
    const struct alx_layer *layer = &info->layer;
    struct alx_weight_shape w = alx_layer_weight_shape(info);
    struct alx_need *weight = &needs[0], *bias = &needs[1];
    if (!w.out_channels)
        return 0;
    if (layer->kind == ALX_LAYER_FC)
        *weight = (struct alx_need){
            .dims = {w.out_channels, w.in_channels * w.kernel_h * w.kernel_w}, .dim_count = 2};
    else
        *weight = (struct alx_need){.dims = {w.out_channels, w.in_channels, w.kernel_h, w.kernel_w},
                                    .dim_count = 4};
    *bias = (struct alx_need){.dims = {w.out_channels}, .dim_count = 1};
    snprintf(weight->name, sizeof weight->name, "%s.weight", name);
    snprintf(bias->name, sizeof bias->name, "%s.bias", name);
    return layer->no_bias ? 1 : 2;
}

size_t alx_needs_of(const struct alx_layer_info *info, struct alx_need needs[ALX_NEEDS_A_LAYER])
{
    return name_needs(info, info->layer.name, needs);
}

/* What layer `index` needs, as the file names it. `*weighted` counts the layers with weights. */
static size_t needs_in_file(const alx_net *net, size_t index, const struct alx_naming *naming,
                            size_t *weighted, struct alx_need needs[ALX_NEEDS_A_LAYER])
{
    const struct alx_layer_info *info = alx_net_layer(net, index);
    size_t count = alx_needs_of(info, needs);
    return count && naming ? name_needs(info, naming->names[(*weighted)++], needs) : count;
}

static bool shape_fits(const struct alx_source_tensor *tensor, const struct alx_need *need)
{
    return tensor->dim_count == need->dim_count &&
           !memcmp(tensor->dims, need->dims, need->dim_count * sizeof *need->dims);
}

enum alx_status alx_fit_check_values(const struct alx_source_tensor *tensor, bool allow_nan)
{
    if (!tensor->readable)
        return alx_fail(ALX_STATUS_MODEL,
                        "tensor %s: values of type %s are not read; convert them to F32, F16 or "
                        "BF16",
                        tensor->name, tensor->dtype_name);
    size_t index = alx_view_first_not_finite(tensor->view);
    if (index < tensor->view.elems && !allow_nan)
        return alx_fail(ALX_STATUS_MODEL,
                        "tensor %s: value %zu is NaN or infinite; --allow-nan takes it all the "
                        "same",
                        tensor->name, index);
    if (index < tensor->view.elems)
        alx_log(ALX_LOG_WARNING, "tensor %s: value %zu is NaN or infinite", tensor->name, index);
    return ALX_STATUS_OK;
}

/* `*scales` is that of int8 weights, NULL where a tensor may not be quantised. */
static enum alx_status fit_tensor(const struct alx_source *source, const alx_net *net,
                                  const struct alx_need *need, bool allow_nan,
                                  struct alx_tensor_view *out, struct alx_tensor_view *scales)
{
    enum alx_status status = ALX_STATUS_OK;
    char has[ALX_SHOW_BYTES], needed[ALX_SHOW_BYTES];
    struct alx_source_tensor *tensor = alx_source_find(source, need->name);
    alx_show_dims(need->dims, need->dim_count, needed);
    if (!tensor)
        return alx_fail(ALX_STATUS_MODEL, "tensor %s %s is missing; network %s needs it",
                        need->name, needed, alx_net_name(net));
    if (!shape_fits(tensor, need))
        return alx_fail(ALX_STATUS_MODEL, "tensor %s: its shape is %s, but network %s needs %s",
                        need->name, alx_show_dims(tensor->dims, tensor->dim_count, has),
                        alx_net_name(net), needed);
    if (tensor->view.dtype == ALX_DTYPE_I8 && !scales)
        tensor->readable = false;
    ALX_TRY(alx_fit_check_values(tensor, allow_nan));
    tensor->used = true;
    *out = tensor->view;
    if (scales)
        *scales = tensor->scales;
error:
    return status;
}

enum alx_status alx_fit(const struct alx_source *source, const alx_net *net,
                        const struct alx_naming *naming, bool allow_nan, struct alx_slot *slots)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t weighted = 0;
    for (size_t i = 0; i < alx_net_layer_count(net); i++) {
        struct alx_need needs[ALX_NEEDS_A_LAYER];
        struct alx_tensor_view *views[] = {&slots[i].weights, &slots[i].biases};
        size_t count = needs_in_file(net, i, naming, &weighted, needs);
        for (size_t j = 0; j < count; j++)
            ALX_TRY(fit_tensor(source, net, &needs[j], allow_nan, views[j],
                               j ? NULL : &slots[i].scales));
    }
error:
    return status;
}

const struct alx_naming *alx_fit_naming(const struct alx_source *source, const alx_net *net)
{
    const struct alx_naming *naming, *best = NULL;
    size_t most = 0;
    char name[ALX_NAME_BYTES + 8];
    for (size_t i = 0; (naming = alx_naming_row(i)); i++) {
        size_t found = 0;
        for (size_t j = 0; naming->names[j] && !strcmp(naming->network, alx_net_name(net)); j++) {
            snprintf(name, sizeof name, "%s.weight", naming->names[j]);
            found += alx_source_find(source, name) != NULL;
        }
        if (found > most)
            best = naming;
        most = alx_max(found, most);
    }
    return best;
}

/* Whether a layer's tensors are there for so many input channels, and how many output channels they
 * have. */
static bool layer_fits(const struct alx_source *source, const struct alx_layer_info *info,
                       const struct alx_need *needs, size_t need_count, size_t *channels)
{
    const struct alx_layer *layer = &info->layer;
    const struct alx_source_tensor *weight = alx_source_find(source, needs[0].name);
    bool fc = layer->kind == ALX_LAYER_FC;
    size_t inputs = fc ? *channels * info->in.height * info->in.width : *channels / layer->groups;
    if (!weight || weight->dim_count != needs[0].dim_count || *channels % layer->groups ||
        weight->dims[1] != inputs)
        return false;
    size_t outputs = weight->dims[0];
    if (!outputs || outputs > ALX_MAX_DIM || outputs % layer->groups ||
        (!fc && (weight->dims[2] != layer->kernel_h || weight->dims[3] != layer->kernel_w)))
        return false;
    if (need_count > 1) {
        const struct alx_source_tensor *bias = alx_source_find(source, needs[1].name);
        if (!bias || bias->dim_count != 1 || bias->dims[0] != outputs)
            return false;
    }
    *channels = outputs;
    return true;
}

/* How many tensors the network takes, be its layers wider or narrower; 0: they do not fit. Fills a
 * copy of the table with the output channels that the tensors have; `*alike` counts the layers that
 * have the table's. */
static size_t fits(const struct alx_source *source, const alx_net *net,
                   const struct alx_naming *naming, struct alx_layer *layers, size_t *alike)
{
    size_t channels = alx_net_input(net).channels, weighted = 0, taken = 0;
    *alike = 0;
    for (size_t i = 0; i < alx_net_layer_count(net); i++) {
        const struct alx_layer_info *info = alx_net_layer(net, i);
        struct alx_need needs[ALX_NEEDS_A_LAYER];
        size_t count = needs_in_file(net, i, naming, &weighted, needs);
        layers[i] = info->layer;
        if (count && !layer_fits(source, info, needs, count, &channels))
            return 0;
        *alike += count && layers[i].out_channels == channels;
        if (count)
            layers[i].out_channels = channels;
        taken += count;
    }
    return taken;
}

/* Networks that fit, and how: of those that take the most tensors, since a deeper network may have
 * all that a shallow one needs, those whose table is most like them in width. */
struct findings {
    struct alx_text names;
    size_t count, taken, alike;
    const struct alx_naming *naming; /* of the last one */
    alx_net *net;                    /* the first one; owned */
};

static void forget(struct findings *findings)
{
    alx_net_destroy(&findings->net);
    alx_text_free(&findings->names);
    *findings = (struct findings){0};
}

/* Tries a network under names that its tensors may have. */
static enum alx_status try_naming(const struct alx_source *source, const alx_net *net,
                                  const struct alx_naming *naming, struct findings *findings)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_layer *layers = NULL;
    size_t count = alx_net_layer_count(net), taken, alike;
    ALX_TRY(alx_alloc(count, sizeof *layers, "a network", &layers));
    taken = fits(source, net, naming, layers, &alike);
    if (!taken || taken < findings->taken || (taken == findings->taken && alike < findings->alike))
        goto error;
    if (taken > findings->taken || alike > findings->alike)
        forget(findings);
    if (!findings->count++)
        ALX_TRY(
            alx_net_create(alx_net_name(net), alx_net_input(net), layers, count, &findings->net));
    findings->taken = taken;
    findings->alike = alike;
    findings->naming = naming;
    alx_text_add(&findings->names, "%s%s", findings->count > 1 ? ", " : "", alx_net_name(net));
error:
    free(layers);
    return status;
}

static enum alx_status judge(const struct alx_source *source, const struct findings *findings,
                             const char *all)
{
    if (findings->count == 1)
        return ALX_STATUS_OK;
    if (findings->count)
        return alx_fail(ALX_STATUS_MODEL,
                        "does not say its network, and its tensors fit several; use --network "
                        "NAME with one of: %s",
                        alx_text_get(&findings->names));
    return alx_fail(ALX_STATUS_MODEL,
                    "does not say its network, and its %zu tensors fit none exactly; use "
                    "--network NAME with one of: %s",
                    source->tensor_count, all);
}

enum alx_status alx_fit_recognise(const struct alx_source *source, const alx_net *const *nets,
                                  size_t count, const struct alx_naming **naming, alx_net **out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_text all = {0};
    struct findings findings = {0};
    for (size_t i = 0; i < count; i++) {
        const struct alx_naming *other = alx_fit_naming(source, nets[i]);
        alx_text_add(&all, "%s%s", i ? ", " : "", alx_net_name(nets[i]));
        ALX_TRY(try_naming(source, nets[i], NULL, &findings));
        if (other)
            ALX_TRY(try_naming(source, nets[i], other, &findings));
    }
    ALX_TRY(judge(source, &findings, alx_text_get(&all)));
    *naming = findings.naming;
    *out = findings.net;
    findings.net = NULL;
error:
    forget(&findings);
    alx_text_free(&all);
    return status;
}

void alx_fit_warn_unused(const struct alx_source *source, const alx_net *net)
{
    enum { NAMED = 5 };
    struct alx_text names = {0};
    size_t unused = 0;
    for (size_t i = 0; i < source->tensor_count; i++) {
        char shown[ALX_SHOW_BYTES];
        if (source->tensors[i].used)
            continue;
        if (unused < NAMED)
            alx_text_add(&names, "%s%s", unused ? ", " : "",
                         alx_show(source->tensors[i].name, shown));
        unused++;
    }
    if (unused)
        alx_log(ALX_LOG_WARNING, "network %s does not use %zu tensors of the file: %s%s",
                alx_net_name(net), unused, alx_text_get(&names), unused > NAMED ? ", ..." : "");
    alx_text_free(&names);
}
