"""Model files: what is wrong with them, what is known of them, and converting."""
import hashlib
import json
import os
import shutil
import signal
import struct
import subprocess
import time
import unittest

import models
from program import PROGRAM, Case


class Broken(Case):
    """A model that cannot be used: one line that says where, exit code 4."""

    def assert_refused(self, content, *parts, name="broken.safetensors"):
        path = self.write(name, content)
        for arguments in ((self.red,), ("--json", self.red)):
            result = self.run_program("-m", path, *arguments, code=4)
            self.assert_one_error(result, name, *parts)
            self.assertEqual(result.out, "")
        self.assert_one_error(self.run_program("info", path, code=4), name, *parts)

    def changed(self, **tensors):
        return models.safetensors({**models.colour_tensors(), **tensors}, models.metadata())

    def test_cut_off(self):
        content = models.colours()
        for length in (0, 4, 100, len(content) - 5):
            with self.subTest(length=length):
                self.assert_refused(content[:length])

    def test_external_data(self):
        """Only a plain file of the model's own folder will do."""
        golden = os.path.join(os.environ["ALX_TEST_GOLDEN"], "onnx")
        with open(os.path.join(golden, "external.onnx"), "rb") as file:
            content = file.read()
        name, target = b"external.bin", self.path("external.bin")
        self.assert_refused(content, "file external.bin: ", name="outside.onnx")
        for other in (b"../ernal.bin", b"/etc//passwd"):
            self.assert_refused(content.replace(name, other),
                                "only files in the model's own folder", name="outside.onnx")
        os.symlink(os.path.join(golden, "external.bin"), target)
        self.assert_refused(content, "link", name="outside.onnx")
        os.remove(target)
        shutil.copy(os.path.join(golden, "external.bin"), target)
        self.run_program("info", self.write("inside.onnx", content), code=0)
        os.truncate(target, os.path.getsize(target) - 1)
        self.assert_refused(content, "do not lie in file external.bin", name="outside.onnx")

    def test_wrong_shape(self):
        tensor = ("F32", [3, 47], models.floats([0.0] * 141))
        self.assert_refused(self.changed(**{"fc2.weight": tensor}), "fc2.weight")

    def test_a_tensor_that_is_missing(self):
        tensors = models.colour_tensors()
        del tensors["fc2.bias"]
        self.assert_refused(models.safetensors(tensors, models.metadata()), "fc2.bias")

    def test_not_finite(self):
        for value in (float("nan"), float("inf")):
            tensor = ("F32", [3], models.floats([0.0, value, 0.0]))
            content = self.changed(**{"fc2.bias": tensor})
            self.assert_refused(content, "fc2.bias", "value 1 is NaN or infinite", "--allow-nan")
            result = self.run_program("info", "--allow-nan", "broken.safetensors", code=0)
            self.assertIn("  warning  broken.safetensors: tensor fc2.bias: value 1", result.out)
            self.assertEqual(result.errors, [], result)
            # It runs, and what comes out is no answer.
            result = self.run_program("--allow-nan", "-m", "broken.safetensors", self.red, code=1)
            self.assertEqual(len(result.errors), 2, result)
            self.assertIn("tensor fc2.bias", result.errors[0])
            self.assertIn("is not finite", result.errors[1])
            self.run_program("convert", "--allow-nan", "broken.safetensors", "kept", code=0)
            self.assert_one_error(self.run_program("info", "kept", code=4), "kept: tensor fc2.bias")

    def test_unknown_kind(self):
        self.assert_refused("this is no model\n" * 100, name="notes.txt")
        self.assert_refused(b"\x89PNG\r\n\x1a\n" + bytes(1000))

    def test_the_same_tensor_twice(self):
        content = models.colours()
        length = struct.unpack("<Q", content[:8])[0]
        header = content[8:8 + length].decode().rstrip()
        entry = json.dumps({"fc2.bias": json.loads(header)["fc2.bias"]})[1:-1]
        header = (header[:-1] + ", " + entry + "}").encode()
        self.assert_refused(struct.pack("<Q", len(header)) + header + content[8 + length:])

    def test_files_that_are_none(self):
        self.assert_one_error(self.run_program("-m", "nowhere.safetensors", self.red, code=4),
                              "nowhere.safetensors: ")
        self.assert_one_error(self.run_program("-m", self.folder, self.red, code=4), self.folder)

    def test_unknown_network(self):
        result = self.run_program("info", "--network", "alexnot", code=2)
        self.assert_one_error(result, "alexnot", "alexnet")


class Info(Case):
    """The network as a table."""

    def test_alexnet_needs_no_weights(self):
        result = self.run_program("info", "--network", "alexnet", code=0)
        for part in ("227x227x3", "55x55x96 = 48+48", "27x27x256 = 128+128", "13x13x384", "6x6x256",
                     "two towers, as", "4096", "1000", "11x11", "105,415,200", "60,965,224",
                     "724,406,816"):
            self.assertIn(part, result.out)

    def test_alexnet_as_document(self):
        result = self.run_program("info", "--network", "alexnet", "--json", code=0)
        document = self.document(result, "info")
        self.assertIsNone(document["model"])
        network = document["network"]
        self.assertEqual(network["parameters"], 60965224)
        self.assertEqual(network["macs"], 724406816)
        self.assertEqual(sum(layer["macs"] for layer in network["layers"]), 724406816)
        conv2 = next(layer for layer in network["layers"] if layer["name"] == "conv2")
        self.assertEqual((conv2["kernel"], conv2["stride"], conv2["padding"], conv2["groups"]),
                         ([5, 5], [1, 1], [2, 2, 2, 2], 2))
        self.assertEqual(conv2["output"], [256, 27, 27])

    def test_a_model(self):
        result = self.run_program("info", self.model, code=0)
        for part in ("colours", "safetensors", "F32", "red, green, blue", "conv1", "159"):
            self.assertIn(part, result.out)
        document = self.document(self.run_program("info", "-m", self.model, "--json", code=0),
                                 "info")
        self.assertEqual(document["labels"], models.LABELS)
        self.assertEqual(document["dtype"], "F32")
        self.assertEqual(document["bytes"], os.path.getsize(self.model))
        with open(self.model, "rb") as file:
            self.assertEqual(document["model"]["sha256"], hashlib.sha256(file.read()).hexdigest())
        self.assertAlmostEqual(document["preprocess"]["scale"], 1 / 255, places=7)
        self.assertEqual(document["recognition"], "described by the file")
        self.assertEqual(document["warnings"], [])
        tensor = document["tensors"][0]
        self.assertEqual((tensor["name"], tensor["shape"], tensor["dtype"], tensor["min"],
                          tensor["max"]), ("conv1.weight", [3, 3, 1, 1], "F32", 0, 1))
        self.assertEqual(len(document["tensors"]), 4)

    def test_the_same_for_every_format(self):
        golden = os.environ["ALX_TEST_GOLDEN"]
        for name, *parts in (
                ("onnx/towers_split.onnx", "onnx, F32", "towers (described by the file)",
                 "two towers, as on the paper's two GPUs: 4+4, 6+6, 4+4, 4+4, 2+2",
                 "conv2.weight 12x4x3x3", "-0.562909 0.685918", "warning"),
                ("onnx/towers_paper.onnx", "two towers, as on the paper's two GPUs: 6+6, 10+10, "
                 "6+6, 4+4"),
                ("caffe/towers_v1.caffemodel", "two towers, as on the paper's two GPUs: 6+6, "
                 "10+10, 8+8, 6+6, 6+6", "conv1a.weight 12x3x7x7"),
                ("caffe/towers_v2.caffemodel", "two towers, as on the paper's two GPUs: 6+6, "
                 "10+10, 8+8, 6+6, 6+6"),
                ("onnx/float16.onnx", "onnx, F16", "F16"),
                ("onnx/mobile19.onnx", "conv+relu6", "avg-pool"),
                ("caffe/batch_norm.caffemodel", "caffemodel, F32", "conv1.bias", "avg-pool"),
                ("torch/deep_cluster.pth", "torch, F32", "alexnet-bn (by names and shapes of its "
                 "tensors, as DeepCluster has them)"),
                ("torch/alexnet.safetensors", "safetensors, F32", "as torchvision has them")):
            with self.subTest(name=name):
                result = self.run_program("info", os.path.join(golden, name), code=0)
                for part in parts:
                    self.assertIn(part, " ".join(result.out.split()))
                self.assertEqual(result.err, "")
                path = os.path.join(golden, name)
                document = self.document(self.run_program("info", path, "--json", code=0), "info")
                self.assertEqual(len(document["warnings"]), result.out.count("  warning "))
                self.assertTrue(all(t["min"] <= t["max"] for t in document["tensors"]))
        unknown = os.path.join(golden, "torch/zip.pth")
        result = self.run_program("info", unknown, "--network=alexnet-owt", code=4)
        self.assert_one_error(result, "zip.pth: ")

    def test_installed_models(self):
        env = {"ALEXNET_CL_MODELS": self.folder}
        result = self.run_program("info", "--list", env=env, code=0)
        self.assertIn("colours", result.out)
        self.assertIn("bvlc-alexnet", result.out)
        self.document(self.run_program("info", "--list", "--json", env=env, code=0), "models")
        result = self.run_program("-m", "colours", self.red, env=env, code=0)
        self.assertIn("red", result.out)


class Convert(Case):
    """Writing safetensors."""

    def answers(self, model, *more):
        result = self.run_program("-m", model, "--json", *more, self.red, self.blue, code=0)
        return [[(entry["label"], entry["probability"]) for entry in image["top"]]
                for image in self.document(result, "classify")["images"]]

    def test_the_same_answers(self):
        result = self.run_program("convert", self.model, "same.safetensors", code=0)
        self.assertRegex(result.out, r"^same\.safetensors: colours as F32, .*\n$")
        self.assertEqual(self.answers("same.safetensors"), self.answers(self.model))

    def test_half_as_large(self):
        self.write("large.safetensors", models.large(2))
        result = self.run_program("convert", "--precision=fp16", "--json", "large.safetensors",
                                  "half.safetensors", code=0)
        document = self.document(result, "convert")
        self.assertEqual(document["dtype"], "F16")
        self.assertLess(document["bytes"], 0.7 * os.path.getsize(self.path("large.safetensors")))
        result = self.run_program("convert", "--json", "half.safetensors", "again.safetensors")
        self.assertEqual(self.document(result, "convert")["dtype"], "F16")

    def test_every_precision(self):
        expected = dict(self.answers(self.model)[0])
        for precision, dtype, bound in (("fp32", "F32", 0), ("fp16", "F16", 1e-3),
                                        ("bf16", "BF16", 1e-2), ("int8", "I8", 1e-2)):
            with self.subTest(precision=precision):
                result = self.run_program("convert", "--precision", precision, "--json", self.model,
                                          "out.safetensors", code=0)
                self.assertEqual(self.document(result, "convert")["dtype"], dtype)
                for label, probability in self.answers("out.safetensors")[0]:
                    self.assertAlmostEqual(probability, expected[label], delta=bound)
                result = self.run_program("convert", "--json", "out.safetensors",
                                          "same.safetensors")
                self.assertEqual(self.document(result, "convert")["dtype"], dtype)
                self.assertEqual(self.answers("same.safetensors"), self.answers("out.safetensors"))
        result = self.run_program("info", "out.safetensors", code=0)
        self.assertIn("safetensors, F32, I8,", result.out)

    def test_int8_as_others_read_it(self):
        """Whole numbers beside one float32 scale for each output channel."""
        self.run_program("convert", "--precision=int8", self.model, "int8.safetensors", code=0)
        with open(self.path("int8.safetensors"), "rb") as file:
            content = file.read()
        length = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8:8 + length])

        def tensor(name, dtype, letter):
            entry = header[name]
            self.assertEqual(entry["dtype"], dtype)
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            count = (end - begin) // struct.calcsize(letter)
            return struct.unpack(f"<{count}{letter}", content[begin:end])

        pooled = (models.SIDE // 2) ** 2
        scales = tensor("fc2.weight_scale", "F32", "f")
        self.assertEqual(len(scales), 3)
        for scale in scales:
            self.assertAlmostEqual(scale, models.SHARPNESS / pooled / 127, places=7)
        self.assertEqual(tensor("fc2.weight", "I8", "b"), tuple(
            127 * (row == at // pooled) for row in range(3) for at in range(3 * pooled)))
        self.assertEqual(tensor("fc2.bias", "F32", "f"), (0.0, 0.0, 0.0))
        # As int8 on the device, too, it is what rounding on the way to the device makes of it.
        self.assertEqual(self.answers("int8.safetensors", "--precision=int8"),
                         self.answers(self.model, "--precision=int8"))

    def test_where_it_is_from(self):
        source = os.path.join(Formats.GOLDEN, "caffe/caffenet_upgraded.caffemodel")
        with open(source, "rb") as file:
            sha256 = hashlib.sha256(file.read()).hexdigest()
        self.run_program("-q", "convert", source, "once.safetensors", code=0)
        self.run_program("-q", "convert", "--precision=fp16", "once.safetensors",
                         "twice.safetensors", code=0)
        for name in ("once.safetensors", "twice.safetensors"):
            result = self.run_program("info", "--json", name, code=0)
            self.assertEqual(self.document(result, "info")["provenance"], {
                "converted_from": {"file": "caffenet_upgraded.caffemodel", "format": "caffemodel",
                                   "sha256": sha256}, "note": None})
            self.assertRegex(self.run_program("info", name, code=0).out,
                             r"made of +caffenet_upgraded\.caffemodel, caffemodel, sha256")
        document = self.document(self.run_program("info", "--json", source, code=0), "info")
        self.assertEqual(document["provenance"], {"converted_from": None, "note": None})

    def test_labels_are_kept(self):
        self.write("names.txt", "rot\ngelb\nblau\n")
        self.run_program("convert", "--labels=names.txt", self.model, "named.safetensors", code=0)
        self.assertEqual(self.answers("named.safetensors")[0][0][0], "rot")

    def test_what_cannot_be_done(self):
        self.assert_one_error(self.run_program("convert", self.model, self.model, code=2),
                              "colours.safetensors: ")
        os.symlink(self.model, self.path("link.safetensors"))
        self.run_program("convert", self.model, "link.safetensors", code=2)
        result = self.run_program("convert", self.model, "no/such/out.safetensors", code=1)
        self.assert_one_error(result, "no/such/out.safetensors: ")
        self.assert_one_error(self.run_program("convert", self.model, "/dev/full", code=1),
                              "/dev/full: ", "No space left")
        self.assert_one_error(self.run_program("convert", "none.safetensors", "out", code=4),
                              "none.safetensors: ")
        self.assertFalse(os.path.exists(self.path("out")))
        result = self.run_program("--precision=bf16", self.red, code=2)
        self.assert_one_error(result, "--precision: classify cannot take 'bf16'")

    def test_interrupted(self):
        """Whenever it is stopped, the file is there as a whole or not at all."""
        source = self.write("source.safetensors", models.large(24))
        os.mkdir(self.path("target"))
        target = self.path("target/out.safetensors")
        for step in range(12):
            process = subprocess.Popen([PROGRAM, "convert", source, target],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep(step * 0.015)
            process.send_signal(signal.SIGKILL if step % 3 == 2 else signal.SIGINT)
            _, err = process.communicate(timeout=60)
            self.assertIn(process.returncode, (0, 130, -signal.SIGINT, -signal.SIGKILL))
            self.assertEqual(err, b"")
            self.assertLessEqual(set(os.listdir(self.path("target"))), {"out.safetensors"})
            if os.path.exists(target):
                self.run_program("info", target, "-q", code=0)
                os.remove(target)


class Formats(Case):
    """Files of other programs, and what goes with them."""

    GOLDEN = os.environ["ALX_TEST_GOLDEN"]

    def answer(self, *arguments):
        result = self.run_program(*arguments, "--json", "--top=0", self.red, code=0)
        return [row["probability"] for row in json.loads(result.out)["images"][0]["top"]]

    def test_converted_models_give_the_same_answers(self):
        for name in ("caffe/caffenet_upgraded.caffemodel", "caffe/batch_norm.caffemodel",
                     "onnx/zoo9.onnx", "onnx/float16.onnx", "onnx/external.onnx",
                     "onnx/mobile19.onnx", "onnx/towers_slice.onnx", "onnx/towers_paper.onnx",
                     "caffe/towers_v2.caffemodel", "torch/alexnet_bn.pth"):
            with self.subTest(name=name):
                source, target = os.path.join(self.GOLDEN, name), self.path("converted.safetensors")
                self.run_program("-q", "convert", source, target, code=0)
                self.assertEqual(self.answer("-q", "-m", source), self.answer("-m", target))

    def test_networks_of_prototxt_files(self):
        network = os.path.join(self.GOLDEN, "caffe/caffenet.prototxt")
        model = os.path.join(self.GOLDEN, "caffe/caffenet_upgraded.caffemodel")
        self.assertIn("conv5", self.run_program("info", "--network", network, code=0).out)
        self.assertIn("conv5", self.run_program("info", model, "--network", network, code=0).out)
        self.assert_one_error(self.run_program("info", "--network=./none.prototxt", code=4),
                              "none.prototxt: ")
        wrong = self.write("wrong.prototxt", "layer {\n")
        self.assert_one_error(self.run_program("info", "--network", wrong, code=4),
                              "wrong.prototxt: ", "line 2")

    def test_mean_images(self):
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 8, 8), }\n"
        start = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
        mean = self.write("mean.npy", start + models.floats([100.0] * 64 + [3.0] * 128))
        self.assertEqual(self.answer("-m", self.model, "--mean", mean, "--std=255"),
                         self.answer("-m", self.model, "--mean=100,3,3", "--std=255"))
        result = self.run_program("-m", self.model, "--mean=none.npy", self.red, code=4)
        self.assert_one_error(result, "none.npy: ")
        other = os.path.join(self.GOLDEN, "caffe/mean.npy")
        result = self.run_program("-m", self.model, "--mean", other, self.red, code=4)
        self.assert_one_error(result, "mean.npy: ", "6x5x3")


if __name__ == "__main__":
    unittest.main()
