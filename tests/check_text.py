"""What every file of the tree keeps to: see the functions' first lines."""
import os
import re

from support import tree

COLUMNS = 100
FILE_LINES = 600
FUNCTION_LINES = 75
# Made by programs, or read by them: their lines are as long as they are.
MADE = ("tests/golden/", "tests/data/")
SOURCES = (".c", ".h", ".cl", ".py", ".sh")


def no_machine_paths():
    """The tree names no folder of the machine on which it was written."""
    folders = re.compile(r"(?<![\w.~$}])/(?:home|root|work|Users)/[\w.-]")
    for path in tree.files():
        for number, text in tree.lines(path):
            if folders.search(text):
                yield f"{path}:{number}: names a folder of some machine: {text.strip()[:80]}"


def no_unfinished_notes():
    """What is left to do stands in the list of issues, not in the code."""
    notes = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b")
    for path in tree.files():
        for number, text in tree.lines(path):
            if notes.search(text):
                yield f"{path}:{number}: unfinished: {text.strip()[:80]}"


def lines_fit():
    """Lines are short, end without blanks, hold no tabs; files end with one line end."""
    for path in tree.files(*SOURCES, ".md", "meson.build"):
        if path.startswith(MADE):
            continue
        content = tree.lines(path)
        if content and (content[-1][1] or len(content) > 1 and not content[-2][1]):
            yield f"{path}: does not end with one line end"
        for number, text in content:
            if len(text) > COLUMNS and path.endswith(SOURCES):
                yield f"{path}:{number}: {len(text)} columns instead of {COLUMNS}"
            if text != text.rstrip() or "\t" in text:
                yield f"{path}:{number}: a tab, or blanks at the end"


def files_and_functions_are_short():
    """Nothing is so long that it has to be searched instead of read."""
    for path in tree.files(".c", ".h", ".cl"):
        if path.startswith(MADE):
            continue
        content = tree.lines(path)
        if len(content) > FILE_LINES:
            yield f"{path}: {len(content)} lines; {FILE_LINES} are the limit"
        start = 0
        for number, text in content:
            if text == "{":
                start = number
            elif text == "}" and start:
                if number - start > FUNCTION_LINES:
                    yield f"{path}:{start}: a function of {number - start} lines"
                start = 0


def headers_have_guards():
    """A header's guard is its path: src/util/file.h has ALX_UTIL_FILE_H."""
    for path in tree.files(".h"):
        folder, _, name = path.partition("/")
        if folder not in ("src", "include"):
            continue
        guard = re.sub(r"\W", "_", name).upper()
        if folder == "src":
            guard = "ALX_" + guard
        elif name == "alexnet_cl/alexnet_cl.h":
            guard = "ALEXNET_CL_H"
        content = [text for _, text in tree.lines(path)]
        if f"#ifndef {guard}" not in content or f"#define {guard}" not in content:
            yield f"{path}: its guard should be {guard}"


def kernel_files_explain_themselves():
    """A kernel file opens with its algorithm; each kernel has its work-group in a comment."""
    for path in tree.files(".cl"):
        text = "\n".join(line for _, line in tree.lines(path))
        if not text.startswith("/*\n * "):
            yield f"{path}: does not open with a comment"
        if "__kernel" in text and "Work-group" not in text:
            yield f"{path}: does not say which work-group it expects"


def kernels_count_groups_with_offsets():
    """Launches may be slices of a range, in each of which get_group_id() starts at 0."""
    for path in tree.files(".cl"):
        for number, text in tree.lines(path):
            if "get_group_id" in text:
                yield f"{path}:{number}: get_group_id() where GROUP_ID() of common.h is needed"


def documents_know_the_tree():
    """docs/architecture.md names every room, docs/kernels.md every kernel file and kernel."""
    def document(name):
        path = os.path.join(tree.ROOT, "docs", name)
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8") as file:
            return file.read()
    architecture, kernels = document("architecture.md"), document("kernels.md")
    rooms = {p.split("/")[1] for p in tree.files(".c", ".h") if p.startswith("src/")}
    for room in sorted(rooms):
        if f"src/{room}" not in architecture:
            yield f"docs/architecture.md: does not name src/{room}"
    for folder in sorted({p.split("/")[0] for p in tree.files() if "/" in p}):
        if f"{folder}/" not in architecture:
            yield f"docs/architecture.md: does not name {folder}/"
    for path in tree.files(".cl"):
        text = "\n".join(line for _, line in tree.lines(path))
        for word in [os.path.basename(path)] + re.findall(r"__kernel void\s+(\w+)\(", text):
            if f"`{word}`" not in kernels:
                yield f"docs/kernels.md: does not name {word}"


def documents_name_what_exists():
    """Links and paths in documents lead to files of the tree."""
    known = set(tree.files())
    path = re.compile(r"`((?:bench|cl|docs|include|src|tests|weights)/[\w./-]+\.\w+)`")
    link = re.compile(r"\]\((?!https?:|#)([^)#]+)")
    for document in tree.files(".md"):
        folder = os.path.dirname(document)
        for number, text in tree.lines(document):
            linked = [os.path.normpath(os.path.join(folder, to)) for to in link.findall(text)]
            for target in path.findall(text) + linked:
                if target not in known:
                    yield f"{document}:{number}: there is no {target}"


def main():
    problems = []
    for check in (no_machine_paths, no_unfinished_notes, lines_fit, files_and_functions_are_short,
                  headers_have_guards, kernel_files_explain_themselves,
                  kernels_count_groups_with_offsets, documents_know_the_tree,
                  documents_name_what_exists):
        problems += check()
    tree.finish(problems, f"the text of {len(tree.files())} files")


main()
