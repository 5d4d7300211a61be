"""Measuring devices side by side."""
import json
import os
import unittest

from program import SCHEMA, Case, violations


class Document(Case):
    """What other programs read."""

    def test_the_sample_is_as_the_schema_says(self):
        with open(os.path.join(os.environ["ALX_TEST_DATA"], "bench.json"),
                  encoding="utf-8") as file:
            sample = json.load(file)
        self.assertEqual(list(violations(sample, SCHEMA["$defs"]["bench"])), [])


if __name__ == "__main__":
    unittest.main()
