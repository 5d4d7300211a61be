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

/* A good file, as support/proto.h writes it; the values of layer 0's weights, if it has 8, begin
 * with those of a run there when `same`. */
void test_accepted(const char *file, bool same);
/* Bad files, under the name "bad": refused with MODEL, a message that begins with the name and
 * holds `part`, in under 2 s. */
struct test_bad_file {
    const char *file, *part;
};
void test_all_refused(const struct test_bad_file *bad, size_t count);
/* The same for a good file that is cut, wherever. */
void test_cuts_refused(const char *good);
/* The weights of a good file's layer 0 lie in the file. */
void test_is_view(const char *good);

#endif
