"""Compile every kernel of AlexNet's plans for GPUs that are not here, and write what the compilers
say of registers: registers.py PLANS WORK_FOLDER OUT.md KERNEL_FILE...

PLANS is the program of that name beside this file; common.h is among the kernel files. Compilers:
ocloc (Intel), clang-15 with libclc-15 (AMD, and PTX for NVIDIA), ptxas (NVIDIA); the variable PTXAS
may list several, with colons between, of which the first that knows an architecture is taken.
A device without a compiler gets an empty column.

Results are kept in WORK_FOLDER, by what was compiled. The exit code is 1 when a kernel spills.
"""
import collections
import glob
import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

NETWORK, BATCHES, PRECISIONS = "alexnet", (1, 32), ("fp32", "fp16", "int8")
LIBCLC = "/usr/lib/clc"
PTXAS = os.environ.get("PTXAS", "").split(":") + ["ptxas", "/usr/local/cuda/bin/ptxas"]

Launch = collections.namedtuple("Launch", "family layer algorithm kernel file grid lanes macs "
                                          "weight_bytes moved_bytes options")
Usage = collections.namedtuple("Usage", "registers spilled private told")


class Missing(Exception):
    """There is no compiler for a device."""


def plans(program, batch, precision, *exact):
    """The launches that the planner would make, for all families."""
    out = subprocess.run([program, NETWORK, str(batch), precision, *exact], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    return [Launch(*line.split("\t")) for line in out.splitlines()]


def run(command, environment=None):
    if not shutil.which(command[0]):
        raise Missing(command[0])
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout[-3000:]}")
    return done.stdout


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def number(pattern, text):
    match = re.search(pattern, text)
    return int(match.group(1)) if match else 0


def clang(arguments, library, source, options, out):
    run(["clang-15", "-x", "cl", "-cl-std=CL1.2", "-O3", "-w", "-S", *arguments, "-Xclang",
         "-finclude-default-header", "-Xclang", "-mlink-builtin-bitcode", "-Xclang",
         os.path.join(LIBCLC, library), *options.split(), source, "-o", out])
    return read(out)


# --- compilers: each gives {kernel: usage} ---

def intel(device, source, options, folder):
    """The graphics compiler leaves each kernel's assembly, of which the head is told."""
    environment = dict(os.environ, IGC_ShaderDumpEnable="1", IGC_DumpToCustomDir=folder)
    run(["ocloc", "compile", "-file", source, "-device", device, "-options", options, "-out_dir",
         folder], environment)
    kernels = {}
    for path in glob.glob(os.path.join(folder, "*_simd*_entry_*.asm")):
        text = read(path)
        code = "\n".join(line for line in text.splitlines() if not line.startswith("//"))
        kernels[re.search(r"//\.kernel (\w+)", text).group(1)] = Usage(
            1 + max(int(r) for r in re.findall(r"\br(\d+)[.:]", code)),
            number(r"//\.spill size (\d+)", text), number(r"//\.private memory size (\d+)", text),
            "SIMD" + re.search(r"_simd(\d+)_", path).group(1))
    return kernels


def amd(device, source, options, folder):
    text = clang(["-target", "amdgcn-amd-amdhsa", f"-mcpu={device}", "-nogpulib"],
                 "amdgcn--amdhsa.bc", source, options, os.path.join(folder, "out.s"))
    spills = {}
    for part in text[text.rfind("amdhsa.kernels:"):].split("\n  - .args:")[1:]:
        name = re.search(r"\n    \.name: +(\w+)", part).group(1)
        spills[name] = (number(r"\.vgpr_spill_count: +(\d+)", part) +
                        number(r"\.sgpr_spill_count: +(\d+)", part))
    return {
        part.split()[0]: Usage(number(r"; NumVgprs: (\d+)", part), 4 * spills[part.split()[0]],
                               number(r"; ScratchSize: (\d+)", part),
                               f"{number(r'; Occupancy: ([0-9]+)', part)} waves")
        for part in text.split("\t.amdhsa_kernel ")[1:]}


def nvidia(device, source, options, folder):
    out = os.path.join(folder, "out.ptx")
    clang(["-target", "nvptx64-nvidia-nvcl", "-Xclang", "-target-cpu", "-Xclang", device],
          "nvptx64--nvidiacl.bc", source, options, out)
    for ptxas in filter(shutil.which, PTXAS):
        if device not in run([ptxas, "--help"]):
            continue
        told = run([ptxas, "-v", f"-arch={device}", out, "-o", os.path.join(folder, "out.cubin")])
        kernels = {}
        for part in told.split("Compiling entry function '")[1:]:
            shared = number(r"(\d+) bytes smem", part)
            kernels[part.split("'")[0]] = Usage(
                number(r"Used (\d+) registers", part),
                number(r"(\d+) bytes spill stores", part),
                number(r"(\d+) bytes stack frame", part), f"{shared} B shared" if shared else "")
        return kernels
    raise Missing(f"a ptxas that knows {device}")


COMPILERS = {
    "intel-gen9": (intel, ("skl", "bxt")),
    "intel-xe": (intel, ("tgllp", "adl-s")),
    "intel-arc": (intel, ("dg2",)),
    "amd-gcn": (amd, ("gfx906",)),
    "amd-rdna": (amd, ("gfx1030", "gfx1100")),
    "nvidia": (nvidia, ("sm_61", "sm_75", "sm_86")),
}


def compiled(compiler, device, text, options, work):
    """What a compiler says of a program, from WORK_FOLDER where it was asked before."""
    key = hashlib.sha256("\0".join((device, text, options)).encode()).hexdigest()
    kept = os.path.join(work, key + ".json")
    if not os.path.exists(kept):
        with tempfile.TemporaryDirectory(dir=work) as folder:
            source = os.path.join(folder, "in.cl")
            with open(source, "w", encoding="utf-8") as file:
                file.write(text)
            kernels = compiler(device, source, options, folder)
        with open(kept, "w", encoding="utf-8") as file:
            json.dump(kernels, file)
    with open(kept, encoding="utf-8") as file:
        return {name: Usage(*usage) for name, usage in json.load(file).items()}


# --- the document ---

TILE = ("TILE", "ROWS", "VECTORS", "VECTOR", "IMAGES", "SPLIT")


def tile_of(launch):
    """The macros that matter for registers."""
    macros = dict(re.findall(r"-D(\w+)=(\w+)", launch.options))
    return " ".join(f"{name} {macros[name]}" for name in TILE
                    if macros.get(name, "1") != "1" and launch.kernel.startswith(
                        ("conv_tiled", "fc_gemv", "winograd")))


def rows_of(program, family):
    """Kernels of a family, also of plans without Winograd, each once for equal options: launch,
    batch, precisions."""
    rows = {}
    for batch, exact, precision in itertools.product(BATCHES, ((), ("exact",)), PRECISIONS):
        for launch in plans(program, batch, precision, *exact):
            if launch.family != family or not launch.kernel:
                continue
            row = rows.setdefault((launch.kernel, launch.options), (launch, batch, []))
            if precision not in row[2]:
                row[2].append(precision)
    return rows.values()


def cell(usage):
    extra = "".join(f", **{value} B {what}**" for value, what in
                    ((usage.spilled, "spilled"), (usage.private, "private")) if value)
    return f"{usage.registers}{extra}" + (f" ({usage.told})" if usage.told else "")


def family_table(program, family, sources, work, totals):
    compiler, devices = COMPILERS[family]
    lines = [f"## {family}", "",
             "| batch | layer | weights | kernel | tile | " + " | ".join(devices) + " |",
             "|---" * (5 + len(devices)) + "|"]
    for launch, batch, precisions in rows_of(program, family):
        cells = []
        for device in devices:
            try:
                usage = compiled(compiler, device, sources["common.h"] + sources[launch.file],
                                 launch.options, work)[launch.kernel]
                totals[device].append(usage)
                cells.append(cell(usage))
            except Missing as missing:
                totals[device].lacks = str(missing)
                cells.append("")
        weights = "any" if len(precisions) == len(PRECISIONS) else ", ".join(precisions)
        lines.append(f"| {batch} | {launch.layer} | {weights} | `{launch.kernel}` | "
                     f"{tile_of(launch)} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    return lines + [""]


class Total(list):
    """The usages of a device's kernels, and the compiler that was missing for some."""
    lacks = None

    def spills(self):
        return any(usage.spilled or usage.private for usage in self)

    def row(self):
        if self.lacks:
            return f"no {self.lacks} | | | |"
        values = (len(self), max(usage.registers for usage in self),
                  sum(usage.spilled for usage in self), sum(usage.private for usage in self))
        return " | ".join(str(value) for value in values) + " |"


def summary(totals):
    return ["| device | kernels | most registers | bytes spilled | bytes of private memory |",
            "|---|---|---|---|---|"] + [
                f"| {device} | {total.row()}" for device, total in totals.items()] + [""]


HEAD = """# Registers

Made by `meson compile -C build kernel-registers` (`bench/registers.py`): the kernels of AlexNet's
plans for families of GPUs, with and without Winograd, compiled with the options that the planner
gives them. A cell holds the registers of a work-item, then what the compiler spilled or put into
private memory, and what it tells of occupancy: waves on a SIMD (AMD), local memory (NVIDIA), lanes
of an instruction (Intel, where the number is the highest register that a thread uses, of 128 that
are handed out in turn: there, only spills tell).
"""


def main(program, work, out, *files):
    os.makedirs(work, exist_ok=True)
    sources = {os.path.basename(path): read(path) for path in files}
    totals = {device: Total() for _, devices in COMPILERS.values() for device in devices}
    tables = []
    for family in COMPILERS:
        tables += family_table(program, family, sources, work, totals)
    with open(out, "w", encoding="utf-8") as file:
        file.write("\n".join([HEAD] + summary(totals) + tables[:-1]) + "\n")
    bad = [device for device, total in totals.items() if total.spills()]
    sys.exit(f"kernels spill on {', '.join(bad)}" if bad else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
