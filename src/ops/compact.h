/*
 * Float32 in 28 bits, for layers that read each weight once and wait for memory: a number of
 * weights that lie near each other have few different exponents.
 *
 * A row of weights has a scale, the power of two at its largest weight. A weight is
 *   scale * (-1)^s * 2^(e - 15) * 1.m  for e from 1 to 15, and for e = 0: * 2^-14 * 0.m
 * with 4 bits of e and 23 of m: exact for weights of at least 2^-14 of the scale, and within 2^-38
 * of it for smaller ones. (IEEE 754 numbers with a small exponent, subnormal ones among them.)
 *
 * Eight rows lie in seven words of 32 bits: row q < 7 in word q, s in bit 31 and e, m in bits 26 to
 * 0; bits 30 to 27 of word q are bits 4q + 3 to 4q of the eighth row's number, whose s is bit 27.
 */
#ifndef ALX_OPS_COMPACT_H
#define ALX_OPS_COMPACT_H

#include <stddef.h>
#include <stdint.h>

enum { ALX_COMPACT_ROWS = 8, ALX_COMPACT_WORDS = 7 };

/* Writes each weight's s to bit 31 and e, m to bits 26 to 0, and returns the row's scale: 1 of
 * zeros only, NaN where a weight is not finite. */
float alx_compact_row(const float *row, size_t count, uint32_t *words);

/* Eight rows of `count` words each become seven: for vectors of `vector` values from k on, out[]
 * holds seven vectors, and the next seven a `stride` of words later. `sources`: NULL, or for each k
 * where it lies in the rows. */
void alx_compact_join(const uint32_t *words, size_t count, const uint32_t *sources, size_t vector,
                      size_t stride, uint32_t *out);

#endif
