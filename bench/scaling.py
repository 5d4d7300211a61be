#!/usr/bin/env python3
"""Milliseconds an image over batch sizes and threads, AlexNet as published with random weights:

    scaling.py [--network build/bench/network] [--program build/src/cli/alexnet-cl] [--devices 1,2]
               [--batches 1,2,...] [--threads 1,2] [--precision fp32] [--rounds 5]

For each device and number of threads all batches take turns, round after round in a new order; the
table has the medians. Threads are what a process may run on: PoCL is told so by a variable, Intel's
runtime takes it from the processors that the process is allowed. Needs numpy.
"""
import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers"))
import alexnet  # noqa: E402
from platforms import write_alexnet  # noqa: E402

TURN_MS = 300
SEED = 2012


class Network:
    """bench/network in a process of its own, ready to run."""

    def __init__(self, options, folder, device, batch, threads):
        cpus = sorted(os.sched_getaffinity(0))[:threads]
        environment = {**os.environ, "POCL_MAX_PTHREAD_COUNT": str(threads)}
        self.batch, self.samples = batch, []
        self.process = subprocess.Popen(
            [options.network, os.path.join(folder, "alexnet.safetensors"), device,
             options.precision, str(batch), os.path.join(folder, "input.f32"), os.devnull],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        if self.process.stdout.readline() != "ready\n":
            sys.exit(f"device {device}, batch {batch}: no answer")
        self.runs = max(1, int(TURN_MS / self.time(2)))

    def time(self, runs):
        """The median of so many runs in ms."""
        self.process.stdin.write(f"{runs}\n")
        self.process.stdin.flush()
        return statistics.median(float(ms) for ms in self.process.stdout.readline().split())

    def take_turn(self):
        self.samples.append(self.time(self.runs))

    def end(self):
        self.process.stdin.close()
        self.process.wait()

    def ms_per_image(self):
        return statistics.median(self.samples) / self.batch


def measure(options, folder, device, threads):
    """{batch: ms an image}."""
    networks = [Network(options, folder, device, batch, threads) for batch in options.batches]
    for _ in range(options.rounds):
        for network in random.sample(networks, len(networks)):
            network.take_turn()
    for network in networks:
        network.end()
    return {network.batch: network.ms_per_image() for network in networks}


def numbers(text):
    return [int(number) for number in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--network", default="build/bench/network")
    parser.add_argument("--program", default="build/src/cli/alexnet-cl")
    parser.add_argument("--devices", default="1")
    parser.add_argument("--batches", type=numbers, default=[1, 2, 4, 8, 16, 32, 64, 128, 256])
    parser.add_argument("--threads", type=numbers, default=[1, 2])
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    random.seed(SEED)
    with tempfile.TemporaryDirectory(prefix="alexnet-cl-scaling-") as folder:
        weights = os.path.join(folder, "weights.safetensors")
        write_alexnet(weights)
        subprocess.run([options.program, "convert", "-q", "--network", "alexnet", weights,
                        os.path.join(folder, "alexnet.safetensors")], check=True)
        alexnet.pictures(max(options.batches)).tofile(os.path.join(folder, "input.f32"))
        print("| device | threads |", " | ".join(map(str, options.batches)), "|")
        print("|" + "---|" * (len(options.batches) + 2))
        for device in options.devices.split(","):
            for threads in options.threads:
                times = measure(options, folder, device, threads)
                print(f"| {device} | {threads} |",
                      " | ".join(f"{ms:.2f}" for ms in times.values()), "|", flush=True)


if __name__ == "__main__":
    main()
