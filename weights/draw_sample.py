#!/usr/bin/env python3
"""Draw the sample picture: a T-shirt photographed on a white background, as shops show them.

    draw_sample.py OUT.jpg

Everything is drawn: an outline of Bezier curves, folds as blurred strokes, seams, a soft shadow and
the grain of a camera. Needs numpy and Pillow.
"""

import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE = 400   # pixels of a side of the picture
FINE = 3     # it is drawn so many times larger
COLOUR = np.array([38, 92, 148], np.float32)

# Half the outline, from the middle of the collar down the left side to the middle of the hem, in a
# square of 100 x 100: cubic Bezier curves, each from where the last one ends.
COLLAR = (50, 13.5)
OUTLINE = [
    [(45, 13.5), (41.5, 11), (39.5, 6.5)],    # neckline
    [(33, 8.5), (27, 10), (22, 13)],          # shoulder
    [(16, 18), (10, 30), (5.5, 42)],          # outer edge of the sleeve
    [(9, 45.5), (15, 48), (20.5, 49)],        # end of the sleeve
    [(22, 44), (23.5, 41), (25.5, 38)],       # inner edge of the sleeve
    [(26.5, 55), (26, 78), (25, 95)],         # side
    [(33, 97), (42, 97.5), (50, 97.5)],       # hem
]
FOLDS = [  # (points, width, change of brightness)
    ([(24, 20), (26, 30), (26, 40)], 2.0, -60), ([(76, 20), (74, 30), (74, 40)], 2.0, -60),
    ([(27, 40), (36, 46), (44, 47)], 2.2, -24), ([(73, 40), (64, 47), (57, 49)], 2.2, -20),
    ([(28, 60), (38, 66), (50, 64)], 3.4, -22), ([(72, 72), (60, 77), (46, 75)], 3.4, -24),
    ([(34, 92), (36, 80), (40, 70)], 3.0, -26), ([(64, 94), (63, 84), (60, 72)], 3.0, -26),
    ([(38, 26), (40, 50), (39, 88)], 6.0, 22), ([(58, 24), (56, 50), (55, 90)], 7.0, 20),
    ([(15, 24), (11, 34), (9, 41)], 3.0, 20), ([(85, 24), (89, 34), (91, 41)], 3.0, 14),
]


def curve(start, controls, steps=24):
    """Points of a cubic Bezier curve, without its start."""
    points = np.array([start, *controls], np.float64)
    t = np.linspace(0, 1, steps + 1)[1:, None]
    return ((1 - t) ** 3 * points[0] + 3 * (1 - t) ** 2 * t * points[1]
            + 3 * (1 - t) * t ** 2 * points[2] + t ** 3 * points[3])


def half_outline():
    """The left half of the outline as an array of points [N, 2] in 0..100."""
    points = [np.array([COLLAR], np.float64)]
    for controls in OUTLINE:
        points.append(curve(points[-1][-1], controls))
    return np.concatenate(points)


def mirrored(points):
    """The same points on the other side."""
    return np.stack([100 - points[:, 0], points[:, 1]], 1)


def fine(points):
    """Points in 0..100 as pixels of the large drawing."""
    return [tuple(point) for point in np.asarray(points) * (SIZE * FINE / 100)]


def layer(draw_it, blur=0.0):
    """What `draw_it` draws in white on black, blurred, as floats 0..1 at the final size."""
    image = Image.new("L", (SIZE * FINE, SIZE * FINE))
    draw_it(ImageDraw.Draw(image))
    image = image.filter(ImageFilter.GaussianBlur(blur * SIZE * FINE / 100))
    image = image.resize((SIZE, SIZE), Image.Resampling.BOX)
    return np.asarray(image, np.float32)[:, :, None] / 255


def stroke(points, width):
    """A function for `layer`: a line through points."""
    return lambda draw: draw.line(fine(points), 255, round(width * SIZE * FINE / 100), "curve")


def draw_picture():
    """The picture as floats [400, 400, 3] in 0..255."""
    left = half_outline()
    neck = left[:25]  # the point in the middle and the 24 of the first curve
    outline = np.concatenate([left, mirrored(left)[::-1]])
    shape = layer(lambda draw: draw.polygon(fine(outline), 255))
    random = np.random.default_rng(1)

    y, x = np.mgrid[0:SIZE, 0:SIZE, 0:1].astype(np.float32)[:2] / SIZE
    light = 253 - 7 * y - 4 * np.abs(x - 0.45)
    shadow = layer(lambda draw: draw.polygon(fine(outline + (0.8, 1.0)), 255), blur=1.2)
    picture = np.repeat(light * (1 - 0.22 * shadow), 3, 2)

    # The back of the collar, inside and darker, is seen through the neckline.
    back = np.concatenate([neck, [(44, 7.6), (50, 8.2), (56, 7.6)], mirrored(neck)[::-1]])
    inside = layer(lambda draw: draw.polygon(fine(back), 255))
    picture += (COLOUR * 0.55 - picture) * inside

    shade = 8 - 26 * np.abs(x - 0.47) - 8 * y
    for points, width, change in FOLDS:
        shade = shade + change * layer(stroke(points, width), blur=width * 0.8)
    for side in (neck, mirrored(neck)):
        shade = shade - 45 * layer(stroke(side + (0, 1.9), 0.35), blur=0.1)
    for seam in ([(24.5, 92.6), (37, 94.6), (50, 95), (63, 94.6), (75.5, 92.6)],
                 [(7, 39.5), (13, 43.5), (21, 46)], [(93, 39.5), (87, 43.5), (79, 46)]):
        shade = shade - 40 * layer(stroke(seam, 0.35), blur=0.1)
    weave = 3 * random.standard_normal((SIZE, SIZE, 1), np.float32)
    cloth = COLOUR * (1 + (shade + weave) / 110)
    picture += (cloth - picture) * shape
    return picture + 1.2 * random.standard_normal((SIZE, SIZE, 1), np.float32)


def main():
    """Write the picture to the file that is named."""
    if len(sys.argv) != 2:
        sys.exit("usage: draw_sample.py OUT.jpg")
    pixels = np.clip(np.rint(draw_picture()), 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(sys.argv[1], quality=88)


if __name__ == "__main__":
    main()
