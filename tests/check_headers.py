"""Each public header compiles alone, as C11 and as C++17, without a warning."""
import os
import shutil
import subprocess

from support import tree

COMPILERS = (
    (os.environ.get("CC", "cc"), ["-x", "c", "-std=c11", "-Wstrict-prototypes"]),
    (os.environ.get("CXX", "c++"), ["-x", "c++", "-std=c++17"]),
)
STRICT = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only"]


def main():
    headers = [p[len("include/"):] for p in tree.files(".h") if p.startswith("include/")]
    problems, used = [], []
    for compiler, options in COMPILERS:
        command = compiler.split()
        if not shutil.which(command[0]):
            continue
        used.append(compiler)
        for header in headers:
            source = f"#include <{header}>\n#include <{header}>\ntypedef int not_empty;\n"
            result = subprocess.run(
                command + options + STRICT + ["-I", os.path.join(tree.ROOT, "include"), "-"],
                input=source, stderr=subprocess.PIPE, text=True, check=False)
            if result.returncode:
                problems.append(f"{header} with {compiler}: {result.stderr.strip()}")
    if len(used) < len(COMPILERS) and not problems:
        tree.skip(f"there is no compiler for one of the languages, only {used}")
    tree.finish(problems, f"{len(headers)} headers with {', '.join(used)}")


main()
