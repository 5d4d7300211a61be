#!/bin/sh
# Installs what is missing, builds, runs and tests; `./setup.sh help` tells how.
# Progress goes to standard error: standard output is the program's, or the test runner's.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
log=$root/build/setup.log

# Without a home nothing would be cached, and PoCL would use /tmp/pocl, which belongs to whoever
# came first.
if [ -z "${HOME:-}${XDG_CACHE_HOME:-}" ]; then
    export XDG_CACHE_HOME="$root/build/cache"
fi

usage() {
    cat <<END
usage: ./setup.sh run [OPTIONS] IMAGE...   install what is missing, build, classify the images
       ./setup.sh test                     the same, then every test, also with sanitizers
       ./setup.sh build                    install what is missing, build
       ./setup.sh coverage                 build for coverage, test, print the lines covered
       ./setup.sh clean                    remove the build folders
       ./setup.sh help                     this text

What stands after \`run\` goes to the program; \`./setup.sh run --help\` shows its options.
As root with apt-get, missing packages are installed; otherwise the command is printed.
END
}

say() {
    printf 'setup.sh: %s\n' "$*" >&2
}

die() {
    say "$@"
    exit 1
}

# --- what is needed ---

# One thing a line: level, how to look for it, its name, and the packages that bring it with apt,
# dnf and pacman (several are joined by commas; "-": not packaged there). Levels: build; run; test
# (no tests without it); more (without it some tests are skipped).
needs() {
    cat <<'END'
build compiler C-compiler gcc,libc6-dev gcc gcc
build meson meson meson meson meson
build ninja ninja ninja-build ninja-build ninja
build program python3 python3 python3 python
build program pkg-config pkg-config pkgconf-pkg-config pkgconf
build header CL/cl.h opencl-headers opencl-headers opencl-headers
build library OpenCL ocl-icd-opencl-dev ocl-icd-devel ocl-icd
build library clblast libclblast-dev clblast-devel clblast
build header stb/stb_image.h libstb-dev stb_image-devel stb
build library jansson libjansson-dev jansson-devel jansson
build header pb_decode.h libnanopb-dev nanopb-devel nanopb
build library libdeflate libdeflate-dev libdeflate-devel libdeflate
build library libsodium libsodium-dev libsodium-devel libsodium
build library libseccomp libseccomp-dev libseccomp-devel libseccomp
build library zlib zlib1g-dev zlib-devel zlib
run device OpenCL-device pocl-opencl-icd pocl pocl
test library cmocka libcmocka-dev libcmocka-devel cmocka
more icd pocl pocl-opencl-icd pocl pocl
more icd rusticl mesa-opencl-icd mesa-libOpenCL opencl-mesa
more program oclgrind oclgrind - -
more program clinfo clinfo clinfo clinfo
more compiler C++-compiler g++ gcc-c++ gcc
more program clang-format-14 clang-format-14 - -
more program clang clang,libclang-rt-dev clang,compiler-rt clang,compiler-rt
more program shellcheck shellcheck ShellCheck shellcheck
more program gcovr gcovr gcovr gcovr
more python ensurepip python3-venv python3 python
more file /usr/share/datasets/fashion-mnist dataset-fashion-mnist - -
END
}

compiles() {
    # shellcheck disable=SC2086 # CC may hold more than the program's name
    printf '#include <stdio.h>\nint main(void) { return 0; }\n' |
        $2 -x "$1" -o /dev/null - 2>/dev/null
}

# Whether the loader shows a device that computes; Oclgrind only checks.
device_found() {
    if command -v python3 >/dev/null 2>&1; then
        python3 - 2>/dev/null <<'END'
import ctypes
import sys
try:
    cl = ctypes.CDLL("libOpenCL.so.1")
except OSError:
    sys.exit(1)
count = ctypes.c_uint(0)
if cl.clGetPlatformIDs(0, None, ctypes.byref(count)) or not count.value:
    sys.exit(1)
platforms = (ctypes.c_void_p * count.value)()
cl.clGetPlatformIDs(count.value, platforms, None)
for platform in platforms:
    name = ctypes.create_string_buffer(256)
    cl.clGetPlatformInfo(ctypes.c_void_p(platform), 0x0902, 255, name, None)
    found = ctypes.c_uint(0)
    error = cl.clGetDeviceIDs(ctypes.c_void_p(platform), ctypes.c_ulong(0xFFFFFFFF), 0, None,
                              ctypes.byref(found))
    if error == 0 and found.value and b"oclgrind" not in name.value.lower():
        sys.exit(0)
sys.exit(1)
END
    else # looked at again once Python is there
        ls /etc/OpenCL/vendors/*.icd >/dev/null 2>&1
    fi
}

has() {
    case $1 in
    compiler)
        case $2 in
        C-compiler) compiles c "${CC:-cc}" ;;
        *) compiles c++ "${CXX:-c++}" ;;
        esac
        ;;
    program) command -v "$2" >/dev/null 2>&1 ;;
    meson) meson --version 2>/dev/null | awk -F. '$1 >= 1 { ok = 1 } END { exit !ok }' ;;
    ninja) [ -n "$(ninja_program)" ] ;;
    header) printf '#include <%s>\n' "$2" | ${CC:-cc} -E -x c - >/dev/null 2>&1 ;;
    library) pkg-config --exists "$2" 2>/dev/null ;;
    python) python3 -c "import $2" 2>/dev/null ;;
    icd) ls /etc/OpenCL/vendors/*"$2"*.icd >/dev/null 2>&1 ;;
    file) [ -e "$2" ] ;;
    device) device_found ;;
    esac
}

ninja_program() {
    command -v ninja || command -v ninja-build || true
}

# The lines of `needs` at these levels whose thing is not there.
missing() {
    needs | while read -r level kind name packages; do
        case " $* " in
        *" $level "*) has "$kind" "$name" </dev/null || echo "$level $kind $name $packages" ;;
        esac
    done
}

# Field `$1` of the lines on standard input as words of one line, each once.
words() {
    awk -v field="$1" '{ n = split($field, part, ",")
        for (i = 1; i <= n; i++) if (part[i] != "-" && !seen[part[i]]++) {
            printf "%s%s", (some ? " " : ""), part[i]; some = 1 } }'
}

# --- installing ---

apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 \
        -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o APT::Update::Error-Mode=any \
        "$@" </dev/null >>"$log" 2>&1
}

# Installs the packages; those that cannot be had are named, and the rest is installed.
install_packages() {
    say "installing $*"
    apt_get --no-install-recommends install "$@" && return
    if ! apt_get update; then
        say "could not fetch the list of packages (no network?), so these were not installed: $*"
        return
    fi
    apt_get --no-install-recommends install "$@" && return
    refused=
    for package in "$@"; do # one that this release lacks must not keep the others away
        apt_get --no-install-recommends install "$package" || refused="$refused $package"
    done
    [ -z "$refused" ] || say "could not fetch these packages:$refused"
}

print_commands() {
    say "missing: $(echo "$1" | words 3); one of these installs it:"
    for tool in 'apt-get install -y:4' 'dnf install -y:5' 'pacman -S --needed:6'; do
        packages=$(echo "$1" | words "${tool##*:}")
        [ -z "$packages" ] || say "    sudo ${tool%:*} $packages"
    done
}

can_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1
}

# Sees to it that the levels $1 are there, and the levels $2 if they can be had.
provide() {
    lack=$(missing "$1" "$2")
    before=
    # A second round for what only the first one makes visible: devices are looked for by Python.
    while [ -n "$lack" ] && [ "$lack" != "$before" ] && can_install; do
        # shellcheck disable=SC2046 # words
        install_packages $(echo "$lack" | words 4)
        before=$lack
        lack=$(missing "$1" "$2")
    done
    [ -n "$lack" ] || return 0
    print_commands "$lack"
    fatal=$(missing "$1")
    [ -z "$fatal" ] || die "cannot go on without: $(echo "$fatal" | words 3)"
    say "going on without: $(echo "$lack" | words 3)"
}

# --- building ---

# Whether the tree was moved since the folder was configured: it names its old place everywhere.
moved() {
    [ -f "$1/setup-options" ] && [ "$(head -n 1 "$1/setup-options")" != "$root" ]
}

# Folder, then options for Meson. What was configured before with the same options stays.
configure() {
    folder=$1
    shift
    mine=$folder/setup-options
    options=$(printf '%s\n' "$root" "$@")
    if [ -f "$folder/build.ninja" ] && [ "$(cat "$mine" 2>/dev/null)" = "$options" ]; then
        return
    fi
    say "configuring ${folder##*/}"
    if moved "$folder"; then
        find "$folder" -mindepth 1 -maxdepth 1 ! -name setup.log -exec rm -rf {} +
    fi
    again=
    [ ! -f "$folder/build.ninja" ] || again=--reconfigure
    meson setup $again "$folder" "$root" "$@" </dev/null >>"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        die "Meson failed; everything it said is in $log"
    }
    echo "$options" >"$mine"
}

# Folder, then targets; none means all. Says nothing when there is nothing to do.
build() {
    folder=$1
    shift
    "$(ninja_program)" -n -C "$folder" "$@" 2>&1 | grep -q 'no work to do' && return
    say "building ${folder##*/}"
    "$(ninja_program)" -C "$folder" "$@" </dev/null >>"$log" 2>&1 || {
        sed -n '/^FAILED/,$p' "$log" | head -n 40 >&2
        die "the build failed; everything it said is in $log"
    }
}

# Runs a function with the tree to itself: two at a time would configure one folder twice.
alone() {
    (
        if command -v flock >/dev/null 2>&1; then
            flock -n 9 || {
                say "waiting for another setup.sh in this tree"
                flock 9
            }
        fi
        mkdir -p "$root/build"
        : >"$log"
        "$@"
    ) 9<"$root/setup.sh"
}

# A newer compiler may warn of what ours does not, and an optimiser guesses. Warnings are errors in
# the default build type (tests/check_variants.py).
configure_release() {
    configure "$root/build" --buildtype=release -Dwerror=false "$@"
}

prepare_program() {
    provide build run
    # whoever configured the folder, with tests or without: its options stay
    if [ ! -f "$root/build/build.ninja" ] || moved "$root/build"; then
        configure_release -Dtests=false
    fi
    build "$root/build" src/cli/alexnet-cl
}

# --- testing ---

# Folder, then options. Sanitizers and coverage look at this library alone: one platform is enough,
# and PoCL is the fastest.
prepare_second() {
    configure "$@" --buildtype=debugoptimized -Dtests=true
    build "$1" meson-test-prereq
    copy_vendors "$1/vendors" pocl
}

prepare_tests() {
    provide 'build test' 'run more'
    configure_release -Dtests=true
    fetch_intel_runtime & # while compilers work
    fetching=$!
    build "$root/build"
    prepare_second "$root/build-asan" -Db_sanitize=address,undefined -Db_lundef=false
    prepare_fuzz
    wait "$fetching"
    add_intel_runtime
}

# Untrusted bytes by the million, for a minute a reader.
prepare_fuzz() {
    if ! printf 'int LLVMFuzzerTestOneInput(void) { return 0; }\n' |
        clang -fsanitize=fuzzer -x c -o /dev/null - 2>/dev/null; then
        say 'there is no clang with libFuzzer: nothing is fuzzed'
        return
    fi
    (
        export CC=clang CXX=clang++
        configure "$root/build-fuzz" --buildtype=debugoptimized -Dfuzz=true
    ) || exit 1
    build "$root/build-fuzz" fuzz
}

prepare_coverage() {
    provide 'build test' 'run more'
    # without optimising, which moves lines and makes guesses that -Wall believes
    prepare_second "$root/build-coverage" -Db_coverage=true -Doptimization=0
}

# A new folder of vendor files for OCL_ICD_VENDORS: those of the system whose name holds $2.
copy_vendors() {
    rm -rf "$1"
    for file in /etc/OpenCL/vendors/*"$2"*.icd; do
        [ ! -e "$file" ] || {
            mkdir -p "$1"
            cp "$file" "$1"
        }
    done
}

# Intel's OpenCL for CPUs, from the Python package index: a third compiler for every kernel.
fetch_intel_runtime() {
    venv=$root/build/intel-opencl
    [ ! -f "$venv/complete" ] || return 0
    say "fetching Intel's OpenCL runtime for CPUs"
    rm -rf "$venv"
    if python3 -m venv "$venv" >>"$log" 2>&1 &&
        "$venv/bin/python3" -m pip install --retries 1 --timeout 30 \
            --disable-pip-version-check 'intel-opencl-rt==2026.2.*' \
            'intel-cmplr-lib-rt==2026.2.*' </dev/null >>"$log" 2>&1; then
        : >"$venv/complete"
    else
        rm -rf "$venv"
    fi
}

# The vendor files of the system, and Intel's if it could be fetched and starts.
add_intel_runtime() {
    venv=$root/build/intel-opencl
    copy_vendors "$root/build/vendors" ''
    if [ ! -f "$venv/complete" ]; then
        say "Intel's runtime could not be fetched (no network, no pip, or not for this" \
            "processor); testing without it"
        return
    fi
    mkdir -p "$venv/vendors" "$root/build/vendors"
    echo "$venv/lib/libintelocl.so" >"$venv/vendors/intel-cpu.icd"
    # shellcheck disable=SC2030,SC2031 # only for this look
    if (export OCL_ICD_VENDORS="$venv/vendors" && device_found); then
        cp "$venv/vendors/intel-cpu.icd" "$root/build/vendors"
    else
        say "Intel's runtime does not start on this machine; testing without it"
    fi
}

# Of a test runner: one more than there are processors, as some tests wait for what hangs.
processes=$(($(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1))

# Folder, then arguments for `meson test`. The exit status stays in the folder beside the output.
run_tests() {
    folder=$1
    shift
    set -- meson test -C "$folder" --no-rebuild --print-errorlogs "$@"
    # shellcheck disable=SC2031
    if [ -z "${OCL_ICD_VENDORS:-}" ] && [ -d "$folder/vendors" ]; then
        set -- env OCL_ICD_VENDORS="$folder/vendors" "$@"
    fi
    {
        status=0
        "$@" </dev/null 2>&1 || status=$?
        echo "$status" >"$folder/setup-status"
    } | tee "$folder/setup-test.log"
}

# What is looked for here lies in the library, not in the kernels: a few shapes of each will do, and
# what PoCL compiled for the other tests. The library's own cache is another one, and empty.
run_second() (
    export ALX_TEST_SHAPES=2
    kernels=$root/build/tests/cache/pocl/kcache
    [ ! -d "$kernels" ] || export POCL_CACHE_DIR="$kernels"
    run_tests "$1" --num-processes "$processes" --no-suite check --no-suite simulator \
        --timeout-multiplier 3
)

# The runner's own summaries of the folders, then one line that adds them up.
summarise() {
    for folder in "$@"; do
        printf '\n%s:\n' "${folder##*/}"
        # the last ones: the output of a test that failed may hold another's summary
        grep -E '^(Ok|Expected Fail|Fail|Unexpected Pass|Skipped|Timeout): +[0-9]+ *$' \
            "$folder/setup-test.log" | tail -n 6
    done
    for folder in "$@"; do
        grep -E '^[A-Z][A-Za-z ]*: +[0-9]+ *$' "$folder/setup-test.log" | tail -n 6
        echo "Status: $(cat "$folder/setup-status")"
    done | awk '
        /^(Ok|Expected Fail):/ { passed += $NF }
        /^Skipped:/ { skipped += $NF }
        /^(Fail|Unexpected Pass|Timeout):/ { bad += $NF }
        /^Status:/ {
            failed += bad > 0 ? bad : $NF != 0 # a runner that ends early counts no failure
            bad = 0
        }
        END {
            printf "\n%d passed, %d failed, %d skipped\n", passed, failed, skipped
            exit failed > 0 || passed == 0
        }'
}

run_all_tests() {
    run_tests "$root/build" --num-processes "$processes"
    run_second "$root/build-asan"
    set -- "$root/build" "$root/build-asan"
    if [ -f "$root/build-fuzz/tests/fuzz/fuzz_image" ]; then
        run_tests "$root/build-fuzz" --suite fuzz
        set -- "$@" "$root/build-fuzz"
    fi
    summarise "$@"
}

run_coverage() {
    find "$root/build-coverage" -name '*.gcda' -exec rm -f {} +
    run_second "$root/build-coverage"
    "$(ninja_program)" -C "$root/build-coverage" line-coverage
}

word=${1:-help}
[ $# = 0 ] || shift
case $word in
run)
    if [ $# = 0 ]; then
        usage >&2
        exit 2
    fi
    alone prepare_program
    exec "$root/build/src/cli/alexnet-cl" "$@"
    ;;
test | build | coverage | clean | help | -h | --help)
    if [ $# != 0 ]; then
        say "$word takes nothing more: $1"
        usage >&2
        exit 2
    fi
    ;;
*)
    say "unknown word: $word"
    usage >&2
    exit 2
    ;;
esac
case $word in
test)
    alone prepare_tests
    run_all_tests
    ;;
build) alone prepare_program ;;
coverage)
    alone prepare_coverage
    run_coverage
    ;;
clean) rm -rf "$root/build" "$root/build-asan" "$root/build-coverage" "$root/build-fuzz" ;;
*) usage ;;
esac
