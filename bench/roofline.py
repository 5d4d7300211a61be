"""Predict AlexNet's times on GPUs that are not here: roofline.py PLANS OUT.md

Each launch of the plan takes the longer of its arithmetic at the device's peak and its traffic at
the device's bandwidth, and a launch's own time; work-groups that leave compute units idle count as
if they were full. This is a bound that a perfect kernel meets, and shows where a plan loses: by
arithmetic of padded tiles, by traffic of Winograd's transforms, by launches. Published times of
other programs stand beside it.
"""
import collections
import math
import re
import sys

import registers

Device = collections.namedtuple("Device", "name family gb_per_s gflops launch_us published")

# Peaks: clpeak's measurements where its results list the device, with its launch times; else the
# vendors' figures, with the launch time of the family's measured device. Published times, batch 1
# unless said: OpenCV's pull requests, ncnn's benchmark page, OpenCL-caffe's README,
# convnet-benchmarks. "owt" is the one-weird-trick network, 1.43 GFLOP an image and not grouped.
DEVICES = (
    Device("HD Graphics 530, clpeak", "intel-gen9", 14.5, 325, 34, ""),
    Device("HD Graphics 530, vendor", "intel-gen9", 34.1, 441, 34,
           "OpenCV 14.35 ms fp32, 8.6 ms fp16"),
    Device("UHD Graphics 770", "intel-xe", 76.8, 742, 34, "ncnn 13.6 ms fp32; OpenCV 7.44 ms fp16"),
    Device("Arc A770", "intel-arc", 560, 19660, 34, ""),
    Device("Radeon R9 290X", "amd-gcn", 320, 5632, 13, "OpenCL-caffe 606 images/s at batch 128"),
    Device("Radeon R9 Fury", "amd-gcn", 512, 7168, 13, "OpenCL-caffe 699 images/s at batch 128"),
    Device("Radeon VII", "amd-gcn", 1024, 13440, 13, ""),
    Device("Radeon RX 5500 XT, clpeak", "amd-rdna", 190, 4900, 12.8, ""),
    Device("Radeon RX 6900 XT", "amd-rdna", 512, 23040, 12.8, "ncnn 2.31 ms"),
    Device("GeForce GTX Titan X", "nvidia", 336, 6144, 3.9,
           "cuDNN R4 27 ms at batch 128 (owt); Caffe and cuDNN 4 3216 images/s at batch 128"),
    Device("GeForce RTX 2080, clpeak", "nvidia", 391, 11228, 3.9, "ncnn 2.15 ms"),
    Device("GeForce RTX 3060 Ti", "nvidia", 448, 16200, 3.9, "ncnn 1.10 ms"),
    Device("Tesla V100", "nvidia", 900, 14130, 3.9, "ncnn 1.33 ms"),
)
# Groups that a unit needs at a time, as in src/ops/tiled.c, and the units of plans.c's families.
GROUPS_A_UNIT = 4
UNITS = {"intel-gen9": 24, "intel-xe": 32, "intel-arc": 512, "amd-gcn": 60, "amd-rdna": 22,
         "nvidia": 46}


def macros_of(launch):
    return collections.defaultdict(int, {name: int(value) for name, value in re.findall(
        r"-D(\w+)=(\d+)(?!\.)\b", launch.options)})


def arithmetic(launch, macros):
    """Operations, of padded tiles too, over the part of the device that they fill."""
    if launch.kernel != "conv_tiled":
        return 2 * int(launch.macs) if launch.kernel in ("fc_gemv",) else 0
    items = math.prod(int(size) for size in launch.grid.split(","))
    k = macros["K_ELEMS"] or (macros["IN_C"] // max(1, macros["GROUPS"]) * macros["KERNEL_H"] *
                              macros["KERNEL_W"])
    operations = 2 * items * macros["ROWS"] * macros["VECTORS"] * macros["VECTOR"] * k
    operations /= macros["SPLIT"]
    groups, at_once = items / int(launch.lanes), GROUPS_A_UNIT * UNITS[launch.family]
    rounds = groups / at_once
    return operations * (math.ceil(rounds) / rounds if rounds < 4 else 1)


def traffic(launch, macros):
    """Bytes read and written."""
    if launch.kernel == "layout_clear_halo":
        return 0  # hardly any
    images = macros["IMAGES"] or macros["BATCH"]
    image_in = 4 * images * macros["IN_C"] * macros["IN_H"] * macros["IN_W"]
    image_out = 4 * images * macros["OUT_C"] * macros["OUT_H"] * macros["OUT_W"]
    parts = 4 * macros["SPLIT"] * macros["ROW_COUNT"] * macros["OUT_C"]
    if launch.algorithm != "winograd-tiled":
        if launch.kernel == "conv_tiled_sum":
            return parts + image_out
        return int(launch.moved_bytes) + (parts if macros["SPLIT"] > 1 else 0)
    transformed = 4 * macros["PRODUCTS"] * macros["GROUPS"] * macros["IN_STEP"]
    products = macros["PRODUCTS"] * parts
    return {"winograd_input": image_in + transformed,
            "conv_tiled": transformed + int(launch.weight_bytes) + products,
            "winograd_output": products + image_out}[launch.kernel]


def predicted_ms(device, launches):
    seconds = 0
    for launch in launches:
        if launch.family == device.family:
            macros = macros_of(launch)
            seconds += max(arithmetic(launch, macros) / (device.gflops * 1e9),
                           traffic(launch, macros) / (device.gb_per_s * 1e9))
            seconds += device.launch_us * 1e-6
    return 1000 * seconds


HEAD = """# Times that the roofline model predicts

Made by `meson compile -C build roofline` (`bench/roofline.py`): for GPUs that no test reaches, the
least time of AlexNet's plans. A launch takes the longer of its arithmetic at the peak and its
traffic at the bandwidth, and the time of a launch; weights are float32, half or int8, sums always
float32. Times in milliseconds, a batch each. Peaks: clpeak's measurements where it is named, else
the vendors' figures. Published times are other programs', on their own networks where said.
"""


def main(program, out):
    lines = [HEAD, "| device | GB/s | GFLOP/s | batch 1: fp32 | fp16 | int8 | batch 32: fp32 | "
             "images/s | published |", "|---" * 9 + "|"]
    plans = {(batch, precision): registers.plans(program, batch, precision)
             for batch in registers.BATCHES for precision in registers.PRECISIONS}
    for device in DEVICES:
        one = [f"{predicted_ms(device, plans[1, precision]):.2f}"
               for precision in registers.PRECISIONS]
        many = predicted_ms(device, plans[32, "fp32"])
        lines.append(f"| {device.name} | {device.gb_per_s} | {device.gflops} | "
                     f"{' | '.join(one)} | {many:.1f} | {32000 / many:.0f} | {device.published} |")
    with open(out, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
