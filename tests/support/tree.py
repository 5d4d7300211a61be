"""The source tree, for the checks of its text."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = 77  # what the test runner takes for "could not be tried here"


def files(*suffixes):
    """Paths below the root, '/'-separated: what git knows or would add; all without git."""
    try:
        output = subprocess.run(
            ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
        paths = set(os.fsdecode(output).split("\0")) - {""}
    except (OSError, subprocess.CalledProcessError):
        paths = set()
        for folder, folders, names in os.walk(ROOT):
            folders[:] = [f for f in folders if not f.startswith(("build", ".git", "__pycache__"))]
            paths.update(os.path.relpath(os.path.join(folder, name), ROOT) for name in names)
    return sorted(path for path in paths
                  if path.endswith(suffixes or "") and os.path.isfile(os.path.join(ROOT, path)))


def lines(path):
    """(number, text) of each line; a file that is no text has none."""
    with open(os.path.join(ROOT, path), "rb") as file:
        content = file.read()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return []
    return [] if "\0" in text else list(enumerate(text.split("\n"), 1))


def finish(problems, checked):
    """Prints what is wrong, one line each, or what was checked; ends the program."""
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems in {checked}")
    sys.exit(1 if problems else 0)


def skip(reason):
    print("skipped:", reason)
    sys.exit(SKIPPED)
