"""The library and the program compile without what is optional, and with another compiler."""
import os
import shutil
import subprocess
import tempfile

from support import tree

# clang warns of the same things without optimising, GCC does not.
VARIANTS = (
    ("without options", {}, ["-Dclblast=disabled", "-Dseccomp=disabled", "-Dtests=false"]),
    ("with clang", {"CC": "clang", "CXX": "clang++"}, ["-Dtests=true", "-Doptimization=0"]),
)


def main():
    problems, tried = [], []
    for name, variables, options in VARIANTS:
        if not shutil.which(variables.get("CC", "cc")):
            continue
        tried.append(name)
        environment = dict(os.environ, **variables)
        with tempfile.TemporaryDirectory() as build:
            for command in (["meson", "setup", build, tree.ROOT, "-Dwerror=true"] + options,
                            ["meson", "compile", "-C", build]):
                result = subprocess.run(command, env=environment, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, check=False)
                if result.returncode:
                    problems.append(f"{name}: {result.stdout[-4000:]}")
                    break
    tree.finish(problems, f"the builds {', '.join(tried)}")


main()
