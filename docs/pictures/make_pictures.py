"""Write the pictures beside this file: clothes of Fashion-MNIST's test set, as a shop shows them.

Run: python3 make_pictures.py   (needs Debian's package dataset-fashion-mnist)
Dark on white instead of bright on black, and enlarged from 28 to 224 pixels by straight lines.
"""
import gzip
import os
import struct
import zlib

DATASET = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"
PICTURES = {"boot": 0, "shirt": 4, "pullover": 20, "trouser": 2, "bag": 18, "dress": 13}
SIDE, SCALE = 28, 8


def enlarged(pixels):
    """The picture as rows of SIDE * SCALE values."""
    def at(position):
        place = min(max((position + 0.5) / SCALE - 0.5, 0), SIDE - 1)
        low = int(place)
        return low, min(low + 1, SIDE - 1), place - low

    for y in range(SIDE * SCALE):
        top, bottom, down = at(y)
        row = []
        for x in range(SIDE * SCALE):
            left, right, along = at(x)
            upper = pixels[top][left] * (1 - along) + pixels[top][right] * along
            lower = pixels[bottom][left] * (1 - along) + pixels[bottom][right] * along
            row.append(255 - round(upper * (1 - down) + lower * down))
        yield bytes(row)


def png(rows):
    """An 8-bit grey PNG file."""
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))
    header = struct.pack(">IIBBBBB", SIDE * SCALE, SIDE * SCALE, 8, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 9))
            + chunk(b"IEND", b""))


def main():
    with gzip.open(DATASET) as file:
        data = file.read()[16:]
    for name, index in PICTURES.items():
        image = data[index * SIDE * SIDE:(index + 1) * SIDE * SIDE]
        pixels = [image[y * SIDE:(y + 1) * SIDE] for y in range(SIDE)]
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".png"),
                  "wb") as file:
            file.write(png(enlarged(pixels)))


if __name__ == "__main__":
    main()
