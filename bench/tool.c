#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/shape.h"

void tool_check(enum alx_status status)
{
    if (status == ALX_STATUS_OK)
        return;
    fprintf(stderr, "%s: %s\n", tool.name, alx_error_message());
    exit(1);
}

void tool_wrong_usage(void)
{
    fputs(tool.usage, stderr);
    exit(2);
}

size_t tool_number(const char *text, size_t most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || !value || value > most)
        tool_wrong_usage();
    return value;
}

enum alx_precision tool_precision(const char *text)
{
    for (int p = ALX_PRECISION_FP32; p <= ALX_PRECISION_INT8; p++)
        if (!strcmp(text, alx_precision_name((enum alx_precision)p)))
            return (enum alx_precision)p;
    tool_wrong_usage();
}

float *tool_values(size_t count)
{
    float *values = calloc(count, sizeof *values);
    if (values)
        return values;
    fprintf(stderr, "%s: there is too little memory\n", tool.name);
    exit(1);
}

float *tool_images(const alx_net *net, size_t count)
{
    size_t elems = count * alx_shape_elems(alx_net_input(net));
    float *values = tool_values(elems);
    for (size_t i = 0; i < elems; i++)
        values[i] = (float)(i % 251) / 251;
    return values;
}

float *tool_outputs(const alx_net *net, size_t count)
{
    return tool_values(count * alx_shape_elems(alx_net_output(net)));
}
