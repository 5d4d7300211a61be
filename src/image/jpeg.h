/*
 * What a JPEG's markers tell, and the walk through its entropy-coded data (ITU-T T.81, Huffman
 * coded, baseline and progressive). Nothing is decoded to pixels: the walk finds out whether the
 * data are all there and stay within what a decoder may rely on.
 */
#ifndef ALX_IMAGE_JPEG_H
#define ALX_IMAGE_JPEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ALX_JPEG_COMPONENTS = 4, ALX_JPEG_TABLES = 4 };

/* A canonical Huffman code. */
struct alx_jpeg_huffman {
    bool defined;
    uint8_t symbols[256];
    uint16_t quick[256]; /* by the next 8 bits: length << 8 | symbol; 0: a longer code or none */
    uint32_t limit[17];  /* by length: one more than its largest code */
    int32_t first[17];   /* by length: index of its first symbol, less its first code */
};

struct alx_jpeg_component {
    unsigned id, h, v, quantiser;
    size_t blocks_w, blocks_h; /* that hold pixels; what a scan of this component alone codes */
    size_t padded_w, padded_h; /* in whole MCUs */
    uint64_t *nonzero;         /* progressive: [padded_h, padded_w], bit k: coefficient k is not 0;
                                * owned by the frame */
    int8_t known[64]; /* progressive: the bit down to which a coefficient is known, -1 none yet */
    int32_t dc;       /* the DC coefficient of the block before, restarts reset it */
    bool coded;       /* some scan had it */
};

struct alx_jpeg_frame {
    size_t width, height, mcus_w, mcus_h;
    bool progressive;
    size_t count;
    struct alx_jpeg_component components[ALX_JPEG_COMPONENTS];
    struct alx_jpeg_huffman dc[ALX_JPEG_TABLES], ac[ALX_JPEG_TABLES];
    unsigned quantisers; /* bit i: table i is defined */
    unsigned restart_interval;
};

struct alx_jpeg_scan {
    size_t count;
    struct {
        size_t component; /* index in the frame */
        unsigned dc, ac;
    } parts[ALX_JPEG_COMPONENTS];
    unsigned first, last; /* coefficients, in zigzag order */
    unsigned high, low;   /* bits: known before, known after */
};

/* Makes a table of 16 counts of codes by length and their symbols; false when the counts make no
 * code or more than `bytes` symbols. `*used` is the number of bytes read. */
bool alx_jpeg_huffman_define(struct alx_jpeg_huffman *table, const uint8_t *data, size_t bytes,
                             size_t *used);

/* Walks the data of a scan that fits the frame, from `*position` on, and moves it behind them.
 * NULL, or what is wrong. */
const char *alx_jpeg_scan_walk(struct alx_jpeg_frame *frame, const struct alx_jpeg_scan *scan,
                               const uint8_t *data, size_t bytes, size_t *position);

#endif
