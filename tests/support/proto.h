/*
 * Protobuf messages as text, for files that are made by a test.
 *
 * A message is a row of fields, each with its number in front: 1=5 and 1=-5 are varints, 1'text' a
 * text, 1{2=3} a message, 1*3 three packed floats (1/8, 2/8, 3/8), 1.3 the same unpacked, 1d3
 * packed doubles, 1~0.5 one float, 1#00ff bytes. Bytes without a field are written !00ff.
 */
#ifndef ALX_TESTS_SUPPORT_PROTO_H
#define ALX_TESTS_SUPPORT_PROTO_H

#include <stddef.h>
#include <stdint.h>

/* The bytes, in memory of exactly their size; free() it. */
uint8_t *test_proto_make(const char *text, size_t *bytes);

#endif
