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
