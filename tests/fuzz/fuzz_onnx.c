/* ONNX's files. Seeds: tests/golden/onnx. */
#include "fuzz_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    fuzz_model(data, bytes);
    return 0;
}
