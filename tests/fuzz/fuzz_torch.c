/*
 * Any bytes are a PyTorch file or are refused; the values of what is one can be read to the last.
 */
#include <stdlib.h>

#include "model/reader.h"
#include "tensor/view.h"

/* libFuzzer's name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct alx_source source = {0};
    volatile float sum = 0;
    if (!alx_reader_torch.probe(data, bytes))
        return 0;
    enum alx_status status = alx_reader_torch.read(data, bytes, &source);
    if (status != ALX_STATUS_OK && status != ALX_STATUS_MODEL)
        abort();
    for (size_t i = 0; status == ALX_STATUS_OK && i < source.tensor_count; i++) {
        struct alx_tensor_view view = source.tensors[i].view;
        for (size_t j = 0; source.tensors[i].readable && j < view.elems; j++) {
            float value;
            alx_view_read(view, j, 1, &value);
            sum = sum + value;
        }
    }
    alx_source_free(&source);
    return 0;
}
