"""No kernel makes PoCL's compiler warn: each algorithm is compiled once in each of its forms.

check_kernels.py PROGRAM
PoCL prints how many warnings there were to standard error, whatever the program does with the log.
"""
import subprocess
import sys

from support import tree

NO_DEVICE = 3


def main(program):
    result = subprocess.run(
        [program, "verify", "--quiet", "--no-cache", "--shapes=1", "--device=portable computing"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode == NO_DEVICE:
        tree.skip("there is no PoCL")
    problems = result.stderr.splitlines()
    if result.returncode:
        problems.append(f"verify ended with {result.returncode}")
    tree.finish(problems, "the kernels as PoCL compiles them")


main(sys.argv[1])
