#!/usr/bin/env python3
"""Compares what a network reads of ten photos with what Pillow and OpenCV make of them:

    bench/resizing.py [--library build/src/libalexnet_cl.so]

Needs the packages pillow, numpy and opencv-python-headless. The rules are those of the recipes:
torchvision's (Pillow, the short side to 256, the central 224 x 224), the model zoo's (Pillow, all
to 224 x 224) and Caffe's (OpenCV, all to 256 x 256, the central 227 x 227). Differences are in the
steps of 8-bit pixels. Both sides get the same decoded pixels.
"""
import argparse
import ctypes
import pathlib

import cv2
import numpy
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent
WARP, CROP = 0, 1
ANTIALIAS, BILINEAR = 0, 1


class Picture(ctypes.Structure):
    """struct alx_image"""
    _fields_ = [("width", ctypes.c_size_t), ("height", ctypes.c_size_t),
                ("rgb", ctypes.POINTER(ctypes.c_uint8))]


class Recipe(ctypes.Structure):
    """struct alx_preprocess"""
    _fields_ = [("resize", ctypes.c_int), ("filter", ctypes.c_int), ("order", ctypes.c_int),
                ("resize_size", ctypes.c_size_t), ("scale", ctypes.c_float),
                ("mean", ctypes.c_float * 3), ("std", ctypes.c_float * 3),
                ("mean_image", ctypes.c_void_p), ("mean_height", ctypes.c_size_t),
                ("mean_width", ctypes.c_size_t)]


class Shape(ctypes.Structure):
    """struct alx_shape"""
    _fields_ = [("channels", ctypes.c_size_t), ("height", ctypes.c_size_t),
                ("width", ctypes.c_size_t)]


def ours(library, pixels, resize, kind, resize_size, side):
    """[side, side, 3] of the library's input tensor."""
    height, width, _ = pixels.shape
    pixels = numpy.ascontiguousarray(pixels)
    picture = Picture(width, height, pixels.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8)))
    recipe = Recipe(resize=resize, filter=kind, resize_size=resize_size, scale=1,
                    std=(ctypes.c_float * 3)(1, 1, 1))
    out = numpy.empty((3, side, side), numpy.float32)
    status = library.alx_image_to_tensor(b"picture", ctypes.byref(picture), ctypes.byref(recipe),
                                         Shape(3, side, side), out.ctypes.data_as(ctypes.c_void_p))
    if status:
        raise SystemExit(f"alx_image_to_tensor: status {status}")
    return out.transpose(1, 2, 0)


def centre(pixels, side):
    top, left = (round((size - side) / 2) for size in pixels.shape[:2])
    return pixels[top:top + side, left:left + side]


def pillow(pixels, width, height):
    return numpy.asarray(Image.fromarray(pixels).resize((width, height), Image.BILINEAR))


def torchvision(pixels):
    height, width, _ = pixels.shape
    short = min(height, width)
    return centre(pillow(pixels, 256 * width // short, 256 * height // short), 224)


def caffe(pixels):
    return centre(cv2.resize(pixels, (256, 256), interpolation=cv2.INTER_LINEAR), 227)


RULES = [
    ("torchvision: Pillow, 256, 224", torchvision, (CROP, ANTIALIAS, 256, 224)),
    ("model zoo: Pillow, 224", lambda pixels: pillow(pixels, 224, 224), (WARP, ANTIALIAS, 0, 224)),
    ("Caffe: OpenCV, 256, 227", caffe, (WARP, BILINEAR, 256, 227)),
]


def photograph(seed, width, height):
    """What a photograph is to a filter: a spectrum that falls with the frequency, edges, grain."""
    random = numpy.random.default_rng(seed)
    down, across = numpy.meshgrid(numpy.fft.fftfreq(height), numpy.fft.fftfreq(width),
                                  indexing="ij")
    falling = 1 / numpy.maximum(numpy.hypot(down, across), 1 / max(width, height))
    layers = [numpy.fft.ifft2(numpy.fft.fft2(random.normal(size=(height, width))) * falling).real
              for _ in range(3)]
    picture = numpy.stack(layers, axis=2)
    picture = 110 + 45 * picture / picture.std()
    rows, columns = numpy.mgrid[:height, :width]
    for _ in range(12):
        radius = random.uniform(0.03, 0.2) * min(width, height)
        inside = numpy.hypot(rows - random.uniform(0, height),
                             columns - random.uniform(0, width)) < radius
        picture[inside] = 0.4 * picture[inside] + random.uniform(0, 160, 3)
    picture += random.normal(scale=3, size=picture.shape)
    return numpy.clip(picture.round(), 0, 255).astype(numpy.uint8)


def photos():
    paths = [ROOT / "docs/sample.jpg", *sorted((ROOT / "docs/pictures").glob("*.png"))]
    found = [(path.name, numpy.asarray(Image.open(path).convert("RGB"))) for path in paths]
    for seed, (width, height) in enumerate(((375, 500), (512, 512), (1600, 1067))):
        found.append((f"drawn {width} x {height}", photograph(seed, width, height)))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--library", default=str(ROOT / "build/src/libalexnet_cl.so"))
    library = ctypes.CDLL(parser.parse_args().library)
    print(f"{'rule':30}  {'photo':18}  largest   mean  not the same")
    for rule, theirs, how in RULES:
        worst, sums, differ, count = 0, 0, 0, 0
        for name, pixels in photos():
            difference = numpy.abs(ours(library, pixels, *how) - theirs(pixels))
            print(f"{rule:30}  {name:18}  {difference.max():7.0f}  {difference.mean():.4f}"
                  f"  {100 * (difference > 0).mean():9.2f} %")
            worst = max(worst, difference.max())
            sums, differ = sums + difference.sum(), differ + (difference > 0).sum()
            count += difference.size
        print(f"{rule:30}  {'all':18}  {worst:7.0f}  {sums / count:.4f}"
              f"  {100 * differ / count:9.2f} %")


if __name__ == "__main__":
    main()
