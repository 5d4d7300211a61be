"""Run a test program on Oclgrind: run_oclgrind.py CHECK PROGRAM [ARGUMENT...]

Oclgrind's exit code says nothing of what it found, so its log is read: it must be empty or, with
the check `planted`, name every fault that tests/test_planted.c makes.
"""
import glob
import os
import subprocess
import sys
import tempfile

SKIPPED = 77
DRIVERS = ["/usr/lib/oclgrind/liboclgrind-rt-icd.so", "/usr/lib/*/oclgrind/liboclgrind-rt-icd.so",
           "/usr/lib64/oclgrind/liboclgrind-rt-icd.so", "/usr/local/lib/liboclgrind-rt-icd.so"]
CHECKS = {
    "races": {"OCLGRIND_DATA_RACES": "1", "OCLGRIND_CHECK_API": "1"},
    # Optimised code holds instructions that this check does not know, and it loses track of vectors
    # that some kernels store in arrays; that verify fills memory with NaN first is their check.
    "uninitialised": {"OCLGRIND_UNINITIALIZED": "1", "OCLGRIND_BUILD_OPTIONS": "-cl-opt-disable",
                      "ALX_TEST_SHAPES": "3",
                      "ALX_TEST_WITHOUT": "clblast winograd winograd-tiled tiled pooled gemv"},
    "planted": {"OCLGRIND_DATA_RACES": "1"},
}
PLANTED = ["Invalid read", "Invalid write", "data race", "divergence"]


def main():
    check, program = sys.argv[1], sys.argv[2:]
    drivers = [path for pattern in DRIVERS for path in glob.glob(pattern)]
    if not drivers:
        print("skipped: Oclgrind is not installed")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        environment = dict(os.environ, OCL_ICD_VENDORS=drivers[0], OCLGRIND_LOG=log,
                           XDG_CACHE_HOME=folder, **CHECKS[check])
        code = subprocess.run(program, env=environment, check=False).returncode
        with open(log, encoding="utf-8", errors="replace") as file:
            found = file.read().strip()
    if check == "planted":
        missing = [fault for fault in PLANTED if fault.lower() not in found.lower()]
        print("\n".join(f"not found: {fault}" for fault in missing))
        return 1 if missing else 0
    print(found[:10000])
    return 1 if found else code


if __name__ == "__main__":
    sys.exit(main())
