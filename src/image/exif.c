/* EXIF orientation: where it is told, and how a picture is brought upright. */
#include <stdlib.h>
#include <string.h>

#include "image/format.h"
#include "util/error.h"

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, ENTRY_BYTES = 12 };

static uint32_t number(const uint8_t *bytes, size_t count, bool big_endian)
{
    uint32_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value << 8 | bytes[big_endian ? i : count - 1 - i];
    return value;
}

unsigned alx_exif_orientation(const uint8_t *tiff, size_t bytes)
{
    if (bytes < 8 || (memcmp(tiff, "II*\0", 4) != 0 && memcmp(tiff, "MM\0*", 4) != 0))
        return 1;
    bool big = tiff[0] == 'M';
    size_t at = number(tiff + 4, 4, big);
    if (at > bytes - 2)
        return 1;
    size_t count = number(tiff + at, 2, big);
    at += 2;
    for (size_t i = 0; i < count && bytes - at >= ENTRY_BYTES; i++, at += ENTRY_BYTES) {
        if (number(tiff + at, 2, big) != TAG_ORIENTATION ||
            number(tiff + at + 2, 2, big) != TYPE_SHORT)
            continue;
        uint32_t orientation = number(tiff + at + 8, 2, big);
        return orientation >= 1 && orientation <= 8 ? orientation : 1;
    }
    return 1;
}

enum alx_status alx_image_orient(struct alx_image *image, unsigned orientation)
{
    /* Where the stored picture's first row and column come from: EXIF counts 1 upright, 2 mirrored,
     * 3 turned by 180 degrees, 4 upside down, and 5 to 8 the same with rows and columns swapped. */
    static const struct {
        bool from_right, from_bottom, swapped;
    } ways[] = {
        {0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {0, 1, 0}, {0, 0, 1}, {0, 1, 1}, {1, 1, 1}, {1, 0, 1},
    };
    enum alx_status status = ALX_STATUS_OK;
    struct alx_image upright = {0};
    if (orientation == 1)
        return ALX_STATUS_OK;
    bool swapped = ways[orientation - 1].swapped;
    bool from_right = ways[orientation - 1].from_right;
    bool from_bottom = ways[orientation - 1].from_bottom;
    ALX_TRY(alx_image_create(swapped ? image->height : image->width,
                             swapped ? image->width : image->height, &upright));
    for (size_t y = 0; y < upright.height; y++)
        for (size_t x = 0; x < upright.width; x++) {
            size_t column = swapped ? y : x, row = swapped ? x : y;
            column = from_right ? image->width - 1 - column : column;
            row = from_bottom ? image->height - 1 - row : row;
            memcpy(upright.rgb + 3 * (y * upright.width + x),
                   image->rgb + 3 * (row * image->width + column), 3);
        }
    free(image->rgb);
    *image = upright;
error:
    return status;
}
