"""A device that fails or computes wrongly: exit code 5, and who it was."""
import unittest

import pictures
from lies import lie, needs_layers
from program import Case


@needs_layers
class Failures(Case):
    """Calls of OpenCL fail."""

    def test_without_a_lie_it_works(self):
        self.classify(self.red, env=lie({}), code=0)

    def test_verify_finds_wrong_results(self):
        arguments = ("verify", "--layer=max-pool", "--algorithm=direct", "--shapes=1",
                     "--no-cache")  # what is found must not be remembered
        result = self.run_program(*arguments, env=lie({"wrong": 1000}), code=5)
        self.assertIn("WRONG", result.out)
        self.assertRegex(result.errors[0],
                         r"max-pool direct .*shape 1 .*image 0, channel 0, row 0, column 0 is "
                         r"[-\d.e+]+ instead of [-\d.e+]+")
        result = self.run_program(*arguments, "--json", env=lie({"wrong": 1000}), code=5)
        device = self.document(result, "verify")["devices"][0]
        self.assertEqual(device["status"], "failed")
        self.assertIsNotNone(device["reason"])
        self.assertTrue(all(row["failures"] == row["shapes"] and row["detail"]
                            for row in device["rows"]))

    def test_a_launch_that_fails(self):
        result = self.classify(self.red, self.blue, env=lie({"fail": 1}), code=5)
        self.assert_one_error(result, "CL_OUT_OF_RESOURCES")
        self.assertNotIn("red ", result.out)

    def test_a_launch_that_fails_later(self):
        """What was done is printed, the rest has the error."""
        arguments = ("--json", self.red, self.blue, self.red)
        result = self.classify(*arguments, env=lie({"fail": 6}), code=5)
        self.assert_one_error(result, "CL_OUT_OF_RESOURCES")
        images = self.document(result, "classify")["images"]
        self.assertEqual(images[0]["top"][0]["label"], "red")
        for image in images[1:]:
            self.assertEqual(image["error"]["code"], "device-failed")
            self.assertNotIn("top", image)

    def test_a_build_that_fails(self):
        result = self.classify("--no-cache", self.red, env=lie({"build": 0}), code=5)
        self.assert_one_error(result, "CL_BUILD_PROGRAM_FAILURE")
        self.assertEqual(result.out, "")

    def test_eval_stops(self):
        self.write("set/red/a.png", b"no picture")
        self.write("set/red/b.png", pictures.png(8, 8, pictures.RED))
        result = self.run_program("eval", "-m", self.model, self.path("set"),
                                  env=lie({"fail": 1}), code=5)
        self.assertIn("CL_OUT_OF_RESOURCES", result.errors[-1])


if __name__ == "__main__":
    unittest.main()
