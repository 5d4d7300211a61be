/* The walk through entropy-coded JPEG data; see jpeg.h. */
#include <stdlib.h>

#include "image/jpeg.h"

enum {
    COEFFICIENTS = 64,
    LONGEST_CODE = 16,
    QUICK_BITS = 8,
    MOST_VALUE_BITS = 15, /* of a coefficient: it stays in 16 bits with its sign, also shifted */
};

static const char ends_early[] = "its picture data end early";

/* Bits from the top of `window` down. Reading stops at the end of the data and before a marker. */
struct bits {
    const uint8_t *next, *end;
    uint64_t window;
    unsigned count;
};

struct walk {
    struct bits bits;
    struct alx_jpeg_frame *frame;
    const struct alx_jpeg_scan *scan;
    uint32_t end_of_band_run;
    const char *fault; /* set where a function returns false */
};

bool alx_jpeg_huffman_define(struct alx_jpeg_huffman *table, const uint8_t *data, size_t bytes,
                             size_t *used)
{
    size_t total = 0;
    uint32_t code = 0;
    *table = (struct alx_jpeg_huffman){.defined = true};
    if (bytes < LONGEST_CODE)
        return false;
    for (unsigned length = 1; length <= LONGEST_CODE; length++) {
        uint32_t count = data[length - 1];
        table->first[length] = (int32_t)total - (int32_t)code;
        code += count;
        if (code > 1u << length)
            return false;
        table->limit[length] = code;
        total += count;
        code <<= 1;
    }
    if (total > sizeof table->symbols || bytes < LONGEST_CODE + total)
        return false;
    for (size_t i = 0; i < total; i++)
        table->symbols[i] = data[LONGEST_CODE + i];
    for (unsigned length = 1; length <= QUICK_BITS; length++) {
        unsigned spare = QUICK_BITS - length;
        for (uint32_t c = table->limit[length] - data[length - 1]; c < table->limit[length]; c++)
            for (uint32_t i = c << spare; i < (c + 1) << spare; i++)
                table->quick[i] =
                    (uint16_t)(length << 8 | table->symbols[(int32_t)c + table->first[length]]);
    }
    *used = LONGEST_CODE + total;
    return true;
}

static void fill(struct bits *bits)
{
    while (bits->count <= 48 && bits->next < bits->end) {
        uint8_t byte = *bits->next;
        if (byte == 0xff) {
            const uint8_t *after = bits->next + 1; /* 0xff may be repeated, 0 makes it a value */
            while (after < bits->end && *after == 0xff)
                after++;
            if (after == bits->end || *after)
                return;
            bits->next = after;
        }
        bits->next++;
        bits->window |= (uint64_t)byte << (56 - bits->count);
        bits->count += 8;
    }
}

static bool fail(struct walk *walk, const char *why)
{
    walk->fault = why;
    return false;
}

static bool read_bits(struct walk *walk, unsigned count, uint32_t *out)
{
    struct bits *bits = &walk->bits;
    if (bits->count < count)
        fill(bits);
    if (bits->count < count)
        return fail(walk, ends_early);
    *out = count ? (uint32_t)(bits->window >> (64 - count)) : 0;
    bits->window <<= count;
    bits->count -= count;
    return true;
}

static bool read_symbol(struct walk *walk, const struct alx_jpeg_huffman *table, unsigned *out)
{
    struct bits *bits = &walk->bits;
    if (bits->count < LONGEST_CODE)
        fill(bits);
    uint32_t next = (uint32_t)(bits->window >> (64 - LONGEST_CODE));
    unsigned quick = table->quick[next >> (LONGEST_CODE - QUICK_BITS)];
    unsigned length = quick >> 8;
    unsigned symbol = quick & 255;
    if (!length) {
        for (length = QUICK_BITS + 1; length <= LONGEST_CODE; length++)
            if (next >> (LONGEST_CODE - length) < table->limit[length])
                break;
        if (length > LONGEST_CODE)
            return fail(walk, bits->count < LONGEST_CODE ? ends_early
                                                         : "its picture data hold an unknown code");
        symbol = table->symbols[(int32_t)(next >> (LONGEST_CODE - length)) + table->first[length]];
    }
    if (length > bits->count)
        return fail(walk, ends_early);
    bits->window <<= length;
    bits->count -= length;
    *out = symbol;
    return true;
}

/* The first look at a DC coefficient: its difference to the block before. */
static bool walk_dc(struct walk *walk, struct alx_jpeg_component *component,
                    const struct alx_jpeg_huffman *table)
{
    unsigned size;
    uint32_t value;
    if (!read_symbol(walk, table, &size))
        return false;
    if (size > MOST_VALUE_BITS)
        return fail(walk, "a coefficient is too large");
    if (!read_bits(walk, size, &value))
        return false;
    /* A value whose top bit is 0 is negative, and counts up from the smallest of its size. */
    bool negative = size && !(value >> (size - 1));
    component->dc += (int32_t)value - (negative ? (1 << size) - 1 : 0);
    if (abs(component->dc) >= 1 << (MOST_VALUE_BITS - walk->scan->low))
        return fail(walk, "a coefficient is too large");
    return true;
}

/* The first look at AC coefficients, `first` to `last`; a baseline block has all of them. */
static bool walk_ac(struct walk *walk, const struct alx_jpeg_huffman *table, uint64_t *nonzero)
{
    const struct alx_jpeg_scan *scan = walk->scan;
    if (walk->end_of_band_run) {
        walk->end_of_band_run--;
        return true;
    }
    for (unsigned k = scan->first ? scan->first : 1; k <= scan->last; k++) {
        unsigned symbol;
        uint32_t value;
        if (!read_symbol(walk, table, &symbol))
            return false;
        unsigned run = symbol >> 4, size = symbol & 15;
        if (!size && run < 15) {
            if (run && !walk->frame->progressive)
                return fail(walk, "its picture data hold an unknown code");
            if (!read_bits(walk, run, &value))
                return false;
            walk->end_of_band_run = (1u << run) + value - 1;
            return true;
        }
        k += run;
        if (k > scan->last)
            return fail(walk, "a block has too many coefficients");
        if (size + scan->low > MOST_VALUE_BITS)
            return fail(walk, "a coefficient is too large");
        if (!read_bits(walk, size, &value))
            return false;
        if (nonzero && size)
            *nonzero |= (uint64_t)1 << k;
    }
    return true;
}

/* One more bit for each coefficient from *k on that is known not to be 0, until `zeros` zeros have
 * been passed; *k then is the next zero, or last + 1. */
static bool refine_until(struct walk *walk, uint64_t nonzero, unsigned zeros, unsigned *k)
{
    uint32_t bit;
    for (; *k <= walk->scan->last; ++*k) {
        if (nonzero >> *k & 1) {
            if (!read_bits(walk, 1, &bit))
                return false;
        } else if (zeros-- == 0) {
            break;
        }
    }
    return true;
}

/* A further bit of AC coefficients, and those that this bit makes different from 0. */
static bool walk_ac_refinement(struct walk *walk, const struct alx_jpeg_huffman *table,
                               uint64_t *nonzero)
{
    const struct alx_jpeg_scan *scan = walk->scan;
    unsigned k = scan->first;
    while (!walk->end_of_band_run && k <= scan->last) {
        unsigned symbol;
        uint32_t value;
        if (!read_symbol(walk, table, &symbol))
            return false;
        unsigned run = symbol >> 4, size = symbol & 15;
        if (size > 1)
            return fail(walk, "its picture data hold an unknown code");
        if (!size && run < 15) {
            if (!read_bits(walk, run, &value))
                return false;
            walk->end_of_band_run = (1u << run) + value;
            break;
        }
        if (size && !read_bits(walk, 1, &value))
            return false;
        if (!refine_until(walk, *nonzero, run, &k))
            return false;
        if (k > scan->last)
            return fail(walk, "a block has too many coefficients");
        if (size)
            *nonzero |= (uint64_t)1 << k;
        k++;
    }
    if (!walk->end_of_band_run)
        return true;
    walk->end_of_band_run--;
    return refine_until(walk, *nonzero, COEFFICIENTS, &k);
}

static bool walk_block(struct walk *walk, size_t part, size_t x, size_t y)
{
    const struct alx_jpeg_scan *scan = walk->scan;
    struct alx_jpeg_component *component = &walk->frame->components[scan->parts[part].component];
    const struct alx_jpeg_huffman *dc = &walk->frame->dc[scan->parts[part].dc];
    const struct alx_jpeg_huffman *ac = &walk->frame->ac[scan->parts[part].ac];
    uint64_t *nonzero =
        component->nonzero ? &component->nonzero[y * component->padded_w + x] : NULL;
    uint32_t bit;
    if (!walk->frame->progressive)
        return walk_dc(walk, component, dc) && walk_ac(walk, ac, NULL);
    if (scan->first)
        return scan->high ? walk_ac_refinement(walk, ac, nonzero) : walk_ac(walk, ac, nonzero);
    return scan->high ? read_bits(walk, 1, &bit) : walk_dc(walk, component, dc);
}

/* Between two restart intervals stand less than 8 bits of filling and a marker. */
static bool restart(struct walk *walk)
{
    struct bits *bits = &walk->bits;
    fill(bits);
    if (bits->count >= 8 || bits->next == bits->end || *bits->next != 0xff)
        return fail(walk, "a restart marker is not where it should be");
    while (bits->next < bits->end && *bits->next == 0xff)
        bits->next++;
    if (bits->next == bits->end)
        return fail(walk, ends_early);
    if (*bits->next < 0xd0 || *bits->next > 0xd7)
        return fail(walk, ends_early);
    bits->next++;
    bits->window = 0;
    bits->count = 0;
    walk->end_of_band_run = 0;
    for (size_t i = 0; i < walk->frame->count; i++)
        walk->frame->components[i].dc = 0;
    return true;
}

/* All blocks of a scan: of one component alone row by row, of several together MCU by MCU. */
static bool walk_units(struct walk *walk)
{
    const struct alx_jpeg_frame *frame = walk->frame;
    const struct alx_jpeg_scan *scan = walk->scan;
    const struct alx_jpeg_component *only = &frame->components[scan->parts[0].component];
    size_t units_w = scan->count == 1 ? only->blocks_w : frame->mcus_w;
    size_t units_h = scan->count == 1 ? only->blocks_h : frame->mcus_h;
    for (size_t unit = 0; unit < units_w * units_h; unit++) {
        size_t unit_x = unit % units_w, unit_y = unit / units_w;
        if (unit && frame->restart_interval && unit % frame->restart_interval == 0 &&
            !restart(walk))
            return false;
        if (scan->count == 1) {
            if (!walk_block(walk, 0, unit_x, unit_y))
                return false;
            continue;
        }
        for (size_t part = 0; part < scan->count; part++) {
            const struct alx_jpeg_component *c = &frame->components[scan->parts[part].component];
            for (size_t i = 0; i < c->h * c->v; i++)
                if (!walk_block(walk, part, unit_x * c->h + i % c->h, unit_y * c->v + i / c->h))
                    return false;
        }
    }
    return true;
}

const char *alx_jpeg_scan_walk(struct alx_jpeg_frame *frame, const struct alx_jpeg_scan *scan,
                               const uint8_t *data, size_t bytes, size_t *position)
{
    struct walk walk = {
        .bits = {.next = data + *position, .end = data + bytes},
        .frame = frame,
        .scan = scan,
    };
    for (size_t i = 0; i < frame->count; i++)
        frame->components[i].dc = 0;
    if (!walk_units(&walk))
        return walk.fault;
    *position = (size_t)(walk.bits.next - data);
    return NULL;
}
