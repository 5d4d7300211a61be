#!/usr/bin/env python3
"""The same pictures on every device of the machine: is the top-1 class the same?

    platforms.py PROGRAM [IMAGES [FEW]]

Classifies IMAGES (300) of Fashion-MNIST's test pictures, and FEW (3) on simulators, with the
shipped model and with AlexNet as published with random weights, and prints a table for
docs/verify.md.
Where two classes are closer than TIE, either may be first. Needs numpy and the data set in
/usr/share/datasets/fashion-mnist (Debian: dataset-fashion-mnist).
"""
import gzip
import json
import os
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers"))
import alexnet  # noqa: E402

DATA = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"
HEADER_BYTES, SIDE = 16, 28
TIE = 1e-6
BATCH = 4


def write_pictures(folder, count):
    """The first test pictures as grey PGM files; their paths."""
    with gzip.open(DATA) as file:
        pixels = file.read()[HEADER_BYTES:]
    paths = []
    for number in range(count):
        paths.append(os.path.join(folder, f"{number:05}.pgm"))
        with open(paths[-1], "wb") as file:
            file.write(b"P5 %d %d 255\n" % (SIDE, SIDE))
            file.write(pixels[number * SIDE * SIDE:(number + 1) * SIDE * SIDE])
    return paths


def write_alexnet(path):
    """The random weights of bench/peers as safetensors; the names are those of the network."""
    arrays, header, at = alexnet.weights(), {}, 0
    for name, array in arrays.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape),
                        "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in arrays.values():
            file.write(array.tobytes())


def classify(program, device, model, pictures):
    """[[class, probability], [second, ...]] of each picture, and seconds; or why there are none."""
    start = time.monotonic()
    done = subprocess.run([program, f"--device={device}", *model, "--json", "--top=2",
                           f"--batch={BATCH}", *pictures], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").splitlines()
        return None, lines[-1] if lines else f"ended with {done.returncode}"
    images = json.loads(done.stdout)["images"]
    tops = [[(row["class"], row["probability"]) for row in image["top"]] for image in images]
    return tops, time.monotonic() - start


def compare(tops, reference):
    """How many agree, how many do not because of a tie, how many differ, the largest difference."""
    agree = ties = 0
    largest = 0.0
    for (first, _), (other, second) in zip(tops, reference):
        largest = max(largest, abs(first[1] - other[1]))
        agree += first[0] == other[0]
        ties += first[0] != other[0] and other[1] - second[1] < TIE
    return agree, ties, len(tops) - agree - ties, largest


def run_model(program, devices, model, pictures, few):
    """Prints a model's rows; how many pictures differ or failed."""
    reference, wrong = None, 0
    for device in devices:
        count = few if device["simulator"] else len(pictures)
        if not count:
            continue
        tops, seconds = classify(program, device["number"], model, pictures[:count])
        name = f"{device['platform']}: {device['name']}"
        if tops is None:
            print(f"| {name} | failed: {seconds} | | | | |", flush=True)
            wrong += 1
            continue
        reference = reference or tops
        agree, ties, different, largest = compare(tops, reference)
        print(f"| {name} | {count} | {agree} | {ties} | {different} | {largest:.1e} |", flush=True)
        print(f"{name}: {seconds:.0f} s", file=sys.stderr, flush=True)
        wrong += different
    return wrong


def main():
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    few = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    listed = json.loads(subprocess.run([program, "devices", "--json"], stdout=subprocess.PIPE,
                                       check=True).stdout)["devices"]
    devices = [device for device in listed if device["usable"]]
    devices.sort(key=lambda device: device["simulator"])
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        pictures = write_pictures(folder, count)
        weights = os.path.join(folder, "alexnet.safetensors")
        write_alexnet(weights)
        for title, model, simulated in (
                ("the shipped model", ("--model=fashion-alexnet",), few),
                # pixels near 1, so that no class is certain
                ("AlexNet with random weights", (f"--model={weights}", "--network=alexnet",
                                                 "--mean=128,128,128", "--std=64,64,64"), 0)):
            print(f"\n| {title} | pictures | same | ties | other | largest difference |")
            print("|---|---|---|---|---|---|", flush=True)
            wrong += run_model(program, devices, model, pictures, simulated)
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
