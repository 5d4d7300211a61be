/*
 * Any bytes are a model or are refused. What is a model can be read to its last value and, when it
 * is small, saved and read again.
 */
#include <alexnet_cl/model.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/model.h"
#include "tensor/view.h"
#include "util/file.h"

/* Ends the program like a finding. */
static void must(int condition)
{
    if (!condition)
        abort();
}

static void read_values(const alx_model *model)
{
    volatile float sum = 0;
    for (size_t i = 0; i < alx_net_layer_count(alx_model_net(model)); i++) {
        struct alx_tensor_view views[] = {alx_model_weights(model, i), alx_model_biases(model, i),
                                          alx_model_scales(model, i)};
        for (size_t j = 0; j < sizeof views / sizeof *views; j++) {
            must(alx_view_first_not_finite(views[j]) == views[j].elems);
            for (size_t k = 0; k < views[j].elems; k++) {
                float value;
                alx_view_read(views[j], k, 1, &value);
                sum = sum + value;
            }
        }
    }
    for (size_t i = 0; i < alx_model_class_count(model); i++)
        must(strlen(alx_model_label(model, i)) > 0);
}

static void save_and_read(const alx_model *model)
{
    char path[64];
    struct alx_mapping mapping = {0};
    alx_model *again = NULL;
    snprintf(path, sizeof path, "/dev/shm/alexnet-cl-fuzz.%ld", (long)getpid());
    must(alx_model_save(model, path, ALX_DTYPE_F32) == ALX_STATUS_OK);
    must(alx_file_map(path, &mapping) == ALX_STATUS_OK);
    must(alx_model_read(path, mapping.data, mapping.bytes, NULL, &again) == ALX_STATUS_OK);
    must(alx_model_class_count(again) == alx_model_class_count(model));
    alx_model_destroy(&again);
    alx_file_unmap(&mapping);
    unlink(path);
}

/* libFuzzer's names. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
size_t LLVMFuzzerMutate(uint8_t *data, size_t bytes, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t most, unsigned seed);

/* Mostly changes the header and then corrects its length, without which few inputs came further
 * than that. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t most, unsigned seed)
{
    uint64_t length;
    if (bytes <= sizeof length || seed % 8 == 0)
        return LLVMFuzzerMutate(data, bytes, most);
    memcpy(&length, data, sizeof length);
    length = length < bytes - sizeof length ? length : bytes - sizeof length;
    size_t rest = bytes - sizeof length - (size_t)length;
    uint8_t *values = malloc(rest + 1);
    must(values != NULL);
    memcpy(values, data + bytes - rest, rest);
    length = LLVMFuzzerMutate(data + sizeof length, (size_t)length, most - sizeof length - rest);
    memcpy(data, &length, sizeof length);
    memcpy(data + sizeof length + length, values, rest);
    free(values);
    return sizeof length + (size_t)length + rest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static unsigned count;
    alx_model *model = NULL;
    enum alx_status status = alx_model_read("f", data, bytes, NULL, &model);
    must(status == ALX_STATUS_OK || (status == ALX_STATUS_MODEL && !model));
    if (status == ALX_STATUS_OK) {
        read_values(model);
        if (count++ % 64 == 0) /* files are slow */
            save_and_read(model);
    }
    alx_model_destroy(&model);
    return 0;
}
