/* Caffe's models, mean images and networks as text. Seeds: tests/golden/caffe. */
#include "fuzz_model.h"
#include "model/prototxt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct alx_mean_image image = {0};
    alx_net *net = NULL;
    fuzz_model(data, bytes);
    enum alx_status status = alx_mean_image_read(data, bytes, &image);
    must(status == ALX_STATUS_OK || (status == ALX_STATUS_MODEL && !image.values));
    alx_mean_image_free(&image);
    status = alx_prototxt_parse_net((const char *)data, bytes, &net);
    must(status == ALX_STATUS_OK || (status == ALX_STATUS_MODEL && !net));
    alx_net_destroy(&net);
    return 0;
}
