"""Pictures of all kinds, and what is none."""
import os
import unittest

import models
import pictures
from program import Case


class Images(Case):
    """Each picture is classified, or gets one line."""

    def assert_answer(self, content, colour, name="picture.png", tolerance=1e-3):
        path = self.write(name, content)
        result = self.classify("--json", path, code=0)
        self.assertEqual(result.err, "")
        top = self.document(result, "classify")["images"][0]["top"]
        expected = models.probabilities(colour)
        for entry in top:
            self.assertEqual(entry["label"], models.LABELS[entry["class"]])
            self.assertAlmostEqual(entry["probability"], expected[entry["class"]], delta=tolerance)

    def assert_refused(self, path, code, *parts, count=1):
        """One line, exit code 1, an `error` in the document, and the next image is still done."""
        result = self.classify("--json", path, self.red, code=1)
        self.assert_one_error(result, *parts)
        bad, good = self.document(result, "classify")["images"]
        self.assertEqual(bad["error"]["code"], code)
        self.assertEqual("alexnet-cl: " + bad["error"]["message"], result.errors[0])
        self.assertNotIn("top", bad)
        self.assertEqual(good["top"][0]["label"], "red")
        text = self.classify(path, self.red, code=1)
        self.assertEqual(text.errors, result.errors)
        self.assertIn("red", text.out)

    def test_png_of_every_kind(self):
        png = pictures.png
        cases = {
            "rgb": (png(9, 5, pictures.RED), pictures.RED),
            "one pixel": (png(1, 1, pictures.BLUE), pictures.BLUE),
            "16 bits": (png(8, 8, (65535, 0, 32896), depth=16), (255, 0, 128)),
            "grey": (png(8, 8, (200,), pictures.GREY), (200, 200, 200)),
            "grey, 1 bit": (png(8, 8, (1,), pictures.GREY, 1), pictures.WHITE),
            "grey, 16 bits": (png(8, 8, (51400,), pictures.GREY, 16), (200, 200, 200)),
            "palette": (png(8, 8, (1,), pictures.PALETTE, 8, [pictures.BLUE, pictures.GREEN]),
                        pictures.GREEN),
            "palette, 2 bits": (png(8, 8, (2,), pictures.PALETTE, 2, [pictures.RED] * 2 +
                                    [pictures.BLUE] * 2), pictures.BLUE),
            "grey and alpha": (png(8, 8, (0, 0), pictures.GREY_ALPHA), pictures.WHITE),
            "transparent": (png(8, 8, (0, 0, 0, 0), pictures.RGBA), pictures.WHITE),
            "half transparent": (png(8, 8, (255, 0, 0, 127), pictures.RGBA), (255, 128, 128)),
        }
        for name, (content, colour) in cases.items():
            with self.subTest(name):
                self.assert_answer(content, colour)

    def test_other_formats(self):
        jpeg = pictures.JPEG
        cases = {
            "baseline.jpg": (jpeg["baseline"], pictures.RED),
            "progressive.jpg": (jpeg["progressive"], pictures.RED),
            "grey.jpg": (jpeg["grey"], (200, 200, 200)),
            "cmyk.jpg": (jpeg["cmyk"], pictures.RED),
            "picture.bmp": (pictures.bmp(7, 5, pictures.GREEN), pictures.GREEN),
            "picture.ppm": (pictures.ppm(7, 5, pictures.BLUE), pictures.BLUE),
            "wrong.txt": (pictures.ppm(7, 5, pictures.BLUE), pictures.BLUE),
        }
        for name, (content, colour) in cases.items():
            with self.subTest(name):
                self.assert_answer(content, colour, name, tolerance=0.02)

    def test_orientation_is_applied(self):
        """A picture that is red on the left must be blue there after a turn by 180 degrees."""
        left = models.colour_tensors()
        pooled = (models.SIDE // 2) ** 2
        weights = [float(row == at // pooled and at % (models.SIDE // 2) == 0) for row in range(3)
                   for at in range(3 * pooled)]
        left["fc2.weight"] = ("F32", [3, 3 * pooled], models.floats(weights))
        model = self.write("left.safetensors", models.safetensors(left, models.metadata()))
        path = self.write("turned.jpg", pictures.JPEG["turned"])
        result = self.run_program("-m", model, "--json", "-k1", path, code=0)
        self.assertEqual(self.document(result, "classify")["images"][0]["top"][0]["label"], "blue")

    def test_what_is_no_picture(self):
        text = self.write("text.png", "this is a text, whatever its name says\n" * 20)
        self.assert_refused(text, "image-unsupported", "text.png: ")
        self.assert_refused(self.write("empty.png", b""), "image-empty", "empty.png: ")
        self.assert_refused(self.path("missing.png"), "file-not-found", "missing.png: ")

    def test_a_picture_that_ends_early(self):
        for name, content in {"cut.jpg": pictures.JPEG["baseline"][:-40],
                              "cut.png": pictures.png(64, 64, pictures.RED)[:-30],
                              "cut.bmp": pictures.bmp(8, 8, pictures.RED)[:-20],
                              "cut.ppm": pictures.ppm(8, 8, pictures.RED)[:-20]}.items():
            with self.subTest(name):
                self.assert_refused(self.write(name, content), "image-corrupt", name + ": ")

    def test_a_jpeg_without_its_end_marker_is_fine(self):
        self.assert_answer(pictures.JPEG["baseline"][:-2], pictures.RED, "end.jpg", 0.02)

    def test_a_bomb(self):
        bomb = self.write("bomb.png", pictures.png(30000, 30000, (0,), pictures.GREY, 1))
        self.assert_refused(bomb, "image-too-large", "bomb.png: ", "30000")

    def test_a_file_too_large(self):
        path = self.path("huge.png")
        with open(path, "wb") as file:
            file.write(pictures.png(8, 8, pictures.RED))
            file.truncate(65 * 1024 * 1024)
        self.assert_refused(path, "image-too-large", "huge.png: ")

    def test_a_folder_is_no_image(self):
        self.assert_refused(self.folder, "file-is-folder", self.folder + ": ",
                            self.folder + "/*")

    def test_an_unreadable_file(self):
        path = self.write("secret.png", pictures.png(8, 8, pictures.RED))
        os.chmod(path, 0)
        if os.access(path, os.R_OK):  # who may read everything meets a file that cannot be read
            path = "/proc/self/mem"
        self.assert_refused(path, "file-unreadable", path + ": ")

    def test_a_pipe_without_a_writer_does_not_hang(self):
        path = self.path("pipe.png")
        os.mkfifo(path)
        result = self.classify(path, code=1)
        self.assert_one_error(result, "pipe.png: ")

    def test_the_same_picture_many_times(self):
        result = self.classify("--json", "--batch=3", *[self.red, self.blue] * 5, code=0)
        labels = [image["top"][0]["label"] for image in self.document(result, "classify")["images"]]
        self.assertEqual(labels, ["red", "blue"] * 5)


if __name__ == "__main__":
    unittest.main()
