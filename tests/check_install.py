"""`meson install` puts everything in its place, and a program outside of the tree can use it.

check_install.py BUILD_FOLDER
"""
import os
import re
import shlex
import subprocess
import sys
import tempfile

from support import tree

PROGRAM = r"""
#include <alexnet_cl/alexnet_cl.h>
#include <stdio.h>

int main(void)
{
    alx_net *net = NULL;
    if (alx_net_create_named("alexnet", &net) != ALX_STATUS_OK)
        return 1;
    printf("%s %llu\n", alx_version(), (unsigned long long)alx_net_parameters(net));
    alx_net_destroy(&net);
    return net != NULL;
}
"""
PARAMETERS = "60965224"


def run(command, **options):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            check=False, **options)
    if result.returncode:
        print(f"{shlex.join(command)} ended with {result.returncode}:\n{result.stdout}")
        sys.exit(1)
    return result.stdout


def find(folder, name):
    """The one path below the folder that ends in `name`, or None."""
    found = [os.path.join(at, file) for at, _, names in os.walk(folder) for file in names
             if os.path.join(at, file).endswith("/" + name)]
    return found[0] if len(found) == 1 else None


def declared_functions():
    names = set()
    for path in tree.files(".h"):
        if path.startswith("include/"):
            text = "\n".join(line for _, line in tree.lines(path))
            names.update(re.findall(r"^ALX_API\s[^;(]*?\b(alx_\w+)\(", text, re.MULTILINE))
    return names


def check_files(installed):
    wanted = ["bin/alexnet-cl", "libalexnet_cl.so", "libalexnet_cl.a", "pkgconfig/alexnet_cl.pc",
              "man1/alexnet-cl.1", "LICENSE"]
    wanted += [p for p in tree.files(".h") if p.startswith("include/")]
    wanted += [p for p in tree.files(".safetensors") if p.startswith("weights/")]
    return [f"{name} is not installed, or twice" for name in wanted if not find(installed, name)]


def check_symbols(library):
    exported = {line.split()[-1] for line in
                run(["nm", "--dynamic", "--defined-only", library]).splitlines()}
    declared = declared_functions()
    return ([f"{name} is exported but not declared" for name in sorted(exported - declared)] +
            [f"{name} is declared but not exported" for name in sorted(declared - exported)])


def check_use(installed, library, scratch):
    """Compiles and runs a program through pkg-config, against the shared and the static library."""
    problems = []
    pc = find(installed, "pkgconfig/alexnet_cl.pc")
    paths = filter(None, [os.path.dirname(pc), os.environ.get("PKG_CONFIG_PATH")])
    environment = dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(library),
                       PKG_CONFIG_PATH=":".join(paths))
    with open(pc, encoding="utf-8") as file:
        prefix = re.search(r"^prefix=(.*)$", file.read(), re.MULTILINE).group(1)
    flags = ["pkg-config", "--define-variable=prefix=" + installed + prefix, "--cflags", "--libs"]
    source = os.path.join(scratch, "program.c")
    with open(source, "w", encoding="ascii") as file:
        file.write(PROGRAM)
    version = run(["pkg-config", "--modversion", "alexnet_cl"], env=environment).strip()
    for kind in ("shared", "static"):
        more = ["--static"] if kind == "static" else []
        words = shlex.split(run(flags + more + ["alexnet_cl"], env=environment))
        if kind == "static":
            words = [library[:-len(".so")] + ".a" if word == "-lalexnet_cl" else word
                     for word in words]
        program = os.path.join(scratch, kind)
        run(shlex.split(os.environ.get("CC", "cc")) +
            ["-std=c11", "-Wall", "-Werror", source, "-o", program] + words)
        output = run([program], env=environment)
        if output != f"{version} {PARAMETERS}\n":
            problems.append(f"the program with the {kind} library printed {output!r}")
        needs_shared = "libalexnet_cl" in run(["readelf", "--dynamic", program])
        if needs_shared != (kind == "shared"):
            problems.append(f"the {kind} program is linked to the wrong library")
    output = run([find(installed, "bin/alexnet-cl"), "--version"], env=environment)
    if version not in output:
        problems.append(f"the installed program calls itself {output!r}, not {version}")
    return problems


def main(build):
    with tempfile.TemporaryDirectory() as scratch:
        installed = os.path.join(scratch, "destdir")
        run(["meson", "install", "-C", build, "--no-rebuild", "--destdir", installed])
        library = find(installed, "libalexnet_cl.so")
        problems = check_files(installed)
        if not problems:
            if "__asan" in run(["nm", "--dynamic", library]):
                tree.skip("a library with sanitizers cannot be used by a program without")
            problems += check_symbols(library)
            problems += check_use(installed, library, scratch)
    tree.finish(problems, "the installed files")


main(sys.argv[1])
