#include "model/fit.h"

#include <stdio.h>
#include <string.h>

#include "net/shape.h"
#include "tensor/view.h"
#include "util/error.h"
#include "util/text.h"

size_t alx_needs_of(const struct alx_layer_info *info, struct alx_need needs[ALX_NEEDS_A_LAYER])
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
    snprintf(weight->name, sizeof weight->name, "%s.weight", layer->name);
    snprintf(bias->name, sizeof bias->name, "%s.bias", layer->name);
    return layer->no_bias ? 1 : 2;
}

static bool shape_fits(const struct alx_source_tensor *tensor, const struct alx_need *need)
{
    return tensor->dim_count == need->dim_count &&
           !memcmp(tensor->dims, need->dims, need->dim_count * sizeof *need->dims);
}

enum alx_status alx_fit_check_values(const struct alx_source_tensor *tensor)
{
    if (!tensor->readable)
        return alx_fail(ALX_STATUS_MODEL,
                        "tensor %s: values of type %s are not read; convert them to F32, F16 or "
                        "BF16",
                        tensor->name, tensor->dtype_name);
    size_t index = alx_view_first_not_finite(tensor->view);
    if (index < tensor->view.elems)
        return alx_fail(ALX_STATUS_MODEL, "tensor %s: value %zu is NaN or infinite", tensor->name,
                        index);
    return ALX_STATUS_OK;
}

static enum alx_status fit_tensor(const struct alx_source *source, const alx_net *net,
                                  const struct alx_need *need, struct alx_tensor_view *out)
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
    ALX_TRY(alx_fit_check_values(tensor));
    tensor->used = true;
    *out = tensor->view;
error:
    return status;
}

enum alx_status alx_fit(const struct alx_source *source, const alx_net *net, struct alx_slot *slots)
{
    enum alx_status status = ALX_STATUS_OK;
    for (size_t i = 0; i < alx_net_layer_count(net); i++) {
        struct alx_need needs[ALX_NEEDS_A_LAYER];
        struct alx_tensor_view *views[] = {&slots[i].weights, &slots[i].biases};
        size_t count = alx_needs_of(alx_net_layer(net, i), needs);
        for (size_t j = 0; j < count; j++)
            ALX_TRY(fit_tensor(source, net, &needs[j], views[j]));
    }
error:
    return status;
}

static bool fits(const struct alx_source *source, const alx_net *net)
{
    for (size_t i = 0; i < alx_net_layer_count(net); i++) {
        struct alx_need needs[ALX_NEEDS_A_LAYER];
        size_t count = alx_needs_of(alx_net_layer(net, i), needs);
        for (size_t j = 0; j < count; j++) {
            const struct alx_source_tensor *tensor = alx_source_find(source, needs[j].name);
            if (!tensor || !shape_fits(tensor, &needs[j]))
                return false;
        }
    }
    return true;
}

enum alx_status alx_fit_recognise(const struct alx_source *source, const alx_net *const *nets,
                                  size_t count, size_t *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_text all = {0}, fitting = {0};
    size_t found = 0, last = 0;
    for (size_t i = 0; i < count; i++) {
        alx_text_add(&all, "%s%s", i ? ", " : "", alx_net_name(nets[i]));
        if (!fits(source, nets[i]))
            continue;
        alx_text_add(&fitting, "%s%s", found ? ", " : "", alx_net_name(nets[i]));
        found++;
        last = i;
    }
    if (found == 1)
        *out = last;
    else if (found)
        status = alx_fail(ALX_STATUS_MODEL,
                          "does not say its network, and its tensors fit several; use --network "
                          "NAME with one of: %s",
                          alx_text_get(&fitting));
    else
        status = alx_fail(ALX_STATUS_MODEL,
                          "does not say its network, and its %zu tensors fit none exactly; use "
                          "--network NAME with one of: %s",
                          source->tensor_count, alx_text_get(&all));
    alx_text_free(&all);
    alx_text_free(&fitting);
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
