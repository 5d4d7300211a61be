"""Every command of README.md works, in order, in a copy of the tree as a fresh clone has it.

Blocks marked `sh` are run, `c` ones are written to the file that their first line names. A block
after an HTML comment that begins with "not run" is for the reader alone. To take less time than the
reader's, compilers optimise less and PoCL's cache is the other tests'; the program's own is empty.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from support import tree

SECONDS = 1100


def blocks():
    """(line, language, text) of each fenced block that is to be tried."""
    found, language, kept, previous = [], None, True, ""
    for number, text in tree.lines("README.md"):
        fence = re.match(r"```(\w*)$", text)
        if language is None and fence:
            language, body, first = fence.group(1), [], number + 1
            kept = not previous.startswith("<!-- not run")
        elif language is not None and text == "```":
            if kept:
                found.append((first, language, "\n".join(body) + "\n"))
            language = None
        elif language is not None:
            body.append(text)
        previous = text or previous
    return found


def write_files(folder):
    for line, language, text in blocks():
        if language == "c":
            name = re.match(r"/\* (\w+\.c)", text)
            if not name:
                sys.exit(f"README.md:{line}: the program's first line does not name its file")
            with open(os.path.join(folder, name.group(1)), "w", encoding="utf-8") as file:
                file.write(text)


def script():
    lines = ["set -eEuo pipefail",
             """trap 'echo "failed: $where: $BASH_COMMAND" >&2' ERR"""]
    for line, language, text in blocks():
        if language == "sh":
            lines += [f"where='the block at README.md:{line}'", 'echo "== $where"', text]
    return "\n".join(lines)


def main():
    with tempfile.TemporaryDirectory() as scratch:
        copy = os.path.join(scratch, "fresh-clone")
        for path in tree.files():
            target = os.path.join(copy, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(os.path.join(tree.ROOT, path), target)
        write_files(copy)
        environment = dict(os.environ, XDG_CACHE_HOME=os.path.join(scratch, "cache"), CFLAGS="-O1",
                           PATH=os.path.join(copy, "build/src/cli") + ":" + os.environ["PATH"])
        for name in ("ALEXNET_CL_DEVICE", "ALEXNET_CL_MODELS", "MESON_BUILD_ROOT"):
            environment.pop(name, None)
        result = subprocess.run(["bash", "-c", script()], cwd=copy, env=environment,
                                stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)
    problems = [f"the commands ended with {result.returncode}"] if result.returncode else []
    count = sum(language == "sh" for _, language, _ in blocks())
    tree.finish(problems, f"{count} blocks of commands")


main()
