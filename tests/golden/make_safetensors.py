#!/usr/bin/env python3
"""Writes safetensors/*.safetensors: small files by the format's reference implementation, as other
programs write them. Needs the packages safetensors and numpy:

    python3 -m venv VENV && VENV/bin/pip install 'safetensors>=0.8' numpy
    VENV/bin/python make_safetensors.py

tests/test_safetensors.c knows what is in them. Value i of tensor t, both from 0, is
((37 i + 11 t) mod 101 - 50) / 64, which all three types hold exactly; of int8 it is 64 times that,
and the scale of output channel c, from 0, is (c + 1) / 64.
"""
import json
import pathlib

import numpy
import safetensors
import safetensors.numpy

FOLDER = pathlib.Path(__file__).parent / "safetensors"

NETWORK = {
    "name": "golden",
    "input": [3, 5, 4],
    "layers": [
        {"name": "conv1", "kind": "conv", "activation": "relu", "out_channels": 4,
         "kernel": [3, 2], "stride": [2, 1], "padding": [1, 0, 1, 0], "dilation": [1, 1],
         "groups": 1, "bias": True},
        {"name": "norm1", "kind": "lrn", "size": 5, "alpha": 0.0001, "beta": 0.75, "k": 2},
        {"name": "pool1", "kind": "max-pool", "kernel": [3, 3], "stride": [2, 2],
         "padding": [0, 0, 0, 0], "ceil_mode": False},
        {"name": "fc2", "kind": "fc", "out_channels": 3},
        {"name": "prob", "kind": "softmax"},
    ],
}
SHAPES = [("conv1.weight", [4, 3, 3, 2]), ("conv1.bias", [4]), ("fc2.weight", [3, 4]),
          ("fc2.bias", [3])]
METADATA = {
    "alexnet_cl": "1",
    "name": "golden model",
    "network": json.dumps(NETWORK),
    "labels": json.dumps(["été", "zwei", "three"], ensure_ascii=False),
    "preprocess": json.dumps({
        "resize": "crop", "resize_size": 6, "filter": "bilinear", "order": "bgr",
        "scale": 0.5, "mean": [1.5, 2.5, 3.5], "std": [0.25, 0.5, 2.0]}),
    "source": "made by make_safetensors.py",
}


def values(t, shape):
    count = int(numpy.prod(shape, dtype=numpy.int64))
    numbers = [((37 * i + 11 * t) % 101 - 50) / 64 for i in range(count)]
    return numpy.array(numbers, dtype=numpy.float32).reshape(shape)


def tensors(dtype):
    return {name: values(t, shape).astype(dtype) for t, (name, shape) in enumerate(SHAPES)}


def bfloat16(array):
    """The upper halves of the float32 values; numpy has no such type."""
    return (array.view(numpy.uint32) >> 16).astype(numpy.uint16)


def main():
    FOLDER.mkdir(exist_ok=True)
    save = safetensors.numpy.save_file
    save({**tensors(numpy.float32), "preprocess.mean_image": values(4, [3, 6, 6])},
         FOLDER / "f32.safetensors", METADATA)
    save(tensors(numpy.float16), FOLDER / "f16.safetensors", METADATA)
    arrays = {name: bfloat16(values(t, shape)) for t, (name, shape) in enumerate(SHAPES)}
    specs = {name: safetensors.TensorSpec(dtype="bfloat16", shape=list(array.shape),
                                          data_ptr=array.ctypes.data, data_len=array.nbytes)
             for name, array in arrays.items()}
    safetensors.serialize_file(specs, FOLDER / "bf16.safetensors", METADATA)
    int8 = tensors(numpy.float32)
    for name in ("conv1.weight", "fc2.weight"):
        int8[name] = (64 * int8[name]).astype(numpy.int8)
        int8[name + "_scale"] = numpy.arange(1, len(int8[name]) + 1, dtype=numpy.float32) / 64
    save(int8, FOLDER / "int8.safetensors", METADATA)
    others = {
        "a.scalar": numpy.array(1.5, dtype=numpy.float64),
        "b.empty": numpy.zeros([2, 0, 3], dtype=numpy.int64),
        "c.empty": numpy.zeros([0], dtype=numpy.float32),
        "d.flags": numpy.array([True, False, True]),
        "e.bytes": numpy.arange(5, dtype=numpy.uint8),
    }
    save({**tensors(numpy.float32), **others}, FOLDER / "surplus.safetensors", METADATA)
    save(tensors(numpy.float32), FOLDER / "weights_only.safetensors")


if __name__ == "__main__":
    main()
