"""Devices, the cache, and verifying."""
import os
import stat
import subprocess
import unittest

from program import ALL_DRIVERS, PROGRAM, Case


class EveryDriver(Case):
    """Where all devices are looked at."""

    def run_program(self, *arguments, env=None, **options):
        return super().run_program(*arguments, env={**ALL_DRIVERS, **(env or {})}, **options)


class Devices(EveryDriver):
    """Listing and choosing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.mkdir(cls.path("vendors"))
        cls.no_opencl = {"OCL_ICD_VENDORS": cls.path("vendors")}

    def devices(self):
        result = self.run_program("devices", "--json", code=0)
        return self.document(result, "devices")["devices"]

    def test_list(self):
        devices = self.devices()
        self.assertEqual([device["number"] for device in devices],
                         list(range(1, len(devices) + 1)))
        self.assertEqual(sum(device["default"] for device in devices), 1)
        text = self.run_program("devices", code=0)
        self.assertEqual(text.err, "")
        for device in devices:
            self.assertIn(device["name"], text.out)
        more = self.run_program("devices", "-v", code=0)
        for device in devices:
            self.assertIn(device["driver"], more.out)

    def test_choosing(self):
        for device in self.devices():
            if not device["usable"]:
                continue
            for spec in (str(device["number"]), device["id"], device["name"]):
                with self.subTest(spec):
                    result = self.classify("--json", "-d", spec, self.red, code=0)
                    used = self.document(result, "classify")["device"]["number"]
                    self.assertEqual(used, device["number"])

    def test_the_environment_chooses(self):
        result = self.classify(self.red, env={"ALEXNET_CL_DEVICE": "999"}, code=3)
        self.assert_one_error(result, "999")
        number = str(self.devices()[0]["number"])
        self.classify("-d", number, self.red, env={"ALEXNET_CL_DEVICE": "999"}, code=0)
        self.classify(self.red, env={"ALEXNET_CL_DEVICE": ""}, code=0)

    def test_a_device_that_does_not_exist(self):
        for spec in ("999", "7:1", "no such name", "0", "-1"):
            with self.subTest(spec):
                result = self.classify("-d", spec, self.red, code=3)
                names = [device["name"] for device in self.devices()]
                self.assert_one_error(result, spec, *names)
                self.assertEqual(result.out, "")

    def test_no_opencl_at_all(self):
        for arguments in (("devices",), (self.red, "-m", self.model), ("verify",)):
            with self.subTest(arguments[0]):
                result = self.run_program(*arguments, env=self.no_opencl, code=3)
                self.assert_one_error(result, "OpenCL", "pocl-opencl-icd")
        result = self.run_program("devices", "--json", env=self.no_opencl, code=3)
        self.assertEqual(self.document(result, "devices")["devices"], [])

    def test_without_devices_the_rest_works(self):
        self.run_program("info", "--network=alexnet", env=self.no_opencl, code=0)
        self.run_program("--help", env=self.no_opencl, code=0)


class Cache(Case):
    """Where compiled programs are kept."""

    def counts(self, *arguments, env=None):
        result = self.classify("--json", self.red, *arguments, env=env, code=0)
        return self.document(result, "classify")["programs"], result

    def test_programs_are_kept(self):
        option = "--cache-dir=" + self.path("kept")
        cold, _ = self.counts(option)
        self.assertGreater(cold["built"], 0)
        warm, _ = self.counts(option)
        self.assertEqual(warm, {"built": 0, "cached": cold["built"]})
        self.assertEqual(stat.S_IMODE(os.stat(self.path("kept")).st_mode), 0o700)
        shown = self.document(self.run_program("cache", option, "--json", code=0), "cache")
        self.assertEqual(shown["files"], cold["built"])
        self.assertFalse(shown["cleared"])
        other = self.write("kept/notes.txt", "not ours")
        cleared = self.document(self.run_program("cache", "--clear", option, "--json", code=0),
                                "cache")
        self.assertEqual((cleared["files"], cleared["bytes"]), (shown["files"], shown["bytes"]))
        self.assertTrue(os.path.exists(other))
        self.assertRegex(self.run_program("cache", option, code=0).out, r"kept: 0 files")

    def test_no_cache(self):
        option = "--cache-dir=" + self.path("none")
        counts, _ = self.counts(option, "--no-cache")
        self.assertEqual(counts["cached"], 0)
        self.assertFalse(os.path.exists(self.path("none")))

    def test_a_folder_that_cannot_be_written(self):
        """One warning, and it goes on; -q drops it."""
        self.write("file", "not a folder")
        for folder in (self.path("file"), self.path("file") + "/below", "/proc/self/cache"):
            with self.subTest(folder):
                _, result = self.counts("--cache-dir=" + folder)
                self.assert_one_error(result, "warning: ", folder)
        _, result = self.counts("-q", "--cache-dir=" + self.path("file"))
        self.assertEqual(result.err, "")

    def test_two_at_the_same_time(self):
        """Cold, with one cache: both are right."""
        env = self.environment(XDG_CACHE_HOME=self.path("shared"))
        command = [PROGRAM, "-m", self.model, "-q", self.red, self.blue]
        both = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                for _ in range(2)]
        outputs = [process.communicate(timeout=300) for process in both]
        self.assertEqual([process.returncode for process in both], [0, 0], outputs)
        self.assertEqual(outputs[0], outputs[1])
        self.assertIn(b"blue", outputs[0][0])


class Verify(EveryDriver):
    """Every kernel against its reference."""

    def test_text(self):
        result = self.run_program("verify", "--layer=max-pool", "--shapes=2", code=0)
        self.assertRegex(result.out, r"max-pool +direct .* 2 +exact +ok")
        self.assertIn("all right", result.out)

    def test_document(self):
        result = self.run_program("verify", "--layer=fc", "--algorithm=naive", "--shapes=3",
                                  "--json", code=0)
        devices = self.document(result, "verify")["devices"]
        self.assertEqual(devices[0]["status"], "ok")
        for row in devices[0]["rows"]:
            self.assertEqual((row["layer"], row["algorithm"], row["failures"]), ("fc", "naive", 0))
            self.assertLessEqual(row["worst"], 1)

    def test_all_devices(self):
        count = len(self.document(self.run_program("devices", "--json"), "devices")["devices"])
        result = self.run_program("verify", "-d", "all", "--layer=relu", "--shapes=1", "--json",
                                  code=0)
        self.assertLessEqual(len(self.document(result, "verify")["devices"]), count)

    def test_what_is_not_there(self):
        self.assert_one_error(self.run_program("verify", "--algorithm=magic", code=2), "magic")
        self.assert_one_error(self.run_program("verify", "--layer=cnov", code=2), "conv")
        self.assert_one_error(self.run_program("verify", "-d", "999", code=3), "999")


if __name__ == "__main__":
    unittest.main()
