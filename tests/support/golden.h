/*
 * Model files that other programs wrote, in tests/golden/, and what those programs compute with
 * them.
 */
#ifndef ALX_TESTS_SUPPORT_GOLDEN_H
#define ALX_TESTS_SUPPORT_GOLDEN_H

#include <alexnet_cl/model.h>

/* The path of a file in the folder of golden files. Borrowed until the next call. */
const char *test_golden_path(const char *file);

/* Runs the model by the references on the input whose value i is ((37 i + 11) mod 101 - 50) / 50,
 * and compares with the float32 values of a golden file, up to `most`. */
void test_golden_compare(const alx_model *model, const char *file, double most);

/* A bad file, under the name "bad": refused with MODEL, a message that begins with the name and
 * holds `part`, in under 2 s. `what` is shown when it is not. */
void test_refused(const char *what, const uint8_t *bytes, size_t byte_count, const char *part);

#endif
