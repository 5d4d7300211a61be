"""Classifying: answers, options that change them, and the way they are shown."""
import os
import unittest

import models
import pictures
from program import Case


class Classify(Case):
    """The default command."""

    def top(self, *arguments, **options):
        """{label: probability} of the last image."""
        result = self.classify("--json", *arguments, code=0, **options)
        document = self.document(result, "classify")
        return {entry["label"]: entry["probability"] for entry in document["images"][-1]["top"]}

    def assert_top(self, top, colour, scale=1 / 255):
        expected = models.probabilities(colour, scale)
        for label, probability in zip(models.LABELS, expected):
            self.assertAlmostEqual(top[label], probability, delta=1e-4)

    def test_text(self):
        result = self.classify(self.red, self.blue, code=0)
        lines = result.out.splitlines()
        self.assertEqual(lines[0], self.red)
        self.assertRegex(lines[1], r"^   96\.47 %  █+[▏▎▍▌▋▊▉]? +red$")
        self.assertEqual(len(lines), 2 * (1 + 3) + 1)
        self.assertEqual(lines[4], self.blue)
        self.assertRegex(lines[5], r" blue$")
        self.assertRegex(lines[-1], r"^device \d+ .* · colours · fp32 · [\d.]+ m?s/image$")
        self.assertEqual(result.err, "")

    def test_the_word_classify_may_stand_in_front(self):
        result = self.run_program("classify", "-m", self.model, self.red, code=0)
        self.assertIn("red", result.out)

    def test_top(self):
        self.assertEqual(list(self.top("-k1", self.blue)), ["blue"])
        self.assertEqual(list(self.top("--top=2", self.blue)), ["blue", "red"])
        self.assertEqual(list(self.top("--top=0", self.blue)), models.LABELS)

    def test_quiet_and_verbose(self):
        quiet = self.classify("-q", self.red, code=0)
        self.assertNotIn("fp32", quiet.out)
        verbose = self.classify("-v", self.red, code=0)
        self.assertRegex(verbose.out, r"(?s)discover .* run .*\btotal ")

    def test_standard_input(self):
        picture = pictures.png(8, 8, pictures.BLUE)
        self.assertEqual(list(self.top("-", stdin=picture))[0], "blue")
        result = self.classify("-", stdin=b"", code=1)
        self.assert_one_error(result, "standard input: ")

    def test_names_that_look_like_options(self):
        self.write("-x.png", pictures.png(8, 8, pictures.GREEN))
        self.assertEqual(list(self.top("--", "-x.png"))[0], "green")
        result = self.classify("-x.png", code=2)
        self.assert_one_error(result, "-x: ")
        self.write("devices", pictures.png(8, 8, pictures.GREEN))
        self.assertEqual(list(self.top("--", "devices"))[0], "green")

    def test_names_with_control_characters(self):
        name = "a\x1b[31m\nb.png"
        self.write(name, pictures.png(8, 8, pictures.RED))
        result = self.classify(name, "missing\x1b]0;x\x07.png", code=1)
        self.assertNotRegex(result.out + result.err, "[\x00-\x09\x0b-\x1f]")
        self.assert_one_error(result, "missing?]0;x?.png")
        document = self.document(self.classify("--json", name, code=0), "classify")
        self.assertEqual(document["images"][0]["path"], name)

    def test_names_that_are_no_utf8(self):
        name = b"\xff.png"
        with open(os.path.join(self.folder.encode(), name), "wb") as file:
            file.write(pictures.png(8, 8, pictures.RED))
        self.assertIn("?.png", self.classify(name, code=0).out)
        document = self.document(self.classify("--json", name, code=0), "classify")
        self.assertEqual(document["images"][0]["path"], "?.png")

    def test_labels_from_outside_are_cleaned(self):
        evil = models.colours(labels=["r\x1b[2Jed", "green", "blue"])
        result = self.run_program("-m", self.write("evil.safetensors", evil), self.red)
        self.assertNotIn("\x1b", result.out + result.err)

    def test_pixels(self):
        """Giving one of mean, std, scale resets the others."""
        self.assert_top(self.top(self.red), pictures.RED)
        self.assert_top(self.top("--scale=0.0039215687", self.red), pictures.RED)
        self.assert_top(self.top("--std=255", self.red), pictures.RED)
        self.assert_top(self.top("--mean=0", self.red), pictures.RED, scale=1)
        self.assert_top(self.top("--mean=254,0,0", self.red), (1, 0, 0), scale=1)
        self.assert_top(self.top("--mean", "0", "--std=510,510,510", self.red), pictures.RED,
                        scale=1 / 510)

    def test_order(self):
        self.assertEqual(list(self.top("-k1", "--order=bgr", self.red)), ["blue"])
        self.assertEqual(list(self.top("-k1", "--order=rgb", self.red)), ["red"])

    def test_resize(self):
        half = pictures.png(8, 16, pictures.RED)
        self.assert_top(self.top("--resize=warp", self.write("half.png", half)), pictures.RED)
        self.assert_top(self.top("--resize=crop", self.path("half.png")), pictures.RED)
        result = self.classify("--resize=none", "--json", self.path("half.png"), code=1)
        self.assert_one_error(result, "half.png: ", "8")
        error = self.document(result, "classify")["images"][0]["error"]
        self.assertEqual(error["code"], "image-size")
        exact = self.write("exact.png", pictures.png(8, 8, pictures.BLUE))
        self.assert_top(self.top("--resize=none", exact), pictures.BLUE)

    def test_ten_crop(self):
        cropped = self.write("cropped.safetensors", models.colours(resize_size=12))
        for left in (2, 8, 10):
            picture = self.write("two.ppm", models.two_colours(12, left))
            expected = dict(zip(models.LABELS, models.ten_crop(12, left)))
            for batch in ("--batch=1", "--batch=3"):
                result = self.run_program("-m", cropped, "--json", "--ten-crop", batch, self.red,
                                          picture, code=0)
                document = self.document(result, "classify")
                self.assertEqual(document["views"], 10)
                for entry in document["images"][1]["top"]:
                    self.assertAlmostEqual(entry["probability"], expected[entry["label"]],
                                           delta=1e-5)
            result = self.run_program("-m", cropped, "--json", picture, code=0)
            document = self.document(result, "classify")
            self.assertEqual(document["views"], 1)
            top = {entry["label"]: entry["probability"] for entry in document["images"][0]["top"]}
            self.assertGreater(abs(top["red"] - expected["red"]), 0.01)
        result = self.run_program("-m", cropped, "--ten-crop", self.red, code=0)
        self.assertIn(" · ten views · ", result.out)

    def test_input_size(self):
        """9 pixels are pooled to as many as 8; 10 are not."""
        self.assert_top(self.top("--input-size=8", self.red), pictures.RED)
        self.assert_top(self.top("--input-size=9", self.red), pictures.RED)
        result = self.classify("--input-size=10", self.red, code=4)
        self.assert_one_error(result, "--input-size 10: ", "fc2", "8x8")

    def test_precision(self):
        for precision in ("fp32", "fp16", "int8"):
            with self.subTest(precision):
                self.assertGreater(self.top("--precision", precision, self.red)["red"], 0.95)

    def test_labels(self):
        names = self.write("names.txt", "rot\ngrün\nblau\n")
        self.assertEqual(list(self.top("--labels", names, "-k1", self.red)), ["rot"])
        few = self.write("few.txt", "rot\n")
        self.assert_one_error(self.classify("--labels", few, self.red, code=4), "few.txt")
        self.assert_one_error(self.classify("--labels", "nowhere.txt", self.red, code=4),
                              "nowhere.txt: ")

    def test_memory_limit(self):
        model = self.write("big.safetensors", models.large(40))
        result = self.run_program("-m", model, "--memory-limit=36", "--explain", "-k1", self.red,
                                  code=0)
        self.assertRegex(result.out, r"streamed weights, of which [\d.]+ MiB are sent at every run")
        self.assertRegex(result.out.splitlines()[-1], r"[\d.]+ MiB of weights sent at every run")
        limited, whole = (
            self.document(self.run_program("-m", model, "--json", *limit, self.red, code=0),
                          "classify") for limit in (("--memory-limit=36",), ()))
        self.assertEqual(limited["images"], whole["images"])
        self.assertEqual(whole["streamed_bytes"], 0)
        self.assertGreater(limited["streamed_bytes"], 4 << 20)
        result = self.run_program("-m", model, "--memory-limit=1", "--batch=64", self.red, code=5)
        self.assert_one_error(result, "MiB", "--memory-limit")

    def test_explain(self):
        result = self.classify("--explain", self.red, code=0)
        for word in ("conv1", "pool1", "fc2", "prob", "direct", "MACs", "weights"):
            self.assertIn(word, result.out)
        self.classify("--explain", code=0)
        result = self.classify("--explain", "--json", self.red, code=0)
        steps = self.document(result, "classify")["explain"]["steps"]
        self.assertEqual([step["layer"] for step in steps], ["conv1", "pool1", "fc2", "prob"])

    def test_exact(self):
        """Keeps to the sums of the definition, whatever else is asked for."""
        winograd = ["-m", "fashion-alexnet", "--algorithm=winograd", "--explain"]
        self.assertIn("winograd", self.run_program(*winograd, code=0).out)
        self.assertNotIn("winograd", self.run_program(*winograd, "--exact", code=0).out)

    def test_answers_that_are_not_finite(self):
        tensors = models.colour_tensors()
        tensors["fc2.weight"] = ("F32", [3, 48], models.floats([3e38] * 144))
        model = self.write("infinite.safetensors", models.safetensors(tensors, models.metadata()))
        result = self.run_program("-m", model, "--json", self.red, code=1)
        image = self.document(result, "classify")["images"][0]
        self.assertEqual(image["error"]["code"], "not-finite")
        self.assertTrue(all(entry["probability"] is None for entry in image["top"]))

    def test_document(self):
        result = self.classify("--json", self.red, "missing.png", code=1)
        document = self.document(result, "classify")
        self.assertEqual(document["model"]["name"], "colours")
        self.assertEqual(document["model"]["input"], [3, 8, 8])
        self.assertEqual(document["model"]["classes"], 3)
        self.assertEqual(document["model"]["path"], self.model)
        self.assertEqual(document["images"][0]["path"], self.red)
        self.assertGreaterEqual(document["time_ms"]["total"], document["time_ms"]["run"])

    def test_the_document_is_printed_when_every_image_failed(self):
        result = self.classify("--json", "missing.png", code=1)
        self.assertEqual(len(self.document(result, "classify")["images"]), 1)

    def test_document_into_a_file(self):
        target = self.path("out.json")
        result = self.classify(f"--json={target}", self.red, code=0)
        self.assertEqual(result.out, "")
        with open(target, encoding="utf-8") as file:
            result.out = file.read()
        self.document(result, "classify")
        result = self.classify("--json=no/such/folder.json", self.red, code=1)
        self.assert_one_error(result, "no/such/folder.json: ")

    def test_the_shipped_model(self):
        listed = self.document(self.run_program("info", "--list", "--json", code=0), "models")
        if not any(model["name"] == "fashion-alexnet" for model in listed["models"]):
            self.skipTest("the default model is not built in")
        result = self.run_program("--json", self.red, code=0)
        document = self.document(result, "classify")
        self.assertEqual(document["model"]["name"], "fashion-alexnet")
        self.assertEqual(len(document["images"][0]["top"]), 5)


if __name__ == "__main__":
    unittest.main()
