#include "net/shape.h"

#include "util/error.h"

size_t alx_shape_elems(struct alx_shape shape)
{
    return shape.channels * shape.height * shape.width;
}

struct alx_weight_shape alx_layer_weight_shape(const struct alx_layer_info *info)
{
    const struct alx_layer *l = &info->layer;
    switch (l->kind) {
    case ALX_LAYER_CONV:
        return (struct alx_weight_shape){l->out_channels, info->in.channels / l->groups,
                                         l->kernel_h, l->kernel_w};
    case ALX_LAYER_FC:
        return (struct alx_weight_shape){l->out_channels, info->in.channels, info->in.height,
                                         info->in.width};
    default:
        return (struct alx_weight_shape){0};
    }
}

static bool size_fits(size_t value, size_t smallest)
{
    return value >= smallest && value <= ALX_MAX_DIM;
}

/* Positions of a window of `kernel` along an axis; 0 when the window does not fit at all. */
static size_t window_count(size_t in, size_t kernel, size_t stride, size_t before, size_t after,
                           bool ceil_mode)
{
    size_t padded = in + before + after;
    if (padded < kernel)
        return 0;
    size_t count = (padded - kernel + (ceil_mode ? stride - 1 : 0)) / stride + 1;
    /* Caffe: the last window must start inside the image or the padding before it. */
    if (ceil_mode && count > 1 && (count - 1) * stride >= in + before)
        count--;
    return count;
}

static void fill_defaults(struct alx_layer *l)
{
    size_t *const ones[] = {&l->stride_h, &l->stride_w, &l->dilation_h, &l->dilation_w, &l->groups};
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++)
        if (!*ones[i])
            *ones[i] = 1;
}

/* NULL, or what is wrong with the fields that describe windows. */
static const char *check_window(const struct alx_layer *l)
{
    const size_t positive[] = {l->kernel_h, l->kernel_w,   l->stride_h,
                               l->stride_w, l->dilation_h, l->dilation_w};
    const size_t pads[] = {l->pad_top, l->pad_left, l->pad_bottom, l->pad_right};
    for (size_t i = 0; i < sizeof positive / sizeof *positive; i++)
        if (!size_fits(positive[i], 1) || positive[i] > 4096)
            return "kernel, stride and dilation must be from 1 to 4096";
    for (size_t i = 0; i < sizeof pads / sizeof *pads; i++)
        if (pads[i] > 4096)
            return "padding must be at most 4096";
    if (l->kind != ALX_LAYER_CONV && (l->pad_top >= l->kernel_h || l->pad_left >= l->kernel_w ||
                                      l->pad_bottom >= l->kernel_h || l->pad_right >= l->kernel_w))
        return "padding must be smaller than the window";
    return NULL;
}

static const char *infer_window(struct alx_layer_info *info)
{
    const struct alx_layer *l = &info->layer;
    const char *wrong = check_window(l);
    if (wrong)
        return wrong;
    size_t reach_h = (l->kernel_h - 1) * l->dilation_h + 1;
    size_t reach_w = (l->kernel_w - 1) * l->dilation_w + 1;
    info->out.height = window_count(info->in.height, reach_h, l->stride_h, l->pad_top,
                                    l->pad_bottom, l->ceil_mode);
    info->out.width =
        window_count(info->in.width, reach_w, l->stride_w, l->pad_left, l->pad_right, l->ceil_mode);
    return info->out.height && info->out.width ? NULL
                                               : "the window is larger than the padded input";
}

static const char *infer_weights(struct alx_layer_info *info)
{
    const struct alx_layer *l = &info->layer;
    if (!size_fits(l->out_channels, 1))
        return "the number of output channels is out of range";
    if (l->groups > info->in.channels || info->in.channels % l->groups ||
        l->out_channels % l->groups)
        return "groups must divide input and output channels";
    struct alx_weight_shape w = alx_layer_weight_shape(info);
    uint64_t per_output = (uint64_t)w.in_channels * w.kernel_h;
    if (per_output > ALX_MAX_ELEMS / w.kernel_w ||
        (per_output *= w.kernel_w) > ALX_MAX_ELEMS / w.out_channels)
        return "too many weights";
    uint64_t weights = per_output * w.out_channels;
    uint64_t pixels = (uint64_t)info->out.height * info->out.width;
    if (weights > ALX_MAX_ELEMS * 1024 / pixels)
        return "too much work";
    info->parameters = weights + (l->no_bias ? 0 : w.out_channels);
    info->macs = weights * pixels;
    return NULL;
}

/* Written so that NaN fails, too. */
static const char *check_limit(const struct alx_layer *l)
{
    bool relu = l->kind == ALX_LAYER_RELU || l->activation == ALX_ACTIVATION_RELU;
    return l->relu_limit == 0 || (relu && l->relu_limit >= 1e-6 && l->relu_limit <= 1e6)
               ? NULL
               : "a ReLU's limit must be from 1e-6 to 1e6";
}

static const char *infer_kind(struct alx_layer_info *info)
{
    const struct alx_layer *l = &info->layer;
    const char *wrong;
    switch (l->kind) {
    case ALX_LAYER_CONV:
        info->out.channels = l->out_channels;
        wrong = infer_window(info);
        return wrong ? wrong : infer_weights(info);
    case ALX_LAYER_FC:
        if (l->groups != 1)
            return "a fully connected layer has no groups";
        info->out = (struct alx_shape){l->out_channels, 1, 1};
        return infer_weights(info);
    case ALX_LAYER_MAX_POOL:
    case ALX_LAYER_AVG_POOL:
        return l->dilation_h == 1 && l->dilation_w == 1 ? infer_window(info)
                                                        : "pooling has no dilation";
    case ALX_LAYER_LRN:
        if (l->groups > info->in.channels || info->in.channels % l->groups)
            return "groups must divide the channels";
        /* written so that NaN fails, too */
        if (!size_fits(l->lrn_size, 1) || l->lrn_size > 255)
            return "the window must be from 1 to 255 channels";
        if (!(l->lrn_k > 0 && l->lrn_alpha >= 0 && l->lrn_beta >= 0) || l->lrn_k > 1e6 ||
            l->lrn_alpha > 1e6 || l->lrn_beta > 16)
            return "alpha, beta and k are out of range";
        return NULL;
    case ALX_LAYER_RELU:
    case ALX_LAYER_SOFTMAX:
        return NULL;
    case ALX_LAYER_DROPOUT:
        return l->dropout >= 0 && l->dropout < 1 ? NULL : "the ratio must be from 0 to below 1";
    case ALX_LAYER_KIND_COUNT:
        break;
    }
    return "unknown kind of layer";
}

enum alx_status alx_layer_infer(const char *net_name, const struct alx_layer *layer,
                                struct alx_shape in, struct alx_layer_info *out)
{
    struct alx_layer_info info = {.layer = *layer, .in = in, .out = in};
    fill_defaults(&info.layer);
    const char *wrong = check_limit(layer);
    if (!wrong)
        wrong = infer_kind(&info);
    if (!wrong && (info.out.channels > ALX_MAX_DIM || info.out.height > ALX_MAX_DIM ||
                   info.out.width > ALX_MAX_DIM ||
                   (uint64_t)info.out.height * info.out.width > ALX_MAX_ELEMS / info.out.channels))
        wrong = "the output is too large";
    if (wrong)
        return alx_fail(ALX_STATUS_MODEL, "network %s, layer %s (%s of %zux%zux%zu): %s", net_name,
                        layer->name, alx_layer_kind_name(layer->kind), in.height, in.width,
                        in.channels, wrong);
    *out = info;
    return ALX_STATUS_OK;
}
