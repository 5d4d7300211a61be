/* The markers of a JPEG file, checked; the data between them are walked by jpeg_scan.c. */
#include "image/jpeg.h"

#include <stdlib.h>
#include <string.h>

#include "image/format.h"
#include "util/error.h"
#include "util/memory.h"

enum {
    MOST_SCANS = 256, /* each costs a pass over all blocks; encoders write about ten */
    MOST_SHIFT = 13,
    APP14_BYTES = 16,
};

/* The marker's second byte. */
enum {
    DHT = 0xc4,
    JPG = 0xc8,
    DAC = 0xcc,
    RST0 = 0xd0,
    RST7 = 0xd7,
    EOI = 0xd9,
    SOS = 0xda,
    DQT = 0xdb,
    DNL = 0xdc,
    DRI = 0xdd,
    APP0 = 0xe0,
    APP1 = 0xe1,
    APP14 = 0xee,
    APP15 = 0xef,
    COM = 0xfe
};

struct parser {
    const struct alx_picture *picture;
    struct alx_jpeg_frame frame; /* count 0 until its header has been read */
    size_t position;
    size_t frame_marker; /* where the frame's header begins */
    size_t scans;
    size_t scan_end; /* one past the data of the last scan */
    unsigned orientation;
    int adobe_transform; /* -1: no Adobe marker */
};

static enum alx_status damaged(const struct parser *parser, const char *why)
{
    return alx_format_damaged(parser->picture, "JPEG", why);
}

static enum alx_status unsupported(const struct parser *parser, const char *kind)
{
    return alx_fail(ALX_STATUS_IMAGE_UNSUPPORTED, "%s: a JPEG %s, which is not read; convert it",
                    parser->picture->what, kind);
}

static unsigned number16(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

static enum alx_status read_quantisers(struct parser *parser, const uint8_t *data, size_t bytes)
{
    while (bytes) {
        unsigned precision = data[0] >> 4, id = data[0] & 15;
        size_t used = precision ? 129 : 65;
        if (precision > 1 || id >= ALX_JPEG_TABLES || used > bytes)
            return damaged(parser, "a quantisation table is malformed");
        parser->frame.quantisers |= 1u << id;
        data += used;
        bytes -= used;
    }
    return ALX_STATUS_OK;
}

static enum alx_status read_huffman(struct parser *parser, const uint8_t *data, size_t bytes)
{
    while (bytes) {
        unsigned kind = data[0] >> 4, id = data[0] & 15;
        size_t used = 0;
        if (kind > 1 || id >= ALX_JPEG_TABLES)
            return damaged(parser, "a Huffman table is malformed");
        struct alx_jpeg_huffman *table = kind ? &parser->frame.ac[id] : &parser->frame.dc[id];
        if (!alx_jpeg_huffman_define(table, data + 1, bytes - 1, &used))
            return damaged(parser, "a Huffman table is malformed");
        data += 1 + used;
        bytes -= 1 + used;
    }
    return ALX_STATUS_OK;
}

/* Sizes that follow from the sampling factors. */
static enum alx_status lay_out_components(struct parser *parser)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_jpeg_frame *frame = &parser->frame;
    size_t h_most = 1, v_most = 1;
    for (size_t i = 0; i < frame->count; i++) {
        h_most = alx_max(h_most, frame->components[i].h);
        v_most = alx_max(v_most, frame->components[i].v);
    }
    frame->mcus_w = alx_ceil_div(frame->width, 8 * h_most);
    frame->mcus_h = alx_ceil_div(frame->height, 8 * v_most);
    for (size_t i = 0; i < frame->count; i++) {
        struct alx_jpeg_component *c = &frame->components[i];
        if (h_most % c->h || v_most % c->v)
            return unsupported(parser, "with sampling factors that do not divide each other");
        c->blocks_w = alx_ceil_div(alx_ceil_div(frame->width * c->h, h_most), 8);
        c->blocks_h = alx_ceil_div(alx_ceil_div(frame->height * c->v, v_most), 8);
        c->padded_w = frame->mcus_w * c->h;
        c->padded_h = frame->mcus_h * c->v;
        memset(c->known, -1, sizeof c->known);
        if (frame->progressive)
            ALX_TRY(alx_alloc(c->padded_w * c->padded_h, sizeof *c->nonzero, "a JPEG picture",
                              &c->nonzero));
    }
error:
    return status;
}

static enum alx_status read_frame(struct parser *parser, unsigned marker, const uint8_t *data,
                                  size_t bytes)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_jpeg_frame *frame = &parser->frame;
    if (frame->count)
        return damaged(parser, "it has two frame headers");
    if (marker > 0xc2)
        return unsupported(parser, marker > 0xc7 ? "with arithmetic coding"
                                                 : "of the lossless or the hierarchical kind");
    if (bytes < 6 || bytes != 6 + 3 * (size_t)data[5])
        return damaged(parser, "its frame header is malformed");
    if (data[0] != 8)
        return unsupported(parser, "with more than 8 bits a sample");
    frame->height = number16(data + 1);
    frame->width = number16(data + 3);
    if (!frame->height)
        return unsupported(parser, "that tells its height at the end only");
    ALX_TRY(alx_format_check_size(parser->picture, frame->width, frame->height));
    if (data[5] != 1 && data[5] != 3 && data[5] != 4)
        return unsupported(parser, "that is neither grey nor of three or four colours");
    frame->progressive = marker == 0xc2;
    for (size_t i = 0; i < data[5]; i++) {
        const uint8_t *entry = data + 6 + 3 * i;
        struct alx_jpeg_component *c = &frame->components[i];
        *c = (struct alx_jpeg_component){
            .id = entry[0], .h = entry[1] >> 4, .v = entry[1] & 15, .quantiser = entry[2]};
        if (c->h < 1 || c->h > 4 || c->v < 1 || c->v > 4 || c->quantiser >= ALX_JPEG_TABLES)
            return damaged(parser, "its frame header is malformed");
        for (size_t j = 0; j < i; j++)
            if (frame->components[j].id == c->id)
                return damaged(parser, "two of its components have the same number");
    }
    frame->count = data[5];
    ALX_TRY(lay_out_components(parser));
error:
    return status;
}

/* Which coefficients a scan brings, and whether it may bring them now: progressive scans come in
 * order, every coefficient once and then bit by bit. */
static bool scan_is_due(struct alx_jpeg_frame *frame, const struct alx_jpeg_scan *scan)
{
    if (scan->first > scan->last || scan->last >= 64 || scan->low > MOST_SHIFT ||
        (scan->high && scan->high != scan->low + 1) || (scan->first == 0) != (scan->last == 0) ||
        (scan->first && scan->count > 1))
        return false;
    for (size_t i = 0; i < scan->count; i++) {
        struct alx_jpeg_component *c = &frame->components[scan->parts[i].component];
        if (scan->first && c->known[0] < 0)
            return false;
        for (unsigned k = scan->first; k <= scan->last; k++) {
            if (c->known[k] != (scan->high ? (int)scan->high : -1))
                return false;
            c->known[k] = (int8_t)scan->low;
        }
    }
    return true;
}

static bool has_tables(const struct alx_jpeg_frame *frame, const struct alx_jpeg_scan *scan)
{
    bool needs_dc = !scan->first && !scan->high;
    bool needs_ac = scan->first || !frame->progressive;
    for (size_t i = 0; i < scan->count; i++)
        if ((needs_dc && !frame->dc[scan->parts[i].dc].defined) ||
            (needs_ac && !frame->ac[scan->parts[i].ac].defined))
            return false;
    return true;
}

/* The components of a scan and their tables; false when the header is malformed. */
static bool read_scan_parts(struct alx_jpeg_frame *frame, const uint8_t *data,
                            struct alx_jpeg_scan *scan)
{
    bool taken[ALX_JPEG_COMPONENTS] = {false};
    for (size_t i = 0; i < scan->count; i++) {
        size_t component = 0;
        while (component < frame->count && frame->components[component].id != data[2 * i])
            component++;
        if (component == frame->count || taken[component])
            return false;
        taken[component] = true;
        scan->parts[i].component = component;
        scan->parts[i].dc = data[2 * i + 1] >> 4;
        scan->parts[i].ac = data[2 * i + 1] & 15;
        if (scan->parts[i].dc >= ALX_JPEG_TABLES || scan->parts[i].ac >= ALX_JPEG_TABLES)
            return false;
    }
    return true;
}

static enum alx_status read_scan(struct parser *parser, const uint8_t *data, size_t bytes)
{
    struct alx_jpeg_frame *frame = &parser->frame;
    struct alx_jpeg_scan scan = {.count = bytes ? data[0] : 0};
    if (!frame->count || !scan.count || scan.count > frame->count || bytes != 4 + 2 * scan.count ||
        !read_scan_parts(frame, data + 1, &scan))
        return damaged(parser, "a scan header is malformed");
    if (++parser->scans > MOST_SCANS)
        return damaged(parser, "it has too many scans");
    const uint8_t *tail = data + 1 + 2 * scan.count;
    scan.first = tail[0];
    scan.last = frame->progressive ? tail[1] : 63; /* some cameras write 0 */
    scan.high = tail[2] >> 4;
    scan.low = tail[2] & 15;
    if (frame->progressive ? !scan_is_due(frame, &scan) : scan.first || scan.high || scan.low)
        return damaged(parser, "its scans are not in order");
    for (size_t i = 0; i < scan.count; i++) {
        struct alx_jpeg_component *c = &frame->components[scan.parts[i].component];
        if (!(frame->quantisers >> c->quantiser & 1))
            return damaged(parser, "it has no quantisation table");
        c->coded = true;
    }
    if (!has_tables(frame, &scan))
        return damaged(parser, "it has no Huffman table");
    const char *fault = alx_jpeg_scan_walk(frame, &scan, parser->picture->data,
                                           parser->picture->bytes, &parser->position);
    parser->scan_end = parser->position;
    return fault ? damaged(parser, fault) : ALX_STATUS_OK;
}

static enum alx_status read_segment(struct parser *parser, unsigned marker, const uint8_t *data,
                                    size_t bytes)
{
    switch (marker) {
    case DQT:
        return read_quantisers(parser, data, bytes);
    case DHT:
        return read_huffman(parser, data, bytes);
    case SOS:
        return read_scan(parser, data, bytes);
    case DRI:
        if (bytes != 2)
            return damaged(parser, "its restart interval is malformed");
        parser->frame.restart_interval = number16(data);
        return ALX_STATUS_OK;
    case APP1:
        if (bytes >= 6 && !memcmp(data, "Exif\0", 6) && parser->orientation == 1)
            parser->orientation = alx_exif_orientation(data + 6, bytes - 6);
        return ALX_STATUS_OK;
    case APP14:
        if (bytes >= 12 && !memcmp(data, "Adobe", 5))
            parser->adobe_transform = data[11];
        return ALX_STATUS_OK;
    default:
        break;
    }
    if (marker >= 0xc0 && marker <= 0xcf && marker != JPG && marker != DAC)
        return read_frame(parser, marker, data, bytes);
    if ((marker >= APP0 && marker <= APP15) || marker == COM || marker == DNL)
        return ALX_STATUS_OK;
    return damaged(parser, "it has an unknown marker");
}

/* Moves to the next marker and past it; false when there is none. */
static bool next_marker(struct parser *parser, unsigned *marker)
{
    const struct alx_picture *picture = parser->picture;
    size_t at = parser->position;
    while (at < picture->bytes && picture->data[at] != 0xff)
        at++;
    while (at < picture->bytes && picture->data[at] == 0xff)
        at++;
    if (at >= picture->bytes)
        return false;
    *marker = picture->data[at];
    parser->position = at + 1;
    return true;
}

/* Whether scans have brought every component: to its last bit, or only enough to show something. */
static bool is_complete(const struct alx_jpeg_frame *frame, bool to_the_last_bit)
{
    bool complete = frame->count > 0;
    for (size_t i = 0; i < frame->count; i++) {
        const struct alx_jpeg_component *c = &frame->components[i];
        complete = complete && c->coded && (!frame->progressive || c->known[0] >= 0);
        for (size_t k = 0; frame->progressive && to_the_last_bit && k < 64; k++)
            complete = complete && c->known[k] == 0;
    }
    return complete;
}

/* Reads markers and what follows them, to the end marker. `*end_marked` is false when the file ends
 * without one behind complete data: that much is forgiven. */
static enum alx_status read_markers(struct parser *parser, bool *end_marked)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_picture *picture = parser->picture;
    unsigned marker;
    *end_marked = true;
    while (next_marker(parser, &marker)) {
        size_t begin = parser->position - 2;
        if (marker == EOI)
            return is_complete(&parser->frame, false)
                       ? ALX_STATUS_OK
                       : damaged(parser, "it ends before its picture data are complete");
        if (marker >= RST0 && marker <= RST7)
            continue;
        size_t left = picture->bytes - parser->position;
        size_t length = left >= 2 ? number16(picture->data + parser->position) : 0;
        if (length < 2 || length > left)
            break;
        const uint8_t *data = picture->data + parser->position + 2;
        parser->position += length;
        if (marker >= 0xc0 && marker <= 0xc2)
            parser->frame_marker = begin;
        ALX_TRY(read_segment(parser, marker, data, length - 2));
    }
    *end_marked = false;
    if (!is_complete(&parser->frame, true))
        return damaged(parser, "it ends early");
    parser->position = parser->scan_end;
error:
    return status;
}

/* The file up to its end marker. The decoder refuses a JPEG without one, and takes four components
 * for Y, Cb, Cr and something else unless an Adobe marker says otherwise: what lacks is added. */
static enum alx_status mend(const struct parser *parser, bool end_marked, struct alx_checked *out)
{
    enum alx_status status = ALX_STATUS_OK;
    uint8_t *copy = NULL;
    const uint8_t *data = parser->picture->data;
    bool four = parser->frame.count == 4;
    out->data = data;
    out->bytes = parser->position;
    if (end_marked && !four)
        return ALX_STATUS_OK;
    ALX_TRY(alx_alloc(parser->position + APP14_BYTES + 2, 1, "a JPEG picture", &copy));
    size_t at = parser->frame_marker;
    memcpy(copy, data, at);
    if (four) {
        static const uint8_t app14[APP14_BYTES] = {0xff, APP14, 0, 14, 'A', 'd', 'o', 'b', 'e'};
        memcpy(copy + at, app14, sizeof app14);
        at += sizeof app14;
        copy[at - 1] = parser->adobe_transform > 0 ? 2 : 0; /* YCCK or CMYK */
    }
    memcpy(copy + at, data + parser->frame_marker, parser->position - parser->frame_marker);
    at += parser->position - parser->frame_marker;
    if (!end_marked) {
        copy[at++] = 0xff;
        copy[at++] = EOI;
    }
    out->data = out->owned = copy;
    out->bytes = at;
error:
    return status;
}

enum alx_status alx_jpeg_check(const struct alx_picture *picture, struct alx_checked *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct parser parser = {
        .picture = picture, .position = 2, .orientation = 1, .adobe_transform = -1};
    struct alx_checked checked = {0};
    bool end_marked;
    ALX_TRY(read_markers(&parser, &end_marked));
    ALX_TRY(mend(&parser, end_marked, &checked));
    checked.width = parser.frame.width;
    checked.height = parser.frame.height;
    checked.orientation = parser.orientation;
    *out = checked;
error:
    for (size_t i = 0; i < ALX_JPEG_COMPONENTS; i++)
        free(parser.frame.components[i].nonzero);
    return status;
}
