"""Runs a libFuzzer target for some seconds: run_fuzz.py TARGET SECONDS SEEDS [OPTIONS...]

Starts from the files in SEEDS. What it makes of them goes with it; a finding's bytes are printed,
and the exit code says so.
"""
import base64
import os
import subprocess
import sys
import tempfile


def main():
    target, seconds, seeds, *options = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        corpus = os.path.join(folder, "corpus")
        os.mkdir(corpus)
        done = subprocess.run([target, f"-max_total_time={seconds}", "-timeout=20",
                               f"-artifact_prefix={folder}/", *options, corpus, seeds],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        said = done.stdout.decode(errors="replace").splitlines()
        print("\n".join(said[-1 if done.returncode == 0 else -60:]))
        for name in sorted(os.listdir(folder)):
            if name != "corpus":
                with open(os.path.join(folder, name), "rb") as file:
                    print(f"{name}: {base64.b64encode(file.read()).decode()}")
    sys.exit(done.returncode != 0)


main()
