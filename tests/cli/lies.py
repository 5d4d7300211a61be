"""Devices that lie, by tests/layers/lying_layer.c."""
import os
import subprocess
import unittest

from program import PROGRAM


def lie(lies):
    """The environment in which devices tell `lies`, {name: value}."""
    return {"OPENCL_LAYERS": os.environ["ALX_TEST_LAYER"],
            "ALX_TEST_LIES": ";".join(f"{name}={value}" for name, value in lies.items())}


def _layers_work():
    """Not every loader knows layers."""
    done = subprocess.run([PROGRAM, "devices"],
                          env={**os.environ, **lie({"name": "a lying device"})},
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return b"a lying device" in done.stdout


needs_layers = unittest.skipUnless(_layers_work(), "the OpenCL loader knows no layers")
