/* Marks what the shared library exports; everything else is hidden. */
#ifndef ALEXNET_CL_EXPORT_H
#define ALEXNET_CL_EXPORT_H

#if defined(_WIN32)
#define ALX_API __declspec(dllexport)
#else
#define ALX_API __attribute__((visibility("default")))
#endif

#endif
