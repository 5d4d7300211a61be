"""Write texts as a C table of strings: embed.py OUT.c HEADER TYPE NAME FILE..."""
import os
import sys


def literal(text):
    """One C string literal a line, so that the generated file can be read and diffed."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join(f'    "{line}\\n"' for line in escaped.splitlines())


def main(out, header, kind, name, paths):
    with open(out, "w", encoding="ascii") as file:
        file.write(f'#include "{header}"\n\n')
        file.write(f"const {kind} {name}[] = {{\n")
        for path in paths:
            with open(path, encoding="ascii") as source:
                file.write(f'    {{"{os.path.basename(path)}",\n{literal(source.read())}}},\n')
        file.write("    {0, 0},\n};\n")


if __name__ == "__main__":
    main(*sys.argv[1:5], sys.argv[5:])
