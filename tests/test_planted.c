/*
 * Kernels with faults, for a checker that must find each: a read and a write beyond a buffer, a
 * race, and a barrier that not all work-items reach. Run by run_oclgrind.py; on a real device they
 * would do harm.
 */
#include <string.h>

#include "device/cl.h"
#include "device/device.h"
#include "support/devices.h"
#include "support/test.h"

static const char source[] =
    "__kernel void read_beyond(__global float *x) { x[0] = x[get_global_size(0)]; }\n"
    "__kernel void write_beyond(__global float *x) { x[get_global_id(0) + 1] = 1; }\n"
    "__kernel void race(__global float *x) { x[0] = get_global_id(0); }\n"
    "__kernel void diverge(__global float *x)\n"
    "{ if (get_local_id(0) == 0) barrier(CLK_LOCAL_MEM_FENCE); x[get_global_id(0)] = 1; }\n";

enum { ITEMS = 4 };

static void run_all(alx_device *device)
{
    static const char *const names[] = {"read_beyond", "write_beyond", "race", "diverge"};
    enum alx_status status = ALX_STATUS_OK;
    const char *text = source;
    const size_t items = ITEMS;
    cl_int error;
    if (!alx_device_get_info(device)->simulator)
        return;
    cl_program program = clCreateProgramWithSource(device->context, 1, &text, NULL, &error);
    ALX_CL(clBuildProgram(program, 1, &device->id, "", NULL, NULL));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cl_mem buffer =
            clCreateBuffer(device->context, CL_MEM_READ_WRITE, ITEMS * sizeof(float), NULL, &error);
        cl_kernel kernel = clCreateKernel(program, names[i], &error);
        ALX_CL(clSetKernelArg(kernel, 0, sizeof buffer, &buffer));
        ALX_CL(
            clEnqueueNDRangeKernel(device->queue, kernel, 1, NULL, &items, &items, 0, NULL, NULL));
        ALX_CL(clFinish(device->queue));
        clReleaseKernel(kernel);
        clReleaseMemObject(buffer);
    }
error:
    clReleaseProgram(program);
    assert_int_equal(status, ALX_STATUS_OK);
}

static void faults_are_run(void **state)
{
    (void)state;
    test_each_device(NULL, run_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(faults_are_run)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
