#include "alx_config.h"
#include "device/cl.h"
#include "session/session.h"

#if ALX_HAVE_CLBLAST
#include <clblast_c.h>

/* CLBlast multiplies what C held by beta, and 0 * NaN is NaN: nothing stale may lie there. Between
 * its rows lie other parts' results. */
static enum alx_status clear_product(const struct alx_gemm *g, cl_mem c, cl_command_queue queue)
{
    enum alx_status status = ALX_STATUS_OK;
    const float zero = 0;
    bool whole = g->c_stride == g->n;
    for (size_t i = 0; i < (whole ? 1 : g->m); i++)
        ALX_CL(clEnqueueFillBuffer(queue, c, &zero, sizeof zero,
                                   (g->c_offset + i * g->c_stride) * sizeof zero,
                                   (whole ? g->m : 1) * g->n * sizeof zero, 0, NULL, NULL));
error:
    return status;
}

enum alx_status alx_gemm_enqueue(const struct alx_gemm *g, cl_mem a, cl_mem b, cl_mem c,
                                 cl_command_queue queue, cl_event *event)
{
    enum alx_status status = ALX_STATUS_OK;
    CLBlastTranspose transposed = g->b_transposed ? CLBlastTransposeYes : CLBlastTransposeNo;
    CLBlastStatusCode code;
    ALX_TRY(clear_product(g, c, queue));
    if (g->m == 1 && g->b_transposed)
        code = CLBlastSgemv(CLBlastLayoutRowMajor, CLBlastTransposeNo, g->n, g->k, 1.0f, b,
                            g->b_offset, g->b_stride, a, g->a_offset, 1, 0.0f, c, g->c_offset, 1,
                            &queue, event);
    else
        code = CLBlastSgemm(CLBlastLayoutRowMajor, CLBlastTransposeNo, transposed, g->m, g->n, g->k,
                            1.0f, a, g->a_offset, g->a_stride, b, g->b_offset, g->b_stride, 0.0f, c,
                            g->c_offset, g->c_stride, &queue, event);
    if (code != CLBlastSuccess)
        status = alx_fail(ALX_STATUS_DEVICE, "CLBlast: GEMM of %zux%zux%zu: error %d", g->m, g->n,
                          g->k, (int)code);
error:
    return status;
}
#else
enum alx_status alx_gemm_enqueue(const struct alx_gemm *g, cl_mem a, cl_mem b, cl_mem c,
                                 cl_command_queue queue, cl_event *event)
{
    (void)a, (void)b, (void)c, (void)queue, (void)event;
    return alx_fail(ALX_STATUS_INTERNAL, "GEMM of %zux%zux%zu: built without CLBlast", g->m, g->n,
                    g->k);
}
#endif
