"""shellcheck has nothing to say about the shell scripts, and Python compiles the Python ones."""
import os
import shutil
import subprocess

from support import tree


def is_shell(path):
    with open(os.path.join(tree.ROOT, path), "rb") as file:
        return file.readline().rstrip() in (b"#!/bin/sh", b"#!/bin/bash", b"#!/usr/bin/env bash")


def main():
    problems = []
    python = tree.files(".py")
    for path in python:
        with open(os.path.join(tree.ROOT, path), encoding="utf-8") as file:
            try:
                compile(file.read(), path, "exec")
            except SyntaxError as error:
                problems.append(f"{path}:{error.lineno}: {error.msg}")
    shell = [path for path in tree.files() if is_shell(path)]
    program = shutil.which("shellcheck")
    if not program and not problems:
        tree.skip("there is no shellcheck")
    if program and shell:
        output = subprocess.run([program, "--format=gcc"] + shell, cwd=tree.ROOT,
                                stdout=subprocess.PIPE, text=True, check=False).stdout
        problems += output.splitlines()
    tree.finish(problems, f"{len(shell)} shell and {len(python)} Python files")


main()
