/*
 * The OpenCL sources that are embedded in the library at build time (cl/embed.py).
 */
#ifndef ALX_DEVICE_SOURCE_H
#define ALX_DEVICE_SOURCE_H

struct alx_source {
    const char *name; /* e.g. "conv.cl"; NULL ends the table */
    const char *text;
};

extern const struct alx_source alx_sources[];

#endif
