/*
 * Caffe's networks of towers: channels that a Slice cuts into parts, or convolutions that read the
 * same, then layers of equal form side by side, and a Concat that puts the parts together. As in
 * ONNX's graphs, a layer in each tower is one layer, in groups where it matters: see
 * alx_chain_join_layers(). It has the name of the first tower's, and so have its weights, which are
 * those of all towers, one after the other.
 */
#include <string.h>

#include "model/caffe_net.h"
#include "util/error.h"

/* A layer and the name by which it reads a blob: a Split may have given it another. */
struct reader {
    struct alx_caffe_layer *layer;
    struct alx_span name;
};

struct towers {
    struct alx_caffe_maker *maker;
    size_t count;
    bool split;                            /* each has a part of the channels, not all */
    struct alx_span blobs[ALX_MAX_TOWERS]; /* what the last layers wrote */
    const struct alx_caffe_layer *from[ALX_MAX_TOWERS]; /* those who read it come behind */
    struct reader readers[ALX_MAX_TOWERS];              /* the next layers */
};

/* --- who reads what --- */

/* Forgets a name that stands for another blob from here on: layers may write in place. */
static void forget(struct alx_caffe_names *names, struct alx_span name)
{
    for (size_t i = 0; i < names->count; i++)
        if (alx_spans_equal(names->list[i], name))
            names->list[i] = names->list[--names->count];
}

/* Adds the names that a Split gives a blob; false when these are too many. */
static bool add_names(struct alx_caffe_names *names, const struct alx_caffe_names *more)
{
    if (names->count + more->count > ALX_CAFFE_NAMES)
        return false;
    memcpy(names->list + names->count, more->list, more->count * sizeof *more->list);
    names->count += more->count;
    return true;
}

/* Whether inference computes the layer, and it reads a blob of these names. */
static enum alx_status find_name(const struct alx_caffe_net *net,
                                 const struct alx_caffe_layer *layer,
                                 const struct alx_caffe_names *names, struct alx_span *name,
                                 bool *found)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_caffe_names *bottoms = &layer->bottoms;
    bool training = false;
    *found = false;
    if (layer->done || layer->kind == ALX_CAFFE_SKIPPED)
        return status;
    for (size_t i = 0; i < bottoms->count && i < ALX_CAFFE_NAMES && !*found; i++) {
        *found = alx_caffe_has_name(names, bottoms->list[i]);
        *name = bottoms->list[i];
    }
    if (*found)
        ALX_TRY(alx_caffe_is_for_training(net, layer, &training));
    *found = *found && !training;
error:
    return status;
}

/* Up to ALX_MAX_TOWERS layers, `from` on, that read a blob; `*count` is how many there are, or one
 * more than that. */
static enum alx_status find_readers(const struct alx_caffe_net *net,
                                    const struct alx_caffe_layer *from, struct alx_span blob,
                                    struct reader out[ALX_MAX_TOWERS], size_t *count)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_caffe_names names = {{blob}, 1};
    *count = 0;
    for (size_t i = (size_t)(from - net->layers); i < net->layer_count && *count <= ALX_MAX_TOWERS;
         i++) {
        struct alx_caffe_layer *layer = &net->layers[i];
        struct alx_span name;
        bool reads;
        ALX_TRY(find_name(net, layer, &names, &name, &reads));
        if (!reads)
            continue;
        if (layer->kind == ALX_CAFFE_SPLIT && add_names(&names, &layer->tops))
            continue;
        if (*count < ALX_MAX_TOWERS)
            out[*count] = (struct reader){layer, name};
        ++*count;
        forget(&names, layer->tops.list[0]);
    }
error:
    return status;
}

/* The only layer that reads what each tower's last one wrote. */
static enum alx_status find_next(struct towers *towers)
{
    enum alx_status status = ALX_STATUS_OK;
    struct reader readers[ALX_MAX_TOWERS];
    char name[ALX_NAME_BYTES];
    size_t count;
    for (size_t i = 0; i < towers->count; i++) {
        ALX_TRY(
            find_readers(towers->maker->net, towers->from[i], towers->blobs[i], readers, &count));
        if (count != 1)
            return alx_fail(ALX_STATUS_MODEL,
                            "blob %s: %zu layers read this part of the channels; it would take a "
                            "network with branches",
                            alx_span_text(towers->blobs[i], name, sizeof name), count);
        towers->readers[i] = readers[0];
    }
error:
    return status;
}

/* --- the beginning and the end --- */

/* Whether a layer's two ways of naming an axis mean the channels. */
static bool is_channels(const struct towers *towers, int64_t axis, int64_t dim)
{
    return (axis == 1 || axis == -3) && dim == 1 && !towers->maker->flat;
}

/* Slice: equal parts, in their order. */
static enum alx_status begin_slice(struct towers *towers, struct alx_caffe_layer *layer)
{
    struct slice {
        int64_t dim, axis;
        struct alx_wire_list points;
    } slice = {.dim = 1, .axis = 1};
    static const struct alx_wire_row rows[] = {
        {1, ALX_WIRE_INT, offsetof(struct slice, dim)},
        {2, ALX_WIRE_INTS, offsetof(struct slice, points)},
        {3, ALX_WIRE_INT, offsetof(struct slice, axis)},
    };
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_caffe_maker *maker = towers->maker;
    const size_t channels = maker->chain.shape.channels, count = layer->tops.count;
    ALX_TRY(alx_wire_read(maker->net->file, layer->slice, "a slice", rows, 3, &slice));
    if (!count || count > ALX_MAX_TOWERS)
        return alx_caffe_refuse(layer, "channels are sliced into 1 to 8 parts");
    bool fits = is_channels(towers, slice.axis, slice.dim) && channels % count == 0 &&
                (!slice.points.count || slice.points.count + 1 == count);
    for (size_t i = 0; i < slice.points.count; i++)
        fits = fits && slice.points.values[i] == (int64_t)((i + 1) * (channels / count));
    if (!fits)
        return alx_caffe_refuse(layer, "only channels are sliced, into equal parts");
    towers->count = count;
    for (size_t i = 0; i < count; i++) {
        towers->blobs[i] = layer->tops.list[i];
        towers->from[i] = layer + 1;
    }
    towers->split = layer->done = true;
error:
    return status;
}

/* Concat: all towers, in their order. */
static enum alx_status make_concat(struct towers *towers)
{
    struct concat {
        int64_t dim, axis;
    } concat = {.dim = 1, .axis = 1};
    static const struct alx_wire_row rows[] = {
        {1, ALX_WIRE_INT, offsetof(struct concat, dim)},
        {2, ALX_WIRE_INT, offsetof(struct concat, axis)},
    };
    enum alx_status status = ALX_STATUS_OK;
    struct alx_caffe_maker *maker = towers->maker;
    struct alx_caffe_layer *layer = towers->readers[0].layer;
    const struct alx_caffe_names *bottoms = &layer->bottoms;
    ALX_TRY(alx_wire_read(maker->net->file, layer->concat, "a concatenation", rows, 2, &concat));
    bool fits = is_channels(towers, concat.axis, concat.dim) && bottoms->count == towers->count;
    for (size_t i = 0; fits && i < towers->count; i++)
        fits = towers->readers[i].layer == layer &&
               alx_spans_equal(bottoms->list[i], towers->readers[i].name);
    if (!fits)
        return alx_caffe_refuse(layer, "only all parts of the channels, in their order, are put "
                                       "together");
    layer->done = true;
    maker->blob = layer->tops.list[0];
    maker->split = NULL;
error:
    return status;
}

/* --- side by side --- */

/* Whether two layers differ in no more than their names and weights. */
static bool are_alike(const struct alx_layer *a, const struct alx_layer *b)
{
    return a->kind == b->kind && a->out_channels == b->out_channels && a->groups == b->groups &&
           a->no_bias == b->no_bias && a->kernel_h == b->kernel_h && a->kernel_w == b->kernel_w &&
           a->stride_h == b->stride_h && a->stride_w == b->stride_w && a->pad_top == b->pad_top &&
           a->pad_left == b->pad_left && a->dilation_h == b->dilation_h &&
           a->dilation_w == b->dilation_w && a->ceil_mode == b->ceil_mode &&
           a->lrn_size == b->lrn_size && a->lrn_alpha == b->lrn_alpha &&
           a->lrn_beta == b->lrn_beta && a->lrn_k == b->lrn_k && a->dropout == b->dropout;
}

static enum alx_status refuse_unlike(const struct alx_caffe_layer *layer)
{
    return alx_caffe_refuse(layer, "is not like the layer in the tower beside it; it would take a "
                                   "network with branches");
}

/* The towers' blobs of that name as one, which is the first tower's. */
static enum alx_status join_blobs(struct towers *towers, const char *part)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_source *source = towers->maker->source;
    struct alx_source_tensor *first = NULL, *tensor;
    struct alx_tensor_view views[ALX_MAX_TOWERS];
    for (size_t i = 0; i < towers->count; i++) {
        const struct alx_caffe_layer *layer = towers->readers[i].layer;
        tensor = alx_caffe_find_blob(source, layer, part);
        first = i ? first : tensor;
        if (!tensor != !first ||
            (tensor &&
             (!tensor->dim_count || tensor->dim_count != first->dim_count ||
              memcmp(tensor->dims, first->dims, tensor->dim_count * sizeof *tensor->dims) != 0)))
            return alx_caffe_refuse(layer, "its weights are not like those of the layer beside it");
        if (!tensor)
            continue;
        views[i] = tensor->view;
        tensor->used = true;
    }
    if (!first)
        return status;
    ALX_TRY(alx_chain_join_values(source, views, towers->count, &first->view));
    first->dims[0] *= towers->count;
error:
    return status;
}

/* The layers as one, with their weights. */
static enum alx_status make_joined(struct towers *towers)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_caffe_maker *maker = towers->maker;
    struct alx_layer layer, other;
    ALX_TRY(alx_caffe_read_layer(maker, towers->readers[0].layer, &layer));
    for (size_t i = 1; i < towers->count; i++) {
        ALX_TRY(alx_caffe_read_layer(maker, towers->readers[i].layer, &other));
        if (!are_alike(&layer, &other))
            return refuse_unlike(towers->readers[i].layer);
    }
    if (!alx_chain_join_layers(&layer, towers->count, towers->split))
        return alx_caffe_refuse(towers->readers[0].layer,
                                "a grouped convolution beside another one is not computed");
    if (layer.kind == ALX_LAYER_CONV) {
        ALX_TRY(join_blobs(towers, "weight"));
        ALX_TRY(join_blobs(towers, "bias"));
    }
    ALX_TRY(alx_caffe_add_layer(maker, &layer));
error:
    return status;
}

/* One layer of each tower. */
static enum alx_status make_row(struct towers *towers)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_caffe_layer *first = towers->readers[0].layer;
    for (size_t i = 0; i < towers->count; i++) {
        const struct alx_caffe_layer *layer = towers->readers[i].layer;
        if (layer->kind != first->kind ||
            !alx_spans_equal(layer->bottoms.list[0], towers->readers[i].name))
            return refuse_unlike(layer);
    }
    switch (first->kind) {
    case ALX_CAFFE_BATCH_NORM:
    case ALX_CAFFE_SCALE:
        for (size_t i = 0; i < towers->count; i++)
            ALX_TRY(alx_caffe_make_folded(towers->maker, towers->readers[i].layer));
        break;
    case ALX_CAFFE_CONVOLUTION:
    case ALX_CAFFE_POOLING:
    case ALX_CAFFE_LRN:
    case ALX_CAFFE_RELU:
    case ALX_CAFFE_DROPOUT:
        ALX_TRY(make_joined(towers));
        break;
    case ALX_CAFFE_OTHER:
        return alx_caffe_refuse_type(first);
    default:
        return alx_caffe_refuse(first, "is not computed on parts of the channels, as convolutions, "
                                       "batch normalisation, scale, ReLU, LRN, poolings and "
                                       "dropout are; it would take a network with branches");
    }
    towers->split = true;
    for (size_t i = 0; i < towers->count; i++) {
        struct alx_caffe_layer *layer = towers->readers[i].layer;
        layer->done = true;
        towers->blobs[i] = layer->tops.list[0];
        towers->from[i] = layer + 1;
    }
error:
    return status;
}

enum alx_status alx_caffe_make_towers(struct alx_caffe_maker *maker,
                                      const struct alx_caffe_layer *layer, bool *found)
{
    enum alx_status status = ALX_STATUS_OK;
    struct towers towers = {.maker = maker};
    const struct alx_caffe_layer *split = maker->split;
    *found = false;
    if (layer->kind == ALX_CAFFE_SLICE) {
        ALX_TRY(begin_slice(&towers, &maker->net->layers[layer - maker->net->layers]));
    } else if (layer->kind == ALX_CAFFE_CONVOLUTION) {
        ALX_TRY(find_readers(maker->net, split ? split : layer,
                             split ? split->bottoms.list[0] : maker->blob, towers.readers,
                             &towers.count));
        if (towers.count > ALX_MAX_TOWERS)
            return alx_caffe_refuse(layer, "too many layers read the same; it would take a network "
                                           "with branches");
        if (towers.count < 2)
            return status;
        ALX_TRY(make_row(&towers));
    } else {
        return status;
    }
    *found = true;
    for (;;) {
        ALX_TRY(find_next(&towers));
        if (towers.readers[0].layer->kind == ALX_CAFFE_CONCAT)
            return make_concat(&towers);
        ALX_TRY(make_row(&towers));
    }
error:
    return status;
}
