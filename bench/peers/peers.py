#!/usr/bin/env python3
"""AlexNet on other programs beside ours, on this machine.

    peers.py --prepare        makes a Python environment with the other programs in the build folder
    peers.py [--batches 1,32] [--devices 1,2] [--rounds 7] [--out FILE.md]

Every program runs in a process of its own, on the same pictures and weights, with the same number
of threads. They take turns, in another order every round, so that a machine which is slow for a
while is slow for all; a ratio is the median, over the rounds, of our time in a round by the other's
in the same one. Probabilities are compared with ONNX Runtime's in float32. Needs a build, by `meson
compile -C build`. What it prints is Markdown.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import venv

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TURN_MS = 300   # how long a program runs before the next one has its turn
PAUSE_S = 0.05  # until the threads of the one before sleep
REFERENCE = "onnxruntime-fp32"
CLASSES = ("fp32", "16 bits", "8 bits")
OURS = {"fp32": "fp32", "fp16": "16 bits", "int8": "8 bits"}
# Set on some machines for old numpy libraries, and slow for others.
DROPPED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


class Worker:
    """A program that waits for its turns."""

    def __init__(self, title, precision, ours, command, output, options):
        self.title, self.precision, self.ours, self.output = title, precision, ours, output
        self.rounds, self.reason, self.first_ms, self.error = [], None, None, None
        environment = {name: value for name, value in os.environ.items() if name not in DROPPED}
        cpus = sorted(os.sched_getaffinity(0))[:options.threads]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=environment, preexec_fn=lambda: os.sched_setaffinity(0, cpus))

    def start(self, limit_s):
        """Waits until it is ready and has been timed once; False, and a reason, when it fails."""
        signal.alarm(limit_s)
        try:
            if self.process.stdout.readline() != "ready\n":
                said = self.process.communicate()[1].strip().splitlines()
                return self.fail(said[-1] if said else "it ended")
            self.first_ms = statistics.median(self.turn(3) or [0])
        except TimeoutError:
            return self.fail(f"not ready after {limit_s} s")
        finally:
            signal.alarm(0)
        return not self.reason

    def fail(self, reason):
        self.reason = re.sub(r"\s+", " ", reason)[:150]
        self.process.kill()
        return False

    def turn(self, runs):
        """Runs so often; the times in milliseconds, or None when it ended."""
        try:
            self.process.stdin.write(f"{runs}\n")
            self.process.stdin.flush()
            times = [float(word) for word in self.process.stdout.readline().split()]
        except (BrokenPipeError, ValueError):
            times = []
        if len(times) != runs:
            self.fail("it ended in its turn")
            return None
        return times

    def end(self):
        self.process.kill()
        self.process.communicate()

    def medians(self):
        return [statistics.median(times) for times in self.rounds]

    def median(self):
        return statistics.median(self.medians())

    def quartiles(self):
        return statistics.quantiles(self.medians(), n=4)[::2]


def python_of(options):
    return os.path.join(options.environment, "bin", "python")


def prepare(options):
    venv.create(options.environment, with_pip=True)
    subprocess.run([python_of(options), "-m", "pip", "install", "-q", "-r",
                    os.path.join(HERE, "packages.txt")], check=True)


def ask_engines(options, code):
    """What a line of Python that knows the engines prints."""
    return subprocess.run([python_of(options), "-c", "import alexnet, engines; " + code], cwd=HERE,
                          stdout=subprocess.PIPE, text=True, check=True).stdout


def make_files(options, folder, batch):
    ask_engines(options, f"alexnet.write_onnx({folder + '/alexnet-1.onnx'!r}, 1); "
                         f"alexnet.write_onnx({folder + f'/alexnet-{batch}.onnx'!r}, {batch}); "
                         f"alexnet.pictures({batch}).tofile({folder + f'/input-{batch}.f32'!r})")


def start_ours(options, folder, batch):
    found = json.loads(subprocess.run([options.program, "devices", "--json"], check=True, text=True,
                                      stdout=subprocess.PIPE).stdout)["devices"]
    names = {str(device["number"]): f"{device['name']}, {device['platform']}" for device in found}
    for device in options.devices:
        for precision, kind in OURS.items():
            output = f"{folder}/ours-{device}-{precision}.f32"
            command = [options.network, f"{folder}/alexnet-1.onnx", device, precision, str(batch),
                       f"{folder}/input-{batch}.f32", output]
            title = f"**alexnet-cl, {precision}**, {names.get(device, device)}"
            yield Worker(title, kind, True, command, output, options)


def start_peers(options, folder, batch):
    rows = ask_engines(options, "[print(name, *row[:2], sep='\\t') "
                                "for name, row in engines.ENGINES.items()]")
    for row in rows.splitlines():
        name, title, precision = row.split("\t")
        if not re.search(options.engines, name):
            continue
        output = f"{folder}/{name}.f32"
        command = [python_of(options), os.path.join(HERE, "engines.py"), name, folder, str(batch),
                   str(options.threads), output]
        worker = Worker(title, precision, False, command, output, options)
        worker.name = name
        yield worker


def compare_answers(options, workers, reference):
    """Sets the errors: of the logits, root mean square and largest, as a part of their deviation;
    logits are the logarithms of the probabilities but for a constant."""
    paths = [worker.output for worker in workers]
    code = ("import sys, numpy as np\n"
            "def logits(path):\n"
            "    values = np.log(np.fromfile(path, np.float32).reshape(-1, 1000) + 1e-30)\n"
            "    return values - values.mean(1, keepdims=True)\n"
            "true = logits(sys.argv[1])\n"
            "for path in sys.argv[2:]:\n"
            "    got = logits(path)\n"
            "    print((got - true).std() / true.std(), np.abs(got - true).max() / true.std(),"
            " (got.argmax(1) == true.argmax(1)).mean())\n")
    lines = subprocess.run([python_of(options), "-c", code, reference, *paths],
                           stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    for worker, line in zip(workers, lines):
        worker.error = [100 * float(word) for word in line.split()]


def measure(options, folder, batch):
    """Runs all of them in turns; those that failed have a reason."""
    make_files(options, folder, batch)
    workers = []
    for make in (start_ours, start_peers):
        for worker in make(options, folder, batch):
            print(f"batch {batch}: starting {worker.title}", file=sys.stderr)
            worker.start(options.limit)
            workers.append(worker)
    running = [worker for worker in workers if not worker.reason]
    for number in range(options.rounds):
        print(f"batch {batch}: round {number + 1} of {options.rounds}", file=sys.stderr)
        for worker in random.sample(running, len(running)):
            times = worker.turn(max(1, round(TURN_MS / max(worker.first_ms, 1e-3))))
            if times:
                worker.rounds.append(times)
            time.sleep(PAUSE_S)
        running = [worker for worker in running if not worker.reason]
    reference = [worker for worker in running if getattr(worker, "name", "") == REFERENCE]
    if reference:
        compare_answers(options, running, reference[0].output)
    for worker in workers:
        worker.end()
    return workers


def ratio(worker, other):
    return statistics.median(a / b for a, b in zip(worker.medians(), other.medians()))


def table(batch, workers):
    """Markdown: fastest first in each class of precisions, then who failed."""
    lines = [f"### Batch {batch}", "",
             "| precision | program | ms | middle half | images/s | its time / ours | error of the "
             "logits: rms, largest | same top-1 |", "|---|---|---|---|---|---|---|---|"]
    done = [worker for worker in workers if not worker.reason]
    for kind in CLASSES:
        row = sorted((worker for worker in done if worker.precision == kind),
                     key=Worker.median)
        best = next((worker for worker in row if worker.ours), None)
        for worker in row:
            beside = "" if not best else "1" if worker is best else f"{ratio(worker, best):.2f}"
            low, high = worker.quartiles()
            error = "{:.2g} %, {:.2g} % | {:.4g} %".format(*worker.error) if worker.error else "|"
            lines.append(f"| {kind} | {worker.title} | {worker.median():.2f} "
                         f"| {low:.2f}-{high:.2f} | {1e3 * batch / worker.median():.0f} "
                         f"| {beside} | {error} |")
    lines += ["", *[f"- {worker.title}: {worker.reason}" for worker in workers if worker.reason]]
    return lines + ["", *targets(batch, done), ""]


def targets(batch, done):
    """Ours beside the fastest of the others: the figures that a claim rests on."""
    peers = [worker for worker in done if not worker.ours]
    full = min((w for w in peers if w.precision == "fp32"), key=Worker.median, default=None)
    reduced = min((w for w in peers if w.precision != "fp32"), key=Worker.median, default=None)
    for worker in (w for w in done if w.ours):
        said = [f"{ratio(worker, peer):.2f} of {peer.title}'s time" for peer in (full, reduced)
                if peer and not (peer is reduced and worker.precision == "fp32")]
        if said:
            yield f"- {worker.title}: " + ", ".join(said)


def numbers(text):
    return [int(word) for word in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--prepare", action="store_true", help="install the others, then end")
    parser.add_argument("--batches", type=numbers, default=[1, 8, 32, 128], metavar="N,N")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--devices", type=lambda text: text.split(","), default=["1"],
                        metavar="SPEC,SPEC", help="of ours, as for alexnet-cl")
    parser.add_argument("--engines", default=".", metavar="REGEX", help="which others")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), metavar="FOLDER")
    parser.add_argument("--environment", metavar="FOLDER", help="of Python, with the others")
    parser.add_argument("--limit", type=int, default=300, metavar="S", help="until one is ready")
    parser.add_argument("--out", metavar="FILE", help="write the tables there, too")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    options.environment = os.path.abspath(options.environment or
                                          os.path.join(options.build, "peers-venv"))
    options.program = os.path.join(options.build, "src", "cli", "alexnet-cl")
    options.network = os.path.join(options.build, "bench", "network")
    if options.prepare:
        prepare(options)
        return
    for path, what in ((options.network, "meson compile -C build"),
                       (python_of(options), "peers.py --prepare")):
        if not os.path.exists(path):
            sys.exit(f"peers: {path}: not there; run {what}")

    def late(*_):
        raise TimeoutError
    signal.signal(signal.SIGALRM, late)
    lines = []
    folder = tempfile.mkdtemp(prefix="peers-")
    try:
        for batch in options.batches:
            made = table(batch, measure(options, folder, batch))
            print("\n".join(made), flush=True)
            lines += made
    finally:
        shutil.rmtree(folder)
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
