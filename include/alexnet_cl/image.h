/*
 * Pictures: decoding, and the way from a picture to the network's input.
 */
#ifndef ALEXNET_CL_IMAGE_H
#define ALEXNET_CL_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "net.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is refused before it costs anything. */
enum { ALX_IMAGE_MAX_FILE_BYTES = 64 * 1024 * 1024, ALX_IMAGE_MAX_PIXELS = 100 * 1000 * 1000 };

/* An upright picture of 8-bit R, G, B: EXIF orientation applied, alpha laid over white, grey spread
 * to three channels. `rgb` is owned, [height, width, 3]; free it with alx_image_free(). */
struct alx_image {
    size_t width, height;
    uint8_t *rgb;
};
/* Accepts an empty image; leaves an empty one. */
ALX_API void alx_image_free(struct alx_image *image);

/* Decodes JPEG (baseline, progressive, grey, CMYK), PNG (all kinds, 16-bit too), BMP or PNM from
 * memory, in this process and within the limits above. The data may be hostile and the decoder is
 * the packaged stb_image: programs that read pictures from outside use an alx_decoder. `what` names
 * the picture in messages. */
ALX_API enum alx_status alx_image_decode(const char *what, const uint8_t *bytes, size_t byte_count,
                                         struct alx_image *out);

/* A child process that decodes, with limits on memory, processor time and files and a system call
 * filter, so that a hostile picture ends at worst that child. A child that died is replaced for the
 * next picture. Used by one thread at a time, and only by the process that created it. */
typedef struct alx_decoder alx_decoder;

/* Starts the child. Call it before anything that opens devices or starts threads: the child must
 * not inherit them. */
ALX_API enum alx_status alx_decoder_create(alx_decoder **out);
/* Ends the child. Accepts NULL and nulls the pointer. */
ALX_API void alx_decoder_destroy(alx_decoder **decoder);
/* Reads `path` ("-": standard input, read to its end) and has the child decode it. A folder, a
 * missing file, a file too large, a picture that cannot be decoded each have their own status and
 * one line. */
ALX_API enum alx_status alx_decoder_decode_file(alx_decoder *decoder, const char *path,
                                                struct alx_image *out);
ALX_API enum alx_status alx_decoder_decode_bytes(alx_decoder *decoder, const char *what,
                                                 const uint8_t *bytes, size_t byte_count,
                                                 struct alx_image *out);

enum alx_resize {
    ALX_RESIZE_WARP, /* to the square resize_size x resize_size, whatever the aspect; then the
                        centre is cut */
    ALX_RESIZE_CROP, /* the short side to resize_size, the long side truncated like torchvision's;
                        then the centre is cut */
    ALX_RESIZE_NONE  /* the picture must have the network's size exactly */
};
enum alx_filter {
    ALX_FILTER_ANTIALIAS, /* bilinear like Pillow's, to the bit: the triangle widens when shrinking
                           */
    ALX_FILTER_BILINEAR   /* plain bilinear like Caffe's (OpenCV's INTER_LINEAR), to the bit */
};
enum alx_channel_order { ALX_ORDER_RGB, ALX_ORDER_BGR };

/* A model's recipe. A pixel p (0 to 255) becomes (p * scale - mean) / std; mean and std are in the
 * order of the channels as the network reads them. A network of one channel reads luma (ITU-R 601,
 * like Pillow's convert("L")). */
struct alx_preprocess {
    enum alx_resize resize;
    enum alx_filter filter;
    enum alx_channel_order order;
    size_t resize_size; /* 256 in most recipes; 0: the network's size, so that nothing is cut */
    float scale;
    float mean[3];
    float std[3];
    const float *mean_image; /* NULL, or [C, mean_height, mean_width], borrowed; its centre is cut
                              * like the picture's and replaces mean */
    size_t mean_height, mean_width;
};

/* Writes the network's input `out` [C, H, W] for `shape` (1 or 3 channels). The crop starts at
 * round((size - crop) / 2), halves to even. A crop larger than the resized picture is USAGE;
 * IMAGE_SIZE when `resize none` does not fit. `what` names the picture in messages. */
ALX_API enum alx_status alx_image_to_tensor(const char *what, const struct alx_image *image,
                                            const struct alx_preprocess *preprocess,
                                            struct alx_shape shape, float *out);

/* The views of a picture whose answers the paper averages (Krizhevsky et al. 2012, section 4.1). */
enum { ALX_TEN_CROPS = 10 };

/* The same for ten views, `out` [10, C, H, W]: of the resized picture the corners top left, top
 * right, bottom left and bottom right, then the centre, which is alx_image_to_tensor()'s, then the
 * mirror images of these five. A mean image is cut at its centre for all, and not mirrored, as the
 * paper's authors did. A recipe that cuts nothing leaves two different views. */
ALX_API enum alx_status alx_image_to_ten_crops(const char *what, const struct alx_image *image,
                                               const struct alx_preprocess *preprocess,
                                               struct alx_shape shape, float *out);

#ifdef __cplusplus
}
#endif

#endif
