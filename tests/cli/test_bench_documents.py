"""What bench makes of documents: tables, CSV, Markdown, merged ones, comparisons."""
import csv
import errno
import io
import json
import os
import unittest

import benches
from program import SCHEMA, Case, violations


class Documents(Case):
    """Documents in files."""

    def document_file(self, name, *changes):
        return self.write(name, benches.text_of(benches.sample(*changes)))

    def bench(self, *arguments, **options):
        return self.run_program("bench", *arguments, **options)


class Shown(Documents):
    """A document printed again."""

    def test_the_table(self):
        out = self.bench("--from", self.document_file("a.json"), code=0).out
        for part in ("random weights", "NVIDIA GeForce GTX 1080 · gpu", "2,227", "0.993",
                     "3 failed at fp32 batch 1: the driver crashed", "5 skipped: it has",
                     "the machine is busy", "slowed down by 7 %", "end before the start",
                     "above 100 % multiplications were saved (Winograd)",
                     "can do 7,900 GFLOP/s", "AMD EPYC, 2 processors, 7.8 GiB"):
            self.assertIn(" ".join(part.split()), " ".join(out.split()))
        for line in out.splitlines():
            self.assertLessEqual(len(line), 80, line)

    def test_more_and_less(self):
        path = self.document_file("a.json")
        for line in self.bench("--from", path, "-v").out.splitlines():
            self.assertLessEqual(len(line), 80, line)
        normal, more = self.bench("--from", path).out, self.bench("--from", path, "-v").out
        less = self.bench("--from", path, "-q").out
        self.assertEqual([text.count("Algorithm") for text in (less, normal, more)], [0, 3, 18])

    def test_without_unicode(self):
        out = self.bench("--from", self.document_file("a.json"), env={"LC_ALL": "C"}, code=0).out
        self.assertTrue(out.isascii())

    def test_runs_have_an_order(self):
        def shuffled(document):
            for device in document["devices"]:
                device["runs"].reverse()
        path = self.document_file("s.json", shuffled)
        self.assertEqual(self.document(self.bench("--from", path, "--json"), "bench"),
                         benches.rounded(benches.SAMPLE))

    def test_the_same_note_of_several_runs(self):
        def noted(document):
            for run in document["devices"][0]["runs"][:3]:
                run["notes"] = ["a fan fell off"]
        out = self.bench("--from", self.document_file("n.json", noted), code=0).out
        self.assertEqual(out.count("a fan fell off"), 1)
        self.assertIn("1 fp32 batch 1, fp32 batch 16, fp16 batch 1: a fan fell off", out)

    def test_json_is_the_document(self):
        result = self.bench("--from", self.document_file("a.json"), "--json", code=0)
        self.assertEqual(self.document(result, "bench"), benches.rounded(benches.SAMPLE))

    def test_csv(self):
        result = self.bench("--from", self.document_file("a.json"), "--csv", code=0)
        rows = list(csv.DictReader(io.StringIO(result.out)))
        runs = sum(len(device["runs"]) for device in benches.SAMPLE["devices"])
        self.assertEqual(len([row for row in rows if not row["layer"]]), runs + 2)
        self.assertEqual({None in row or None in row.values() for row in rows}, {False})
        run = benches.SAMPLE["devices"][0]["runs"][0]
        self.assertEqual(float(rows[0]["median_ms"]), run["median_ms"])
        self.assertEqual(rows[1]["layer"], "conv1")
        failed = [row for row in rows if row["status"] == "failed"]
        self.assertEqual(failed[0]["reason"], "the driver crashed (segmentation fault)")

    def test_markdown(self):
        out = self.bench("--from", self.document_file("a.json"), "--markdown", code=0).out
        tables = [line.count("|") - line.count("\\|") for line in out.splitlines()
                  if line.startswith("|")]
        self.assertEqual(set(tables), {10, 11})
        self.assertIn("| conv2 | winograd |", out)
        self.assertIn("3 failed at fp32 batch 1: ", out)

    def test_files_beside_the_table(self):
        files = [self.path(name) for name in ("o.json", "o.csv", "o.md", "o.html")]
        out = self.bench("--from", self.document_file("a.json"), "--json=" + files[0],
                         "--csv=" + files[1], "--markdown=" + files[2], "--html", files[3],
                         code=0).out
        self.assertIn("images/s", out)
        self.assertTrue(all(os.path.getsize(path) > 1000 for path in files))

    def test_hostile_texts(self):
        path = self.document_file("h.json", benches.hostile)
        for output in ("--csv", "--markdown", "--json", "-v", "--html=-"):
            with self.subTest(output=output):
                out = self.bench("--from", path, output, code=0).out
                self.assertNotIn("\x1b", out)
                if output != "--json":  # which keeps what it was given
                    self.assertNotIn("\u202e", out)
                if output in ("--markdown", "--html=-"):
                    self.assertNotIn("<script", out)
        formula = self.document_file(
            "f.json", lambda d: d["devices"][0]["device"].update(name=benches.FORMULA))
        rows = list(csv.DictReader(io.StringIO(self.bench("--from", formula, "--csv").out)))
        self.assertEqual(rows[0]["device"], "'" + benches.FORMULA)

    def test_nothing_known(self):
        """Every value that may be null is null; every list of devices and runs may be empty."""
        unknown = benches.nothing_known(benches.SAMPLE, SCHEMA["$defs"]["bench"], SCHEMA["$defs"])
        self.assertEqual(list(violations(unknown, SCHEMA["$defs"]["bench"])), [])
        empty = benches.sample(lambda d: d.update(devices=[], hardware=[], notes=[]))
        bare = benches.sample(*[lambda d, i=i: d["devices"][i].update(runs=[], batches=[])
                                for i in range(5)])
        for document in (unknown, empty, bare):
            path = self.write("n.json", json.dumps(document))
            for output in ("--csv", "--markdown", "--json", "-v", "--html=-"):
                with self.subTest(output=output):
                    result = self.bench("--from", path, output, code=0)
                    self.assertNotIn("nan", result.out.lower().replace("nano", ""))

    def test_what_cannot_be_written(self):
        path = self.document_file("a.json")
        for output in ("--html=/dev/full", "--csv=/dev/full", "--markdown=/dev/full"):
            with self.subTest(output=output):
                result = self.bench("--from", path, output, code=1)
                self.assert_one_error(result, "/dev/full: ", os.strerror(errno.ENOSPC))
        result = self.bench("--from", path, "--html", self.path("no/such/folder.html"), code=1)
        self.assert_one_error(result, "folder.html: cannot be written")
        self.assertEqual(result.out, "")

    def test_wrong_usage(self):
        path = self.document_file("a.json")
        for arguments, part in (
                (["--from", path, "--json", "--csv"], "two outputs"),
                ([path], "--from FILE"), (["--merge"], "--merge: needs"),
                (["--merge", "--from", path, path], "--from: not with --merge"),
                (["--merge", "--compare", path, path], "--compare: not with --merge"),
                (["--compare", path, path, path], "too many"),
                (["--from", path, "--threshold", "3"], "--threshold"),
                (["--compare", path, path, "--threshold", "-3"], "--threshold"),
                (["--compare", path, path, "--threshold", "x"], "--threshold"),
                (["--compare", path, path, "--csv"], "--csv")):
            with self.subTest(arguments=arguments):
                self.assert_one_error(self.bench(*arguments, code=2), part)


class Refused(Documents):
    """What is no document, a damaged one, or one of another version."""

    def assert_refused(self, content, *parts):
        path = self.write("bad.json", content)
        for arguments in (["--from", path], ["--merge", path], ["--compare", path, path]):
            result = self.bench(*arguments, code=4)
            self.assert_one_error(result, path, *parts)
            self.assertEqual(result.out, "")

    def test_damaged(self):
        whole = benches.text_of(benches.SAMPLE)
        for content in (b"", b"\x00" * 100, whole[:-1], whole[:5000], "[" * 100000, "null", "[]"):
            with self.subTest(content=content[:20]):
                self.assert_refused(content)

    def test_wrong_values(self):
        for where, change in (
                ("devices", lambda d: d.update(devices={})),
                ("lacks hashes", lambda d: d.pop("hashes")),
                ("devices[0].runs[1].samples_ms[2]",
                 lambda d: d["devices"][0]["runs"][1]["samples_ms"].insert(2, "x")),
                ("devices[0].runs[0].median_ms",
                 lambda d: d["devices"][0]["runs"][0].update(median_ms=-1)),
                ("host.fingerprint", lambda d: d["host"].update(fingerprint="me@home")),
                ("devices[0].status", lambda d: d["devices"][0].update(status="great")),
                ("hardware", lambda d: d["devices"][0].update(hardware=9)),
                ("devices[0].device.id", lambda d: d["devices"][0]["device"].update(id=3)),
                ("model.input", lambda d: d["model"].update(input=[1, 2]))):
            with self.subTest(where=where):
                self.assert_refused(benches.text_of(benches.sample(change)), "damaged", where)

    def test_foreign_and_newer(self):
        self.assert_refused('{"schema": "alexnet-cl/devices/1", "version": "1", "devices": []}',
                            "no document of alexnet-cl bench")
        self.assert_refused('{"format_version": 1}', "no document of alexnet-cl bench")
        self.assert_refused('{"schema": "alexnet-cl/bench/2", "version": "9"}', "newer alexnet-cl")
        self.assert_refused('{"schema": "alexnet-cl/bench-merged/2"}', "newer alexnet-cl")

    def test_added_fields_are_no_fault(self):
        path = self.document_file("more.json", lambda d: d["devices"][0].update(colour="red"))
        self.bench("--from", path, "--html", self.path("more.html"), code=0)

    def test_files(self):
        for path in ("nowhere.json", "."):
            with self.subTest(path=path):
                self.assert_one_error(self.bench("--from", path, code=4), path)


class Merged(Documents):
    """Several machines in one document."""

    def test_two_machines(self):
        paths = [self.document_file("a.json"), self.document_file("b.json", benches.other_machine)]
        result = self.bench("--merge", *paths, "--json", code=0)
        merged = self.document(result, "bench_merged")
        self.assertEqual([part["host"]["logical_cpus"] for part in merged["documents"]], [2, 64])
        self.assertEqual((merged["duplicates"], result.err), ([], ""))
        again = self.write("merged.json", result.out)
        self.assertIn("Other CPU 9000", self.bench("--from", again, code=0).out)
        third = self.document_file("c.json", benches.other_machine,
                                   lambda d: d["host"].update(fingerprint="e" * 16))
        both = self.document(self.bench("--merge", again, third, "--json"), "bench_merged")
        self.assertEqual(len(both["documents"]), 3)

    def test_duplicates(self):
        path = self.document_file("a.json")
        later = self.document_file("b.json", lambda d: d.update(time="2026-11-26T12:00:00Z"),
                                   lambda d: d.update(devices=d["devices"][:1]))
        result = self.bench("--merge", path, path, later, "--json", code=0)
        merged = self.document(result, "bench_merged")
        self.assertEqual(len(merged["documents"]), 2)
        self.assertEqual([(row["id"], row["documents"]) for row in merged["duplicates"]],
                         [("1:1", [0, 1])])
        self.assertEqual(len(result.errors), 2)
        self.assertIn("is in already", result.errors[0])
        self.assertIn("was measured twice", result.errors[1])

    def test_other_networks(self):
        other = self.document_file("o.json", lambda d: d["network"].update(name="vgg16"))
        result = self.bench("--merge", self.document_file("a.json"), other, code=2)
        self.assert_one_error(result, other, "vgg16", "alexnet")


class Compared(Documents):
    """Two measurements of one machine."""

    def compare(self, *changes, arguments=(), code=0):
        old, new = self.document_file("old.json"), self.document_file("new.json", *changes)
        result = self.bench("--compare", old, new, "--json", *arguments, code=code)
        return self.document(result, "bench_compare")

    def verdicts(self, comparison, device=0, run=0):
        row = comparison["devices"][device]["runs"][run]
        return row["verdict"], {layer["name"]: layer["verdict"] for layer in row["layers"]}

    def test_the_same(self):
        comparison = self.compare()
        self.assertEqual({layer["verdict"] for device in comparison["devices"]
                          for run in device["runs"] for layer in [run, *run["layers"]]
                          if layer["new"] and layer["new"]["samples"] >= 6}, {"same"})

    def test_a_slower_layer(self):
        slower = benches.scaled(1.1, layer="conv2")
        verdict, layers = self.verdicts(self.compare(slower, code=1))
        self.assertEqual(verdict, "same")
        self.assertEqual([name for name in layers if layers[name] == "slower"], ["conv2"])
        self.compare(slower, arguments=["--threshold=9.5"], code=1)
        self.compare(slower, arguments=["--threshold=10.5"])

    def test_a_faster_run(self):
        self.assertEqual(self.verdicts(self.compare(benches.scaled(0.8)))[0], "faster")

    def test_intervals_that_meet(self):
        """10 % between medians is no verdict while the samples spread that far."""
        def noisy(document):
            samples = document["devices"][0]["runs"][0]["samples_ms"]
            for i in range(0, len(samples), 2):
                samples[i] *= 1.3
        self.assertEqual(self.verdicts(self.compare(noisy))[0], "ambiguous")

    def test_too_few_samples(self):
        def few(document):
            run = document["devices"][0]["runs"][0]
            run["samples_ms"] = [ms * 2 for ms in run["samples_ms"][:5]]
        row = self.compare(few)["devices"][0]["runs"][0]
        self.assertEqual((row["verdict"], row["reason"]), ("ambiguous", "too few samples"))

    def test_time_that_wanders(self):
        """Many samples that agree for a while are no better than a few."""
        def later(start, change):
            def apply(document):
                document["devices"][0]["runs"][0]["samples_ms"] = [
                    start + 0.01 * (i % 3) + (change if i >= 500 else 0) for i in range(800)]
            return apply
        for old, new, verdict in ((later(10, 0), later(10.3, 0), "slower"),
                                  (later(10, 1), later(10.3, 0), "ambiguous"),
                                  (later(10, 0), later(10.3, -1), "ambiguous")):
            paths = [self.document_file("old.json", old), self.document_file("new.json", new)]
            result = self.bench("--compare", *paths, "--json", code=0)
            self.assertEqual(self.verdicts(self.document(result, "bench_compare"))[0], verdict)

    def test_load_is_no_slower_kernel(self):
        """Medians are far apart, but some samples are as quick as they were."""
        def loaded(document):
            run = document["devices"][0]["runs"][0]
            quickest = min(run["samples_ms"])
            run["samples_ms"] = [ms * (1.5 if ms > quickest else 1) for ms in run["samples_ms"]]
        run = self.compare(loaded)["devices"][0]["runs"][0]
        self.assertEqual((run["verdict"], run["regression"]), ("ambiguous", False))
        self.assertGreater(run["change_percent"], 40)

    def test_a_slower_machine_is_no_slower_kernel(self):
        """Every sample is slower; so were the limits beside them, by as much, less or not."""
        for slower, threshold, verdict, regression in (
                (1, 40, "slower", True), (1.5, 5, "ambiguous", False),
                (1.6, 5, "ambiguous", False), (1.2, 20, "slower", True),
                (1.2, 30, "slower", False), (0.8, 15, "slower", True)):
            old = self.document_file("old.json", benches.controlled(100, 10))
            new = self.document_file("new.json", benches.scaled(1.5),
                                     benches.scaled(1.5, layer="conv2"),
                                     benches.controlled(100 / slower, 10 / slower))
            with self.subTest(slower=slower, threshold=threshold):
                result = self.bench("--compare", old, new, "--json", f"--threshold={threshold}",
                                    code=int(regression))
                run = self.document(result, "bench_compare")["devices"][0]["runs"][0]
                layer = next(row for row in run["layers"] if row["name"] == "conv2")
                for row in (run, layer):
                    self.assertEqual((row["verdict"], row["regression"]), (verdict, regression))
                    self.assertAlmostEqual(row["change_percent"], 50, places=5)
                    self.assertEqual(row["reason"] is None, verdict == "slower")
        new = self.document_file("new.json", benches.scaled(1.2), benches.controlled(80, 8))
        out = " ".join(self.bench("--compare", old, new, code=0).out.split())
        self.assertIn("ambiguous: the machine changed by +25 %, too", out)

    def test_a_layer_goes_with_the_limit_that_bounds_it(self):
        changes = [benches.scaled(1.25, layer=layer) for layer in ("conv2", "fc6")]
        old = self.document_file("old.json", benches.controlled(100, 10))
        for fma, read, verdicts in ((100, 10, ("slower", "slower")),
                                    (80, 10, ("ambiguous", "ambiguous")),
                                    (100 / 1.1, 10, ("slower", "slower")),
                                    (100, 8, ("ambiguous", "ambiguous")),
                                    (100, 12.5, ("ambiguous", "slower")),
                                    (125, 10, ("slower", "ambiguous"))):
            new = self.document_file("new.json", *changes, benches.controlled(fma, read))
            result = self.bench("--compare", old, new, "--json", code=int("slower" in verdicts))
            _, layers = self.verdicts(self.document(result, "bench_compare"))
            self.assertEqual((layers["conv2"], layers["fc6"]), verdicts)

    def compare_states(self, old, new, code=0):
        """{name: row} of the run and the layers that benches.in_states() makes."""
        old = self.document_file("old.json", benches.in_states(*old))
        new = self.document_file("new.json", benches.in_states(*new))
        result = self.bench("--compare", old, new, "--json", code=code)
        run = self.document(result, "bench_compare")["devices"][0]["runs"][0]
        return {row.get("name", "all"): row for row in [run, *run["layers"]]
                if row.get("name", "all") in ("all", "fc6", "conv2")}

    SOME, OTHERS = [0, 0, 1] * 5, [1, 1, 0] * 5

    def test_a_slower_kernel_in_a_machine_that_changes(self):
        """More than what the machine does is told from it, whatever it did."""
        for old, new in ((self.SOME, self.SOME), (self.SOME, self.OTHERS),
                         (self.OTHERS, self.SOME)):
            rows = self.compare_states((old,), (new, 1.1), code=1)
            for row in rows.values():
                self.assertAlmostEqual(row["same_state_percent"], 10, delta=1.5)
                self.assertEqual((row["verdict"], row["regression"]), ("slower", True))
        self.assertLess(rows["fc6"]["change_percent"], -30)  # and yet the kernel is slower

    def test_a_machine_that_changes_is_no_slower_kernel(self):
        for old, new in ((self.SOME, self.OTHERS), (self.OTHERS, self.SOME)):
            for row in self.compare_states((old,), (new,)).values():
                self.assertAlmostEqual(row["same_state_percent"], 0, delta=1.5)
                self.assertGreater(abs(row["change_percent"]), 20)
                self.assertIn(row["verdict"], ("same", "ambiguous"))

    def test_states_that_do_not_overlap(self):
        """Nothing is carried into a state that was never seen."""
        for new in ([1] * 15, [1] * 15 + [0]):
            for row in self.compare_states(([0] * 15,), (new,)).values():
                self.assertIsNone(row["same_state_percent"])
                self.assertEqual(row["verdict"], "ambiguous")
                self.assertEqual(row["reason"], "the machine was in another state")

    def test_a_faster_machine_is_no_faster_kernel(self):
        for slower, verdict in ((1, "faster"), (0.8, "ambiguous"), (1.25, "faster")):
            old = self.document_file("old.json", benches.controlled(100, 10))
            new = self.document_file("new.json", benches.scaled(0.8),
                                     benches.controlled(100 / slower, 10 / slower))
            result = self.bench("--compare", old, new, "--json", code=0)
            self.assertEqual(self.verdicts(self.document(result, "bench_compare"))[0], verdict)

    def test_a_short_layer_is_no_regression(self):
        comparison = self.compare(benches.scaled(2, layer="prob"))
        layer = comparison["devices"][0]["runs"][0]["layers"][-1]
        self.assertEqual((layer["verdict"], layer["regression"]), ("slower", False))

    def test_devices_that_fail_come_and_go(self):
        def fails(document):
            document["devices"][0].update(status="failed", reason="it hangs", runs=[])
        failed = self.compare(fails, code=1)["devices"][0]
        self.assertEqual((failed["regression"], failed["runs"]), (True, []))
        gone = self.compare(lambda d: d["devices"].pop(0))["devices"]
        self.assertEqual([row["reason"] for row in gone if row["device"]["number"] == 1],
                         ["not in the new document"])
        renumbered = self.compare(lambda d: d["devices"][0]["device"].update(number=9),
                                  lambda d: d["devices"][0]["device"].update(driver="4.0"))
        self.assertEqual(renumbered["devices"][0]["notes"], ["the driver was 3.1, is 4.0"])
        self.assertTrue(renumbered["devices"][0]["runs"])

    def test_runs_that_fail_come_and_go(self):
        def fails(document):
            document["devices"][0]["runs"][0].update(status="failed", reason="wrong results")
        run = self.compare(fails, code=1)["devices"][0]["runs"][0]
        self.assertEqual((run["verdict"], run["reason"], run["regression"]),
                         (None, "wrong results", True))
        other = self.compare(lambda d: d["devices"][0]["runs"][1].update(batch=32))
        self.assertEqual([run["reason"] for run in other["devices"][0]["runs"] if run["reason"]],
                         ["not in the old document", "not in the new document"])

    def test_what_cannot_be_compared(self):
        old = self.document_file("old.json")
        merged = self.write("m.json", self.bench("--merge", old, "--json").out)
        self.assert_one_error(self.bench("--compare", old, merged, code=2), "several measurements")
        for part, change in (
                ("vgg16", lambda d: d["network"].update(name="vgg16")),
                ("weights", lambda d: d["hashes"].update(weights="0" * 64)),
                ("two machines", benches.other_machine),
                ("two machines", lambda d: d["host"].update(fingerprint="f" * 16)),
                ("no run was measured both times", lambda d: d["devices"].clear())):
            with self.subTest(part=part):
                new = self.document_file("new.json", change)
                result = self.bench("--compare", old, new, code=2)
                self.assert_one_error(result, part)
                self.assertEqual(result.out, "")

    def test_it_is_refused_before_anything_is_measured(self):
        old = self.document_file("old.json")
        for path, code, part in ((old, 2, "alexnet was measured before"),
                                 (self.model, 4, self.model)):
            result = self.bench("--network=lenet-5", "--device=cpu", "--time=0.05",
                                "--trace=trace.json", "--compare", path, code=code)
            self.assert_one_error(result, part)
            self.assertFalse(os.path.exists(self.path("trace.json")))

    def test_measured_now(self):
        old = self.path("measured.json")
        arguments = ("--network=lenet-5", "--device=cpu", "--batch=1", "--precision=fp32",
                     "--time=0.05", "--threshold=100000")
        self.bench(*arguments[:-1], "--json=" + old, code=0)
        comparison = self.document(self.bench(*arguments, "--compare", old, "--json", code=0),
                                   "bench_compare")
        self.assertIsNotNone(comparison["devices"][0]["runs"][0]["verdict"])

    def test_a_new_system_on_the_same_machine(self):
        self.compare(lambda d: d["host"].update(fingerprint="f" * 16, os="Linux 6.2"))

    def test_the_table(self):
        old = self.document_file("old.json")
        new = self.document_file("new.json", benches.scaled(1.1, layer="conv2"))
        out = self.bench("--compare", old, new, code=1).out
        self.assertRegex(out, r"conv2 +6\.22 .* 6\.84 .* \+10\.0 % +REGRESSION, slower")
        self.assertNotIn("conv3", out)
        self.assertIn("conv3", self.bench("--compare", old, new, "-v", code=1).out)
        self.assertIn("1 regression above 5.0 %", out)
        for line in out.splitlines():
            self.assertLessEqual(len(line), 80, line)
        self.assertIn("| conv2 |", self.bench("--compare", old, new, "--markdown", code=1).out)


if __name__ == "__main__":
    unittest.main()
