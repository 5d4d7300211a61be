"""Measuring devices side by side.

Times decide nothing here: a slow or busy machine passes, too.
"""
import csv
import getpass
import io
import json
import os
import re
import resource
import signal
import socket
import statistics
import subprocess
import sys
import time
import unittest

from lies import lie, needs_layers
from program import ALL_DRIVERS, PROGRAM, SCHEMA, Case, violations

QUICK = ("bench", "--time=0.05")
LENET = (*QUICK, "--network=lenet-5")
ONE = ("--device=cpu", "--batch=1")


class Bench(Case):
    """Runs it with a small network for short times."""

    def bench(self, *arguments, code=0, **options):
        network = ["--network=lenet-5"] if "--model" not in arguments else []
        result = self.run_program(*QUICK, *network, "--json", *arguments, code=code, **options)
        return self.document(result, "bench"), result


class Documents(Bench):
    """What other programs read."""

    def test_the_sample_is_as_the_schema_says(self):
        with open(os.path.join(os.environ["ALX_TEST_DATA"], "bench.json"),
                  encoding="utf-8") as file:
            sample = json.load(file)
        self.assertEqual(list(violations(sample, SCHEMA["$defs"]["bench"])), [])

    def check_times(self, timed):
        samples = [value for value in timed["samples_ms"] if value is not None]
        self.assertEqual(timed["samples"], len(samples))
        if samples:
            self.assertAlmostEqual(timed["median_ms"], statistics.median(samples), places=6)
            self.assertLessEqual(timed["p10_ms"], timed["p90_ms"])
        if len(samples) >= 6:
            self.assertLessEqual(min(samples), timed["ci_low_ms"])
            self.assertLessEqual(timed["ci_low_ms"], timed["median_ms"])
            self.assertLessEqual(timed["median_ms"], timed["ci_high_ms"])
            self.assertLessEqual(timed["ci_high_ms"], max(samples))

    def check_run(self, run, network):
        self.check_times(run)
        self.assertEqual(run["status"], "ok")
        self.assertAlmostEqual(run["images_per_s"], run["batch"] * 1000 / run["median_ms"],
                               delta=1e-6 * run["images_per_s"])
        self.assertGreater(run["first_run_ms"], 0)
        self.assertEqual(run["check"]["top1_agree"], run["check"]["images"])
        self.assertLess(run["check"]["worst"], 1)
        self.assertEqual(sum(layer["macs"] for layer in run["layers"]),
                         network["macs"] * run["batch"])
        for control, timed in ((run["control"], run), (run["profiled_control"], run["layers"][0])):
            self.assertEqual(sum(control["samples"]), len(timed["samples_ms"]))
            self.assertEqual(len({len(values) for values in control.values()}), 1)
            for values in control.values():
                self.assertGreater(min(values), 0)
        for layer in run["layers"]:
            self.check_times(layer)
            self.assertEqual(layer["reason"] is None, layer["samples"] > 0)
            self.assertIn(layer["bound_by"], ("compute", "memory"))
            for key in ("median_ms", "percent_of_limit", "gb_per_s"):
                self.assertEqual(layer[key] is None, layer["samples"] == 0)

    def test_every_device(self):
        listed = json.loads(self.run_program("devices", "--json", env=ALL_DRIVERS).out)["devices"]
        document, result = self.bench("--batch=1", env=ALL_DRIVERS)
        self.assertEqual(result.err, "")
        rows = document["devices"]
        self.assertEqual([row["device"] for row in rows], listed)
        self.assertEqual(document["network"]["name"], "lenet-5")
        self.assertEqual(document["model"]["format"], "random")
        for row in rows:
            if row["status"] == "skipped":
                self.assertTrue(row["reason"])
                continue
            self.assertEqual((row["status"], row["reason"]), ("ok", None))
            for limit in ("fma_gflops", "read_gb_per_s", "copy_to_gb_per_s", "launch_us"):
                self.assertGreater(row["limits"][limit], 0)
                self.assertTrue(row["limits"]["samples"][limit])
            self.assertEqual(sorted(run["precision"] for run in row["runs"]),
                             ["fp16", "fp32", "int8"])
            for run in row["runs"]:
                self.check_run(run, document["network"])
        numbers = [number for entry in document["hardware"] for number in entry["devices"]]
        self.assertEqual(sorted(numbers), [device["number"] for device in listed])
        processors = [entry for entry in document["hardware"]
                      if any(listed[number - 1]["type"] == "cpu"
                             and not listed[number - 1]["simulator"]
                             for number in entry["devices"])]
        self.assertEqual(len(processors), 1, "one processor, whatever the number of drivers")

    def test_it_names_nobody(self):
        _, result = self.bench(*ONE, "--precision=fp32", "--model", self.model)
        names = {socket.gethostname(), os.path.basename(self.folder)}
        names |= {getpass.getuser()} - {"root"}
        for name in names:
            self.assertNotIn(name, result.out)

    def test_the_same_input_has_the_same_hashes(self):
        first, _ = self.bench(*ONE, "--precision=fp32")
        again, _ = self.bench(*ONE, "--precision=fp32")
        other, _ = self.bench(*ONE, "--precision=fp32", "--model", self.model)
        for value in first["hashes"].values():
            self.assertRegex(value, "^[0-9a-f]{64}$")
        self.assertEqual(first["hashes"], again["hashes"])
        self.assertEqual(first["host"], again["host"])
        self.assertEqual(first["devices"][0]["runs"][0]["plan_sha256"],
                         again["devices"][0]["runs"][0]["plan_sha256"])
        self.assertEqual(first["hashes"]["kernels"], other["hashes"]["kernels"])
        self.assertNotEqual(first["hashes"]["weights"], other["hashes"]["weights"])
        self.assertNotEqual(first["hashes"]["input"], other["hashes"]["input"])

    def test_the_best_batch(self):
        document, _ = self.bench("--device=cpu", "--precision=fp32", "--quick")
        row = document["devices"][0]
        tried = [entry["batch"] for entry in row["batches"]]
        self.assertEqual(tried, [1, 4, 8, 16][:len(tried)])
        self.assertGreaterEqual(len(tried), 2)
        best = max(row["batches"], key=lambda entry: entry["images_per_s"])["batch"]
        self.assertEqual([run["batch"] for run in row["runs"] if run["best"]], [best])
        self.assertEqual({run["batch"] for run in row["runs"]}, {1, best})
        for run in row["runs"]:
            self.check_run(run, document["network"])

    def test_comparing_measures_the_same_batches(self):
        arguments = (*LENET, "--device=cpu", "--precision=fp32")
        self.run_program(*arguments, "--batch=6", "--json=old.json", code=0)
        result = self.run_program(*arguments, "--compare=old.json", "--json")
        comparison = self.document(result, "bench_compare")
        rows = {row["batch"]: row for row in comparison["devices"][0]["runs"]}
        self.assertEqual(set(rows), {1, 6})  # the search would have tried 4 and 8
        self.assertEqual(rows[1]["reason"], "not in the old document")
        self.assertIn(rows[6]["verdict"], ("same", "faster", "slower", "ambiguous"))

    def test_memory_ends_the_search(self):
        document, _ = self.bench("--device=cpu", "--precision=fp32", "--quick",
                                 "--memory-limit=4")
        row = document["devices"][0]
        self.assertEqual(row["status"], "ok")
        last = row["batches"][-1]
        self.assertTrue(last["images_per_s"] is None or last["reason"] is None)
        self.assertEqual(last["images_per_s"] is None, "MiB" in (last["reason"] or ""))

    def test_what_little_memory_costs(self):
        result = self.run_program(*LENET, *ONE, "--precision=fp32", "--memory-limit=1",
                                  "--json=kept.json", code=0)
        with open(self.path("kept.json"), encoding="utf-8") as file:
            run = json.load(file)["devices"][0]["runs"][0]
        self.assertGreater(run["streamed_bytes"], 1 << 20)
        self.assertIsNone(run["control"])  # for which there is no memory
        self.assertRegex(" ".join(result.out.split()),
                         r"fp32 batch 1: [\d.]+ MiB of its weights do not fit and are sent")

    def test_too_little_memory(self):
        document, _ = self.bench(*ONE, "--precision=fp32", "--memory-limit=1", "--batch=1024")
        row = document["devices"][0]
        self.assertEqual((row["status"], row["runs"][0]["status"]), ("skipped", "skipped"))
        self.assertIn(" MiB of device memory even with streamed weights", row["reason"])
        self.assertEqual(row["reason"], row["runs"][0]["reason"])

    def test_taking_turns(self):
        document, _ = self.bench("--batch=1", "--precision=fp32", "--interleave", env=ALL_DRIVERS)
        self.assertTrue(document["settings"]["interleaved"])
        for row in document["devices"]:
            if row["status"] != "skipped":
                self.check_run(row["runs"][0], document["network"])

    def test_a_trace(self):
        self.bench(*ONE, "--precision=fp32", "--trace=trace.json")
        with open(self.path("trace.json"), encoding="utf-8") as file:
            events = json.load(file)["traceEvents"]
        layers = [event for event in events if event["ph"] == "X"]
        self.assertEqual([event["name"] for event in layers],
                         ["conv1", "pool1", "conv2", "pool2", "ip1", "ip2", "prob"])
        self.assertEqual(layers[0]["ts"], 0)
        for event in layers:
            self.assertEqual(event["pid"], events[0]["pid"])
            self.assertGreaterEqual(event["ts"], 0)
            self.assertGreaterEqual(event["dur"], 0)
        result = self.run_program(*LENET, *ONE, "--trace=no/trace.json", code=1)
        self.assert_one_error(result, "no/trace.json: ")


class Busy(Bench):
    """What others do is told of the time of measuring, and of no other."""

    @staticmethod
    def ticks():
        with open("/proc/stat", encoding="ascii") as file:
            values = [int(value) for value in file.readline().split()[1:9]]
        return sum(values) - values[3] - values[4]  # idle, and waiting for disks

    def measured(self):
        """How many processors others kept busy while bench ran, and its notes."""
        def own():
            usage = resource.getrusage(resource.RUSAGE_CHILDREN)
            return usage.ru_utime + usage.ru_stime
        before = self.ticks() / os.sysconf("SC_CLK_TCK") - own(), time.monotonic()
        document, _ = self.bench(*ONE, "--precision=fp32", "--time=0.3")
        others = self.ticks() / os.sysconf("SC_CLK_TCK") - own() - before[0]
        notes = document["notes"] + document["devices"][0]["notes"]
        return others / (time.monotonic() - before[1]), " ".join(notes)

    def test_a_busy_process_beside(self):
        with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as beside:
            try:
                _, notes = self.measured()
            finally:
                beside.kill()
        self.assertRegex(notes, "is busy: others kept [0-9.]+ processors busy meanwhile")

    def test_nothing_beside(self):
        # Where others are never quiet, that is what must be told.
        for _ in range(5):
            others, notes = self.measured()
            if others < 0.1 and "busy" not in notes or others > 0.4 and "busy meanwhile" in notes:
                return
        self.fail(f"others kept {others:.2f} processors busy, and the notes are {notes!r}")


class Texts(Bench):
    """What people read."""

    def test_tables(self):
        result = self.run_program(*LENET, *ONE, "--json=kept.json", code=0)
        self.assertRegex(result.out, r"(?m)^#  Driver +Weights +ms +\+- +Batch +images/s")
        for precision in ("fp32", "fp16", "int8"):
            self.assertRegex(result.out, rf"(?m)^\d+  .* {precision} .* right$")
        self.assertRegex(result.out, r"(?m)^Layers on device \d+ \(.*\), fp32, batch 1$")
        self.assertRegex(result.out, r"(?m)^conv1 +\w+ ")
        self.assertRegex(result.out, r"can do [\d.]+ GFLOP/s")
        with open(self.path("kept.json"), encoding="utf-8") as file:
            self.assertEqual(list(violations(json.load(file), SCHEMA["$defs"]["bench"])), [])
        quiet = self.run_program(*LENET, *ONE, "-q", code=0).out
        self.assertNotIn("Layers on", quiet)

    def test_csv(self):
        out = self.run_program(*LENET, *ONE, "--csv", code=0).out
        rows = list(csv.DictReader(io.StringIO(out, newline="")))
        self.assertEqual(len(rows), 3 * (1 + 7))
        for row in rows:
            self.assertNotIn(None, row)
            self.assertNotIn(None, row.values())
            self.assertEqual(row["status"], "ok")
            self.assertEqual(bool(row["images_per_s"]), not row["layer"])
        self.assertEqual({row["layer"] for row in rows},
                         {"", "conv1", "pool1", "conv2", "pool2", "ip1", "ip2", "prob"})

    def test_markdown(self):
        out = self.run_program(*LENET, *ONE, "--precision=fp32", "--markdown", code=0).out
        tables = [block.splitlines() for block in out.split("\n\n") if block.startswith("| ")]
        self.assertEqual(len(tables), 3)  # the device, its limits, its layers
        for table in tables:
            self.assertEqual(len({len(re.findall(r"(?<!\\)\|", line)) for line in table}), 1)

    def test_wrong_words(self):
        for arguments, part in ((("--time=0",), "--time"), (("--time=-1",), "--time"),
                                (("--timeout=0",), "--timeout"), (("image.png",), "image.png"),
                                (("--network=lenet-6",), "lenet-5")):
            with self.subTest(arguments=arguments):
                self.assert_one_error(self.run_program("bench", *arguments, code=2), part)
        self.assert_one_error(self.run_program("bench", "-d", "99", code=3), "99")
        self.assert_one_error(self.run_program("bench", "-m", "none.onnx", code=4), "none.onnx")
        result = self.run_program(*QUICK, env={"OCL_ICD_VENDORS": self.folder}, code=3)
        self.assert_one_error(result, "no OpenCL device")


@needs_layers
class Lies(Bench):
    """Drivers that crash, hang and compute wrongly are rows."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        listed = subprocess.run([PROGRAM, "devices", "--json"], stdout=subprocess.PIPE,
                                env=cls.environment(**ALL_DRIVERS), check=False)
        cls.devices = json.loads(listed.stdout)["devices"]
        cls.liar = next(device for device in cls.devices if device["default"])

    def lie(self, **lies):
        return lie({"on": self.liar["platform"], **lies})

    def lied(self, *arguments, code=5, **lies):
        document, result = self.bench("--device=1", "--batch=1", *arguments,
                                      env=self.lie(**lies), code=code)
        return document["devices"][0], result

    def test_a_crash_at_once(self):
        row, result = self.lied(crash=1)
        self.assertEqual((row["status"], row["phase"], row["runs"]), ("failed", "limits", []))
        self.assertIn("crashed: Segmentation fault", row["reason"])
        self.assertEqual(result.err, "")

    def test_a_crash_while_running(self):
        # the first run, four images to be checked, then those that are timed
        row, _ = self.lied(crash=6, kernel="softmax")
        self.assertEqual(row["status"], "failed")
        self.assertGreater(row["limits"]["fma_gflops"], 0)
        self.assertEqual([run["status"] for run in row["runs"]], ["failed"] * 3)
        self.assertRegex(row["phase"], r"^(fp32|fp16|int8) batch 1$")

    def test_a_crash_leaves_the_others(self):
        others = [device["number"] for device in self.devices
                  if device["platform"] != self.liar["platform"]
                  and device["usable"] and not device["simulator"]]
        if not others:
            self.skipTest("there is one platform alone")
        document, _ = self.bench("--batch=1", "--precision=fp32", code=1,
                                 env={**ALL_DRIVERS, **self.lie(crash=1)})
        states = {row["device"]["number"]: row["status"] for row in document["devices"]}
        self.assertEqual(states[self.liar["number"]], "failed")
        self.assertEqual({states[number] for number in others}, {"ok"})

    def test_hanging(self):
        row, _ = self.lied("--timeout=2", hang=1)
        self.assertEqual((row["status"], row["phase"]), ("failed", "limits"))
        self.assertRegex(row["reason"], r"it hangs: no progress for \d+ s")

    def test_hanging_while_running(self):
        row, _ = self.lied("--timeout=20", hang=6, kernel="softmax")
        self.assertRegex(row["reason"], r"no progress for \d+ s \(running\)")
        # in which order precisions are measured is drawn anew each time
        self.assertCountEqual([run["status"] for run in row["runs"]],
                              ["failed"] + ["skipped"] * 2)

    def test_wrong_results_are_not_timed(self):
        row, _ = self.lied(wrong=1000)
        self.assertEqual(row["status"], "failed")
        self.assertGreater(row["check"]["worst"], 1)
        for run in row["runs"]:
            self.assertEqual((run["status"], run["samples_ms"]), ("failed", []))
            self.assertIn("wrong results", run["reason"])
        text = self.run_program(*LENET, "--device=1", "--batch=1", env=self.lie(wrong=1000), code=5)
        self.assertRegex(text.out, r"(?m)failed at .* batch 1: wrong results: off by 1e\+03")
        self.assertNotIn("right", text.out)

    def test_what_verify_found_wrong_is_left_out(self):
        cache = f"--cache-dir={self.path(self.id())}"
        arguments = (f"--device={self.liar['number']}", "--batch=1", "--precision=fp32", cache)

        def measured():
            row = self.bench(*arguments)[0]["devices"][0]
            layer = next(layer for layer in row["runs"][0]["layers"] if layer["name"] == "conv2")
            return row["left_out"], layer["algorithm"]

        left_out, chosen = measured()
        self.assertEqual(left_out, [])
        self.run_program("verify", arguments[0], cache, "--layer=conv", f"--algorithm={chosen}",
                         "--shapes=2", env=self.lie(wrong=1000), code=5)
        left_out, another = measured()
        self.assertIn(f"conv {chosen} fp32", left_out)
        self.assertNotEqual(another, chosen)
        note = f"left out: {', '.join(left_out)} (verify found "
        out = self.run_program(*LENET, *arguments, "--html=page.html", "--json=kept.json",
                               code=0).out
        self.assertIn(f"{self.liar['number']}: {note}", " ".join(out.split()))
        with open(self.path("page.html"), encoding="utf-8") as file:
            self.assertIn(note, file.read())
        shown = self.run_program("bench", "--from", "kept.json", "--markdown", code=0).out
        self.assertIn(note, shown)
        shown = self.run_program("bench", "--from", "kept.json", "--csv", code=0).out
        self.assertEqual({row["left_out"] for row in csv.DictReader(io.StringIO(shown))},
                         {"; ".join(left_out)})

    def test_a_compiler_that_fails(self):
        row, _ = self.lied("--no-cache", build=0)
        self.assertIn("does not compile", row["reason"])

    def test_clocks_that_run_backwards(self):
        row, _ = self.lied("--precision=fp32", code=0, clock=0)
        run = row["runs"][0]
        self.assertGreater(run["median_ms"], 0)  # by the host's clock
        for layer in run["layers"]:
            self.assertEqual((layer["samples"], layer["median_ms"]), (0, None))
            self.assertEqual(set(layer["samples_ms"]), {None})
            self.assertIn("backwards", layer["reason"])

    def test_clocks_that_tell_no_time(self):
        row, _ = self.lied("--precision=fp32", code=0, clock=1)
        run = row["runs"][0]
        for layer in run["layers"]:  # by the host's clock, each waited for
            self.assertGreater(layer["median_ms"], 0)
            self.assertIsNone(layer["reason"])
        self.assertLess(sum(layer["median_ms"] for layer in run["layers"]),
                        2 * run["profiled_ms"])
        self.assertIn("tells next to no time", " ".join(run["notes"]))


class Ends(Bench):
    """Interrupted, or killed."""

    def start(self):
        process = subprocess.Popen([PROGRAM, *LENET, "--time=60", "--device=cpu"],
                                   env=self.environment(), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, cwd=self.folder)
        started = time.monotonic()
        while not (children := self.children(process.pid)):
            self.assertLess(time.monotonic() - started, 60)
            time.sleep(0.01)
        return process, children

    @staticmethod
    def children(pid):
        try:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                return [int(word) for word in file.read().split()]
        except FileNotFoundError:
            return []

    def assert_gone(self, pids):
        started = time.monotonic()
        for pid in pids:
            while os.path.exists(f"/proc/{pid}"):
                with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                    if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                        break  # dead, and not yet buried by whoever inherited it
                self.assertLess(time.monotonic() - started, 60, "a child lives on")
                time.sleep(0.01)

    def test_interrupted(self):
        process, children = self.start()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 130)
        self.assert_gone(children)

    def test_killed(self):
        process, children = self.start()
        process.kill()
        process.wait(60)
        self.assert_gone(children)


if __name__ == "__main__":
    unittest.main()
