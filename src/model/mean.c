/*
 * Mean images: Caffe's mean.binaryproto and NumPy's .npy.
 */
#include <alexnet_cl/model.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/caffe.h"
#include "model/model.h"
#include "tensor/view.h"
#include "util/error.h"
#include "util/file.h"
#include "util/memory.h"

enum { MAX_SIDE = 4096, NPY_MAGIC_BYTES = 6 };

static const char npy_magic[] = "\x93NUMPY";

/* Makes an image of values whose shape is [C, H, W], or that with ones in front. */
static enum alx_status set_shape(const size_t *dims, size_t count, struct alx_mean_image *out)
{
    char shown[ALX_SHOW_BYTES];
    const size_t *last = dims + count - alx_min(count, 3);
    bool fits = count >= 3 && (last[0] == 1 || last[0] == 3) && last[1] && last[2] &&
                last[1] <= MAX_SIDE && last[2] <= MAX_SIDE;
    for (size_t i = 0; i + 3 < count; i++)
        fits &= dims[i] == 1;
    if (!fits)
        return alx_fail(ALX_STATUS_MODEL,
                        "its shape is %s; a mean image is [C, H, W] with 1 or 3 channels and sides "
                        "up to %d",
                        alx_show_dims(dims, count, shown), MAX_SIDE);
    *out = (struct alx_mean_image){NULL, last[0], last[1], last[2]};
    return ALX_STATUS_OK;
}

/* --- NumPy --- */

/* A file is a header, a Python dictionary as text, and the values. */
struct npy {
    size_t dims[ALX_TENSOR_MAX_DIMS], dim_count;
    bool is_double;
    size_t values_at;
};

/* The text behind a key, without spaces. */
static const char *npy_value(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    if (!at)
        return NULL;
    at += strlen(key);
    return at + strspn(at, " :");
}

static bool npy_shape(const char *text, struct npy *npy)
{
    char *end;
    if (*text++ != '(')
        return false;
    while (text += strspn(text, " ,"), *text != ')') {
        errno = 0;
        unsigned long long dim = strtoull(text, &end, 10);
        if (*text < '0' || *text > '9' || errno || dim > MAX_SIDE ||
            npy->dim_count == ALX_TENSOR_MAX_DIMS)
            return false;
        npy->dims[npy->dim_count++] = (size_t)dim;
        text = end;
    }
    return true;
}

static enum alx_status npy_header(const uint8_t *data, size_t bytes, struct npy *out)
{
    struct npy npy = {0};
    char header[1024];
    if (bytes < 12)
        return alx_fail(ALX_STATUS_MODEL, "a .npy file that is cut off");
    bool old = data[NPY_MAGIC_BYTES] == 1;
    size_t length =
        old ? data[8] | (size_t)data[9] << 8
            : data[8] | (size_t)data[9] << 8 | (size_t)data[10] << 16 | (size_t)data[11] << 24;
    size_t begin = old ? 10 : 12;
    if (length >= sizeof header || length > bytes - begin)
        return alx_fail(ALX_STATUS_MODEL, "a .npy file whose header of %zu bytes is too long",
                        length);
    memcpy(header, data + begin, length);
    header[length] = 0;
    const char *type = npy_value(header, "'descr'"), *shape = npy_value(header, "'shape'");
    const char *order = npy_value(header, "'fortran_order'");
    if (!type || (strncmp(type, "'<f4'", 5) && strncmp(type, "'<f8'", 5)))
        return alx_fail(ALX_STATUS_MODEL, "a .npy file with values other than little-endian "
                                          "float32 or float64");
    if (!order || strncmp(order, "False", 5))
        return alx_fail(ALX_STATUS_MODEL, "a .npy file that is not in C's order");
    if (!shape || !npy_shape(shape, &npy))
        return alx_fail(ALX_STATUS_MODEL, "a .npy file without a proper shape");
    npy.is_double = type[3] == '8';
    npy.values_at = begin + length;
    *out = npy;
    return ALX_STATUS_OK;
}

static enum alx_status read_npy(const uint8_t *data, size_t bytes, struct alx_mean_image *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_mean_image image = {0};
    struct npy npy = {0};
    float *values = NULL;
    ALX_TRY(npy_header(data, bytes, &npy));
    ALX_TRY(set_shape(npy.dims, npy.dim_count, &image));
    size_t count = image.channels * image.height * image.width;
    size_t size = npy.is_double ? sizeof(double) : sizeof(float);
    if (count * size != bytes - npy.values_at)
        return alx_fail(ALX_STATUS_MODEL, "a .npy file of %zu bytes of values, not %zu",
                        bytes - npy.values_at, count * size);
    ALX_TRY(alx_alloc(count, sizeof *values, "a mean image", &values));
    for (size_t i = 0; i < count; i++) {
        double value;
        const uint8_t *at = data + npy.values_at + i * size;
        if (npy.is_double) {
            memcpy(&value, at, sizeof value);
            values[i] = (float)value;
        } else {
            memcpy(&values[i], at, sizeof *values);
        }
    }
    image.values = values;
    *out = image;
error:
    return status;
}

/* --- Caffe --- */

static enum alx_status read_blob(const uint8_t *data, size_t bytes, struct alx_mean_image *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_mean_image image = {0};
    struct alx_source source = {0};
    struct alx_source_tensor tensor = {0};
    bool legacy;
    ALX_TRY(alx_caffe_read_blob(data, (struct alx_span){data, bytes}, "a mean image", &source,
                                &tensor, &legacy));
    ALX_TRY(set_shape(tensor.dims, tensor.dim_count, &image));
    ALX_TRY(alx_alloc(tensor.view.elems, sizeof *image.values, "a mean image", &image.values));
    alx_view_read(tensor.view, 0, tensor.view.elems, image.values);
    *out = image;
error:
    alx_source_free(&source);
    return status;
}

enum alx_status alx_mean_image_read(const uint8_t *data, size_t bytes, struct alx_mean_image *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_mean_image image = {0};
    if (bytes > NPY_MAGIC_BYTES && !memcmp(data, npy_magic, NPY_MAGIC_BYTES))
        ALX_TRY(read_npy(data, bytes, &image));
    else
        ALX_TRY(read_blob(data, bytes, &image));
    for (size_t i = 0; i < image.channels * image.height * image.width; i++)
        if (!isfinite(image.values[i])) {
            status =
                alx_fail(ALX_STATUS_MODEL, "value %zu of the mean image is NaN or infinite", i);
            goto error;
        }
    *out = image;
    image.values = NULL;
error:
    free(image.values);
    return status;
}

enum alx_status alx_mean_image_load(const char *path, struct alx_mean_image *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_mapping mapping = {0};
    ALX_TRY(alx_file_map(path, &mapping));
    const char *context = alx_error_context(path);
    status = alx_mean_image_read(mapping.data, mapping.bytes, out);
    alx_error_context(context);
error:
    alx_file_unmap(&mapping);
    return status;
}

void alx_mean_image_free(struct alx_mean_image *image)
{
    free(image->values);
    *image = (struct alx_mean_image){0};
}
