"""Write images/: small pictures of every kind, bad files, and what must come out of them.

Run: python make_images.py   (needs Pillow, numpy, opencv-python-headless; rewrites images/;
made with 13.0.0, 2.4.6, 5.0.0)

NAME.EXT is a picture, NAME.EXT.rgb its pixels: width and height as 16 bits, little endian, then R, G,
B of each pixel. resize_*.rgb are what Pillow and OpenCV make of photo.png; tests/test_preprocess.c
holds their parameters. bad_* must be refused.
"""
import io
import pathlib
import struct
import zlib

import cv2
import numpy as np
from PIL import Image, ImageOps

FOLDER = pathlib.Path(__file__).parent / "images"
RANDOM = np.random.default_rng(1)


def smooth(width, height):
    """Colours that change slowly and differently in each direction: RGB, uint8."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([255 * x / max(width - 1, 1), 255 * y / max(height - 1, 1),
                     127 + 120 * np.sin(x / 4 + y / 7)], axis=2).round().astype(np.uint8)


def write(name, data, pixels=None):
    (FOLDER / name).write_bytes(data)
    if pixels is not None:
        write_pixels(name + ".rgb", pixels)


def write_pixels(name, pixels):
    pixels = np.asarray(pixels, np.uint8)
    assert pixels.ndim == 3 and pixels.shape[2] == 3
    header = struct.pack("<HH", pixels.shape[1], pixels.shape[0])
    (FOLDER / name).write_bytes(header + pixels.tobytes())


def over_white(rgb, alpha, most=255):
    rgb, alpha = rgb.astype(np.float64) / most, alpha.astype(np.float64)[..., None] / most
    return np.floor((rgb * alpha + 1 - alpha) * 255 + 0.5).astype(np.uint8)


def grey_to_rgb(grey):
    return np.repeat(grey[..., None], 3, axis=2)


# PNG, written by hand: Pillow writes neither all depths nor interlaced files.

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack_row(row, depth):
    """Samples of one row as bytes."""
    if depth == 16:
        return row.astype(">u2").tobytes()
    if depth == 8:
        return row.astype(np.uint8).tobytes()
    bits = ((row[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
    return np.packbits(bits).tobytes()


def png(samples, colour, depth, before=b"", interlaced=False, header=None, split=0):
    """`samples`: [H, W, C]. Rows use the filters none and up in turn."""
    height, width, _ = samples.shape
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                  (1, 0, 2, 2), (0, 1, 1, 2)]
    raw = b""
    for left, top, step_x, step_y in passes:
        part = samples[top::step_y, left::step_x]
        if not part.size:
            continue
        previous = None
        for index, row in enumerate(part):
            line = np.frombuffer(pack_row(row.reshape(-1), depth), np.uint8)
            if index % 2:
                raw += b"\2" + (line - previous).tobytes()
            else:
                raw += b"\0" + line.tobytes()
            previous = line
    data = zlib.compress(raw, 9)
    parts = [data[i:i + split] for i in range(0, len(data), split)] if split else [data]
    header = header or struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before +
            b"".join(chunk(b"IDAT", part) for part in parts) + chunk(b"IEND", b""))


def exif(orientation, order):
    """EXIF data with two entries: a thing that is passed over, and the orientation."""
    text = b"II*\0" if order == "<" else b"MM\0*"
    return (text + struct.pack(order + "IH", 8, 2) +
            struct.pack(order + "HHIHH", 0x0128, 3, 1, 2, 0) +
            struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0) +
            struct.pack(order + "I", 0))


def stored_for(upright, orientation):
    """How a picture is stored so that `orientation` brings it upright."""
    image = Image.fromarray(upright)
    undo = {1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
            4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
            6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_270}[orientation]
    return np.asarray(image if undo is None else image.transpose(undo))


def make_png():
    rgb = smooth(19, 13)
    grey = rgb[..., 2]
    alpha = rgb[..., 0]
    write("rgb.png", png(rgb, 2, 8), rgb)
    write("rgb_split.png", png(rgb, 2, 8, split=40), rgb)
    write("rgb_interlaced.png", png(rgb, 2, 8, interlaced=True), rgb)
    write("one_pixel.png", png(rgb[3:4, 5:6], 2, 8), rgb[3:4, 5:6])
    write("grey.png", png(grey[..., None], 0, 8), grey_to_rgb(grey))
    for depth in (1, 2, 4):
        samples = grey >> (8 - depth)
        scaled = (samples.astype(int) * 255 // (2 ** depth - 1)).astype(np.uint8)
        write(f"grey{depth}.png", png(samples[..., None], 0, depth), grey_to_rgb(scaled))
        write(f"grey{depth}_interlaced.png", png(samples[..., None], 0, depth, interlaced=True),
              grey_to_rgb(scaled))
    write("grey_alpha.png", png(np.dstack([grey, alpha]), 4, 8),
          over_white(grey_to_rgb(grey), alpha))
    write("rgba.png", png(np.dstack([rgb, grey]), 6, 8), over_white(rgb, grey))
    write("rgba_interlaced.png", png(np.dstack([rgb, grey]), 6, 8, interlaced=True),
          over_white(rgb, grey))
    deep = RANDOM.integers(0, 65536, (11, 7, 4))
    deep8 = np.floor(deep / 65535 * 255 + 0.5).astype(np.uint8)
    write("grey16.png", png(deep[..., :1], 0, 16), grey_to_rgb(deep8[..., 0]))
    write("rgb16.png", png(deep[..., :3], 2, 16), deep8[..., :3])
    write("grey_alpha16.png", png(deep[..., 2:], 4, 16),
          over_white(grey_to_rgb(deep[..., 2]), deep[..., 3], 65535))
    write("rgba16.png", png(deep, 6, 16), over_white(deep[..., :3], deep[..., 3], 65535))
    write("rgba16_interlaced.png", png(deep, 6, 16, interlaced=True),
          over_white(deep[..., :3], deep[..., 3], 65535))

    palette = RANDOM.integers(0, 256, (200, 3)).astype(np.uint8)
    index = RANDOM.integers(0, 200, (13, 19))
    colours = chunk(b"PLTE", palette.tobytes())
    write("palette.png", png(index[..., None], 3, 8, colours), palette[index])
    for depth in (1, 2, 4):
        few = index % 2 ** depth
        write(f"palette{depth}.png",
              png(few[..., None], 3, depth, chunk(b"PLTE", palette[:2 ** depth].tobytes())),
              palette[few])
    opacity = np.full(200, 255, np.uint8)
    opacity[:100] = np.arange(100) * 2
    write("palette_alpha.png",
          png(index[..., None], 3, 8, colours + chunk(b"tRNS", opacity[:100].tobytes())),
          over_white(palette[index], opacity[index]))
    beyond = np.vstack([palette, np.zeros((56, 3), np.uint8)])
    index[5, 5] = 230
    write("palette_beyond.png", png(index[..., None], 3, 8, colours), beyond[index])
    key = rgb[4, 4]
    keyed = rgb.copy()
    keyed[(rgb == key).all(axis=2)] = 255
    write("rgb_key.png", png(rgb, 2, 8, chunk(b"tRNS", struct.pack(">3H", *key))), keyed)
    level = grey[6, 6]
    keyed = grey.copy()
    keyed[grey == level] = 255
    write("grey_key.png", png(grey[..., None], 0, 8, chunk(b"tRNS", struct.pack(">H", level))),
          grey_to_rgb(keyed))
    deep_key = deep[2, 3, :3]
    keyed = deep8[..., :3].copy()
    keyed[2, 3] = 255
    write("rgb16_key.png", png(deep[..., :3], 2, 16, chunk(b"tRNS", struct.pack(">3H", *deep_key))),
          keyed)
    for orientation in range(1, 9):
        data = exif(orientation, "<>"[orientation % 2])
        file = png(stored_for(rgb, orientation), 2, 8, chunk(b"eXIf", data))
        upright = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
        assert (np.asarray(upright) == rgb).all()
        write(f"orientation_{orientation}.png", file, rgb)


# JPEG, by Pillow (libjpeg).

def jpeg(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def pixels_of(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def segments(data):
    """(marker, offset, length with marker) of each segment up to the first scan's data."""
    at = 2
    while True:
        length = struct.unpack(">H", data[at + 2:at + 4])[0] + 2
        yield data[at + 1], at, length
        if data[at + 1] == 0xda:
            return
        at += length


def without(data, marker):
    for kind, at, length in reversed(list(segments(data))):
        if kind == marker:
            data = data[:at] + data[at + length:]
    return data


def patched(data, at, value):
    return data[:at] + value + data[at + len(value):]


def make_jpeg():
    rgb = smooth(35, 21)
    image = Image.fromarray(rgb)
    grey = Image.fromarray(rgb[..., 2])
    files = {
        "rgb444.jpg": jpeg(image, quality=90, subsampling=0),
        "rgb422.jpg": jpeg(image, quality=90, subsampling=1),
        "rgb420.jpg": jpeg(image, quality=90, subsampling=2),
        "grey.jpg": jpeg(grey, quality=90),
        "progressive.jpg": jpeg(image, quality=90, progressive=True),
        "progressive_grey.jpg": jpeg(grey, quality=90, progressive=True),
        "restarts.jpg": jpeg(image, quality=90, subsampling=0, restart_marker_blocks=3),
        "restarts_progressive.jpg": jpeg(image, quality=90, progressive=True, subsampling=2,
                                         restart_marker_blocks=2),
        "optimised.jpg": jpeg(image, quality=75, optimize=True),
        "one_pixel.jpg": jpeg(Image.fromarray(rgb[:1, :1]), quality=90),
        "noise.jpg": jpeg(Image.fromarray(RANDOM.integers(0, 256, (16, 24), np.uint8)), quality=95),
        "noise_progressive.jpg": jpeg(
            Image.fromarray(RANDOM.integers(0, 256, (16, 24), np.uint8)), quality=95,
            progressive=True),
    }
    inks = np.dstack([rgb, 40 + rgb[..., 0] // 3])
    cmyk = jpeg(Image.fromarray(inks, "CMYK"), quality=95, subsampling=0)
    files["cmyk.jpg"] = cmyk
    files["cmyk_progressive.jpg"] = jpeg(Image.fromarray(inks, "CMYK"), quality=95, progressive=True)
    files["cmyk_plain.jpg"] = without(cmyk, 0xee)
    ycck = np.dstack([np.asarray(image.convert("YCbCr")), inks[..., 3]])
    # What Pillow takes for four inks is Y, Cb, Cr, K here; the Adobe marker then says so.
    ycck = jpeg(Image.fromarray(255 - ycck, "CMYK"), quality=95, subsampling=0)
    adobe = next(at for kind, at, _ in segments(ycck) if kind == 0xee)
    files["ycck.jpg"] = patched(ycck, adobe + 15, b"\2")
    for name, data in files.items():
        write(name, data, pixels_of(data))
    small = smooth(19, 13)
    for orientation in range(1, 9):
        data = b"Exif\0\0" + exif(orientation, "><"[orientation % 2])
        file = jpeg(Image.fromarray(stored_for(small, orientation)), quality=98, subsampling=0,
                    exif=data)
        write(f"orientation_{orientation}.jpg", file,
              np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(file)))))
    return files


# BMP and PNM, written by hand.

def bmp(rows, depth, width, height, header=40, palette=b"", masks=b"", compression=0, gap=0,
        colours=0):
    """`rows`: the bytes of each row as the file holds it, unpadded."""
    body = b"".join(row + bytes(-len(row) % 4) for row in rows)
    if header == 12:
        fields = struct.pack("<IHHHH", 12, width, height, 1, depth)
        extra = b""
    else:
        fields = struct.pack("<IiiHHIIiiII", header, width, height, 1, depth, compression,
                             len(body), 2835, 2835, colours, 0)
        inside = masks[:header - 40]
        fields += inside + bytes(header - 40 - len(inside))
        extra = masks if header == 40 else b""
    offset = 14 + header + len(extra) + len(palette) + gap
    head = b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset)
    return head + fields + extra + palette + bytes(gap) + body


def make_bmp():
    rgb = smooth(19, 13)
    height, width, _ = rgb.shape
    bgr = rgb[..., ::-1]
    up = bgr[::-1]
    write("rgb24.bmp", bmp([r.tobytes() for r in up], 24, width, height), rgb)
    write("top_down.bmp", bmp([r.tobytes() for r in bgr], 24, width, -height), rgb)
    write("gap.bmp", bmp([r.tobytes() for r in up], 24, width, height, gap=6), rgb)
    write("old.bmp", bmp([r.tobytes() for r in up], 24, width, height, header=12), rgb)
    write("v5.bmp", bmp([r.tobytes() for r in up], 24, width, height, header=124), rgb)
    fourth = np.dstack([up, up[..., :1]])
    write("rgb32.bmp", bmp([r.tobytes() for r in fourth], 32, width, height), rgb)
    masks = struct.pack("<4I", 0xff0000, 0xff00, 0xff, 0xff000000)
    write("rgba32.bmp",
          bmp([r.tobytes() for r in fourth], 32, width, height, 108, masks=masks, compression=3),
          over_white(rgb, rgb[..., 2]))
    write("rgba32_v3.bmp",
          bmp([r.tobytes() for r in fourth], 32, width, height, 56, masks=masks, compression=3),
          over_white(rgb, rgb[..., 2]))
    empty = np.dstack([up, np.zeros_like(up[..., :1])])
    write("rgba32_unused.bmp",
          bmp([r.tobytes() for r in empty], 32, width, height, 108, masks=masks, compression=3),
          rgb)

    def packed(bits):
        words = np.zeros((height, width), np.uint32)
        back = []
        for channel, count in enumerate(bits):
            value = rgb[..., channel].astype(np.uint32) >> (8 - count)
            words = words << count | value
            back.append(np.floor(value / (2 ** count - 1) * 255 + 0.5).astype(np.uint8))
        return words[::-1].astype("<u2"), np.dstack(back)

    words, back = packed((5, 5, 5))
    write("rgb555.bmp", bmp([r.tobytes() for r in words], 16, width, height), back)
    words, back = packed((5, 6, 5))
    write("rgb565.bmp", bmp([r.tobytes() for r in words], 16, width, height, compression=3,
                            masks=struct.pack("<3I", 0xf800, 0x7e0, 0x1f)), back)
    palette = RANDOM.integers(0, 256, (256, 3)).astype(np.uint8)
    index = RANDOM.integers(0, 256, (height, width))
    for depth in (1, 4, 8):
        few = index % 2 ** depth
        table = palette[:2 ** depth]
        quads = np.dstack([table[None, :, ::-1], np.zeros((1, len(table), 1), np.uint8)])
        rows = [pack_row(r, depth) for r in few[::-1]]
        write(f"palette{depth}.bmp", bmp(rows, depth, width, height, palette=quads.tobytes()),
              table[few])
        write(f"palette{depth}_old.bmp",
              bmp(rows, depth, width, height, 12, palette=table[:, ::-1].tobytes()), table[few])
    few = index % 16
    quads = np.dstack([palette[None, :10, ::-1], np.zeros((1, 10, 1), np.uint8)])
    beyond = np.vstack([palette[:10], np.zeros((6, 3), np.uint8)])
    write("palette_beyond.bmp",
          bmp([pack_row(r, 4) for r in few[::-1]], 4, width, height, palette=quads.tobytes(),
              colours=10), beyond[few])


def make_pnm():
    rgb = smooth(19, 13)
    grey = rgb[..., 2]
    write("rgb.ppm", b"P6\n19 13\n255\n" + rgb.tobytes(), rgb)
    write("grey.pgm", b"P5 # a comment 1 2 3\n#another\n 19\t13 255\n" + grey.tobytes(),
          grey_to_rgb(grey))
    write("grey15.pgm", b"P5\n19 13\n15\n" + (grey >> 4).tobytes(), grey_to_rgb((grey >> 4) * 17))
    deep = RANDOM.integers(0, 65536, (5, 6, 3))
    write("rgb16.ppm", b"P6\n6 5\n65535\n" + deep.astype(">u2").tobytes(),
          np.floor(deep / 65535 * 255 + 0.5))
    write("grey1000.pgm", b"P5\n6 5\n1000\n" + (deep[..., 0] % 1001).astype(">u2").tobytes(),
          grey_to_rgb(np.floor(deep[..., 0] % 1001 / 1000 * 255 + 0.5)))


# What must be refused.

def make_bad(jpegs):
    rgb = smooth(19, 13)
    image = Image.fromarray(rgb)
    write("bad_empty.png", b"")
    write("bad_text.png", b"This is a text, whatever its name says.\n")
    write("bad_drawing.svg", b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>\n")
    write("bad_document.pdf", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    write("bad_bytes.jpg", bytes(range(128, 200)) + b"\0\1\2")
    for kind, options in (("gif", {}), ("tiff", {}), ("webp", {"lossless": True}), ("ico", {}),
                          ("avif", {})):
        out = io.BytesIO()
        image.save(out, kind.upper(), **options)
        write(f"bad_picture.{kind}", out.getvalue())
    write("bad_heic.heic", struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic")
    write("bad_text.ppm", b"P3\n1 1\n255\n1 2 3\n")
    write("bad_bits.pbm", b"P4\n8 1\n\xaa")

    def header(width, height, depth=8, colour=2, interlaced=0, filters=0):
        return struct.pack(">IIBBBBB", width, height, depth, colour, 0, filters, interlaced)

    write("bad_bomb.png", png(rgb, 2, 8, header=header(30000, 30000)))
    write("bad_inflates.png", png(np.zeros((1500, 1000, 3), int), 2, 8, header=header(8, 8)))
    write("bad_deflates.png", png(rgb, 2, 8, header=header(19, 14)))
    write("bad_no_pixels.png", png(rgb, 2, 8, header=header(0, 13)))
    write("bad_depth.png", png(rgb, 2, 8, header=header(19, 13, depth=4)))
    write("bad_colour.png", png(rgb, 2, 8, header=header(19, 13, colour=5)))
    write("bad_filter.png", png(rgb, 2, 8, header=header(19, 13, filters=1)))
    write("bad_palette.png", png(rgb[..., :1], 3, 8))
    write("bad_transparency.png", png(rgb, 2, 8, chunk(b"tRNS", b"\0\1")))
    write("bad_chunk.png", png(rgb, 2, 8, chunk(b"ABCD", b"12")))
    write("bad_apple.png", b"\x89PNG\r\n\x1a\n" + chunk(b"CgBI", b"\0\0\0\0") +
          png(rgb, 2, 8)[8:])
    good = png(rgb, 2, 8)
    write("bad_checksum.png", patched(good, 60, bytes([good[60] ^ 1])))
    write("bad_no_data.png", good[:33] + chunk(b"IEND", b""))

    plain = jpegs["rgb444.jpg"]
    at = {kind: (offset, length) for kind, offset, length in segments(plain)}
    sof, sos, dht, dqt = at[0xc0][0], at[0xda][0], at[0xc4][0], at[0xdb][0]
    body = sos + at[0xda][1]
    write("bad_no_quantisers.jpg", without(plain, 0xdb))
    write("bad_no_huffman.jpg", without(plain, 0xc4))
    write("bad_no_frame.jpg", without(plain, 0xc0))
    write("bad_no_scan.jpg", plain[:sos] + b"\xff\xd9")
    write("bad_half_scan.jpg", plain[:(body + len(plain)) // 2] + b"\xff\xd9")
    write("bad_huffman_counts.jpg", patched(plain, dht + 5, b"\xff" * 16))
    write("bad_huffman_codes.jpg", patched(plain, dht + 5, b"\3"))
    write("bad_huffman_id.jpg", patched(plain, dht + 4, b"\7"))
    write("bad_quantiser_id.jpg", patched(plain, dqt + 4, b"\7"))
    write("bad_quantiser_length.jpg", patched(plain, dqt + 2, struct.pack(">H", 40)))
    write("bad_sampling.jpg", patched(plain, sof + 11, b"\x05"))
    write("bad_ratio.jpg", patched(plain, sof + 11, b"\x32\x01\x02\x21"))
    write("bad_width.jpg", patched(plain, sof + 7, b"\0\0"))
    write("bad_height.jpg", patched(plain, sof + 5, b"\0\0"))
    write("bad_taller.jpg", patched(plain, sof + 5, struct.pack(">H", 200)))
    write("bad_bomb.jpg", patched(plain, sof + 5, struct.pack(">HH", 30000, 30000)))
    write("bad_arithmetic.jpg", patched(plain, sof + 1, b"\xc9"))
    write("bad_lossless.jpg", patched(plain, sof + 1, b"\xc3"))
    write("bad_12_bits.jpg", patched(plain, sof + 4, b"\x0c"))
    write("bad_component.jpg", patched(plain, sos + 5, b"\x09"))
    write("bad_table.jpg", patched(plain, sos + 6, b"\x44"))
    write("bad_two_frames.jpg", plain[:sos] + plain[sof:sof + at[0xc0][1]] + plain[sos:])
    restarts = jpegs["restarts.jpg"]
    marker = restarts.index(b"\xff\xd1")
    write("bad_restart.jpg", restarts[:marker] + restarts[marker + 2:])
    progressive = jpegs["progressive.jpg"]
    first = progressive.index(b"\xff\xda")
    second = progressive.index(b"\xff\xda", first + 2)
    write("bad_scan_twice.jpg", progressive[:second] + progressive[first:])
    write("bad_first_scan_only.jpg", progressive[:progressive.index(b"\xff\xc4", first)])

    flat = [r.tobytes() for r in rgb[::-1]]
    good = bmp(flat, 24, 19, 13)
    write("bad_short.bmp", good[:-3])
    write("bad_offset.bmp", patched(good, 10, struct.pack("<I", 20)))
    write("bad_header.bmp", patched(good, 14, struct.pack("<I", 39)))
    write("bad_depth.bmp", patched(good, 28, struct.pack("<H", 7)))
    write("bad_bomb.bmp", patched(good, 18, struct.pack("<ii", 30000, 30000)))
    write("bad_width.bmp", patched(good, 18, struct.pack("<i", -19)))
    write("bad_runs.bmp", patched(good, 30, struct.pack("<I", 1)))
    write("bad_masks.bmp", bmp(flat, 32, 1, 1, compression=3, masks=bytes(12)))
    write("bad_short.ppm", b"P6\n19 13\n255\n" + rgb.tobytes()[:-1])
    write("bad_header.ppm", b"P6\n19 x\n255\n" + rgb.tobytes())
    write("bad_most.ppm", b"P6\n19 13\n0\n" + rgb.tobytes())
    write("bad_most_large.ppm", b"P6\n19 13\n65536\n" + 2 * rgb.tobytes())
    write("bad_bomb.ppm", b"P6\n30000 30000\n255\n" + rgb.tobytes())
    write("bad_number.ppm", b"P6\n99999999999999999999 1\n255\n" + rgb.tobytes())


# Resizing: (name, Pillow image, size, box of the resized picture).

def make_resized():
    photo = smooth(61, 47).astype(int) + RANDOM.integers(-60, 61, (47, 61, 3))
    photo = np.clip(photo, 0, 255).astype(np.uint8)
    write("photo.png", png(photo, 2, 8))
    image = Image.fromarray(photo)
    linear = Image.Resampling.BILINEAR

    def centre(resized, width, height):
        array = np.asarray(resized)
        top = round((array.shape[0] - height) / 2)
        left = round((array.shape[1] - width) / 2)
        array = array[top:top + height, left:left + width]
        return grey_to_rgb(array) if array.ndim == 2 else array

    def short_side(picture, size):
        width, height = picture.size
        if width <= height:
            return picture.resize((size, int(size * height / width)), linear)
        return picture.resize((int(size * width / height), size), linear)

    write_pixels("resize_warp.rgb", centre(image.resize((23, 23), linear), 20, 20))
    write_pixels("resize_warp_whole.rgb", np.asarray(image.resize((21, 18), linear)))
    write_pixels("resize_enlarged.rgb", centre(image.resize((150, 150), linear), 24, 24))
    write_pixels("resize_same.rgb", centre(image.resize((61, 61), linear), 24, 24))
    write_pixels("resize_crop.rgb", centre(short_side(image, 31), 24, 24))
    write_pixels("resize_crop_whole.rgb", centre(short_side(image, 21), 21, 21))
    turned = image.transpose(Image.Transpose.ROTATE_90)
    write_pixels("resize_crop_tall.rgb", centre(short_side(turned, 30), 24, 22))
    write_pixels("resize_luma.rgb", centre(image.convert("L").resize((25, 25), linear), 20, 20))
    thin = Image.fromarray(photo[:, 30:31])
    write_pixels("resize_thin.rgb", centre(thin.resize((16, 16), linear), 12, 12))
    write_pixels("resize_thin_crop.rgb", centre(short_side(thin, 16), 12, 12))
    point = Image.fromarray(photo[5:6, 7:8])
    write_pixels("resize_point.rgb", np.asarray(point.resize((9, 9), linear)))
    for name, part, size in (("down", photo, (25, 22)), ("half", photo[:46, :60], (30, 23)),
                             ("up", photo, (70, 52)), ("thin", photo[:, 30:31], (9, 9))):
        write_pixels(f"resize_plain_{name}.rgb",
                     cv2.resize(part, size, interpolation=cv2.INTER_LINEAR))


def main():
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    make_png()
    jpegs = make_jpeg()
    make_bmp()
    make_pnm()
    make_bad(jpegs)
    make_resized()
    sizes = [f.stat().st_size for f in FOLDER.iterdir()]
    print(f"{len(sizes)} files, {sum(sizes)} bytes")


main()
