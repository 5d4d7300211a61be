#include <alexnet_cl/alexnet_cl.h>
#include <stdio.h>

int main(void)
{
    return puts("alexnet-cl") < 0;
}
