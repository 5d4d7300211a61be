#include "support/views.h"

#include "support/test.h"

void assert_same_values(struct alx_tensor_view a, struct alx_tensor_view b)
{
    assert_int_equal(a.elems, b.elems);
    assert_int_equal(a.dtype, b.dtype);
    if (a.elems)
        assert_memory_equal(a.data, b.data, a.elems * alx_dtype_bytes(a.dtype));
}
