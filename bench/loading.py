#!/usr/bin/env python3
"""Times how long models take from their files onto a device, beside what reading the file takes:

    bench/loading.py [--program build/src/cli/alexnet-cl] [--rounds 9] [--device SPEC]

Writes a network of AlexNet's size with random weights in every format that is read, and loads each,
round after round in turn. In the same rounds `cat FILE > /dev/null` and one copy of the file into
new memory are timed. The table has the medians; the ratio is that of the sums of each round, as
median and range. All files lie in the page cache. Half and int8 weights stay so on the device. Peak
memory is the process's; the last column is what is left of it without the weights on the device and
what the program needs with the small model that comes with it.
"""
import argparse
import io
import json
import multiprocessing
import os
import pickle
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import types
import zipfile

# Name, output channels, input channels of a group, kernel, stride, padding, groups; bvlc_alexnet's.
CONVOLUTIONS = [("conv1", 96, 3, 11, 4, 0, 1), ("conv2", 256, 48, 5, 1, 2, 2),
                ("conv3", 384, 256, 3, 1, 1, 1), ("conv4", 384, 192, 3, 1, 1, 2),
                ("conv5", 256, 192, 3, 1, 1, 2)]
CONNECTED = [("fc6", 4096, 9216), ("fc7", 4096, 4096), ("fc8", 1000, 4096)]
# torchvision's: it has no groups and no normalisation.
TORCH = {"features.0": (64, 3, 11, 11), "features.3": (192, 64, 5, 5),
         "features.6": (384, 192, 3, 3), "features.8": (256, 384, 3, 3),
         "features.10": (256, 256, 3, 3), "classifier.1": (4096, 9216),
         "classifier.4": (4096, 4096), "classifier.6": (1000, 4096)}
FLOAT_BYTES = 4
CONVERTED = {"safetensors F16": "fp16", "safetensors BF16": "bf16", "safetensors I8": "int8"}


def product(shape):
    result = 1
    for size in shape:
        result *= size
    return result


def tensors():
    """(name of the layer, shape of its weights) in the network's order."""
    for name, out, inputs, kernel, *_ in CONVOLUTIONS:
        yield name, (out, inputs, kernel, kernel)
    for name, out, inputs in CONNECTED:
        yield name, (out, inputs)


class Values:
    """Small random float32 values; one block of them again and again."""

    def __init__(self):
        numbers = random.Random(2012)
        self.block = struct.pack("<262144f", *(numbers.uniform(-0.02, 0.02) for _ in range(262144)))

    def bytes(self, shape):
        size = product(shape) * FLOAT_BYTES
        return (self.block * (size // len(self.block) + 1))[:size]


def write_safetensors(path, values):
    header, contents, end = {}, [], 0
    for name, shape in tensors():
        for suffix, dims in ((".weight", shape), (".bias", shape[:1])):
            contents.append(values.bytes(dims))
            header[name + suffix] = {"dtype": "F32", "shape": dims,
                                     "data_offsets": [end, end + len(contents[-1])]}
            end += len(contents[-1])
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(contents)


# --- protobuf, field by field ---

def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def message(*fields):
    return b"".join(field(number, value) for number, value in fields)


def write_caffe(path, values):
    def blob(shape):
        dims = b"".join(varint(size) for size in shape)
        return message((7, message((1, dims))), (5, values.bytes(shape)))

    def blobs(shape):
        return [(7, blob(shape)), (7, blob(shape[:1]))]

    def layer(name, kind, bottom, top, *more):
        return message((1, name), (2, kind), (3, bottom), (4, top), *more)

    def follow(number, top, norm):
        yield layer(f"relu{number}", "ReLU", top, top)
        if norm:
            yield layer(f"norm{number}", "LRN", top, f"norm{number}",
                        (118, message((1, 5), (2, 1e-4), (3, 0.75))))
        if norm or number == 5:
            yield layer(f"pool{number}", "Pooling", f"norm{number}" if norm else top,
                        f"pool{number}", (121, message((1, 0), (2, 3), (3, 2))))

    layers, bottom = [], "data"
    for number, (name, out, inputs, kernel, stride, pad, groups) in enumerate(CONVOLUTIONS, 1):
        window = message((1, out), (3, pad), (4, kernel), (5, groups), (6, stride))
        layers.append(layer(name, "Convolution", bottom, name,
                            *blobs((out, inputs, kernel, kernel)), (106, window)))
        layers += follow(number, name, number < 3)
        bottom = f"pool{number}" if number in (1, 2, 5) else name
    for number, (name, out, inputs) in enumerate(CONNECTED, 6):
        layers.append(layer(name, "InnerProduct", bottom, name, *blobs((out, inputs)),
                            (117, message((1, out)))))
        if number < 8:
            layers.append(layer(f"relu{number}", "ReLU", name, name))
        bottom = name
    layers.append(layer("prob", "Softmax", bottom, "prob"))
    dims = b"".join(field(4, size) for size in (1, 3, 227, 227))
    with open(path, "wb") as file:
        file.write(message((1, "AlexNet"), (3, "data")) + dims)
        for content in layers:
            file.write(field(100, content))


def write_onnx(path, values):
    def attribute(name, value):
        if isinstance(value, float):
            return 5, message((1, name), (2, value), (20, 1))
        if isinstance(value, int):
            return 5, message((1, name), (3, value), (20, 2))
        return 5, message((1, name), *((8, item) for item in value), (20, 7))

    def node(kind, inputs, output, **attributes):
        return 1, message(*((1, name) for name in inputs), (2, output), (3, output), (4, kind),
                          *(attribute(*item) for item in attributes.items()))

    def tensor(name, shape):
        dims = ((1, size) for size in shape)
        return 5, message(*dims, (2, 1), (8, name), (9, values.bytes(shape)))

    def value_info(name, shape):
        dims = message(*((1, message((1, size))) for size in shape))
        return message((1, name), (2, message((1, message((1, 1), (2, dims))))))

    nodes, weights, last = [], [], "data"

    def add(kind, output, *inputs, **attributes):
        nonlocal last
        nodes.append(node(kind, (last, *inputs), output, **attributes))
        last = output

    for number, (name, out, inputs, kernel, stride, pad, groups) in enumerate(CONVOLUTIONS, 1):
        weights += [tensor(name + ".w", (out, inputs, kernel, kernel)), tensor(name + ".b", (out,))]
        add("Conv", name, name + ".w", name + ".b", kernel_shape=[kernel] * 2, strides=[stride] * 2,
            pads=[pad] * 4, group=groups)
        add("Relu", f"relu{number}")
        if number < 3:
            add("LRN", f"norm{number}", size=5, alpha=1e-4, beta=0.75, bias=1.0)
        if number in (1, 2, 5):
            add("MaxPool", f"pool{number}", kernel_shape=[3, 3], strides=[2, 2])
    add("Flatten", "flat", axis=1)
    for number, (name, out, inputs) in enumerate(CONNECTED, 6):
        weights += [tensor(name + ".w", (out, inputs)), tensor(name + ".b", (out,))]
        add("Gemm", name, name + ".w", name + ".b", transB=1)
        if number < 8:
            add("Relu", f"relu{number}")
    add("Softmax", "prob", axis=1)
    graph = message(*nodes, (2, "AlexNet"), *weights, (11, value_info("data", (1, 3, 227, 227))),
                    (12, value_info("prob", (1, 1000))))
    with open(path, "wb") as file:
        file.write(message((1, 8), (7, graph), (8, message((1, ""), (2, 13)))))


def write_torch(path, values):
    """As torch.save() writes a state dict, without torch: its names stand in for what they call."""
    module = types.ModuleType("torch._utils")

    def stand_in(name, owner):
        value = type(name, (), {"__module__": owner.__name__, "__qualname__": name})
        setattr(owner, name, value)
        return value

    torch = types.ModuleType("torch")
    float_storage = stand_in("FloatStorage", torch)
    rebuild = stand_in("_rebuild_tensor_v2", module)
    sys.modules.update({"torch": torch, "torch._utils": module})

    class Storage:
        def __init__(self, key, shape):
            self.key, self.shape = key, shape

    class Tensor:
        def __init__(self, storage):
            self.storage = storage

        def __reduce__(self):
            shape = self.storage.shape
            strides = tuple(product(shape[i + 1:]) for i in range(len(shape)))
            return rebuild, (self.storage, 0, shape, strides, False, {})

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            if isinstance(obj, Storage):
                return "storage", float_storage, obj.key, "cpu", product(obj.shape)
            return None

    state = {}
    for name, shape in TORCH.items():
        for suffix, dims in ((".weight", shape), (".bias", shape[:1])):
            state[name + suffix] = Tensor(Storage(str(len(state)), dims))
    text = io.BytesIO()
    Pickler(text, 2).dump(state)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", text.getvalue())
        for tensor in state.values():
            file.writestr(f"archive/data/{tensor.storage.key}", values.bytes(tensor.storage.shape))
        file.writestr("archive/version", "3\n")
    for name in ("torch", "torch._utils"):
        del sys.modules[name]


def make_files(program, folder):
    """Paths by the name of their row."""
    values, paths = Values(), {}
    for name, file, write in (("safetensors F32", "f32.safetensors", write_safetensors),
                              ("Caffe", "alexnet.caffemodel", write_caffe),
                              ("ONNX", "alexnet.onnx", write_onnx),
                              ("PyTorch", "alexnet.pth", write_torch)):
        paths[name] = os.path.join(folder, file)
        write(paths[name], values)
    for name, precision in CONVERTED.items():
        paths[name] = os.path.join(folder, precision + ".safetensors")
        subprocess.run([program, "-q", "convert", "--network=bvlc-alexnet",
                        f"--precision={precision}", paths["safetensors F32"], paths[name]],
                       check=True)
    return paths


# --- measuring ---

def apart(function, *arguments):
    """What a child's call returns. A program that is started counts its starter's peak memory as
    its own, so this process stays small."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(function, arguments)



def reading_ms(path):
    """`cat` and one copy."""
    start = time.perf_counter()
    with open(os.devnull, "wb") as nothing:
        subprocess.run(["cat", path], stdout=nothing, check=True)
    with open(path, "rb", buffering=0) as file:
        file.readinto(bytearray(os.path.getsize(path)))
    return 1000 * (time.perf_counter() - start)


def run(program, arguments):
    """The document of a run without images, and its peak memory in bytes."""
    command = [program, "--json", "--explain", *arguments]
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{' '.join(command)}: exit code {process.returncode}")
        out.seek(0)
        return json.load(out), usage.ru_maxrss * 1024


def measure(program, arguments, paths, rounds):
    """Rows of (loading, reading, ratio, peak, rest) for each path, after one round to warm up."""
    rows = {name: [] for name in paths}
    _, base = run(program, arguments)
    for step in range(rounds + 1):
        for name, path in paths.items():
            more = ["--network=bvlc-alexnet"] if name == "safetensors F32" else []
            if CONVERTED.get(name) in ("fp16", "int8"):
                more = ["--precision", CONVERTED[name]]
            reading = apart(reading_ms, path)
            document, peak = run(program, [*arguments, *more, "-m", path])
            loading = document["time_ms"]["model"] + document["time_ms"]["upload"]
            device = document["explain"]["weights_bytes"]
            rest = peak - base - device
            if step:
                rows[name].append((loading, reading, loading / reading, peak, rest))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--program", default="build/src/cli/alexnet-cl")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--device")
    options = parser.parse_args()
    arguments = [f"--device={options.device}"] if options.device else []
    with tempfile.TemporaryDirectory(prefix="alexnet-cl-loading-") as temporary:
        paths = apart(make_files, options.program, temporary)
        rows = measure(options.program, arguments, paths, options.rounds)
    print("format             loading ms  cat + copy ms  ratio (range)       peak MB  rest MB")
    for name, samples in rows.items():
        loading, reading, ratio, peak, rest = (statistics.median(column)
                                               for column in zip(*samples))
        low, high = (pick(sample[2] for sample in samples) for pick in (min, max))
        print(f"{name:18} {loading:10.0f}  {reading:13.0f}  {ratio:5.2f} ({low:.2f}..{high:.2f})"
              f"  {peak / 1e6:10.0f}  {rest / 1e6:7.0f}")


if __name__ == "__main__":
    main()
