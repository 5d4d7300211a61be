"""Includes point one way: a room knows only those below it (docs/architecture.md)."""
import re

from support import tree

EVERY = {"export.h", "status.h"}

# Room: the rooms whose headers it may include beside its own, and the public headers it may read.
# Public headers hold types that rooms share; what a room may not know, it may not read there
# either.
ROOMS = {
    "util": (set(), set()),
    "tensor": ({"util"}, {"net.h", "tensor.h"}),
    "device": ({"util"}, {"device.h"}),
    "net": ({"util", "tensor"}, {"net.h"}),
    "image": ({"util"}, {"image.h", "net.h"}),
    "model": ({"util", "tensor", "net"}, {"image.h", "model.h", "net.h", "tensor.h"}),
    "ops": ({"util", "tensor", "net"}, {"device.h", "net.h", "session.h", "tensor.h"}),
    "plan": ({"util", "tensor", "net", "device", "ops"},
             {"device.h", "model.h", "net.h", "session.h", "tensor.h", "tunings.h"}),
    "session": ({"util", "tensor", "net", "device", "ops", "plan"},
                {"device.h", "model.h", "net.h", "session.h", "tensor.h"}),
    "verify": ({"util", "tensor", "net", "device", "ops", "plan", "session"},
               {"device.h", "model.h", "net.h", "session.h", "tensor.h", "verify.h"}),
    "tune": ({"util", "tensor", "net", "device", "ops", "plan", "session"},
             {"device.h", "model.h", "net.h", "session.h", "tensor.h", "tune.h", "tunings.h"}),
    "measure": ({"util", "tensor", "net", "device", "ops"},
                {"device.h", "measure.h", "model.h", "net.h", "session.h", "tensor.h"}),
    "cli": ({"util"}, None),  # None: all of them; the shared library shows it nothing else
}

# Headers of libraries, and the rooms that may use them.
LIBRARIES = {
    "CL/": {"device", "ops", "plan", "session", "tune", "verify", "measure"},
    "clblast": {"session"},
    "jansson": {"util", "model", "cli"},
    "libdeflate": {"model"},
    "seccomp": {"image"},
    "linux/seccomp": {"image"},
    "sodium": {"util"},
    "stb": {"image"},
    "zlib": {"cli"},
}

# Made while building.
MADE = {"alx_config.h": set(ROOMS), "cl/winograd_table.h": {"ops"}}

INCLUDE = re.compile(r'\s*#\s*include\s*(["<])([^">]+)[">]')


def wrong_include(room, quote, target):
    """None, or why a file of `room` may not include `target`."""
    rooms, public = ROOMS[room]
    if target.startswith("alexnet_cl/"):
        header = target.split("/", 1)[1]
        if header == "alexnet_cl.h" and room not in ("cli", "util"):
            return "include the header of the room that is meant"
        if public is not None and header not in public | EVERY and header != "alexnet_cl.h":
            return f"{room} does not know {header}"
        return None
    if quote == '"':
        if target in MADE:
            return None if room in MADE[target] else f"{room} has nothing to do with this table"
        if "/" not in target:
            return 'rooms are named: write "room/file.h"'
        other = target.split("/", 1)[0]
        if other not in ROOMS:
            return f"there is no room {other}"
        return None if other in rooms | {room} else f"{room} stands below or beside {other}"
    for prefix, allowed in LIBRARIES.items():
        if target.startswith(prefix):
            return None if room in allowed else f"{room} has nothing to do with this library"
    return None


def check(path):
    parts = path.split("/")
    for number, text in tree.lines(path):
        match = INCLUDE.match(text)
        if not match:
            continue
        quote, target = match.groups()
        wrong = None
        if parts[0] == "src":
            wrong = wrong_include(parts[1], quote, target)
        elif parts[0] == "include":
            inside = quote == '"' and "/" not in target
            standard = quote == "<" and target in ("stdbool.h", "stddef.h", "stdint.h")
            wrong = None if inside or standard else "public headers stand alone"
        elif parts[0] == "cl":
            wrong = "kernels are embedded as one text and include nothing"
        if wrong:
            yield f"{path}:{number}: {text.strip()}: {wrong}"


def main():
    paths = [p for p in tree.files(".c", ".h", ".cl") if p.startswith(("src/", "include/", "cl/"))]
    problems = []
    for room in sorted({p.split("/")[1] for p in paths if p.startswith("src/")} - set(ROOMS)):
        problems.append(f"src/{room}: a room that this check does not know")
        paths = [p for p in paths if not p.startswith(f"src/{room}/")]
    for path in paths:
        problems += check(path)
    tree.finish(problems, f"the includes of {len(paths)} files")


main()
