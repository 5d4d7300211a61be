#!/usr/bin/env python3
"""What `alexnet-cl verify --json` found, as a table: algorithms by platforms.

    verified.py VERIFY.json...

A cell is the largest error over its bound, of all forms, and the number of shapes that were tried.
"""
import json
import sys


def read(paths):
    """{platform: {(layer, algorithm, precision): (worst, shapes, failures)}}"""
    found = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            devices = json.load(file)["devices"]
        for device in devices:
            cells = found.setdefault(device["device"]["platform"], {})
            for row in device["rows"]:
                key = (row["layer"], row["algorithm"], row["precision"])
                worst, shapes, failures = cells.get(key, (0, 0, 0))
                cells[key] = (max(worst, row["worst"] or 0), shapes + row["shapes"],
                              failures + row["failures"])
    return found


def cell(value):
    if not value:
        return ""
    worst, shapes, failures = value
    text = "exact" if not worst else f"{worst:.2f}"
    return f"{text} ({shapes})" if not failures else f"**{failures} of {shapes} wrong**"


def main():
    found = read(sys.argv[1:])
    keys = []
    for cells in found.values():
        keys += [key for key in cells if key not in keys]
    print("| layer | algorithm | weights |", *(f"{name} |" for name in found))
    print("|---|---|---|" + "---|" * len(found))
    for key in sorted(keys):
        print("|", " | ".join([*key, *(cell(cells.get(key)) for cells in found.values())]), "|")


if __name__ == "__main__":
    main()
