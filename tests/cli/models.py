"""Small models for the tests, written as safetensors."""
import json
import math
import struct

SIDE = 8
LABELS = ["red", "green", "blue"]
LAYERS = [
    {"name": "conv1", "kind": "conv", "out_channels": 3, "kernel": [1, 1], "activation": "relu"},
    {"name": "pool1", "kind": "max-pool", "kernel": [2, 2], "stride": [2, 2]},
    {"name": "fc2", "kind": "fc", "out_channels": 3},
    {"name": "prob", "kind": "softmax"},
]
PREPROCESS = {"resize": "warp", "resize_size": SIDE, "filter": "antialias", "order": "rgb",
              "scale": 1 / 255, "mean": [0, 0, 0], "std": [1, 1, 1]}
SHARPNESS = 4.0


def floats(values):
    return struct.pack(f"<{len(values)}f", *values)


def safetensors(tensors, metadata):
    """The bytes of a file; `tensors` maps names to (dtype, shape, bytes)."""
    header, data = {"__metadata__": metadata}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def metadata(name="colours", side=SIDE, layers=None, labels=None, **preprocess):
    network = {"name": name, "input": [3, side, side], "layers": layers or LAYERS}
    return {"alexnet_cl": "1", "name": name, "network": json.dumps(network),
            "labels": json.dumps(labels or LABELS),
            "preprocess": json.dumps({**PREPROCESS, "resize_size": side, **preprocess})}


def colour_tensors(side=SIDE):
    """A network whose logits are SHARPNESS times the mean of red, of green and of blue."""
    pooled = (side // 2) ** 2
    identity = [float(row == column) for row in range(3) for column in range(3)]
    mean = [SHARPNESS / pooled * (row == at // pooled) for row in range(3)
            for at in range(3 * pooled)]
    return {
        "conv1.weight": ("F32", [3, 3, 1, 1], floats(identity)),
        "conv1.bias": ("F32", [3], floats([0.0] * 3)),
        "fc2.weight": ("F32", [3, 3 * pooled], floats(mean)),
        "fc2.bias": ("F32", [3], floats([0.0] * 3)),
    }


def colours(**changes):
    """The model of the tests: it knows red, green and blue."""
    return safetensors(colour_tensors(), metadata(**changes))


def probabilities(colour, scale=1 / 255):
    """What that model answers to a picture of one colour."""
    logits = [SHARPNESS * value * scale for value in colour]
    powers = [math.exp(logit - max(logits)) for logit in logits]
    return [power / sum(powers) for power in powers]


def two_colours(width, left, height=12):
    """A picture that is red from the left on and then blue, as PPM."""
    row = bytes((255, 0, 0)) * left + bytes((0, 0, 255)) * (width - left)
    return b"P6\n%d %d\n255\n" % (width, height) + row * height


def ten_crop(width, left, side=SIDE):
    """What the model of the tests answers on average to the ten views of that picture, when it is
    not resized. The columns at which views and colours begin must be even: pairs are pooled."""
    answers = []
    for start in (0, 0, width - side, width - side, (width - side) // 2):
        red = min(max(left - start, 0), side) / side
        answers += [probabilities((255 * red, 0, 255 * (1 - red)))] * 2  # mirrored, it is the same
    return [sum(values) / len(answers) for values in zip(*answers)]


def large(megabytes):
    """A model of that size, for what takes long enough to be interrupted."""
    rows = megabytes * 1024 * 1024 // (3 * SIDE * SIDE * 4)
    layers = [{"name": "fc1", "kind": "fc", "out_channels": rows},
              {"name": "prob", "kind": "softmax"}]
    tensors = {"fc1.weight": ("F32", [rows, 3 * SIDE * SIDE], bytes(rows * 3 * SIDE * SIDE * 4)),
               "fc1.bias": ("F32", [rows], bytes(rows * 4))}
    names = [f"class {number}" for number in range(rows)]
    return safetensors(tensors, metadata("large", layers=layers, labels=names))


def wide(megabytes, side=128):
    """A model of at least that size in which all weights count: every class has other sums."""
    elems = 3 * side * side
    rows = megabytes * 1024 * 1024 // (4 * elems) + 1
    period = 31  # shares no factor with a row's length, so that no two neighbours are alike
    pattern = floats([(at * 17 % period - period // 2) / period for at in range(period)])
    weights = (pattern * (rows * elems // period + 1))[:4 * rows * elems]
    layers = [{"name": "fc1", "kind": "fc", "out_channels": rows},
              {"name": "prob", "kind": "softmax"}]
    tensors = {"fc1.weight": ("F32", [rows, elems], weights),
               "fc1.bias": ("F32", [rows], floats([row % 7 / 7 for row in range(rows)]))}
    names = [f"class {number}" for number in range(rows)]
    return safetensors(tensors, metadata("wide", side, layers=layers, labels=names))
