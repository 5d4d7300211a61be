"""setup.sh: its words, and what it says where programs or packages are missing.

It runs in a copy whose path holds a space, with a PATH of links to a few programs: a machine on
which nothing is installed, except what a case puts there.
"""
import os
import shutil
import subprocess
import tempfile

from support import tree

BASE = ("awk", "cat", "cp", "dirname", "env", "find", "flock", "grep", "head", "ls", "mkdir", "rm",
        "sed", "sh", "tail", "tee")
SOME_PACKAGES = ("meson", "libjansson-dev", "libsodium-dev", "jansson-devel", "libsodium-devel",
                 "pkgconf")


class Machine:
    """A copy of setup.sh, a PATH, and stubs on it."""

    def __init__(self, scratch, user):
        self.programs = os.path.join(scratch, "bin")
        self.tree = os.path.join(scratch, "a tree")
        os.makedirs(self.programs)
        os.makedirs(self.tree)
        shutil.copy2(os.path.join(tree.ROOT, "setup.sh"), self.tree)
        for name in BASE:
            os.symlink(shutil.which(name), os.path.join(self.programs, name))
        self.stub("id", f"echo {user}")

    def stub(self, name, script):
        path = os.path.join(self.programs, name)
        with open(path, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\n" + script + "\n")
        os.chmod(path, 0o755)

    def run(self, *words):
        return subprocess.run([os.path.join(self.tree, "setup.sh"), *words], cwd="/",
                              env={"PATH": self.programs}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=60, check=False)


def expect(problems, what, result, status, out, *errors):
    if result.returncode != status:
        problems.append(f"{what}: ended with {result.returncode} instead of {status}")
    if out not in result.stdout or (not out and result.stdout):
        problems.append(f"{what}: printed {result.stdout!r}")
    for error in errors:
        if error not in result.stderr:
            problems.append(f"{what}: did not say {error!r} but {result.stderr!r}")


def main():
    problems = []
    with tempfile.TemporaryDirectory() as scratch:
        machine = Machine(scratch, user=1000)
        expect(problems, "help", machine.run("help"), 0, "usage: ")
        expect(problems, "no word", machine.run(), 0, "usage: ")
        expect(problems, "a wrong word", machine.run("rnu"), 2, "", "unknown word: rnu", "usage: ")
        expect(problems, "run alone", machine.run("run"), 2, "", "usage: ")
        expect(problems, "a word too many", machine.run("test", "x"), 2, "", "nothing more: x")
        expect(problems, "clean", machine.run("clean"), 0, "")
        for word in ("build", "test"):
            expect(problems, f"{word} as a user", machine.run(word), 1, "", "apt-get install",
                   "dnf install", "pacman -S", "cannot go on without", *SOME_PACKAGES)
    with tempfile.TemporaryDirectory() as scratch:
        machine = Machine(scratch, user=0)
        expect(problems, "root without apt-get", machine.run("build"), 1, "", "dnf install")
        machine.stub("apt-get", 'echo "$@" >>"$0.log"; exit 100')
        expect(problems, "no network", machine.run("run", "a.png"), 1, "", "no network",
               "cannot go on without", *SOME_PACKAGES)
        with open(os.path.join(machine.programs, "apt-get.log"), encoding="ascii") as file:
            calls = file.read().splitlines()
        if len(calls) != 2 or "update" not in calls[1]:
            problems.append(f"no network: apt-get was called so: {calls}")
    tree.finish(problems, "what setup.sh says")


main()
