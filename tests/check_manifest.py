"""weights/manifest.json is well-formed and complete, and fetch.sh and the README know it."""
import json
import os
import re
import subprocess

from support import tree

TEXT, COUNT, PERCENT = str, int, float
# Key: type, whether it may be null, what it must look like.
KEYS = {
    "name": (TEXT, False, r"[A-Za-z0-9_-]+"),
    "file": (TEXT, False, r"[A-Za-z0-9_-]+\.(safetensors|caffemodel|onnx|pth)"),
    "address": (TEXT, False, r"https?://[^/ ]+/[^ ]+"),
    "bytes": (COUNT, True, None),
    "sha256": (TEXT, True, r"[0-9a-f]{64}"),
    "sha1": (TEXT, True, r"[0-9a-f]{40}"),
    "licence": (TEXT, True, r".+"),
    "top1": (PERCENT, True, None),
    "top5": (PERCENT, True, None),
    "network": (TEXT, True, r"[a-z0-9-]+"),
    "format": (TEXT, False, r"safetensors|caffemodel|onnx|torch"),
    "note": (TEXT, True, r"[^\n]+"),
}
# Every format has one suffix, by which alexnet-cl finds models in folders.
SUFFIXES = {"safetensors": ".safetensors", "caffemodel": ".caffemodel", "onnx": ".onnx",
            "torch": ".pth"}
# Without a hash, only where none was published.
NO_HASH = {"alexnet-owt-4df8aa71", "bvlcalexnet-12-qdq", "vision_models-alexnet"}


def built_in_networks():
    """The names in the table of networks."""
    text = "\n".join(text for _, text in tree.lines("src/net/zoo.c"))
    return set(re.findall(r'"([a-z0-9-]+)"', text))


def row_problems(row, networks):
    name = row.get("name", "?")
    for key in KEYS.keys() ^ row.keys():
        yield f"{name}: {'lacks' if key in KEYS else 'has an unknown'} {key}"
    for key, (kind, may_be_null, pattern) in KEYS.items():
        value = row.get(key)
        if value is None:
            if not may_be_null and key in row:
                yield f"{name}: {key} is null"
        elif type(value) is not kind:
            yield f"{name}: {key} is {value!r}, no {kind.__name__}"
        elif pattern and not re.fullmatch(pattern, value):
            yield f"{name}: {key} is {value!r}"
        elif kind is PERCENT and not 0 < value < 100 or kind is COUNT and value <= 0:
            yield f"{name}: {key} is {value!r}"
    if row.get("file") != name + SUFFIXES.get(row.get("format"), "?"):
        yield f"{name}: file is not the name with the suffix of its format"
    if not (row.get("sha256") or row.get("sha1")) and name not in NO_HASH:
        yield f"{name}: has no hash"
    if row.get("network") and row["network"] not in networks:
        yield f"{name}: there is no network {row['network']}"
    if (row.get("top1") is None) != (row.get("top5") is None):
        yield f"{name}: has one of top1 and top5 alone"


def main():
    with open(os.path.join(tree.ROOT, "weights/manifest.json"), encoding="utf-8") as file:
        rows = json.load(file)["models"]
    networks, problems = built_in_networks(), []
    for row in rows:
        problems += row_problems(row, networks)
    for key in ("name", "address"):
        values = [row.get(key) for row in rows]
        problems += [f"{value}: twice" for value in set(values) if values.count(value) > 1]
    done = subprocess.run([os.path.join(tree.ROOT, "weights/fetch.sh")], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    listed = [line.split(" ")[0] for line in done.stdout.splitlines()]
    if done.returncode or listed != [row.get("name") for row in rows]:
        problems.append(f"fetch.sh does not list them: {done.stdout}")
    tree.finish(problems, f"{len(rows)} models of the manifest")


main()
