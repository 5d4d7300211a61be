#include <alexnet_cl/alexnet_cl.h>

#include "alx_config.h"

const char *alx_version(void)
{
    return ALX_VERSION;
}
