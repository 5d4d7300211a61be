"""Documents of bench for tests: the sample, changed."""
import copy
import json
import os

with open(os.path.join(os.environ["ALX_TEST_DATA"], "bench.json"), encoding="utf-8") as file:
    SAMPLE = json.load(file)

HOSTILE = "<script>alert('x')</script> & \"q\" | `c` \x1b[31m \u202e ./..%s%n"
FORMULA = "=HYPERLINK(\"http://example.org\",1)"


def sample(*changes):
    """A copy of the sample, through the functions given."""
    document = copy.deepcopy(SAMPLE)
    for change in changes:
        change(document)
    return document


def text_of(document):
    return json.dumps(document)


def rounded(value):
    """`value` with numbers as documents hold them: nine digits."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value


def other_machine(document):
    """Another computer with the same devices."""
    document["host"].update(cpu="Other CPU 9000", logical_cpus=64, fingerprint="f" * 16)


def scaled(factor, device=0, run=0, layer=None):
    """A change that makes a run, or one of its layers, slower by a factor."""
    def change(document):
        timed = document["devices"][device]["runs"][run]
        if layer:
            timed = next(row for row in timed["layers"] if row["name"] == layer)
        timed["samples_ms"] = [ms and ms * factor for ms in timed["samples_ms"]]
        timed["median_ms"] *= factor
    return change


def controlled(fma, read, device=0, run=0):
    """A change that gives a run, and its layers, limits that were measured beside it."""
    def change(document):
        timed = document["devices"][device]["runs"][run]
        for key in ("control", "profiled_control"):
            timed[key] = {"fma_gflops": [fma] * 4, "read_gb_per_s": [read, None, read, read],
                          "launch_us": [20] * 4, "samples": [2, 3, 0, 10000]}
    return change


def in_states(states, factor=1, ms=6, device=0, run=0):
    """A change that makes a run of turns, one for each of `states`: in state 1 memory is half as
    quick and launches take half as long, and so does what is bound by either. `factor`: of the
    program's own time. The layers fc6 and conv2 become three quarters and a quarter of it."""
    def sample(i, part, state):
        slower = {"all": 1.5, "fc6": 2, "conv2": 0.7}[part] if state else 1
        return factor * ms * {"all": 1, "fc6": 0.75, "conv2": 0.25}[part] * slower * (
            1 + 0.01 * (i * 7 % 5))

    def change(document):
        timed = document["devices"][device]["runs"][run]
        control = {"fma_gflops": [500 + i % 3 for i in range(len(states))],
                   "read_gb_per_s": [(30 if state else 60) * (1 + 0.02 * (i % 4))
                                     for i, state in enumerate(states)],
                   "launch_us": [(15 if state else 30) * (1 + 0.01 * (i % 5))
                                 for i, state in enumerate(states)],
                   "samples": [10] * len(states)}
        timed["control"] = timed["profiled_control"] = control
        for part in [timed, *timed["layers"]]:
            name = part.get("name", "all")
            if name in ("all", "fc6", "conv2"):
                part["samples_ms"] = [sample(i, name, state)
                                      for state in states for i in range(10)]
    return change


def hostile(document):
    """Every text that comes from drivers and files is an attack."""
    for entry in document["devices"]:
        about = entry["device"]
        for key in ("name", "platform", "vendor", "driver", "opencl", "problem"):
            about[key] = HOSTILE
        entry["reason"] = HOSTILE if entry["status"] != "ok" else None
        entry["notes"] = [HOSTILE]
        for run in entry["runs"]:
            run["notes"] = [HOSTILE]
            for layer in run["layers"]:
                layer["name"] = layer["algorithm"] = layer["parameters"] = HOSTILE
    for piece in document["hardware"]:
        piece["name"] = HOSTILE
    document["host"]["cpu"] = document["host"]["os"] = HOSTILE
    document["network"]["name"] = document["model"]["name"] = HOSTILE
    document["version"] = HOSTILE
    document["notes"] = [HOSTILE]


def nothing_known(value, schema, definitions):
    """`value` with null wherever the schema allows it, and empty lists of samples."""
    if "$ref" in schema:
        return nothing_known(value, definitions[schema["$ref"].split("/")[-1]], definitions)
    if "anyOf" in schema or schema.get("type") == "null" or None in schema.get("enum", []) or \
            (isinstance(schema.get("type"), list) and "null" in schema["type"]):
        return None
    if isinstance(value, dict):
        return {key: nothing_known(item, schema["properties"][key], definitions)
                for key, item in value.items()}
    if isinstance(value, list):
        return [nothing_known(item, schema["items"], definitions) for item in value]
    return value
