"""Devices that people have, played by a layer over a real one (tests/layers/lying_layer.c).

The layer keeps to what it tells: who ignores a limit fails. Each profile gives right results, or
one clear line.
"""
import signal
import subprocess
import unittest
from collections import namedtuple

import models
from lies import lie, needs_layers
from program import PROGRAM, Case

MIB = 1024 * 1024
GPU, ACCELERATOR = {"type": 4}, {"type": 8}

# What is expected of a profile: right results, or an exit code and what the line says.
Outcome = namedtuple("Outcome", "code text")
RIGHT = Outcome(0, None)
Profile = namedtuple("Profile", "name lies outcome model arguments", defaults=("small", ()))


def refused(code, text):
    return Outcome(code, text)


PROFILES = [
    # memory
    Profile("128 MiB a buffer", {"max_alloc_bytes": 128 * MIB}, RIGHT, "wide"),
    Profile("32 MiB a buffer", {"max_alloc_bytes": 32 * MIB}, RIGHT, "wide"),
    Profile("96 MiB of memory", {"global_bytes": 96 * MIB, "max_alloc_bytes": 24 * MIB},
            RIGHT, "wide"),
    Profile("half a MiB of memory", {"global_bytes": MIB // 2, "max_alloc_bytes": MIB // 8},
            refused(5, r"needs [\d.]+ MiB of device memory .* use a smaller --batch"), "wide"),
    Profile("32-bit addresses", {"address_bits": 32, "global_bytes": 1024 * MIB,
                                 "max_alloc_bytes": 256 * MIB}, RIGHT),
    Profile("unified memory, where copies fail", {"unified_memory": 1, "copies": 0}, RIGHT),
    Profile("memory of its own, where mapping fails", {"unified_memory": 0, "map": 0}, RIGHT),
    Profile("mapping fails", {"unified_memory": 1, "map": 0},
            refused(5, "cannot be mapped: CL_MAP_FAILURE")),
    # work-groups and what they share
    Profile("work-groups of 1", {**GPU, "max_work_group": 1}, RIGHT),
    Profile("work-groups of 64", {**GPU, "max_work_group": 64}, RIGHT),
    Profile("work-groups of 256", {**GPU, "max_work_group": 256}, RIGHT),
    Profile("work-groups of 100", {**GPU, "max_work_group": 100}, RIGHT),
    Profile("kernels with small work-groups", {**GPU, "vendor_id": 0x10de, "kernel_group": 16},
            refused(5, "its work-groups of 64 are too large"), "small", ("--algorithm=direct",)),
    Profile("no local memory", {**GPU, "local_bytes": 0, "local_type": 2}, RIGHT),
    Profile("1 KiB of local memory", {**GPU, "local_bytes": 1024}, RIGHT),
    # versions and options
    Profile("OpenCL 1.1", {"opencl": "OpenCL 1.1 old", "c_version": "OpenCL C 1.1"},
            refused(3, 'OpenCL 1.2 is needed, it offers "OpenCL 1.1 old"')),
    Profile("OpenCL 1.2", {**GPU, "opencl": "OpenCL 1.2 plain", "c_version": "OpenCL C 1.2",
                           "extensions": ""}, RIGHT),
    Profile("OpenCL 3.0 without options", {
        **GPU, "opencl": "OpenCL 3.0 bare", "c_version": "OpenCL C 1.2", "extensions": "",
        "sub_groups": 0, "images": 0}, RIGHT),
    Profile("no sub-groups", {**GPU, "sub_groups": 0}, RIGHT),
    Profile("no images", {"images": 0}, RIGHT),
    Profile("no half floats", {"extensions": "cl_khr_byte_addressable_store"}, RIGHT, "small",
            ("--precision=fp16",)),
    # makers
    Profile("Intel's GPU", {**GPU, "vendor_id": 0x8086, "vendor": "Intel(R) Corporation",
                            "unified_memory": 1}, RIGHT),
    Profile("AMD's GPU", {**GPU, "vendor_id": 0x1002, "unified_memory": 0}, RIGHT),
    Profile("NVIDIA's GPU", {**GPU, "vendor_id": 0x10de, "unified_memory": 0}, RIGHT),
    Profile("an accelerator", ACCELERATOR, RIGHT),
    # nonsense
    Profile("a CPU of zeros", {"compute_units": 0, "clock_mhz": 0, "vector_floats": 0,
                               "base_align_bits": 0, "local_bytes": 0}, RIGHT),
    Profile("a GPU of zeros", {**GPU, "compute_units": 0, "clock_mhz": 0, "vector_floats": 0,
                               "base_align_bits": 0, "local_bytes": 0}, RIGHT),
    Profile("huge numbers", {"compute_units": 2**32 - 1, "clock_mhz": 2**32 - 1,
                             "vector_floats": 4096, "base_align_bits": 2**32 - 1,
                             "max_work_group": 2**63}, RIGHT),
    Profile("odd numbers", {**GPU, "compute_units": 7, "vector_floats": 3, "base_align_bits": 1000,
                            "max_work_group": 77}, RIGHT),
    Profile("empty texts", {"name": "", "vendor": "", "driver": "", "c_version": "",
                            "extensions": ""}, RIGHT),
    Profile("long texts without end", {"name": "long " * 1000, "driver": "9." * 1000,
                                       "unterminated": 1}, RIGHT),
    Profile("queries fail", {"name": "!", "driver": "!", "extensions": "!", "compute_units": "!",
                             "vector_floats": "!", "unified_memory": "!", "type": "!"}, RIGHT),
    Profile("no limit is told", {"max_work_group": "!"},
            refused(3, "work-group limit is not known: CL_INVALID_VALUE")),
    Profile("no compiler", {"compiler": 0}, refused(3, "it has no compiler")),
    Profile("big-endian", {"little_endian": 0}, refused(3, "it is big-endian")),
    # speed
    Profile("a GPU that is ended after 200 ms", {**GPU, "compute_units": 1, "clock_mhz": 1,
                                                 "item_ns": 20000}, RIGHT, "shipped"),
    Profile("slow", {"sleep_ms": 20}, RIGHT),
    Profile("commands that end before they start", {"clock": 0}, RIGHT),
    # drivers that break
    Profile("nothing compiles", {"build": 0}, refused(5, "CL_BUILD_PROGRAM_FAILURE"), "small",
            ("--no-cache",)),
    Profile("launches fail", {"fail": 2}, refused(5, "CL_OUT_OF_RESOURCES")),
    Profile("crashes", {"crash": 2}, Outcome(-signal.SIGSEGV, None)),
]


@needs_layers
class Profiles(Case):
    """Walks the table."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.models = {"small": cls.model, "wide": cls.write("wide.safetensors", models.wide(130)),
                      "shipped": "fashion-alexnet"}
        # The real device without lies; batches let other algorithms compute, too.
        cls.expected = {}

    def answers(self, profile, lies, batch):
        arguments = ("--device=1", "-m", self.models[profile.model], "--top=3", "--json",
                     f"--batch={batch}", *profile.arguments, self.red, self.blue)
        return self.run_program(*arguments, env=lie(lies))

    def tops(self, result):
        return [image["top"] for image in self.document(result, "classify")["images"]]

    def expect(self, profile):
        """What the device answers without lies."""
        key = (profile.model, profile.arguments)
        if key not in self.expected:
            self.expected[key] = self.tops(self.answers(profile, {}, 1))
        return self.expected[key]

    def assert_same(self, profile, result):
        for found, expected in zip(self.tops(result), self.expect(profile)):
            self.assertEqual([row["class"] for row in found], [row["class"] for row in expected])
            for one, other in zip(found, expected):
                self.assertAlmostEqual(one["probability"], other["probability"], places=4)

    def try_profile(self, profile, batch):
        result = self.answers(profile, profile.lies, batch)
        self.assertEqual(result.code, profile.outcome.code, result)
        if profile.outcome == RIGHT:
            self.assert_same(profile, result)
            self.assertEqual(result.err, "")
        elif profile.outcome.text:
            self.assertEqual(len(result.errors), 1, result)
            self.assertRegex(result.errors[0], profile.outcome.text)

    def test_answers(self):
        for profile in PROFILES:
            right = profile.outcome == RIGHT  # a refusal does not depend on the batch
            for batch in (1, 8) if profile.model == "small" and right else (1,):
                with self.subTest(profile.name, batch=batch):
                    self.try_profile(profile, batch)

    def test_devices(self):
        """The list holds whatever a device says of itself."""
        for profile in PROFILES:
            with self.subTest(profile.name):
                result = self.run_program("devices", "--json",
                                          env=lie(profile.lies))
                device = self.document(result, "devices")["devices"][0]
                self.assertEqual(device["usable"], profile.outcome.code != 3)

    def test_a_kernel_that_hangs_can_be_interrupted(self):
        with subprocess.Popen([PROGRAM, "-m", self.model, self.red], stderr=subprocess.PIPE,
                              stdout=subprocess.PIPE,
                              env=self.environment(**lie({"hang": 2}))) as process:
            with self.assertRaises(subprocess.TimeoutExpired):
                process.wait(3)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=60)
            self.assertEqual(out, b"")
            self.assertIn(process.returncode, (130, -signal.SIGINT))

    def test_slow_launches_are_refused(self):
        """What the profile of a GPU that is ended after 200 ms stands against."""
        fast = {**GPU, "compute_units": 100, "clock_mhz": 1000, "item_ns": 20000}
        result = self.run_program("--device=1", self.red, env=lie(fast), code=5)
        self.assert_one_error(result, "CL_OUT_OF_RESOURCES")


@needs_layers
class Faults(Case):
    """What verify found to be wrong is left out on that device, until it is right again."""

    def setUp(self):
        self.cache = ("--device=1", f"--cache-dir={self.path(self.id())}")

    def verify(self, *arguments, wrong=0, **options):
        return self.run_program("verify", *self.cache, *arguments, env=lie({"wrong": wrong}),
                                **options)

    def explained(self, *arguments):
        result = self.run_program(*self.cache, "--explain", *arguments, self.red, code=0)
        return [line for line in result.out.splitlines() if line.startswith("conv2 ")][0]

    def test_another_algorithm_is_chosen(self):
        chosen = self.explained().split()[1]
        result = self.verify("--layer=conv", f"--algorithm={chosen}", "--shapes=2", wrong=1000,
                             code=5)
        self.assertTrue(all(len(line) <= 80 for line in result.out.splitlines()), result)
        self.assertIn(f"will not be chosen on this device: conv {chosen} fp32\n", result.out)
        self.assertRegex(
            result.errors[0],
            rf"kernel conv {chosen} \(.*\): 1 of 2 shapes are wrong; "
            r"first shape 2 .*image 0, channel 0, row 0, column 0 is [-\d.e+]+ instead")
        for arguments in ((), (f"--algorithm={chosen}",), ("--precision=fp16",)):
            self.assertNotEqual(self.explained(*arguments).split()[1], chosen)
            self.assertIn(f"{chosen} is wrong here, says verify", self.explained(*arguments))
        self.run_program("cache", "--clear", *self.cache[1:], code=0)
        self.assertEqual(self.explained().split()[1], chosen)

    def test_nothing_is_left_to_choose(self):
        arguments = ("--layer=max-pool", "--algorithm=direct")
        result = self.verify(*arguments, "--shapes=1", "--json", wrong=1, code=5)
        device = self.document(result, "verify")["devices"][0]
        self.assertEqual(device["left_out"], ["max-pool direct fp32"])
        result = self.classify(*self.cache, self.red, code=5)
        self.assert_one_error(result, "layer pool1", "every algorithm", "name another device")
        self.classify("--device=1", "--no-cache", self.red, code=0)
        # some right shapes are no excuse, all are
        self.verify(*arguments, "--shapes=1", code=0)
        self.classify(*self.cache, self.red, code=5)
        result = self.verify(*arguments, "--json", code=0)
        self.assertEqual(self.document(result, "verify")["devices"][0]["left_out"], [])
        self.classify(*self.cache, self.red, code=0)

    def test_another_driver_gets_another_chance(self):
        self.verify("--layer=max-pool", "--shapes=1", wrong=1, code=5)
        self.classify(*self.cache, self.red, code=5)
        self.classify(*self.cache, self.red, env=lie({"driver": "newer"}), code=0)


if __name__ == "__main__":
    unittest.main()
