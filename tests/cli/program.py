"""Running alexnet-cl as a user does, and checking what it prints.

ALX_PROGRAM names the program, ALX_SCHEMA the description of its documents.
"""
import atexit
import functools
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import models
import pictures

PROGRAM = os.environ["ALX_PROGRAM"]
with open(os.environ["ALX_SCHEMA"], encoding="utf-8") as schema_file:
    SCHEMA = json.load(schema_file)

# Every driver that there is: for what looks at more than the default device.
ALL_DRIVERS = {"OCL_ICD_VENDORS": os.environ.get("OCL_ICD_VENDORS")}

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
         "number": (int, float), "null": type(None)}


def is_type(value, name):
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def violations(value, schema, where="document"):
    """What in `value` is not as the schema says; what it does not name is wrong, too."""
    if "$ref" in schema:
        yield from violations(value, SCHEMA["$defs"][schema["$ref"].split("/")[-1]], where)
        return
    if "anyOf" in schema:
        tries = [list(violations(value, option, where)) for option in schema["anyOf"]]
        yield from min(tries, key=len)
        return
    if "const" in schema and value != schema["const"]:
        yield f"{where} is {value!r} instead of {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} is {value!r}, none of {schema['enum']}"
    names = schema.get("type", [])
    names = [names] if isinstance(names, str) else names
    if names and not any(is_type(value, name) for name in names):
        yield f"{where} is {value!r}, no {' or '.join(names)}"
        return
    if "minimum" in schema and value is not None and value < schema["minimum"]:
        yield f"{where} is {value!r}, below {schema['minimum']}"
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        yield f"{where} is {value!r}, not like {schema['pattern']}"
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield f"{where} has {len(value)} items"
        for number, item in enumerate(value):
            yield from violations(item, schema["items"], f"{where}[{number}]")
    if isinstance(value, dict):
        properties = schema["properties"]
        for name in schema["required"]:
            if name not in value:
                yield f"{where} lacks {name}"
        for name, item in value.items():
            if name in properties:
                yield from violations(item, properties[name], f"{where}.{name}")
            else:
                yield f"{where} has {name}, which the schema does not know"


def default_device(vendors):
    """What the program says of its default device with these vendor files; None without one."""
    done = subprocess.run([PROGRAM, "devices", "--json"], stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                          env={**os.environ, "OCL_ICD_VENDORS": vendors})
    devices = json.loads(done.stdout)["devices"] if done.returncode == 0 else []
    chosen = [device for device in devices if device["default"]]
    return {**chosen[0], "number": 1, "id": ""} if chosen else None


@functools.cache
def default_driver():
    """Variables with which the driver of the default device is loaded alone.

    A start takes ten times as long with drivers for everything, most of which is their own start.
    """
    vendors = os.environ.get("OCL_ICD_VENDORS") or "/etc/OpenCL/vendors"
    files = glob.glob(os.path.join(vendors, "*.icd"))
    if len(files) < 2:
        return {}
    wanted = default_device(vendors)
    folder = tempfile.mkdtemp(prefix="alexnet-cl-drivers-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for file in files:
        alone = os.path.join(folder, os.path.basename(file))
        os.mkdir(alone)
        shutil.copy(file, alone)
        if wanted and default_device(alone) == wanted:
            return {"OCL_ICD_VENDORS": alone}
    return {}


class Result:
    """What a run left."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        self.errors = err.splitlines()

    def __repr__(self):
        return f"exit code {self.code}\nstandard output:\n{self.out}\nstandard error:\n{self.err}"


class Case(unittest.TestCase):
    """A test with a folder of its own, in which a small model and pictures lie."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="alexnet-cl-test-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.model = cls.write("colours.safetensors", models.colours())
        cls.red = cls.write("red.png", pictures.png(16, 16, pictures.RED))
        cls.blue = cls.write("blue.png", pictures.png(16, 16, pictures.BLUE))

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    @classmethod
    def write(cls, name, content):
        path = cls.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    @staticmethod
    def environment(**changes):
        """The tests' environment, with one driver; None removes a variable."""
        values = {**os.environ, **default_driver(), "LC_ALL": "C.UTF-8", **changes}
        for name in ("ALEXNET_CL_DEVICE", "ALEXNET_CL_MODELS", "NO_COLOR"):
            if name not in changes:
                values.pop(name, None)
        return {name: value for name, value in values.items() if value is not None}

    def run_program(self, *arguments, stdin=b"", code=None, env=None, **options):
        """Runs it to its end; checks the exit code, if given, and that messages are ours."""
        done = subprocess.run([PROGRAM, *arguments], input=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=self.environment(**(env or {})),
                              cwd=self.folder, timeout=300, check=False, **options)
        result = Result(done.returncode, done.stdout.decode("utf-8", "surrogateescape"),
                        done.stderr.decode("utf-8", "surrogateescape"))
        if code is not None:
            self.assertEqual(result.code, code, result)
        for line in result.errors:
            self.assertTrue(line.startswith("alexnet-cl: "), f"a line of whom? {line!r}\n{result}")
        return result

    def classify(self, *arguments, **options):
        """Runs it with the small model."""
        return self.run_program("--model", self.model, *arguments, **options)

    def document(self, result, schema):
        """The JSON document that was printed, which must be as its schema says."""
        try:
            value = json.loads(result.out)
        except ValueError as error:
            self.fail(f"no JSON document: {error}\n{result}")
        self.assertEqual(list(violations(value, SCHEMA["$defs"][schema])), [], result)
        return value

    def assert_one_error(self, result, *parts):
        """One line on standard error, which holds all the parts."""
        self.assertEqual(len(result.errors), 1, result)
        for part in parts:
            self.assertIn(part, result.errors[0], result)
