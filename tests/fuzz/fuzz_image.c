/* Decoding and preprocessing: whatever the bytes, nothing may break. Seeds: tests/data/images. */
#include <alexnet_cl/image.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const struct alx_shape shapes[] = {{3, 9, 9}, {1, 4, 7}};
    static float tensor[3 * 9 * 9];
    struct alx_image image = {0};
    if (alx_image_decode("fuzz", data, bytes, &image) != ALX_STATUS_OK)
        return 0;
    for (int way = 0; way < 4; way++) {
        const struct alx_preprocess preprocess = {
            .resize = way % 2 ? ALX_RESIZE_CROP : ALX_RESIZE_WARP,
            .filter = way / 2 ? ALX_FILTER_BILINEAR : ALX_FILTER_ANTIALIAS,
            .resize_size = 11,
            .scale = 1,
            .std = {1, 1, 1},
        };
        if (alx_image_to_tensor("fuzz", &image, &preprocess, shapes[way % 2], tensor))
            abort();
    }
    alx_image_free(&image);
    return 0;
}
