"""Library and program compile for other systems, as far as their compilers are here.

Libraries of those systems seldom are: their headers are this machine's, which are the same, and
nothing is linked.
"""
import glob
import os
import re
import shutil
import subprocess
import tempfile

from support import tree

FOLDER = os.path.join(tree.ROOT, ".ci", "cross")
HEADERS = ("CL", "jansson.h", "jansson_config.h", "libdeflate.h", "sodium", "sodium.h", "pb.h",
           "pb_common.h", "pb_decode.h", "stb", "zlib.h", "zconf.h")
PACKAGES = ("OpenCL", "jansson", "libdeflate", "libsodium", "zlib")
# Warnings of another compiler's version are none of ours; what is not declared is, and that is said
# without optimising, too.
OPTIONS = ("-Dtests=false", "-Dclblast=disabled", "-Dseccomp=disabled", "-Dwerror=false",
           "-Dbuildtype=plain")
ERRORS = ("-Werror=implicit-function-declaration", "-Werror=incompatible-pointer-types")


def run(*command, **variables):
    return subprocess.run(command, env={**os.environ, **variables}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)


def find_header(name):
    """Where a header or a folder of headers lies on this machine."""
    multiarch = run("cc", "-print-multiarch").stdout.strip()
    for folder in ("/usr/include", f"/usr/include/{multiarch}", "/usr/include/nanopb",
                   "/usr/local/include"):
        if os.path.exists(os.path.join(folder, name)):
            return os.path.join(folder, name)
    return tree.skip(f"{name} is not installed")


def make_stubs(folder, archiver):
    """Headers, and packages without libraries."""
    include, packages = os.path.join(folder, "include"), os.path.join(folder, "packages")
    os.mkdir(include)
    os.mkdir(packages)
    for name in HEADERS:
        os.symlink(find_header(name), os.path.join(include, name))
    for name in PACKAGES:
        with open(os.path.join(packages, f"{name}.pc"), "w", encoding="utf-8") as file:
            file.write(f"Name: {name}\nDescription: {name}\nVersion: 99\nCflags: -I{include}\n")
    run(archiver, "rc", os.path.join(folder, "libprotobuf-nanopb.a"))
    with open(os.path.join(folder, "stubs.ini"), "w", encoding="utf-8") as file:
        file.write(f"[built-in options]\nc_args = {['-I' + include, *ERRORS]}\n"
                   f"c_link_args = ['-L{folder}']\n")
    return packages


def compile_objects(build):
    """Compiles what needs no library; what the compiler said when that fails, or ''."""
    targets = run("ninja", "-C", build, "-t", "targets", "all").stdout
    objects = re.findall(r"^(\S+): c_COMPILER$", targets, re.MULTILINE)
    if not objects:
        return "there is nothing to compile"
    result = run("ninja", "-C", build, *objects)
    return result.stdout[-4000:] if result.returncode else ""


def try_system(cross_file, archiver):
    with tempfile.TemporaryDirectory() as folder:
        packages, build = make_stubs(folder, archiver), os.path.join(folder, "build")
        result = run("meson", "setup", build, tree.ROOT, "--cross-file", cross_file,
                     "--cross-file", os.path.join(folder, "stubs.ini"), *OPTIONS,
                     PKG_CONFIG_LIBDIR=packages)
        if result.returncode:
            return result.stdout[-4000:]
        return compile_objects(build)


def main():
    problems, tried = [], []
    for cross_file in sorted(glob.glob(os.path.join(FOLDER, "*.ini"))):
        with open(cross_file, encoding="utf-8") as file:
            binaries = dict(re.findall(r"^(\w+) = '([^']*)'", file.read(), re.MULTILINE))
        name = os.path.splitext(os.path.basename(cross_file))[0]
        if not shutil.which(binaries["c"]):
            print(f"{name}: there is no {binaries['c']}")
            continue
        tried.append(name)
        said = try_system(cross_file, binaries["ar"])
        if said:
            problems.append(f"{name}: {said}")
    if not tried:
        tree.skip("there is no compiler for another system")
    tree.finish(problems, f"the sources compiled for {', '.join(tried)}")


main()
