#include "model/preprocess.h"

#include <stdlib.h>
#include <string.h>

#include "model/reader.h"
#include "util/error.h"
#include "util/json.h"
#include "util/memory.h"

enum { MAX_RESIZE = 16384 };

#define PROPORTIONAL     SIZE_MAX
#define CROP_LIKE_PILLOW ALX_RESIZE_CROP, ALX_FILTER_ANTIALIAS, ALX_ORDER_RGB
#define CROP_FOR_CAFFE   ALX_RESIZE_CROP, ALX_FILTER_BILINEAR, ALX_ORDER_BGR
#define WARP_LIKE_CAFFE  ALX_RESIZE_WARP, ALX_FILTER_BILINEAR, ALX_ORDER_BGR
/* clang-format off */
#define IMAGENET_MEAN {0.485f, 0.456f, 0.406f}
#define IMAGENET_STD  {0.229f, 0.224f, 0.225f}
#define VGG_MEAN      {103.939f, 116.779f, 123.68f}
/* clang-format on */

static const char *const resizes[] = {
    [ALX_RESIZE_WARP] = "warp", [ALX_RESIZE_CROP] = "crop", [ALX_RESIZE_NONE] = "none", NULL};
static const char *const filters[] = {
    [ALX_FILTER_ANTIALIAS] = "antialias", [ALX_FILTER_BILINEAR] = "bilinear", NULL};
static const char *const orders[] = {[ALX_ORDER_RGB] = "rgb", [ALX_ORDER_BGR] = "bgr", NULL};

static enum alx_status wrong(const char *key, const char *wanted)
{
    return alx_fail(ALX_STATUS_MODEL, "preprocess: \"%s\" must be %s", key, wanted);
}

static enum alx_status read_word(json_t *root, const char *key, const char *const *words,
                                 const char *wanted, size_t *out)
{
    const char *word = json_string_value(json_object_get(root, key));
    for (size_t i = 0; word && words[i]; i++) {
        if (!strcmp(word, words[i])) {
            *out = i;
            return ALX_STATUS_OK;
        }
    }
    return wrong(key, wanted);
}

/* Written so that what is not a number fails, too. */
static bool read_float(const json_t *json, double smallest, float *out)
{
    double value = json_number_value(json);
    if (!json_is_number(json) || !(value >= smallest && value <= 1e6))
        return false;
    *out = (float)value;
    return true;
}

/* One number is for all channels. */
static enum alx_status read_channels(json_t *root, const char *key, double smallest, float out[3])
{
    const json_t *json = json_object_get(root, key);
    size_t count = json_is_array(json) ? json_array_size(json) : 0;
    if (count != 1 && count != 3)
        return wrong(key, "an array of 1 or 3 numbers");
    for (size_t i = 0; i < 3; i++)
        if (!read_float(json_array_get(json, count == 1 ? 0 : i), smallest, &out[i]))
            return wrong(key, smallest > 0 ? "numbers above 0 and up to 1e6"
                                           : "numbers from -1e6 to 1e6");
    return ALX_STATUS_OK;
}

static enum alx_status read_recipe(json_t *root, struct alx_preprocess *out)
{
    static const char *const keys[] = {"resize", "resize_size", "filter", "order",
                                       "scale",  "mean",        "std"};
    enum { KEY_COUNT = sizeof keys / sizeof *keys };
    enum alx_status status = ALX_STATUS_OK;
    struct alx_preprocess recipe = {0};
    char shown[ALX_SHOW_BYTES];
    const char *key;
    const json_t *size = json_object_get(root, "resize_size");
    json_t *value;
    size_t resize = 0, filter = 0, order = 0;
    json_object_foreach(root, key, value)
    {
        size_t i = 0;
        while (i < KEY_COUNT && strcmp(key, keys[i]))
            i++;
        if (i == KEY_COUNT)
            return alx_fail(ALX_STATUS_MODEL, "preprocess: there is no key \"%s\"",
                            alx_show(key, shown));
    }
    ALX_TRY(read_word(root, "resize", resizes, "\"warp\", \"crop\" or \"none\"", &resize));
    ALX_TRY(read_word(root, "filter", filters, "\"antialias\" or \"bilinear\"", &filter));
    ALX_TRY(read_word(root, "order", orders, "\"rgb\" or \"bgr\"", &order));
    if (!json_is_integer(size) || json_integer_value(size) < 0 ||
        json_integer_value(size) > MAX_RESIZE)
        return wrong("resize_size", "a whole number from 0 to 16384");
    if (!read_float(json_object_get(root, "scale"), 1e-12, &recipe.scale))
        return wrong("scale", "a number above 0 and up to 1e6");
    ALX_TRY(read_channels(root, "mean", -1e6, recipe.mean));
    ALX_TRY(read_channels(root, "std", 1e-12, recipe.std));
    recipe.resize = (enum alx_resize)resize;
    recipe.filter = (enum alx_filter)filter;
    recipe.order = (enum alx_channel_order)order;
    recipe.resize_size = (size_t)json_integer_value(size);
    *out = recipe;
error:
    return status;
}

enum alx_status alx_preprocess_from_json(const char *json, struct alx_preprocess *out)
{
    enum alx_status status = ALX_STATUS_OK;
    json_t *root = NULL;
    ALX_TRY(alx_json_parse("preprocess", ALX_STATUS_MODEL, json, strlen(json), &root));
    ALX_TRY(read_recipe(root, out));
error:
    json_decref(root);
    return status;
}

static json_t *write_channels(const float *values, size_t count)
{
    json_t *json = json_array();
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(json, json_real((double)values[i]))) {
            json_decref(json);
            return NULL;
        }
    return json;
}

enum alx_status alx_preprocess_to_json(const struct alx_preprocess *preprocess, size_t channels,
                                       char **out)
{
    /* 9 digits are enough for any float. */
    const size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(9);
    json_t *root =
        json_pack("{ss sI ss ss sf so so}", "resize", resizes[preprocess->resize], "resize_size",
                  (json_int_t)preprocess->resize_size, "filter", filters[preprocess->filter],
                  "order", orders[preprocess->order], "scale", (double)preprocess->scale, "mean",
                  write_channels(preprocess->mean, channels), "std",
                  write_channels(preprocess->std, channels));
    char *text = root ? json_dumps(root, flags) : NULL;
    json_decref(root);
    if (!text)
        return alx_fail(ALX_STATUS_NO_MEMORY, "preprocess: no memory to write it");
    *out = text;
    return ALX_STATUS_OK;
}

/* What the built-in networks were trained with, by their names, and what others use for theirs; see
 * the net room for where the networks come from. The means are those of ImageNet. */
static const struct recipe {
    const char *name;
    enum alx_resize resize;
    enum alx_filter filter;
    enum alx_channel_order order;
    size_t resize_size; /* PROPORTIONAL: 256 where 224 are cut */
    float scale, mean[3], std[3];
} recipes[] = {
    {"torchvision", CROP_LIKE_PILLOW, PROPORTIONAL, 1.0f / 255, IMAGENET_MEAN, IMAGENET_STD},
    {"alexnet", CROP_LIKE_PILLOW, 256, 1, {123, 117, 104}, {1, 1, 1}},
    {"bvlc-alexnet", WARP_LIKE_CAFFE, 256, 1, {104, 117, 123}, {1, 1, 1}},
    {"caffenet", WARP_LIKE_CAFFE, 256, 1, {104, 117, 123}, {1, 1, 1}},
    {"alexnet-owt", CROP_LIKE_PILLOW, 256, 1.0f / 255, IMAGENET_MEAN, IMAGENET_STD},
    {"alexnet-bn", CROP_LIKE_PILLOW, 256, 1.0f / 255, IMAGENET_MEAN, IMAGENET_STD},
    {"zfnet", CROP_LIKE_PILLOW, 256, 1, {123, 117, 104}, {1, 1, 1}},
    {"lenet-5", WARP_LIKE_CAFFE, 0, 1.0f / 256, {0, 0, 0}, {1, 1, 1}},
    {"lenet-5-32", WARP_LIKE_CAFFE, 0, 1.275f / 255, {0.1f, 0.1f, 0.1f}, {1, 1, 1}},
    {"vgg-11", CROP_FOR_CAFFE, 256, 1, VGG_MEAN, {1, 1, 1}},
    {"vgg-16", CROP_FOR_CAFFE, 256, 1, VGG_MEAN, {1, 1, 1}},
    {"vgg-19", CROP_FOR_CAFFE, 256, 1, VGG_MEAN, {1, 1, 1}},
};
enum { RECIPE_COUNT = sizeof recipes / sizeof *recipes };

bool alx_preprocess_assume(const alx_net *net, const char *name, struct alx_preprocess *out)
{
    struct alx_shape input = alx_net_input(net);
    const char *wanted = name ? name : alx_net_name(net);
    size_t i = 0;
    while (i < RECIPE_COUNT && strcmp(wanted, recipes[i].name))
        i++;
    bool found = i < RECIPE_COUNT;
    const struct recipe *recipe = &recipes[found ? i : 0];
    *out = (struct alx_preprocess){.resize = recipe->resize,
                                   .filter = recipe->filter,
                                   .order = recipe->order,
                                   .resize_size = recipe->resize_size,
                                   .scale = recipe->scale};
    if (out->resize_size == PROPORTIONAL)
        out->resize_size = (alx_max(input.height, input.width) * 256 + 112) / 224;
    memcpy(out->mean, recipe->mean, sizeof out->mean);
    memcpy(out->std, recipe->std, sizeof out->std);
    return found;
}

enum alx_status alx_preprocess_check(const struct alx_preprocess *preprocess, const alx_net *net)
{
    struct alx_shape input = alx_net_input(net);
    size_t side = alx_max(input.height, input.width);
    if (preprocess->resize != ALX_RESIZE_NONE && preprocess->resize_size &&
        preprocess->resize_size < side)
        return alx_fail(ALX_STATUS_MODEL,
                        "preprocess: \"resize_size\" is %zu, but network %s reads %zux%zu pixels",
                        preprocess->resize_size, alx_net_name(net), input.height, input.width);
    return ALX_STATUS_OK;
}
