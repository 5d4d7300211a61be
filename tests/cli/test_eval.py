"""Measuring accuracy on folders and IDX files."""
import gzip
import math
import os
import shutil
import struct
import unittest

import models
import pictures
from program import Case


def idx_images(images, height=8, width=8):
    return struct.pack(">IIII", 0x803, len(images), height, width) + b"".join(
        bytes([value]) * (height * width) for value in images)


def idx_labels(labels):
    return struct.pack(">II", 0x801, len(labels)) + bytes(labels)


class Eval(Case):
    """Each answer is known."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Of a model that answers "light" or "dark" to grey pictures.
        tensors = models.colour_tensors()
        half = [0.25 * (1 if row == 0 else -1) for row in range(2) for _ in range(48)]
        tensors["fc2.weight"] = ("F32", [2, 48], models.floats(half))
        tensors["fc2.bias"] = ("F32", [2], models.floats([-6.0, 6.0]))
        layers = [dict(layer) for layer in models.LAYERS]
        layers[2]["out_channels"] = 2
        cls.grey = cls.write("grey.safetensors", models.safetensors(
            tensors, models.metadata("grey", layers=layers, labels=["light", "dark"])))

    def evaluate(self, model, *arguments, code=0, **options):
        result = self.run_program("eval", "-m", model, "--json", *arguments, code=code, **options)
        return self.document(result, "eval"), result

    def make_folder(self, name, classes):
        for label, colours in classes.items():
            for number, colour in enumerate(colours):
                self.write(f"{name}/{label}/{number}.png", pictures.png(8, 8, colour))
        return self.path(name)

    def test_a_folder_of_class_folders(self):
        folder = self.make_folder("set", {
            "RED": [pictures.RED] * 3, "green": [pictures.GREEN, pictures.RED],
            "2": [pictures.BLUE]})
        self.write("set/README", "beside the classes")
        self.write("set/red/.hidden", "not an image") if os.path.exists(folder + "/red") else None
        document, result = self.evaluate(self.model, folder)
        self.assertEqual(result.err, "")
        self.assertEqual((document["images"], document["failed"]), (6, 0))
        self.assertAlmostEqual(document["top1"], 5 / 6)
        self.assertEqual(document["top5"], 1)
        self.assertEqual(document["confusion"], [[3, 0, 0], [1, 1, 0], [0, 0, 1]])
        self.assertEqual(document["batch"], 32)
        again, _ = self.evaluate(self.model, folder, "--batch=4")
        self.assertEqual(again["confusion"], document["confusion"])
        text = self.run_program("eval", "-m", self.model, folder, code=0)
        self.assertRegex(text.out, r"top-1 +83\.33 %  5 of 6 images")
        self.assertRegex(text.out, r"1 +green +1 +1 +\. +50\.0 %")
        self.assertRegex(text.out, r"images/s")

    def test_an_image_that_fails(self):
        folder = self.make_folder("broken", {"red": [pictures.RED]})
        self.write("broken/red/bad.png", "no picture")
        document, result = self.evaluate(self.model, folder, code=1)
        self.assertEqual((document["images"], document["failed"]), (1, 1))
        self.assert_one_error(result, "broken/red/bad.png: ")

    def test_folders_that_are_no_classes(self):
        folder = self.make_folder("odd", {"red": [pictures.RED], "purple": [pictures.BLUE]})
        result = self.run_program("eval", "-m", self.model, folder, code=2)
        self.assert_one_error(result, "odd/purple: ")
        os.mkdir(self.path("empty"))
        result = self.run_program("eval", "-m", self.model, self.path("empty"), code=1)
        self.assert_one_error(result, "empty: ")
        result = self.run_program("eval", "-m", self.model, "nowhere", code=1)
        self.assert_one_error(result, "nowhere: ")
        result = self.run_program("eval", "-m", self.model, self.red, code=1)
        self.assert_one_error(result, "red.png: ")

    def test_idx_files(self):
        images = self.write("images", idx_images([255, 0, 250, 5, 10]))
        labels = self.write("labels", idx_labels([0, 1, 0, 1, 0]))
        document, _ = self.evaluate(self.grey, images, labels)
        self.assertEqual(document["confusion"], [[2, 1], [0, 2]])
        for name in ("images", "labels"):
            with open(self.path(name), "rb") as plain:
                self.write(name + ".gz", gzip.compress(plain.read()))
        zipped, _ = self.evaluate(self.grey, "images.gz", "labels.gz")
        self.assertEqual(zipped["confusion"], document["confusion"])

    def test_probabilities(self):
        images = self.write("two", idx_images([255, 0]))
        labels = self.write("two.labels", idx_labels([0, 1]))
        self.evaluate(self.grey, images, labels, "--probabilities=p.bin")
        with open(self.path("p.bin"), "rb") as file:
            light, _, _, dark = struct.unpack("<4f", file.read())
        self.assertAlmostEqual(light, 1 / (1 + math.exp(2 * (6 - 12))), places=5)
        self.assertAlmostEqual(dark, 1 / (1 + math.exp(-2 * 6)), places=5)

    def test_ten_crop(self):
        cropped = self.write("cropped.safetensors", models.colours(resize_size=12))
        self.write("views/red/a.ppm", models.two_colours(12, 10))
        self.write("views/red/b.ppm", models.two_colours(12, 8))
        self.write("views/blue/c.ppm", models.two_colours(12, 2))
        self.write("views/blue/d.ppm", "not a picture")
        document, _ = self.evaluate(cropped, self.path("views"), "--ten-crop",
                                    "--probabilities=v.bin", code=1)
        self.assertEqual((document["images"], document["failed"]), (3, 1))
        self.assertEqual((document["views"], document["batch"]), (10, 3))
        with open(self.path("v.bin"), "rb") as file:
            values = struct.unpack("<12f", file.read())
        for place, left in ((0, 2), (2, 10), (3, 8)):
            for value, expected in zip(values[3 * place:], models.ten_crop(12, left)):
                self.assertAlmostEqual(value, expected, delta=1e-5)
        self.assertTrue(all(math.isnan(value) for value in values[3:6]))

    def test_idx_files_that_are_wrong(self):
        good = idx_images([255, 0])
        cases = {
            "labels first": (idx_labels([0, 1]), good, 1, "labels first: "),
            "not as many": (good, idx_labels([0]), 1, "1 label"),
            "a class too far": (good, idx_labels([0, 7]), 4, "label 7"),
            "no images": (b"no images at all", idx_labels([0, 1]), 1, "no images: "),
            "no pixels": (struct.pack(">IIII", 0x803, 2, 0, 8), idx_labels([0, 1]), 1, "size of 0"),
            "labels end": (good, idx_labels([0, 1])[:-1], 1, "ends early"),
        }
        for name, (images, labels, code, part) in cases.items():
            with self.subTest(name):
                result = self.run_program("eval", "-m", self.grey, self.write(name, images),
                                          self.write(name + ".labels", labels), code=code)
                self.assert_one_error(result, part)

    def test_idx_files_that_end_early(self):
        images = self.write("short", idx_images([255, 0, 255])[:-10])
        labels = self.write("short.labels", idx_labels([0, 1, 0]))
        document, result = self.evaluate(self.grey, images, labels, code=1)
        self.assertEqual((document["images"], document["failed"]), (2, 1))
        self.assert_one_error(result, "short: ", "image 2 of 3")

    def test_what_cannot_be_written(self):
        folder = self.make_folder("one", {"red": [pictures.RED]})
        result = self.run_program("eval", "-m", self.model, folder, "--probabilities=no/p.bin",
                                  code=1)
        self.assert_one_error(result, "no/p.bin: ")

    def test_folders_of_imagenet(self):
        """Of 1000 classes without labels of their own, WordNet's ids are known."""
        tensors = models.colour_tensors()
        weights = [0.0] * 48000
        weights[0:16] = weights[48 * 7 + 32:48 * 7 + 48] = [1.0] * 16  # red: 0, blue: 7
        tensors["fc2.weight"] = ("F32", [1000, 48], models.floats(weights))
        tensors["fc2.bias"] = ("F32", [1000], models.floats([0.0] * 1000))
        layers = [dict(layer) for layer in models.LAYERS]
        layers[2]["out_channels"] = 1000
        metadata = models.metadata("thousand", layers=layers)
        del metadata["labels"]
        model = self.write("thousand.safetensors", models.safetensors(tensors, metadata))
        folder = self.make_folder("wordnet", {"n01440764": [pictures.RED], "cock": [pictures.BLUE]})
        document, _ = self.evaluate(model, folder)
        self.assertEqual(document["top1"], 1)
        result = self.run_program("-m", model, "--json", self.red, code=0)
        top = self.document(result, "classify")["images"][0]["top"][0]
        self.assertEqual((top["label"], top["long_label"]), ("tench", "tench, Tinca tinca"))
        self.assertRegex(self.run_program("-m", model, self.red, code=0).out, " tench\n")
        self.assertIn("tench, Tinca tinca\n",
                      self.run_program("-v", "-m", model, self.red, code=0).out)

    def test_labels_with_punctuation(self):
        changed = self.write("odd.safetensors",
                             models.colours(labels=["T-shirt/top", "n01 tench, Tinca", "n02 x"]))
        folder = self.make_folder("words", {"t_shirt top": [pictures.RED],
                                            "n01": [pictures.GREEN], "N02 X": [pictures.BLUE]})
        document, _ = self.evaluate(changed, folder)
        self.assertEqual(document["top1"], 1)
        shutil.rmtree(folder)


if __name__ == "__main__":
    unittest.main()
