"""Tuning: finding, keeping, using, moving and losing tunings; and being interrupted."""
import os
import signal
import subprocess
import time
import unittest

from program import PROGRAM, Case


class Tune(Case):
    """On the default device, a small model and few seconds."""

    def cache(self, name):
        return "--cache-dir=" + self.path(name)

    def tune(self, *arguments, code=0):
        result = self.run_program("tune", *arguments, "--json", code=code)
        return self.document(result, "tune")

    def tuned(self, name):
        """A cache folder with tunings of the small model."""
        option = self.cache(name)
        return option, self.tune("-m", self.model, option, "--budget=10")

    def plan(self, *arguments):
        document = self.document(self.classify("--json", self.red, *arguments, code=0), "classify")
        return document["plan"]

    def test_what_is_found_is_used(self):
        option, document = self.tuned("used")
        device = document["devices"][0]
        self.assertEqual((device["status"], device["refused"]), ("ok", 0))
        self.assertGreater(device["candidates"], device["layers"])
        self.assertLessEqual(device["tuned_ms"], device["default_ms"])
        self.assertTrue(document["tunings"])
        for tuning in document["tunings"]:
            self.assertTrue(tuning["current"])
            self.assertLessEqual(tuning["ms"], tuning["default_ms"])
        self.assertEqual(self.plan(option), "tuned")
        self.assertEqual(self.plan(self.cache("another")), "family")
        self.assertEqual(self.plan(option, "--no-cache"), "family")
        self.assertNotEqual(self.plan(option, "--batch=2"), "tuned")
        explained = self.classify("--explain", self.red, option, code=0)
        self.assertIn("tuned: ", explained.out)
        shown = self.tune("--show", option)
        key = lambda tuning: (tuning["layer"], tuning["algorithm"], tuning["parameters"])
        self.assertEqual(sorted(map(key, shown["tunings"])),
                         sorted(map(key, document["tunings"])))
        self.assertEqual(shown["devices"], [])
        text = self.run_program("tune", "--show", option, code=0).out
        self.assertIn(document["tunings"][0]["algorithm"], text)

    def test_moving_and_clearing(self):
        option, document = self.tuned("moved")
        count = len(document["tunings"])
        file, there = self.path("moved.tunings"), self.cache("there")
        self.run_program("tune", option, "--export", file, code=0)
        self.assertIn(f"{count} tunings", self.run_program(
            "tune", there, "--import", file, code=0).out)
        self.assertEqual(self.plan(there), "tuned")
        self.assertIn(f"removed {count}", self.run_program("tune", "--clear", there, code=0).out)
        self.assertNotEqual(self.plan(there), "tuned")
        self.run_program("tune", "--clear", there, code=0)  # again
        self.assertEqual(self.tune("--show", there)["tunings"], [])

    def test_foreign_and_damaged_files(self):
        option, _ = self.tuned("damaged")
        file, other = self.path("foreign.tunings"), self.cache("foreign")
        self.run_program("tune", option, "--export", file, code=0)
        with open(file, encoding="utf-8") as opened:
            text = opened.read()
        for content in ("", "hello\n", text[:-1], text.replace("ns", "sn", 1), text + "x"):
            path = self.write("bad.tunings", content)
            result = self.run_program("tune", other, "--import", path, code=1)
            self.assert_one_error(result, "bad.tunings: ")
        self.assertEqual(self.tune("--show", other)["tunings"], [])
        self.assert_one_error(self.run_program("tune", "--import", "missing", code=1), "missing: ")
        # In the cache folder: one warning, and the defaults.
        self.write("damaged/tunings.txt", text[:-1])
        result = self.classify(self.red, option, code=0)
        self.assert_one_error(result, "warning: ", "tunings.txt")
        self.assertIn("red", result.out)
        self.assertEqual(self.classify("-q", self.red, option, code=0).err, "")

    def test_networks_without_weights(self):
        document = self.tune("--network=lenet-5", "--budget=2", "--no-cache", self.cache("none"))
        self.assertEqual(document["devices"][0]["status"], "ok")
        self.assertFalse(os.path.exists(self.path("none")))

    def test_text(self):
        result = self.run_program("tune", "-m", self.model, self.cache("text"), "--budget=3",
                                  "-d", "1", code=0)
        self.assertIn("a run instead of", result.out)
        self.assertEqual(result.err, "")

    def test_wrong_usage(self):
        for arguments, part in ((["--show", "--clear"], "--show"), (["--budget=0"], "--budget"),
                                (["extra"], "extra"), (["--export=x", "--import=y"], "--export")):
            self.assert_one_error(self.run_program("tune", *arguments, code=2), part)
        self.assert_one_error(self.run_program("tune", "-d", "99", code=3), "99")
        self.assert_one_error(self.run_program("tune", "--network=alexent", code=2), "alexnet")
        self.assert_one_error(self.run_program("tune", "-m", self.red, code=4), "red.png")
        self.assert_one_error(self.run_program("--budget=3", "a.png", code=2), "tune")

    @staticmethod
    def count_lines(path):
        try:
            with open(path, encoding="utf-8") as file:
                return len(file.readlines())
        except FileNotFoundError:
            return 0

    def test_interrupted(self):
        """What was found is kept, and nothing is half-written."""
        folder = self.path("interrupted")
        process = subprocess.Popen(
            [PROGRAM, "tune", "-m", self.model, "--cache-dir=" + folder, "--exhaustive"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self.environment())
        deadline = time.monotonic() + 200
        while not self.count_lines(folder + "/tunings.txt") > 3:  # header, titles, end
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        self.assertIn(process.returncode, (0, 130), err)
        self.assertEqual(err, b"")
        self.assertTrue(self.tune("--show", "--cache-dir=" + folder)["tunings"])
        self.assertEqual([name for name in os.listdir(folder) if ".tmp" in name], [])

    def test_unwritable_folder(self):
        self.write("plain", "a file")
        result = self.run_program("tune", "-m", self.model, self.cache("plain"), "--budget=9",
                                  "--json", code=1)
        self.assert_one_error(result, "plain: ")
        device = self.document(result, "tune")["devices"][0]
        self.assertEqual((device["status"], device["candidates"]), ("failed", 0))


if __name__ == "__main__":
    unittest.main()
