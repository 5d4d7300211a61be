/*
 * Comparing values where they lie.
 */
#ifndef ALX_TESTS_SUPPORT_VIEWS_H
#define ALX_TESTS_SUPPORT_VIEWS_H

#include <alexnet_cl/tensor.h>

/* The same number of values, type and bytes. */
void assert_same_values(struct alx_tensor_view a, struct alx_tensor_view b);

#endif
